#include "storage/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "storage/element.h"
#include "storage/error.h"
#include "storage/json.h"
#include "storage/kind.h"
#include "storage/source.h"

#define LENGTH_BYTES 8

typedef struct entry {
    bp_tensor tensor;
    size_t shape[BP_DIMENSIONS_MAX];
    uint64_t begin, end; /* from the end of the header */
} entry;

struct bp_safetensors {
    bp_source source;
    unsigned char *header; /* holds all texts */
    uint64_t data;         /* offset of the first element */
    entry *entries;        /* in the order of the data */
    size_t count, room;
    const entry **by_name; /* sorted */
    bool has_metadata;
    bp_metadata *metadata; /* in the order of the file */
    size_t metadata_count, metadata_room;
    const bp_metadata **by_key; /* sorted */
};

/* Grows an array by room for one more element. */
static bp_status grow(void **array, size_t count, size_t *room, size_t size, bp_file_error *error) {
    if (count < *room)
        return BP_OK;
    const size_t larger = *room ? 2 * *room : 8; /* cannot overflow: the header is limited */
    void *moved = realloc(*array, larger * size);
    if (!moved)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    *array = moved;
    *room = larger;
    return BP_OK;
}

/* ---- The header ----------------------------------------------------------------------------------------------- */

/* The members of a tensor's description. */
enum { PARTS = 3 };
static const char *const part_names[PARTS] = {"dtype", "shape", "data_offsets"};

static bp_status read_dtype(bp_json *json, entry *e) {
    const bp_status status = bp_json_string(json, &e->tensor.dtype_name);
    e->tensor.dtype = BP_DTYPE_UNKNOWN;
    for (int dtype = 0; status == BP_OK && dtype < DTYPE_COUNT; dtype++)
        if (strcmp(e->tensor.dtype_name, bp_safetensors_dtype_name((bp_dtype)dtype)) == 0)
            e->tensor.dtype = (bp_dtype)dtype;
    return status;
}

static bp_status too_large(const bp_json *json, const entry *e) {
    return bp_file_malformed(json->error, json->offset + json->at, "tensor '%.80s' is too large", e->tensor.name);
}

/* Adds a dimension. If there are too many, the first two are merged, which does not change the elements' order. */
static bp_status add_dimension(const bp_json *json, entry *e, size_t length) {
    size_t *shape = e->shape;
    if (e->tensor.dimensions == BP_DIMENSIONS_MAX) {
        if (shape[1] > 0 && shape[0] > SIZE_MAX / shape[1])
            return too_large(json, e);
        shape[0] *= shape[1];
        memmove(shape + 1, shape + 2, (BP_DIMENSIONS_MAX - 2) * sizeof *shape);
        e->tensor.dimensions--;
    }
    shape[e->tensor.dimensions++] = length;
    return BP_OK;
}

static bp_status read_length(bp_json *json, void *e) {
    uint64_t length;
    const bp_status status = bp_json_whole(json, &length);
    if (status == BP_OK && length > SIZE_MAX)
        return bp_json_malformed(json, "a number of the header is too large");
    return status == BP_OK ? add_dimension(json, e, (size_t)length) : status;
}

static bp_status read_shape(bp_json *json, entry *e) {
    return bp_json_each(json, '[', ']', read_length, e);
}

static bp_status read_offsets(bp_json *json, entry *e) {
    bp_status status = bp_json_expect(json, '[');
    if (status == BP_OK)
        status = bp_json_whole(json, &e->begin);
    if (status == BP_OK)
        status = bp_json_expect(json, ',');
    if (status == BP_OK)
        status = bp_json_whole(json, &e->end);
    return status == BP_OK ? bp_json_expect(json, ']') : status;
}

/* Whether the offsets agree with dtype and shape; true for an unknown dtype. */
static bp_status check_size(const bp_json *json, const entry *e) {
    const size_t bytes = bp_dtype_bytes(e->tensor.dtype);
    bp_extent extent;
    if (bp_extent_pack(&extent, e->tensor.dimensions, e->shape, bytes) != BP_OK)
        return too_large(json, e);
    if (e->begin > e->end || (bytes > 0 && e->end - e->begin != extent.count * bytes))
        return bp_file_malformed(json->error, json->offset + json->at,
                                 "the offsets of tensor '%.80s' do not fit its dtype and shape", e->tensor.name);
    return BP_OK;
}

/* A tensor's description that is read, and which parts it had so far. */
typedef struct description {
    entry *e;
    bool seen[PARTS];
} description;

/* A member of a tensor's description. Unknown members are skipped, as other readers do. */
static bp_status read_part(bp_json *json, void *context) {
    static bp_status (*const readers[PARTS])(bp_json *, entry *) = {read_dtype, read_shape, read_offsets};
    description *d = context;
    const char *name;
    bp_status status = bp_json_string(json, &name);
    if (status != BP_OK)
        return status;
    size_t k = 0;
    while (k < PARTS && strcmp(name, part_names[k]) != 0)
        k++;
    if (k < PARTS && d->seen[k])
        return bp_file_malformed(json->error, json->offset + json->at, "tensor '%.80s' has a second member '%s'",
                                 d->e->tensor.name, name);
    if ((status = bp_json_expect(json, ':')) != BP_OK)
        return status;
    if (k == PARTS)
        return bp_json_skip(json);
    d->seen[k] = true;
    return readers[k](json, d->e);
}

/* A tensor's description, after its name. The members may come in any order. */
static bp_status read_tensor(bp_json *json, entry *e) {
    description d = {.e = e};
    const bp_status status = bp_json_each(json, '{', '}', read_part, &d);
    for (size_t k = 0; k < PARTS && status == BP_OK; k++)
        if (!d.seen[k])
            return bp_file_malformed(json->error, json->offset + json->at, "tensor '%.80s' has no member '%s'",
                                     e->tensor.name, part_names[k]);
    return status == BP_OK ? check_size(json, e) : status;
}

static bp_status read_pair(bp_json *json, void *context) {
    bp_safetensors *file = context;
    bp_metadata pair;
    bp_status status = bp_json_string(json, &pair.key);
    if (status == BP_OK)
        status = bp_json_expect(json, ':');
    if (status == BP_OK)
        status = bp_json_string(json, &pair.text);
    if (status == BP_OK)
        status = grow((void **)&file->metadata, file->metadata_count, &file->metadata_room, sizeof pair, json->error);
    if (status == BP_OK)
        file->metadata[file->metadata_count++] = pair;
    return status;
}

/* One member of the header: a tensor, or the metadata. */
static bp_status read_member(bp_json *json, void *context) {
    bp_safetensors *file = context;
    const char *name;
    bp_status status = bp_json_string(json, &name);
    if (status == BP_OK)
        status = bp_json_expect(json, ':');
    if (status != BP_OK)
        return status;
    if (strcmp(name, BP_SAFETENSORS_METADATA) == 0) {
        if (file->has_metadata)
            return bp_json_malformed(json, "the header has two members '" BP_SAFETENSORS_METADATA "'");
        file->has_metadata = true;
        return bp_json_word(json, "null") ? BP_OK : bp_json_each(json, '{', '}', read_pair, file);
    }
    entry e = {.tensor = {.name = name}};
    status = read_tensor(json, &e);
    if (status == BP_OK)
        status = grow((void **)&file->entries, file->count, &file->room, sizeof e, json->error);
    if (status == BP_OK)
        file->entries[file->count++] = e;
    return status;
}

static bp_status read_header(bp_safetensors *file, bp_file_error *error) {
    unsigned char bytes[LENGTH_BYTES];
    bp_status status = bp_source_read(&file->source, 0, bytes, sizeof bytes, error);
    if (status != BP_OK)
        return status;
    uint64_t length = 0;
    for (size_t k = 0; k < sizeof bytes; k++)
        length |= (uint64_t)bytes[k] << (8 * k);
    if (length > BP_SAFETENSORS_HEADER_MAX)
        return bp_file_malformed(error, 0,
                                 "not a safetensors file: by its first 8 bytes the header has %llu bytes, more than %d",
                                 (unsigned long long)length, BP_SAFETENSORS_HEADER_MAX);
    status = bp_source_copy(&file->source, LENGTH_BYTES, (size_t)length, &file->header, error);
    if (status != BP_OK)
        return status;
    file->data = LENGTH_BYTES + length;
    bp_json json = {.text = file->header, .size = (size_t)length, .offset = LENGTH_BYTES, .error = error};
    if (json.text[0] != '{')
        return bp_json_malformed(&json, "the header does not begin with '{'");
    status = bp_json_each(&json, '{', '}', read_member, file);
    return status == BP_OK ? bp_json_end(&json) : status;
}

/* ---- The header as a whole ----------------------------------------------------------------------------------- */

static int compare_offsets(const void *a, const void *b) {
    const entry *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    if (left->end != right->end)
        return left->end < right->end ? -1 : 1;
    return left->tensor.name < right->tensor.name
               ? -1
               : 1; /* empty tensors at the same offset: in the order of the header */
}

static int compare_names(const void *a, const void *b) {
    const entry *const *left = a, *const *right = b;
    return strcmp((*left)->tensor.name, (*right)->tensor.name);
}

static int compare_keys(const void *a, const void *b) {
    const bp_metadata *const *left = a, *const *right = b;
    return strcmp((*left)->key, (*right)->key);
}

/* Sorts the tensors by their offsets. Together they must cover the rest of the file without gaps. */
static bp_status check_offsets(bp_safetensors *file, bp_file_error *error) {
    uint64_t end = 0;
    if (file->count > 0)
        qsort(file->entries, file->count, sizeof *file->entries, compare_offsets);
    for (size_t k = 0; k < file->count; k++) {
        entry *e = &file->entries[k];
        if (e->begin != end)
            return bp_file_malformed(error, file->data + end, "the data of tensor '%.80s' %s", e->tensor.name,
                                     e->begin < end ? "overlap another's" : "begin after a hole");
        end = e->end;
        e->tensor.shape = e->shape;
    }
    const uint64_t there = file->source.size - file->data;
    if (end != there)
        return bp_file_malformed(error, file->data + (end < there ? end : there),
                                 end < there ? "the file goes on after its last tensor" : "the file is truncated");
    return BP_OK;
}

static bp_status check_names(bp_safetensors *file, bp_file_error *error) {
    file->by_name = malloc((file->count + 1) * sizeof(const entry *));
    file->by_key = malloc((file->metadata_count + 1) * sizeof(const bp_metadata *));
    if (!file->by_name || !file->by_key)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    for (size_t k = 0; k < file->count; k++)
        file->by_name[k] = &file->entries[k];
    for (size_t k = 0; k < file->metadata_count; k++)
        file->by_key[k] = &file->metadata[k];
    qsort(file->by_name, file->count, sizeof(const entry *), compare_names);
    qsort(file->by_key, file->metadata_count, sizeof(const bp_metadata *), compare_keys);
    for (size_t k = 1; k < file->count; k++)
        if (compare_names(&file->by_name[k - 1], &file->by_name[k]) == 0)
            return bp_file_fail(error, BP_ERROR_FORMAT, "there are two tensors '%.80s'", file->by_name[k]->tensor.name);
    for (size_t k = 1; k < file->metadata_count; k++)
        if (compare_keys(&file->by_key[k - 1], &file->by_key[k]) == 0)
            return bp_file_fail(error, BP_ERROR_FORMAT, "the metadata have two keys '%.80s'", file->by_key[k]->key);
    return BP_OK;
}

static bp_status open_source(const bp_source *source, bp_safetensors **file, bp_file_error *error) {
    bp_safetensors *made = calloc(1, sizeof *made);
    if (!made) {
        bp_source_close(source);
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    }
    made->source = *source;
    bp_status status = bp_kind_refine(source, BP_KIND_SAFETENSORS, read_header(made, error), error);
    if (status == BP_OK)
        status = check_offsets(made, error);
    if (status == BP_OK)
        status = check_names(made, error);
    if (status == BP_OK)
        *file = made;
    else
        bp_safetensors_close(made);
    return status;
}

static bp_status open_location(bp_location from, bp_safetensors **file, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!file)
        return bp_file_fail(error, BP_ERROR_NULL, "file is null");
    *file = NULL;
    bp_source source;
    const bp_status status = bp_source_open(&source, from, error);
    return status == BP_OK ? open_source(&source, file, error) : status;
}

bp_status bp_safetensors_open(const char *path, bp_safetensors **file, bp_file_error *error) {
    return open_location(bp_at_path(path), file, error);
}

bp_status bp_safetensors_open_memory(const void *bytes, size_t size, bp_safetensors **file, bp_file_error *error) {
    return open_location(bp_in_memory(bytes, size), file, error);
}

void bp_safetensors_close(bp_safetensors *file) {
    if (!file)
        return;
    bp_source_close(&file->source);
    free(file->header);
    free(file->entries);
    free(file->by_name);
    free(file->metadata);
    free(file->by_key);
    free(file);
}

/* ---- Queries -------------------------------------------------------------------------------------------------- */

size_t bp_safetensors_count(const bp_safetensors *file) {
    return file ? file->count : 0;
}

const bp_tensor *bp_safetensors_tensor(const bp_safetensors *file, size_t index) {
    return index < bp_safetensors_count(file) ? &file->entries[index].tensor : NULL;
}

const bp_tensor *bp_safetensors_find(const bp_safetensors *file, const char *name) {
    if (!file || !name)
        return NULL;
    const entry wanted = {.tensor = {.name = name}}, *key = &wanted;
    const entry *const *found = bsearch(&key, file->by_name, file->count, sizeof key, compare_names);
    return found ? &(*found)->tensor : NULL;
}

const char *bp_safetensors_metadata(const bp_safetensors *file, const char *key) {
    if (!file || !key)
        return NULL;
    const bp_metadata wanted = {.key = key}, *pointer = &wanted;
    const bp_metadata *const *found =
        bsearch(&pointer, file->by_key, file->metadata_count, sizeof pointer, compare_keys);
    return found ? (*found)->text : NULL;
}

const bp_metadata *bp_safetensors_all_metadata(const bp_safetensors *file, size_t *count) {
    *count = file ? file->metadata_count : 0;
    return *count ? file->metadata : NULL;
}

/* The entry of `tensor`; null if it is not one of this file's. */
static const entry *entry_of(const bp_safetensors *file, const bp_tensor *tensor) {
    const uintptr_t first = (uintptr_t)file->entries, distance = (uintptr_t)tensor - first;
    const size_t index = distance / sizeof(entry);
    return index < file->count && &file->entries[index].tensor == tensor ? &file->entries[index] : NULL;
}

/* Checks that a caller may read the tensor. */
static bp_status find_entry(const bp_safetensors *file, const bp_tensor *tensor, const entry **found,
                            bp_file_error *error) {
    *found = entry_of(file, tensor);
    if (!*found)
        return bp_file_fail(error, BP_ERROR_VALUE, "tensor is none of those that this file has given");
    if (tensor->dtype == BP_DTYPE_UNKNOWN)
        return bp_file_fail(error, BP_ERROR_MISMATCH,
                            "tensor '%.80s' has the dtype '%.20s', which cannot be read: known are BOOL, U8 to U64, I8 "
                            "to I64, F16, BF16, F32 and F64",
                            tensor->name, tensor->dtype_name);
    return BP_OK;
}

static bool in_memory_of(const bp_safetensors *file, const void *to, size_t bytes) {
    const uintptr_t begin = (uintptr_t)to, source = (uintptr_t)file->source.bytes;
    return file->source.file < 0 && begin < source + file->source.size && source < begin + bytes;
}

bp_status bp_safetensors_read(const bp_safetensors *file, const bp_tensor *tensor, float *values, const size_t *strides,
                              bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!file || !tensor || !values)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !file ? "file" : !tensor ? "tensor" : "values");
    const entry *e;
    bp_status status = find_entry(file, tensor, &e, error);
    if (status != BP_OK)
        return status;
    bp_extent extent;
    size_t reach;
    status = bp_extent_pack(&extent, tensor->dimensions, e->shape, sizeof *values);
    if (status == BP_OK)
        status = bp_extent_stride(&extent, strides, sizeof *values, true, &reach);
    if (status == BP_ERROR_SIZE)
        return bp_file_fail(error, status, "strides are so small that elements of tensor '%.80s' may meet",
                            tensor->name);
    if (status != BP_OK || (uintptr_t)values > UINTPTR_MAX - reach * sizeof *values)
        return bp_file_fail(error, BP_ERROR_OVERFLOW,
                            "strides are so large that tensor '%.80s' exceeds the address range", tensor->name);
    if ((uintptr_t)values % sizeof *values != 0)
        return bp_file_fail(error, BP_ERROR_ALIGNMENT,
                            "values lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", (uintptr_t)values,
                            sizeof *values);
    if (in_memory_of(file, values, reach * sizeof *values))
        return bp_file_fail(error, BP_ERROR_OVERLAP, "values overlaps the bytes of the file");

    const unsigned char *bytes;
    unsigned char *copy;
    status = bp_source_view(&file->source, file->data + e->begin, (size_t)(e->end - e->begin), &bytes, &copy, error);
    if (status == BP_OK)
        bp_elements_to_floats(values, &extent, bytes, tensor->dtype, BP_LITTLE_ENDIAN);
    free(copy);
    return status;
}

bp_status bp_safetensors_read_bytes(const bp_safetensors *file, const bp_tensor *tensor, void *bytes, size_t size,
                                    bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!file || !tensor || !bytes)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !file ? "file" : !tensor ? "tensor" : "bytes");
    const entry *e;
    bp_status status = find_entry(file, tensor, &e, error);
    if (status != BP_OK)
        return status;
    if (size != e->end - e->begin)
        return bp_file_fail(error, BP_ERROR_SIZE, "size is %zu: tensor '%.80s' has %zu bytes", size, tensor->name,
                            (size_t)(e->end - e->begin));
    if (in_memory_of(file, bytes, size))
        return bp_file_fail(error, BP_ERROR_OVERLAP, "bytes overlaps the bytes of the file");
    const unsigned char *from;
    unsigned char *copy;
    status = bp_source_view(&file->source, file->data + e->begin, size, &from, &copy, error);
    if (status == BP_OK) {
        const size_t element = bp_dtype_bytes(tensor->dtype);
        bp_elements_copy(bytes, from, size / element, element, BP_LITTLE_ENDIAN);
    }
    free(copy);
    return status;
}
