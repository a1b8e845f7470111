#ifndef BACKPROP_DROPOUT_H
#define BACKPROP_DROPOUT_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef struct bp_dropout_mask {
    float probability;
    uint64_t seed, stream;
    size_t row, column;
} bp_dropout_mask;
BP_API bp_status bp_dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                            const bp_dropout_mask *mask);
BP_API bp_status bp_dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                       size_t columns, bp_activation activation, const bp_dropout_mask *mask);
BP_END_DECLS
#endif
