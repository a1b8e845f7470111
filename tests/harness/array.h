/*
 * Arrays that notice strangers: [rows x columns] elements of 32 bits between two pages without access.
 *
 * The data lie flush against one of the two pages, `offset` elements away from it, so that the first touch beyond is a
 * fault. Everything around them, padding between the rows included, holds a canary that is looked at after the call.
 */
#ifndef BACKPROP_TESTS_ARRAY_H
#define BACKPROP_TESTS_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum test_side {
    TEST_END,  /* the last element touches the page behind */
    TEST_START /* the first element touches the page before */
} test_side;

typedef struct test_array {
    float *data;
    size_t rows, columns, ld; /* ld: elements between rows */
    size_t offset;            /* elements between the data and the page that they touch */
    test_side side;
    unsigned char *memory; /* what may be touched, between the two pages */
    size_t bytes;
} test_array;

/** Maps the memory for up to `bytes` bytes, with the pages around. Ends the program if there is none. */
void test_array_create(test_array *array, size_t bytes);

/** Lays out a new array in the same memory; all elements and all around hold the canary. */
void test_array_place(test_array *array, size_t rows, size_t columns, size_t ld, size_t offset, test_side side);

/** Forbids writing to the array, or allows it again. */
void test_array_protect(const test_array *array, bool read_only);

/** Whether all canaries are alive; if not, says on `report` which died first. */
bool test_array_intact(const test_array *array, const char *name, FILE *report);

/** If `address` lies in or next to the array's memory, says on `report` where; else false. */
bool test_array_locate(const test_array *array, const char *name, const void *address, FILE *report);

#endif
