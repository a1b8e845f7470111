#include "check/refuse.h"

#include <inttypes.h>
#include <stdio.h>

bp_status bp_fail_null(const named_pointer *pointers, size_t count) {
    size_t k = 0;
    while (k + 1 < count && pointers[k].data)
        k++;
    return bp_fail(BP_ERROR_NULL, "%s is null", pointers[k].name);
}

/* ---- Arrays --------------------------------------------------------------------------------------------------- */

static bp_status fail_size(const matrix *m, const matrix_names *n, size_t columns, size_t ld) {
    if (m->rows == 0 && n->rows)
        return bp_fail(BP_ERROR_SIZE, "%s is 0, and must be at least 1", n->rows);
    if (columns == 0 && n->columns)
        return bp_fail(BP_ERROR_SIZE, "%s is 0, and must be at least 1", n->columns);
    if (m->rows == 0 || columns == 0)
        return bp_fail(BP_ERROR_SIZE, "%s has %zu rows and %zu columns, and must have at least 1 of each", n->data,
                       m->rows, columns);
    return bp_fail(BP_ERROR_SIZE, "%s%s is %zu, and must be at least the columns of %s, %zu, or 0 for packed rows",
                   n->ld ? n->ld : "the stride of ", n->ld ? "" : n->data, ld, n->data, columns);
}

/* " (name)" or "". */
static const char *in_parentheses(char text[static 32], const char *name) {
    *text = '\0';
    if (name)
        snprintf(text, 32, " (%s)", name);
    return text;
}

static bp_status fail_overflow(const matrix *m, const matrix_names *n, size_t columns, size_t ld) {
    char rows_name[32], columns_name[32], ld_name[32];
    in_parentheses(columns_name, n->columns);
    if (!n->ld && m->rows == 1)
        return bp_fail(BP_ERROR_OVERFLOW, "%s has %zu elements%s, and must fit into the address range", n->data,
                       columns, columns_name);
    return bp_fail(BP_ERROR_OVERFLOW,
                   "%s has %zu rows%s, %zu columns%s and a stride of %zu%s, and must fit into the address range",
                   n->data, m->rows, in_parentheses(rows_name, n->rows), columns, columns_name, ld,
                   in_parentheses(ld_name, n->ld));
}

static bp_status check_named(const matrix *m, const matrix_names *n) {
    const size_t unit = m->wide ? 2 : 1, columns = m->columns / unit, ld = m->ld / unit, bytes = unit * sizeof(float);
    const bp_status status = check_matrix(*m);
    if (status == BP_ERROR_SIZE)
        return fail_size(m, n, columns, ld);
    if (status == BP_ERROR_OVERFLOW)
        return fail_overflow(m, n, columns, ld);
    if ((uintptr_t)m->data % bytes != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "%s lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", n->data,
                       (uintptr_t)m->data, bytes);
    return BP_OK;
}

static bp_status fail_overlap(const matrix *a, const matrix *b, const matrix_names *a_names,
                              const matrix_names *b_names) {
    if (a->data == b->data && a->ld != b->ld && a_names->ld && b_names->ld)
        return bp_fail(BP_ERROR_OVERLAP, "%s is %s itself, but %s is %zu and %s is %zu", a_names->data, b_names->data,
                       a_names->ld, a->ld, b_names->ld, b->ld);
    return bp_fail(BP_ERROR_OVERLAP, "%s overlaps %s, and must lie apart from it", a_names->data, b_names->data);
}

bp_status bp_check_named(const matrix *outputs, size_t output_count, const matrix *inputs, size_t input_count,
                         const matrix_names *names) {
    const size_t count = output_count + input_count;
    for (size_t k = 0; k < count; k++) {
        const matrix *m = k < output_count ? &outputs[k] : &inputs[k - output_count];
        const bp_status status = m->data ? check_named(m, &names[k]) : BP_OK;
        if (status != BP_OK)
            return status;
    }
    for (size_t k = 0; k < output_count; k++)
        for (size_t l = k + 1; l < count; l++) {
            const matrix *other = l < output_count ? &outputs[l] : &inputs[l - output_count];
            if (matrices_overlap(outputs[k], *other))
                return fail_overlap(&outputs[k], other, &names[k], &names[l]);
        }
    return BP_OK;
}

bp_status bp_fail_matrices(bp_status status, const matrix *outputs, size_t output_count, const matrix *inputs,
                           size_t input_count, const matrix_names *names) {
    const bp_status found = bp_check_named(outputs, output_count, inputs, input_count, names);
    return found != BP_OK ? found : bp_refuse(status);
}

bp_status bp_fail_scratch(const void *scratch) {
    if (!scratch)
        return bp_fail(BP_ERROR_NULL, "scratch is null");
    return bp_fail(BP_ERROR_ALIGNMENT, "scratch lies at 0x%" PRIxPTR ", and must be aligned to BP_ALIGNMENT, %d bytes",
                   (uintptr_t)scratch, BP_ALIGNMENT);
}

/* ---- Numbers -------------------------------------------------------------------------------------------------- */

bp_status bp_fail_number(const char *name, double number, const char *allowed) {
    char text[32];
    return bp_fail(BP_ERROR_VALUE, "%s is %s, and must be %s", name, bp_number_text(text, number), allowed);
}

bp_status bp_fail_enumerator(const char *name, int value, const char *type) {
    return bp_fail(BP_ERROR_VALUE, "%s is %d, and must be one of %s", name, value, type);
}

bp_status bp_fail_activation(bp_activation activation) {
    if ((unsigned)activation.kind >= ACTIVATION_COUNT)
        return bp_fail_enumerator("activation.kind", (int)activation.kind, "bp_activation_kind");
    const bool sine = activation.kind == BP_ACTIVATION_SINE;
    char text[32];
    return bp_fail(BP_ERROR_VALUE, "activation.parameter is %s, and must be finite%s for %s",
                   bp_number_text(text, (double)activation.parameter), sine ? "" : " and not negative",
                   bp_activation_name(activation.kind));
}

bp_status bp_fail_loss_kind(bp_loss_kind loss, float parameter) {
    if ((unsigned)loss >= LOSS_COUNT)
        return bp_fail_enumerator("loss", (int)loss, "bp_loss_kind");
    return bp_fail_number("parameter", (double)parameter,
                          loss == BP_LOSS_HUBER ? "finite and above 0 for huber"
                                                : "from 0 to 1 for softmax-cross-entropy");
}

bp_status bp_fail_labels(const uint32_t *labels, size_t count, size_t classes, const char *name) {
    size_t n = 0;
    while (n + 1 < count && labels[n] < classes)
        n++;
    return bp_fail(BP_ERROR_LABEL, "%s[%zu] is %" PRIu32 ", and must be below the %zu classes", name, n, labels[n],
                   classes);
}
