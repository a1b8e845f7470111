/* Every kernel as one form of call: arrays in a list with their shapes, and the numbers that kernels take. */
#ifndef BACKPROP_TESTS_FUZZ_KERNEL_CALLS_H
#define BACKPROP_TESTS_FUZZ_KERNEL_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "fuzz.h"

enum { KERNEL_ARRAYS_MAX = 11 };

/** Shapes of arrays, in the call's sizes. */
typedef enum kernel_shape {
    SHAPE_NONE = 0, /* the end of a list */
    SHAPE_BATCH_IN,
    SHAPE_BATCH_OUT,
    SHAPE_IN_OUT,
    SHAPE_OUT,
    SHAPE_BATCH,
    SHAPE_ONE
} kernel_shape;

/** What a call does with an array. */
typedef enum kernel_use {
    USE_READ = 0,
    USE_WRITE,  /* never reads it first */
    USE_UPDATE, /* reads and writes it */
    USE_LABELS  /* reads numbers below `out` */
} kernel_use;

typedef struct kernel_array {
    kernel_shape shape;
    kernel_use use;
    bool optional;
    size_t in_place; /* 0, or one more than the array whose place it may take too */
} kernel_array;

/** The numbers of a call; a kernel uses some of them. */
typedef struct kernel_numbers {
    size_t batch, in, out;
    size_t ld[KERNEL_ARRAYS_MAX]; /* of matrices; those of one optimizer step share that of the first */
    bp_activation activation;
    bp_loss_kind loss;
    bp_optimizer optimizer;
    bp_dropout_mask mask;
    float learning_rate, scale, parameter, epsilon;
    uint64_t step;
    void *scratch;
} kernel_numbers;

typedef struct kernel_call {
    const char *name;
    kernel_array arrays[KERNEL_ARRAYS_MAX + 1];
    /** Calls an entry of a table, or the public function if there is no table. */
    bp_status (*run)(const bp_kernels *table, void *const *at, const kernel_numbers *n);
} kernel_call;

extern const kernel_call kernel_calls[];
extern const size_t kernel_call_count;

/** Rows and columns of an array. */
void kernel_shape_of(const kernel_array *array, const kernel_numbers *n, size_t *rows, size_t *columns);

/** The array whose entry of `ld` is the stride of this one. */
size_t kernel_stride_of(const kernel_call *call, size_t index);

/** Whether an optimizer's step uses this array, given those before it; others are not looked at. */
bool kernel_array_used(const kernel_call *call, size_t index, const bp_optimizer *optimizer, void *const *at);

/** Whether an array may be null while the others are as they are. */
bool kernel_may_be_null(const kernel_call *call, size_t index, void *const *at);

/** Numbers that the call takes; its sizes and strides are left to the caller. */
void take_numbers(bytes *in, const kernel_call *call, kernel_numbers *n);

/** Makes one of them any number, also one that may not be. */
void take_odd_number(bytes *in, kernel_numbers *n);

#endif
