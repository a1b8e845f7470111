#include <backprop/loss.h>

#include "activation_kinds.h"
#include "check/refuse.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

static const matrix_names sum_names[] = {{.data = "sum"}, {"values", .columns = "count"}};

bp_status bp_sum(float *sum, const float *values, size_t count) {
    CONTRACT_MODE(host);
    if (!sum || !values)
        return FAIL_NULL({"sum", sum}, {"values", values});
    const matrix result = vector_of(sum, 1), input = vector_of(values, count);
    const bp_kernels *kernels;
    bp_status status = check_named_arrays(&result, 1, &input, 1, sum_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    *sum = kernels->sum(values, count);
    return BP_OK;
}

/*
 * Checks the two results of a loss against its inputs, of which the last, required like the first, may be overwritten
 * by delta. `arrays` names row_loss, delta, the inputs.
 */
static bp_status check_loss(matrix delta, matrix row_loss, const matrix *inputs, size_t input_count,
                            const matrix_names *arrays) {
    if (!inputs[0].data || !inputs[input_count - 1].data)
        return FAIL_NULL({arrays[2 + input_count - 1].data, inputs[input_count - 1].data},
                         {arrays[2].data, inputs[0].data});
    if (!delta.data && !row_loss.data)
        return bp_fail(BP_ERROR_NULL, "delta and row_loss are null, and one of them must not be");
    const matrix outputs[] = {row_loss, delta};
    bp_status status = check_matrices(outputs, 1, inputs, input_count);
    if (status == BP_OK && !delta.data)
        return BP_OK;
    const size_t others = same_matrix(delta, inputs[input_count - 1]) ? input_count - 1 : input_count;
    if (status == BP_OK)
        status = check_matrices(outputs, 2, inputs, others);
    return status == BP_OK ? BP_OK : bp_fail_matrices(status, outputs, 2, inputs, others, arrays);
}

/* Names of a loss's arrays; what delta may overwrite stands last. */
#define RESULT_NAMES(classes)                                                                                          \
    {"row_loss", .columns = "batch"}, {                                                                                \
        "delta", "ldd", "batch", classes                                                                               \
    }

static const matrix_names mse_names[] = {
    RESULT_NAMES("out"), {"y", "ldy", "batch", "out"}, {"a", "lda", "batch", "out"}};

bp_status bp_loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                      size_t batch, size_t out, bp_activation activation, float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {matrix_given(y, batch, out, ldy), matrix_given(a, batch, out, lda)},
                 d = matrix_given(delta, batch, out, ldd);
    const bp_kernels *kernels;
    bp_status status = check_loss(d, vector_of(row_loss, batch), inputs, 2, mse_names);
    if (status != BP_OK)
        return status;
    if (check_activation(activation) != BP_OK)
        return bp_fail_activation(activation);
    if (activation_saves_input(activation.kind))
        return bp_fail(BP_ERROR_VALUE,
                       "activation.kind is %s, whose derivative needs z, and must be one that needs a: "
                       "see bp_activation_saves_input",
                       bp_activation_name(activation.kind));
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_mse(delta, d.ld, row_loss, a, inputs[1].ld, y, inputs[0].ld, batch, out, activation, scale);
    return BP_OK;
}

static const matrix_names cross_entropy_names[] = {
    RESULT_NAMES("classes"), {"labels", .columns = "batch"}, {"z", "ldz", "batch", "classes"}};

bp_status bp_loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                        const uint32_t *labels, size_t batch, size_t classes, float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {vector_of(labels, batch), matrix_given(z, batch, classes, ldz)},
                 d = matrix_given(delta, batch, classes, ldd);
    const bp_kernels *kernels;
    bp_status status = check_loss(d, vector_of(row_loss, batch), inputs, 2, cross_entropy_names);
    if (status != BP_OK)
        return status;
    if (check_labels(labels, batch, classes) != BP_OK)
        return bp_fail_labels(labels, batch, classes, "labels");
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_softmax_cross_entropy(delta, d.ld, row_loss, z, inputs[1].ld, labels, batch, classes, scale);
    return BP_OK;
}

/* A loss that the other of the two functions computes. */
__attribute__((cold)) static bp_status fail_targets(bp_loss_kind loss) {
    const bool labels = loss_takes_labels(loss);
    return bp_fail(BP_ERROR_VALUE, "loss is %s, which takes %s: call bp_loss_%s", bp_loss_name(loss),
                   labels ? "labels" : "targets", labels ? "labels" : "targets");
}

static const matrix_names target_names[] = {
    RESULT_NAMES("out"), {"y", "ldy", "batch", "out"}, {"weights", .columns = "batch"}, {"a", "lda", "batch", "out"}};

bp_status bp_loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                          size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss,
                          float parameter, float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {matrix_given(y, batch, out, ldy), vector_of(weights, batch),
                             matrix_given(a, batch, out, lda)},
                 d = matrix_given(delta, batch, out, ldd);
    const bp_kernels *kernels;
    bp_status status = check_loss(d, vector_of(row_loss, batch), inputs, 3, target_names);
    if (status != BP_OK)
        return status;
    if (check_loss_kind(loss, parameter) != BP_OK)
        return bp_fail_loss_kind(loss, parameter);
    if (loss_takes_labels(loss))
        return fail_targets(loss);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_targets(delta, d.ld, row_loss, a, inputs[2].ld, y, inputs[0].ld, weights, batch, out, loss, parameter,
                          scale);
    return BP_OK;
}

static const matrix_names label_names[] = {RESULT_NAMES("classes"),
                                           {"labels", .columns = "batch"},
                                           {"weights", .columns = "batch"},
                                           {"z", "ldz", "batch", "classes"}};

bp_status bp_loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz, const uint32_t *labels,
                         const float *weights, size_t batch, size_t classes, bp_loss_kind loss, float parameter,
                         float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {vector_of(labels, batch), vector_of(weights, batch), matrix_given(z, batch, classes, ldz)},
                 d = matrix_given(delta, batch, classes, ldd);
    const bp_kernels *kernels;
    bp_status status = check_loss(d, vector_of(row_loss, batch), inputs, 3, label_names);
    if (status != BP_OK)
        return status;
    if (check_loss_kind(loss, parameter) != BP_OK)
        return bp_fail_loss_kind(loss, parameter);
    if (!loss_takes_labels(loss))
        return fail_targets(loss);
    if (check_labels(labels, batch, classes) != BP_OK)
        return bp_fail_labels(labels, batch, classes, "labels");
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_labels(delta, d.ld, row_loss, z, inputs[2].ld, labels, weights, batch, classes, loss, parameter,
                         scale);
    return BP_OK;
}

static const matrix_names softmax_names[] = {{"p", "ldp", "rows", "classes"}, {"z", "ldz", "rows", "classes"}};

bp_status bp_softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    CONTRACT_MODE(host);
    if (!p || !z)
        return FAIL_NULL({"p", p}, {"z", z});
    const matrix output = matrix_given(p, rows, classes, ldp), input = matrix_given(z, rows, classes, ldz);
    const size_t inputs = same_matrix(output, input) ? 0 : 1;
    const bp_kernels *kernels;
    bp_status status = check_named_arrays(&output, 1, &input, inputs, softmax_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->softmax(p, output.ld, z, input.ld, rows, classes);
    return BP_OK;
}
