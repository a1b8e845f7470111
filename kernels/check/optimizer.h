/* Checks of optimizers and of the arrays that they update. */
#ifndef BP_CHECK_OPTIMIZER_H
#define BP_CHECK_OPTIMIZER_H

#include <backprop/optimizer.h>

#include "check/refuse.h"

/*
 * Reads a caller's optimizer into this version's struct and checks its numbers; with a message if they are wrong, in
 * which the caller calls it `name`. The caller is in the contract's floating-point environment.
 */
bp_status bp_check_optimizer(const bp_optimizer *given, const char *name, bp_optimizer *optimizer);

/* The checks of a step on an array [rows x columns] with `ld`. Fills in the arrays that are not null. */
enum { PARAMETER_ARRAYS = BP_OPTIMIZER_STATES + 2 };

static inline bp_status list_parameters(const bp_optimizer *o, const bp_parameters *p, size_t rows, size_t columns,
                                        size_t ld, matrix *arrays, size_t *count) {
    const size_t states = bp_optimizer_states(o->kind);
    const float *const all[PARAMETER_ARRAYS] = {p->values, states > 0 ? p->state[0] : NULL,
                                                states > 1 ? p->state[1] : NULL, o->ema_decay > 0.0f ? p->ema : NULL};
    const bool wanted[PARAMETER_ARRAYS] = {true, states > 0, states > 1, o->ema_decay > 0.0f};
    for (size_t k = 0; k < PARAMETER_ARRAYS; k++) {
        if (!wanted[k])
            continue;
        if (!all[k])
            return BP_ERROR_NULL;
        arrays[(*count)++] = matrix_of(all[k], rows, columns, ld);
    }
    return BP_OK;
}

/* An optimizer's step as the kernel backend takes it; with a message. */
bp_status bp_check_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate);

/**
 * list_parameters with names: `arrays` are those of the values, both states and the average. BP_ERROR_NULL, with a
 * message, for an array that the optimizer needs.
 */
bp_status bp_name_parameters(const bp_optimizer *optimizer, const bp_parameters *p, matrix shape,
                             matrix_names shape_names, const char *const arrays[PARAMETER_ARRAYS], matrix *matrices,
                             matrix_names *names, size_t *count) __attribute__((cold));

#endif
