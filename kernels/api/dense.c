#include <backprop/dense.h>

#include "api/check.h"
#include "api/optimizer.h"
#include "backend.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

size_t bp_scratch_bytes(void) {
    return BP_SCRATCH_BYTES;
}

static matrix scratch_of(const void *scratch) {
    return vector_of(scratch, BP_SCRATCH_BYTES / sizeof(float));
}

bp_status bp_dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                           const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                           void *scratch) {
    CONTRACT_MODE(host);
    if (!a || !x || !w)
        return BP_ERROR_NULL;
    const matrix outputs[] = {matrix_of(a, batch, out, lda), scratch_of(scratch)};
    const matrix inputs[] = {matrix_of(x, batch, in, ldx), matrix_of(w, in, out, ldw), vector_of(bias, out)};
    const bp_kernels *kernels;
    bp_status status;
    if ((status = check_scratch(scratch)) != BP_OK || (status = check_activation(activation)) != BP_OK ||
        (status = check_matrices(outputs, 2, inputs, 3)) != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_forward(a, lda, x, ldx, w, ldw, bias, batch, in, out, activation, scratch);
    return BP_OK;
}

bp_status bp_dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                         const float *saved, size_t lds, size_t batch, size_t in, size_t out, bp_activation activation,
                         void *scratch) {
    CONTRACT_MODE(host);
    if (!previous || !delta || !w || (!saved && activation.kind != BP_ACTIVATION_IDENTITY))
        return BP_ERROR_NULL;
    const matrix outputs[] = {matrix_of(previous, batch, in, ldp), scratch_of(scratch)};
    const matrix inputs[] = {matrix_of(delta, batch, out, ldd), matrix_of(w, in, out, ldw),
                             matrix_of(saved, batch, in, lds)};
    const bool in_place = same_matrix(outputs[0], inputs[2]);
    const size_t input_count = !saved || in_place ? 2 : 3;
    const bp_kernels *kernels;
    bp_status status;
    if ((status = check_scratch(scratch)) != BP_OK || (status = check_activation(activation)) != BP_OK ||
        (status = check_matrices(outputs, 2, inputs, input_count)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_delta(previous, ldp, delta, ldd, w, ldw, saved, lds, batch, in, out, activation, scratch);
    return BP_OK;
}

/* What both gradient functions ask: `result` is the gradient or the weights, `bias` its bias. */
static bp_status check_gradient(const float *result, size_t ld, const float *bias, const float *x, size_t ldx,
                                const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                const void *scratch) {
    if (!x || !delta || (!result && !bias))
        return BP_ERROR_NULL;
    const matrix outputs[] = {scratch_of(scratch), vector_of(bias, out), matrix_of(result, in, out, ld)};
    const matrix inputs[] = {matrix_of(x, batch, in, ldx), matrix_of(delta, batch, out, ldd)};
    const bp_status status = check_scratch(scratch);
    return status != BP_OK ? status : check_matrices(outputs, result ? 3 : 2, inputs, 2);
}

bp_status bp_dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                            const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    bp_status status = check_gradient(gradient, ldg, gradient_bias, x, ldx, delta, ldd, batch, in, out, scratch);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_gradient(gradient, ldg, gradient_bias, x, ldx, delta, ldd, batch, in, out, scratch);
    return BP_OK;
}

bp_status bp_dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                                size_t ldd, size_t batch, size_t in, size_t out, float learning_rate, void *scratch) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    bp_status status = check_gradient(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, scratch);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_gradient_sgd(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, learning_rate, scratch);
    return BP_OK;
}

bp_status bp_dense_gradient_update(const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                   const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                   size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                   void *scratch) {
    CONTRACT_MODE(host);
    if (!optimizer || !x || !delta || (!w && !bias))
        return BP_ERROR_NULL;
    matrix outputs[2 * PARAMETER_ARRAYS + 1] = {scratch_of(scratch)};
    size_t output_count = 1;
    const matrix inputs[] = {matrix_of(x, batch, in, ldx), matrix_of(delta, batch, out, ldd)};
    const bp_kernels *kernels;
    bp_status status = bp_check_step(optimizer, step, learning_rate);
    if (status != BP_OK || (status = check_scratch(scratch)) != BP_OK ||
        (w && (status = list_parameters(optimizer, w, in, out, ldw, outputs, &output_count)) != BP_OK) ||
        (bias && (status = list_parameters(optimizer, bias, 1, out, out, outputs, &output_count)) != BP_OK) ||
        (status = check_matrices(outputs, output_count, inputs, 2)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_gradient_update(optimizer, step, learning_rate, w, ldw, bias, x, ldx, delta, ldd, batch, in, out,
                                   scratch);
    return BP_OK;
}
