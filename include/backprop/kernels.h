/*
 * The kernels of one instruction set, as a table of functions. It serves to compare instruction sets, and to call
 * kernels without the checks of the public functions.
 *
 * Entry `x` computes what the public function bp_x documents, with the same parameters in the same order. It checks
 * nothing and returns nothing; only `sum` and `schedule_learning_rate` return their result. Pointers must be valid.
 * Sizes must not be 0. Leading dimensions must be true distances: 0 does not mean packed rows.
 *
 * Kernels run in the caller's floating-point mode. Their results have the promised bits only in the contract's mode:
 * round to nearest even, denormals not flushed. Programs start in this mode. A program that sets FTZ, DAZ or another
 * rounding, or that is linked with fast-math, must call kernels between bp_float_mode_enter and bp_float_mode_leave
 * (cpu.h).
 *
 * The scalar table contains the reference kernels: plain C loops that define the bits of all other kernels.
 */
#ifndef BACKPROP_KERNELS_H
#define BACKPROP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/cpu.h>
#include <backprop/dropout.h>
#include <backprop/export.h>
#include <backprop/loss.h>
#include <backprop/optimizer.h>
#include <backprop/schedule.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef void bp_dense_forward_fn(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                                 const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                                 void *scratch);
typedef void bp_dense_delta_fn(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                               const float *saved, size_t lds, size_t batch, size_t in, size_t out,
                               bp_activation activation, void *scratch);
typedef void bp_dense_gradient_fn(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                                  const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch);
typedef void bp_dense_gradient_sgd_fn(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                                      size_t ldd, size_t batch, size_t in, size_t out, float learning_rate,
                                      void *scratch);
typedef void bp_activate_fn(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                            bp_activation activation);
typedef void bp_activation_derivative_fn(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                         size_t columns, bp_activation activation);
typedef void bp_activation_delta_fn(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows,
                                    size_t columns, bp_activation activation);
typedef void bp_loss_mse_fn(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                            size_t ldy, size_t batch, size_t out, bp_activation activation, float scale);
typedef void bp_loss_softmax_cross_entropy_fn(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                              const uint32_t *labels, size_t batch, size_t classes, float scale);
typedef void bp_softmax_fn(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes);
typedef float bp_sum_fn(const float *values, size_t count);
typedef void bp_sgd_fn(float *parameters, const float *gradient, size_t count, float learning_rate);
typedef void bp_dropout_fn(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                           const bp_dropout_mask *mask);
typedef void bp_dropout_derivative_fn(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                      bp_activation activation, const bp_dropout_mask *mask);
typedef void bp_layer_norm_forward_fn(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                                      size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                                      float epsilon);
typedef void bp_layer_norm_backward_fn(float *previous, size_t ldp, const float *delta, size_t ldd,
                                       const float *normalized, size_t ldn, const float *rstd, const float *gamma,
                                       size_t rows, size_t columns);
typedef void bp_layer_norm_gradient_fn(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                       const float *normalized, size_t ldn, size_t rows, size_t columns);
typedef void bp_loss_targets_fn(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                                size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss,
                                float parameter, float scale);
typedef void bp_loss_labels_fn(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                               const uint32_t *labels, const float *weights, size_t batch, size_t classes,
                               bp_loss_kind loss, float parameter, float scale);
typedef void bp_optimizer_step_fn(const bp_parameters *parameters, const float *gradient, size_t count,
                                  const bp_optimizer *optimizer, uint64_t step, float learning_rate);
typedef void bp_dense_gradient_update_fn(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                         size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in,
                                         size_t out, const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                         void *scratch);
typedef float bp_schedule_learning_rate_fn(const bp_schedule *schedule, uint64_t step);

typedef struct bp_kernels {
    bp_isa isa;
    size_t tile_rows; /* rows and columns of the register tile of the dense products; 1 for scalar */
    size_t tile_columns;
    bp_dense_forward_fn *dense_forward;
    bp_dense_delta_fn *dense_delta;
    bp_dense_gradient_fn *dense_gradient;
    bp_dense_gradient_sgd_fn *dense_gradient_sgd;
    bp_dense_gradient_update_fn *dense_gradient_update;
    bp_activate_fn *activate;
    bp_activation_derivative_fn *activation_derivative;
    bp_activation_delta_fn *activation_delta;
    bp_loss_mse_fn *loss_mse;
    bp_loss_softmax_cross_entropy_fn *loss_softmax_cross_entropy;
    bp_loss_targets_fn *loss_targets;
    bp_loss_labels_fn *loss_labels;
    bp_softmax_fn *softmax;
    bp_sum_fn *sum;
    bp_optimizer_step_fn *optimizer_step;
    bp_sgd_fn *sgd;
    bp_dropout_fn *dropout;
    bp_dropout_derivative_fn *dropout_derivative;
    bp_layer_norm_forward_fn *layer_norm_forward;
    bp_layer_norm_backward_fn *layer_norm_backward;
    bp_layer_norm_gradient_fn *layer_norm_gradient;
    bp_schedule_learning_rate_fn *schedule_learning_rate;
} bp_kernels;

/**
 * The kernels of one instruction set. The table is immutable and stays valid as long as the library is loaded.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_ISA_UNKNOWN, BP_ERROR_ISA_UNSUPPORTED. On error *kernels is unchanged.
 */
BP_API bp_status bp_kernels_for(bp_isa isa, const bp_kernels **kernels);

BP_END_DECLS

#endif
