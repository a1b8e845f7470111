/* What bpcheck checks: every kernel of the public tables, and whole networks for what only backends have. */
#ifndef BPCHECK_KERNELS_H
#define BPCHECK_KERNELS_H

#include "harness/run.h"
#include "harness/sweep.h"

/** One case of a kernel; `number` counts the cases, and chooses among kinds of activations, losses and so on. */
typedef void kernel_case(test_table *table, test_side side, test_shape shape, size_t number);

typedef struct kernel {
    const char *name;
    kernel_case *run;
    bool is_product; /* its shape has a depth */
    bool in_table;   /* it is an entry of bp_kernels */
} kernel;

enum { KERNELS = 23 };
extern const kernel kernels[KERNELS];

/** The shape of a case on a table whose register tile has these sizes. */
test_shape draw_shape(const kernel *k, const bp_kernels *table, test_random *random);

#endif
