#ifndef BACKPROP_ACTIVATION_H
#define BACKPROP_ACTIVATION_H
#include <stdbool.h>
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_activation_kind {
    BP_ACTIVATION_IDENTITY = 0,
    BP_ACTIVATION_RELU,
    BP_ACTIVATION_LEAKY_RELU,
    BP_ACTIVATION_SIGMOID,
    BP_ACTIVATION_TANH,
    BP_ACTIVATION_RELU6,
    BP_ACTIVATION_ELU,
    BP_ACTIVATION_SELU,
    BP_ACTIVATION_SOFTSIGN,
    BP_ACTIVATION_HARD_SIGMOID,
    BP_ACTIVATION_SOFTPLUS,
    BP_ACTIVATION_HARD_SWISH,
    BP_ACTIVATION_SILU,
    BP_ACTIVATION_GELU,
    BP_ACTIVATION_GELU_TANH,
    BP_ACTIVATION_MISH,
    BP_ACTIVATION_SINE,
} bp_activation_kind;
typedef struct bp_activation {
    bp_activation_kind kind;
    float parameter;
} bp_activation;
BP_API const char *bp_activation_name(bp_activation_kind kind);
BP_API bp_status bp_activation_from_name(const char *name, bp_activation_kind *kind);
BP_API bool bp_activation_saves_input(bp_activation_kind kind);
BP_API bp_status bp_activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                             bp_activation activation);
BP_API bp_status bp_activation_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                          size_t columns, bp_activation activation);
BP_API bp_status bp_activation_delta(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows,
                                     size_t columns, bp_activation activation);
BP_END_DECLS
#endif
