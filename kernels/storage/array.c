#include <backprop/file.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

bp_status bp_array_labels(const bp_array *array, uint32_t *labels) {
    const float most = 0x1p24f;
    if (!array || !array->values || !labels)
        return BP_ERROR_NULL;
    if ((uintptr_t)labels % sizeof *labels != 0)
        return BP_ERROR_ALIGNMENT;
    if (array->count > PTRDIFF_MAX / sizeof *labels)
        return BP_ERROR_OVERFLOW;
    const uintptr_t bytes = array->count * sizeof *labels, from = (uintptr_t)array->values, to = (uintptr_t)labels;
    if (from < to + bytes && to < from + bytes)
        return BP_ERROR_OVERLAP;
    for (size_t n = 0; n < array->count; n++) {
        const float value = array->values[n];
        if (!(value >= 0.0f && value <= most && (float)(uint32_t)value == value))
            return BP_ERROR_LABEL;
    }
    for (size_t n = 0; n < array->count; n++)
        labels[n] = (uint32_t)array->values[n];
    return BP_OK;
}
