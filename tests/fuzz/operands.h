/*
 * The arrays of a call, as an input asks for them: each in a block of its own size to the byte, at any offset, or null,
 * or misaligned, or on top of another one; and what the call has left of them.
 */
#ifndef BACKPROP_TESTS_FUZZ_OPERANDS_H
#define BACKPROP_TESTS_FUZZ_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "fuzz.h"

enum { OPERANDS_MAX = 16, OPERAND_BYTES_MAX = 1 << 18 };

typedef struct operand {
    unsigned char *block, *before; /* null where another operand's block is used */
    size_t block_bytes;
    void *at;
    size_t rows, columns, ld, element; /* elements of so many bytes */
    bool output;
} operand;

typedef struct operands {
    operand list[OPERANDS_MAX];
    size_t count;
    bool sane;      /* set it for a call that must be good: none of what follows then happens */
    bool strange;   /* one is null or on top of another: whether that is good is for the library to say */
    bool bad;       /* a size, stride, label or alignment that no function takes: the call must fail */
    bool too_large; /* arrays may be so, but these are not as documented: the call must not be made */
} operands;

/**
 * The next array, [rows x columns] with `ld` elements between rows, filled with what the input has. `output`: the call
 * may write its elements. Null if the input says so.
 */
void *operand_new(operands *all, bytes *in, size_t rows, size_t columns, size_t ld, size_t element, bool output);

/** Makes the last array class labels below `classes`. */
void operand_labels(operands *all, bytes *in, size_t classes);

/** Now and then makes one of them no class: the call must fail. */
void operand_bad_label(operands *all, bytes *in, size_t classes);

/** A number of rows or columns: small, now and then not sane. */
size_t take_size(bytes *in, size_t most);

/** A stride of rows of `columns` elements: at least that, now and then less or not sane. */
size_t take_stride(bytes *in, size_t columns);

/** Keeps what all arrays hold before the call. */
void operands_keep(operands *all);

/** After a call that succeeded: only elements of outputs have changed. After others: nothing. */
void operands_require(const operands *all, bool succeeded);

/** That and, unless something was odd about the call, `excused`, its success. */
void operands_require_status(const operands *all, bp_status status, bool excused);

void operands_free(operands *all);

#endif
