#ifndef BACKPROP_LOSS_H
#define BACKPROP_LOSS_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
#define BP_SUM_ACCUMULATORS 16
typedef enum bp_loss_kind {
    BP_LOSS_MSE = 0,
    BP_LOSS_SOFTMAX_CROSS_ENTROPY,
    BP_LOSS_MAE,
    BP_LOSS_HUBER,
    BP_LOSS_BINARY_CROSS_ENTROPY,
    BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS,
    BP_LOSS_KULLBACK_LEIBLER,
    BP_LOSS_HINGE,
    BP_LOSS_MULTICLASS_HINGE,
} bp_loss_kind;
BP_API const char *bp_loss_name(bp_loss_kind loss);
BP_API bp_status bp_loss_from_name(const char *name, bp_loss_kind *loss);
BP_API bp_status bp_sum(float *sum, const float *values, size_t count);
BP_API bp_status bp_loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                             size_t ldy, size_t batch, size_t out, bp_activation activation, float scale);
BP_API bp_status bp_loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                               const uint32_t *labels, size_t batch, size_t classes, float scale);
BP_API bp_status bp_loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                                 size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss,
                                 float parameter, float scale);
BP_API bp_status bp_loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                const uint32_t *labels, const float *weights, size_t batch, size_t classes,
                                bp_loss_kind loss, float parameter, float scale);
BP_API bp_status bp_softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes);
BP_END_DECLS
#endif
