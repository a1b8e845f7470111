#include "storage/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "storage/element.h"
#include "storage/error.h"
#include "storage/text.h"
#include "storage/writer.h"
#include "utf8.h"

#define HEADER_ALIGNMENT 8

/* In quotes, with the escapes of JSON. */
static void append_string(bp_text *t, const char *s) {
    bp_text_string(t, "\"");
    for (; *s; s++) {
        const unsigned char sign = (unsigned char)*s;
        char escape[8];
        if (sign == '"' || sign == '\\')
            bp_text_bytes(t, (const char[]){'\\', *s}, 2);
        else if (sign < 0x20)
            bp_text_bytes(t, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", sign));
        else
            bp_text_bytes(t, s, 1);
    }
    bp_text_string(t, "\"");
}

static void append_metadata(bp_text *t, const bp_metadata *metadata, size_t count) {
    append_string(t, BP_SAFETENSORS_METADATA);
    bp_text_string(t, ":{");
    for (size_t k = 0; k < count; k++) {
        bp_text_string(t, k ? "," : "");
        append_string(t, metadata[k].key);
        bp_text_string(t, ":");
        append_string(t, metadata[k].text);
    }
    bp_text_string(t, "}");
}

static void append_tensor(bp_text *t, const bp_tensor *tensor, size_t begin, size_t end) {
    append_string(t, tensor->name);
    bp_text_string(t, ":{\"dtype\":");
    append_string(t, bp_safetensors_dtype_name(tensor->dtype));
    bp_text_string(t, ",\"shape\":[");
    for (size_t d = 0; d < tensor->dimensions; d++) {
        bp_text_string(t, d ? "," : "");
        bp_text_number(t, tensor->shape[d]);
    }
    bp_text_string(t, "],\"data_offsets\":[");
    bp_text_number(t, begin);
    bp_text_string(t, ",");
    bp_text_number(t, end);
    bp_text_string(t, "]}");
}

/* ---- Checks --------------------------------------------------------------------------------------------------- */

static bp_status check_names(const bp_tensor *tensors, size_t count, const bp_metadata *metadata, size_t metadata_count,
                             bp_file_error *error) {
    const size_t most = count > metadata_count ? count : metadata_count;
    const char **texts = calloc(most + 1, sizeof *texts);
    if (!texts)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    for (size_t k = 0; k < count; k++)
        texts[k] = tensors[k].name;
    bp_status status = bp_texts_distinct(texts, count, "tensors", error);
    for (size_t k = 0; k < metadata_count; k++)
        texts[k] = metadata[k].key;
    if (status == BP_OK)
        status = bp_texts_distinct(texts, metadata_count, "keys", error);
    free(texts);
    return status;
}

/* Whether a tensor can be written; else the message says why not. */
static bp_status check_tensor(const bp_tensor *tensor, size_t k, bp_file_error *error) {
    if (!tensor->name)
        return bp_file_fail(error, BP_ERROR_NULL, "tensors[%zu].name is null", k);
    if (!bp_utf8_whole(tensor->name))
        return bp_file_fail(error, BP_ERROR_VALUE, "tensors[%zu].name, '%.80s', is not UTF-8", k, tensor->name);
    if (strcmp(tensor->name, BP_SAFETENSORS_METADATA) == 0)
        return bp_file_fail(
            error, BP_ERROR_VALUE,
            "tensors[%zu].name is '" BP_SAFETENSORS_METADATA "', which the format reserves for the metadata", k);
    if (bp_dtype_bytes(tensor->dtype) == 0)
        return bp_file_fail(error, BP_ERROR_VALUE, "tensors[%zu].dtype ('%.80s') is %d: it must be from %d to %d", k,
                            tensor->name, (int)tensor->dtype, BP_DTYPE_BOOL, DTYPE_COUNT - 1);
    if (tensor->dimensions > BP_DIMENSIONS_MAX)
        return bp_file_fail(error, BP_ERROR_SIZE, "tensors[%zu].dimensions ('%.80s') is %zu: at most %d are allowed", k,
                            tensor->name, tensor->dimensions, BP_DIMENSIONS_MAX);
    bp_extent extent;
    const bp_status status = bp_extent_of(tensor, &extent);
    if (status == BP_ERROR_NULL)
        return bp_file_fail(error, status, "tensors[%zu] ('%.80s') has a null %s", k, tensor->name,
                            tensor->dimensions > 0 && !tensor->shape ? "shape" : "data");
    if (status != BP_OK)
        return bp_file_fail(error, status, "tensors[%zu].shape ('%.80s') or its strides exceed the address range", k,
                            tensor->name);
    return BP_OK;
}

static bp_status check_metadata(const bp_metadata *pair, size_t k, bp_file_error *error) {
    if (!pair->key || !pair->text)
        return bp_file_fail(error, BP_ERROR_NULL, "metadata[%zu].%s is null", k, pair->key ? "text" : "key");
    if (!bp_utf8_whole(pair->key) || !bp_utf8_whole(pair->text))
        return bp_file_fail(error, BP_ERROR_VALUE, "metadata[%zu].%s is not UTF-8", k,
                            bp_utf8_whole(pair->key) ? "text" : "key");
    return BP_OK;
}

static bp_status check(const bp_tensor *tensors, size_t count, const bp_metadata *metadata, size_t metadata_count,
                       bp_file_error *error) {
    if (count > 0 && !tensors)
        return bp_file_fail(error, BP_ERROR_NULL, "tensors is null and count %zu", count);
    if (metadata_count > 0 && !metadata)
        return bp_file_fail(error, BP_ERROR_NULL, "metadata is null and metadata_count %zu", metadata_count);
    bp_status status = BP_OK;
    for (size_t k = 0; k < count && status == BP_OK; k++)
        status = check_tensor(&tensors[k], k, error);
    for (size_t k = 0; k < metadata_count && status == BP_OK; k++)
        status = check_metadata(&metadata[k], k, error);
    return status != BP_OK ? status : check_names(tensors, count, metadata, metadata_count, error);
}

/* Calls `visit` with each tensor in the order of the file: elements of 8 bytes, of 4, of 2, of 1. */
static void each_tensor(const bp_tensor *tensors, size_t count, void (*visit)(void *context, const bp_tensor *tensor),
                        void *context) {
    for (size_t bytes = 8; bytes > 0; bytes /= 2)
        for (size_t k = 0; k < count; k++)
            if (bp_dtype_bytes(tensors[k].dtype) == bytes)
                visit(context, &tensors[k]);
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

typedef struct header {
    bp_text text;
    size_t end; /* of the data so far */
    bool first;
} header;

static void describe(void *context, const bp_tensor *tensor) {
    header *h = context;
    bp_extent extent;
    size_t bytes = 0;
    if (bp_extent_of(tensor, &extent) == BP_OK)
        bytes = extent.count * bp_dtype_bytes(tensor->dtype);
    if (bytes > (size_t)PTRDIFF_MAX - BP_SAFETENSORS_HEADER_MAX - h->end) {
        h->text.status = BP_ERROR_OVERFLOW;
        return;
    }
    bp_text_string(&h->text, h->first ? "" : ",");
    append_tensor(&h->text, tensor, h->end, h->end + bytes);
    h->end += bytes;
    h->first = false;
}

static bp_status make_header(bp_text *made, const bp_tensor *tensors, size_t count, const bp_metadata *metadata,
                             size_t metadata_count) {
    header h = {.first = metadata_count == 0};
    bp_text_string(&h.text, "{");
    if (metadata_count > 0)
        append_metadata(&h.text, metadata, metadata_count);
    each_tensor(tensors, count, describe, &h);
    bp_text_string(&h.text, "}");
    while (h.text.status == BP_OK && h.text.size % HEADER_ALIGNMENT != 0)
        bp_text_string(&h.text, " ");
    *made = h.text;
    return h.text.status;
}

static void put_data(void *context, const bp_tensor *tensor) {
    bp_writer *writer = context;
    const size_t size = bp_dtype_bytes(tensor->dtype);
    bp_extent extent;
    if (bp_extent_of(tensor, &extent) != BP_OK)
        return;
    if (!tensor->strides && bp_host_order() == BP_LITTLE_ENDIAN) {
        bp_writer_put(writer, tensor->data, extent.count * size);
        return;
    }
    bp_walk walk = {.extent = &extent};
    unsigned char buffer[1024];
    for (size_t done = 0; done < extent.count;) {
        size_t filled = 0;
        for (; filled < sizeof buffer && done < extent.count; done++, filled += size) {
            bp_elements_copy(buffer + filled, (const char *)tensor->data + walk.at * size, 1, size, BP_LITTLE_ENDIAN);
            bp_walk_next(&walk);
        }
        bp_writer_put(writer, buffer, filled);
    }
}

bp_status bp_safetensors_write(const char *path, const bp_tensor *tensors, size_t count, const bp_metadata *metadata,
                               size_t metadata_count, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!path)
        return bp_file_fail(error, BP_ERROR_NULL, "path is null");
    bp_status status = check(tensors, count, metadata, metadata_count, error);
    if (status != BP_OK)
        return status;
    bp_text made;
    status = make_header(&made, tensors, count, metadata, metadata_count);
    bp_writer *writer = status == BP_OK ? malloc(sizeof *writer) : NULL;
    if (writer) {
        unsigned char length[8];
        for (size_t k = 0; k < sizeof length; k++)
            length[k] = (unsigned char)((uint64_t)made.size >> (8 * k));
        bp_writer_begin(writer, path, error);
        bp_writer_put(writer, length, sizeof length);
        bp_writer_put(writer, made.bytes, made.size);
        each_tensor(tensors, count, put_data, writer);
        status = bp_writer_end(writer);
        free(writer);
    } else {
        status = bp_file_refuse(error, status == BP_OK ? BP_ERROR_MEMORY : status);
    }
    free(made.bytes);
    return status;
}
