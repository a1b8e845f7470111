#include <backprop/file.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "float_environment.h"

void bp_array_destroy(bp_array *array) {
    if (!array)
        return;
    free(array->values);
    memset(array, 0, sizeof *array);
}

void bp_doubles_destroy(bp_doubles *doubles) {
    if (!doubles)
        return;
    free(doubles->values);
    memset(doubles, 0, sizeof *doubles);
}

static bp_status check_labels(const bp_array *array) {
    const float most = 0x1p24f;
    for (size_t n = 0; n < array->count; n++) {
        const float value = array->values[n];
        char text[32];
        if (!(value >= 0.0f && value <= most && (float)(uint32_t)value == value))
            return bp_fail(BP_ERROR_LABEL,
                           "array.values[%zu] is %s: a class label is a whole number from 0 to 16777216", n,
                           bp_number_text(text, (double)value));
    }
    return BP_OK;
}

bp_status bp_array_labels(const bp_array *array, uint32_t *labels) {
    CONTRACT_MODE(host);
    if (!array || !array->values || !labels)
        return bp_fail(BP_ERROR_NULL, "%s is null", !array ? "array" : !labels ? "labels" : "array.values");
    if ((uintptr_t)labels % sizeof *labels != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "labels lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes",
                       (uintptr_t)labels, sizeof *labels);
    if (array->count > PTRDIFF_MAX / sizeof *labels)
        return bp_fail(BP_ERROR_OVERFLOW, "array.count is %zu, too many for the address range", array->count);
    const uintptr_t bytes = array->count * sizeof *labels, from = (uintptr_t)array->values, to = (uintptr_t)labels;
    if (from < to + bytes && to < from + bytes)
        return bp_fail(BP_ERROR_OVERLAP, "labels overlaps array.values");
    const bp_status status = check_labels(array);
    for (size_t n = 0; n < array->count && status == BP_OK; n++)
        labels[n] = (uint32_t)array->values[n];
    return status;
}
