#include <backprop/dense.h>

#include "backend.h"
#include "check/optimizer.h"
#include "check/refuse.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

/* ---- Scratch -------------------------------------------------------------------------------------------------- */

static bool fits(size_t rows, size_t columns) {
    return columns <= PTRDIFF_MAX / sizeof(float) / rows;
}

size_t bp_dense_scratch_bytes(size_t batch, size_t in, size_t out) {
    if (batch == 0 || in == 0 || out == 0 || !fits(batch, in) || !fits(batch, out) || !fits(in, out))
        return 0;
    return dense_scratch_bytes(batch, in, out);
}

static matrix scratch_of(const void *scratch, size_t batch, size_t in, size_t out) {
    return vector_of(scratch, dense_scratch_bytes(batch, in, out) / sizeof(float));
}

/* ---- Forward and back ----------------------------------------------------------------------------------------- */

static const matrix_names forward_names[] = {{"a", "lda", "batch", "out"},
                                             {.data = "scratch"},
                                             {"x", "ldx", "batch", "in"},
                                             {"w", "ldw", "in", "out"},
                                             {"bias", .columns = "out"}};

bp_status bp_dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                           const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                           void *scratch) {
    CONTRACT_MODE(host);
    if (!a || !x || !w)
        return FAIL_NULL({"a", a}, {"x", x}, {"w", w});
    const matrix outputs[] = {matrix_given(a, batch, out, lda), scratch_of(scratch, batch, in, out)};
    const matrix inputs[] = {matrix_given(x, batch, in, ldx), matrix_given(w, in, out, ldw), vector_of(bias, out)};
    const bp_kernels *kernels;
    bp_status status;
    if (check_scratch(scratch) != BP_OK)
        return bp_fail_scratch(scratch);
    if (check_activation(activation) != BP_OK)
        return bp_fail_activation(activation);
    if ((status = check_named_arrays(outputs, 2, inputs, 3, forward_names)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_forward(a, outputs[0].ld, x, inputs[0].ld, w, inputs[1].ld, bias, batch, in, out, activation,
                           scratch);
    return BP_OK;
}

static const matrix_names delta_names[] = {{"previous", "ldp", "batch", "in"},
                                           {.data = "scratch"},
                                           {"delta", "ldd", "batch", "out"},
                                           {"w", "ldw", "in", "out"},
                                           {"saved", "lds", "batch", "in"}};

bp_status bp_dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                         const float *saved, size_t lds, size_t batch, size_t in, size_t out, bp_activation activation,
                         void *scratch) {
    CONTRACT_MODE(host);
    if (!previous || !delta || !w || (!saved && activation.kind != BP_ACTIVATION_IDENTITY))
        return FAIL_NULL({"previous", previous}, {"delta", delta}, {"w", w}, {"saved", saved});
    const matrix outputs[] = {matrix_given(previous, batch, in, ldp), scratch_of(scratch, batch, in, out)};
    const matrix inputs[] = {matrix_given(delta, batch, out, ldd), matrix_given(w, in, out, ldw),
                             matrix_given(saved, batch, in, lds)};
    const bool in_place = same_matrix(outputs[0], inputs[2]);
    const size_t input_count = !saved || in_place ? 2 : 3;
    const bp_kernels *kernels;
    bp_status status;
    if (check_scratch(scratch) != BP_OK)
        return bp_fail_scratch(scratch);
    if (check_activation(activation) != BP_OK)
        return bp_fail_activation(activation);
    if ((status = check_named_arrays(outputs, 2, inputs, input_count, delta_names)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_delta(previous, outputs[0].ld, delta, inputs[0].ld, w, inputs[1].ld, saved, inputs[2].ld, batch, in,
                         out, activation, scratch);
    return BP_OK;
}

/* ---- Gradients ------------------------------------------------------------------------------------------------ */

/* What a gradient function calls its results. */
typedef struct result_names {
    const char *weights, *ld, *bias;
} result_names;

/* The checks of both gradient functions: `result` is the gradient or the weights, `bias` its bias. */
static bp_status check_gradient(const float *result, size_t ld, const float *bias, const float *x, size_t ldx,
                                const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                const void *scratch, const result_names *names) {
    if (!x || !delta)
        return FAIL_NULL({"x", x}, {"delta", delta});
    if (!result && !bias)
        return bp_fail(BP_ERROR_NULL, "%s and %s are null, and one of them must not be", names->weights, names->bias);
    const matrix outputs[] = {scratch_of(scratch, batch, in, out), vector_of(bias, out),
                              matrix_of(result, in, out, ld)};
    const matrix inputs[] = {matrix_of(x, batch, in, ldx), matrix_of(delta, batch, out, ldd)};
    if (check_scratch(scratch) != BP_OK)
        return bp_fail_scratch(scratch);
    const bp_status status = check_matrices(outputs, result ? 3 : 2, inputs, 2);
    if (status == BP_OK)
        return BP_OK;
    const matrix_names all[] = {{.data = "scratch"},
                                {names->bias, .columns = "out"},
                                {names->weights, names->ld, "in", "out"},
                                {"x", "ldx", "batch", "in"},
                                {"delta", "ldd", "batch", "out"}};
    return bp_fail_matrices(status, outputs, 3, inputs, 2, all);
}

static const result_names gradient_names = {"gradient", "ldg", "gradient_bias"}, sgd_names = {"w", "ldw", "bias"};

bp_status bp_dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                            const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    CONTRACT_MODE(host);
    ldg = ld_or_packed(ldg, out);
    ldx = ld_or_packed(ldx, in);
    ldd = ld_or_packed(ldd, out);
    const bp_kernels *kernels;
    bp_status status =
        check_gradient(gradient, ldg, gradient_bias, x, ldx, delta, ldd, batch, in, out, scratch, &gradient_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_gradient(gradient, ldg, gradient_bias, x, ldx, delta, ldd, batch, in, out, scratch);
    return BP_OK;
}

bp_status bp_dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                                size_t ldd, size_t batch, size_t in, size_t out, float learning_rate, void *scratch) {
    CONTRACT_MODE(host);
    ldw = ld_or_packed(ldw, out);
    ldx = ld_or_packed(ldx, in);
    ldd = ld_or_packed(ldd, out);
    const bp_kernels *kernels;
    bp_status status = check_gradient(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, scratch, &sgd_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_gradient_sgd(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, learning_rate, scratch);
    return BP_OK;
}

/* The arrays of an update that check_matrices refused, or the first that is missing. */
__attribute__((cold)) static bp_status fail_update(bp_status status, const bp_optimizer *optimizer,
                                                   const bp_parameters *w, size_t ldw, const bp_parameters *bias,
                                                   const matrix *inputs, size_t in, size_t out, matrix scratch) {
    static const char *const weights[PARAMETER_ARRAYS] = {"w->values", "w->state[0]", "w->state[1]", "w->ema"},
                             *const biases[PARAMETER_ARRAYS] = {"bias->values", "bias->state[0]", "bias->state[1]",
                                                                "bias->ema"};
    matrix outputs[2 * PARAMETER_ARRAYS + 1] = {scratch};
    matrix_names names[2 * PARAMETER_ARRAYS + 3] = {{.data = "scratch"}};
    size_t count = 1;
    bp_status missing;
    if ((w && (missing = bp_name_parameters(optimizer, w, matrix_of(NULL, in, out, ldw),
                                            (matrix_names){.ld = "ldw", .rows = "in", .columns = "out"}, weights,
                                            outputs, names, &count)) != BP_OK) ||
        (bias && (missing = bp_name_parameters(optimizer, bias, vector_of(NULL, out), (matrix_names){.columns = "out"},
                                               biases, outputs, names, &count)) != BP_OK))
        return missing;
    names[count] = (matrix_names){"x", "ldx", "batch", "in"};
    names[count + 1] = (matrix_names){"delta", "ldd", "batch", "out"};
    return bp_fail_matrices(status, outputs, count, inputs, 2, names);
}

bp_status bp_dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                   size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                   const bp_optimizer *optimizer, uint64_t step, float learning_rate, void *scratch) {
    CONTRACT_MODE(host);
    if (!optimizer || !x || !delta)
        return FAIL_NULL({"x", x}, {"delta", delta}, {"optimizer", optimizer});
    if (!w && !bias)
        return bp_fail(BP_ERROR_NULL, "w and bias are null, and one of them must not be");
    ldw = ld_or_packed(ldw, out);
    ldx = ld_or_packed(ldx, in);
    ldd = ld_or_packed(ldd, out);
    matrix outputs[2 * PARAMETER_ARRAYS + 1] = {scratch_of(scratch, batch, in, out)};
    size_t output_count = 1;
    const matrix inputs[] = {matrix_of(x, batch, in, ldx), matrix_of(delta, batch, out, ldd)};
    const bp_kernels *kernels;
    bp_status status = bp_check_step(optimizer, step, learning_rate);
    if (status != BP_OK)
        return status;
    if (check_scratch(scratch) != BP_OK)
        return bp_fail_scratch(scratch);
    if ((w && (status = list_parameters(optimizer, w, in, out, ldw, outputs, &output_count)) != BP_OK) ||
        (bias && (status = list_parameters(optimizer, bias, 1, out, out, outputs, &output_count)) != BP_OK) ||
        (status = check_matrices(outputs, output_count, inputs, 2)) != BP_OK)
        return fail_update(status, optimizer, w, ldw, bias, inputs, in, out, outputs[0]);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dense_gradient_update(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, optimizer, step, learning_rate,
                                   scratch);
    return BP_OK;
}
