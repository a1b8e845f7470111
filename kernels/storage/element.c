#include "storage/element.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "enum_counts.h"
#include "float_environment.h"

size_t bp_dtype_bytes(bp_dtype dtype) {
    static const unsigned char bytes[DTYPE_COUNT] = {
        [BP_DTYPE_BOOL] = 1, [BP_DTYPE_U8] = 1,  [BP_DTYPE_I8] = 1,  [BP_DTYPE_U16] = 2, [BP_DTYPE_I16] = 2,
        [BP_DTYPE_U32] = 4,  [BP_DTYPE_I32] = 4, [BP_DTYPE_U64] = 8, [BP_DTYPE_I64] = 8, [BP_DTYPE_F16] = 2,
        [BP_DTYPE_BF16] = 2, [BP_DTYPE_F32] = 4, [BP_DTYPE_F64] = 8,
    };
    return (unsigned)dtype < DTYPE_COUNT ? bytes[dtype] : 0;
}

bp_status bp_extent_pack(bp_extent *extent, size_t dimensions, const size_t *shape, size_t element_bytes) {
    if (dimensions > BP_DIMENSIONS_MAX)
        return BP_ERROR_SIZE;
    const size_t limit = PTRDIFF_MAX / (element_bytes > 8 ? element_bytes : 8);
    size_t product = 1; /* without zeros: strides must fit too */
    extent->dimensions = dimensions;
    extent->count = 1;
    for (size_t d = dimensions; d-- > 0;) {
        extent->shape[d] = shape[d];
        extent->strides[d] = product;
        extent->count *= shape[d] ? 1 : 0;
        if (shape[d] > limit / product)
            return BP_ERROR_OVERFLOW;
        product *= shape[d] ? shape[d] : 1;
    }
    extent->count *= product;
    return BP_OK;
}

bp_status bp_extent_stride(bp_extent *extent, const size_t *strides, size_t element_bytes, bool distinct,
                           size_t *reach) {
    for (size_t d = 0; strides && d < extent->dimensions; d++)
        extent->strides[d] = strides[d];
    *reach = 0;
    if (extent->count == 0)
        return BP_OK;
    const size_t limit = PTRDIFF_MAX / element_bytes;
    size_t last = 0;
    bool counted[BP_DIMENSIONS_MAX] = {false};
    for (size_t round = 0; round < extent->dimensions; round++) {
        /* In ascending order, each stride must exceed the reach of those before it. */
        size_t smallest = BP_DIMENSIONS_MAX;
        for (size_t d = 0; d < extent->dimensions; d++)
            if (!counted[d] && (smallest == BP_DIMENSIONS_MAX || extent->strides[d] < extent->strides[smallest]))
                smallest = d;
        counted[smallest] = true;
        const size_t steps = extent->shape[smallest] - 1, stride = extent->strides[smallest];
        if (steps == 0)
            continue;
        if (distinct && stride <= last)
            return BP_ERROR_SIZE;
        if (stride > (limit - 1 - last) / steps)
            return BP_ERROR_OVERFLOW;
        last += steps * stride;
    }
    *reach = last + 1;
    return BP_OK;
}

bp_status bp_extent_of(const bp_tensor *tensor, bp_extent *extent) {
    if (tensor->dimensions > 0 && !tensor->shape)
        return BP_ERROR_NULL;
    const size_t bytes = bp_dtype_bytes(tensor->dtype);
    size_t reach;
    bp_status status = bp_extent_pack(extent, tensor->dimensions, tensor->shape, bytes);
    if (status == BP_OK)
        status = bp_extent_stride(extent, tensor->strides, bytes, false, &reach);
    return status == BP_OK && extent->count > 0 && !tensor->data ? BP_ERROR_NULL : status;
}

static uint64_t load(const unsigned char *from, size_t size, bp_byte_order order) {
    uint64_t bits = 0;
    for (size_t k = 0; k < size; k++)
        bits |= (uint64_t)from[order == BP_LITTLE_ENDIAN ? k : size - 1 - k] << (8 * k);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float half_to_float(uint32_t bits) {
    const uint32_t sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    if (exponent == 0x1f)
        return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0)
        return copysignf((float)fraction * 0x1p-24f, float_of(sign | 0x3f800000));
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

static float to_float(uint64_t bits, bp_dtype dtype) {
    switch (dtype) {
    case BP_DTYPE_BOOL:
        return bits ? 1.0f : 0.0f;
    case BP_DTYPE_I8:
        return (float)(int8_t)bits;
    case BP_DTYPE_I16:
        return (float)(int16_t)bits;
    case BP_DTYPE_I32:
        return (float)(int32_t)bits;
    case BP_DTYPE_I64:
        return (float)(int64_t)bits;
    case BP_DTYPE_F16:
        return half_to_float((uint32_t)bits);
    case BP_DTYPE_BF16:
        return float_of((uint32_t)bits << 16);
    case BP_DTYPE_F32:
        return float_of((uint32_t)bits);
    case BP_DTYPE_F64:
        return (float)double_of(bits);
    default:
        return (float)bits;
    }
}

void bp_elements_to_floats(float *values, const bp_extent *extent, const unsigned char *bytes, bp_dtype dtype,
                           bp_byte_order order) {
    CONTRACT_MODE(host);
    const size_t size = bp_dtype_bytes(dtype);
    bp_walk walk = {.extent = extent};
    for (size_t k = 0; k < extent->count; k++) {
        /* As a float value, a signaling NaN would lose its bits. */
        const uint64_t bits = load(bytes + k * size, size, order);
        if (dtype == BP_DTYPE_F32) {
            const uint32_t word = (uint32_t)bits;
            memcpy(values + walk.at, &word, sizeof word);
        } else {
            values[walk.at] = to_float(bits, dtype);
        }
        bp_walk_next(&walk);
    }
}

static double to_double(uint64_t bits, bp_dtype dtype) {
    switch (dtype) {
    case BP_DTYPE_I64:
        return (double)(int64_t)bits;
    case BP_DTYPE_I32:
        return (double)(int32_t)bits;
    case BP_DTYPE_U64:
    case BP_DTYPE_U32:
        return (double)bits;
    case BP_DTYPE_F64:
        return double_of(bits);
    default:
        return (double)to_float(bits, dtype); /* exact */
    }
}

void bp_elements_to_doubles(double *values, size_t count, const unsigned char *bytes, bp_dtype dtype,
                            bp_byte_order order) {
    CONTRACT_MODE(host);
    const size_t size = bp_dtype_bytes(dtype);
    for (size_t k = 0; k < count; k++)
        values[k] = to_double(load(bytes + k * size, size, order), dtype);
}

void bp_elements_copy(void *to, const void *from, size_t count, size_t size, bp_byte_order order) {
    const unsigned char *source = from;
    unsigned char *target = to;
    if (order == bp_host_order()) {
        memcpy(target, source, count * size);
        return;
    }
    for (size_t k = 0; k < count; k++)
        for (size_t byte = 0; byte < size; byte++)
            target[k * size + byte] = source[k * size + size - 1 - byte];
}
