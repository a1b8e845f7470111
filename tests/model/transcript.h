/* What a network, or its model, said and held after a call, as words that are compared one by one. */
#ifndef BACKPROP_TESTS_TRANSCRIPT_H
#define BACKPROP_TESTS_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TRANSCRIPT_ENTRIES_MAX = 256 };

typedef struct transcript {
    uint32_t *words;
    size_t count, room;
    struct {
        const char *name;
        size_t layer, at;
    } entry[TRANSCRIPT_ENTRIES_MAX];
    size_t entries;
} transcript;

void transcript_clear(transcript *t);
void transcript_free(transcript *t);

/** Adds an entry: floats, all NaNs as one; or a number. */
void transcript_floats(transcript *t, const char *name, size_t layer, const float *values, size_t count);
void transcript_number(transcript *t, const char *name, size_t layer, uint64_t value);

bool transcript_equal(const transcript *a, const transcript *b);

/** Says in one line where they first differ. */
void transcript_print_difference(FILE *out, const transcript *expected, const transcript *got);

#endif
