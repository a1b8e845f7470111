#include <backprop/npz.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "float_environment.h"
#include "storage/error.h"
#include "storage/npy.h"
#include "storage/text.h"
#include "storage/zip_read.h"
#include "storage/zip_write.h"
#include "utf8.h"

#define SUFFIX ".npy"
#define SUFFIX_BYTES (sizeof SUFFIX - 1)
#define NAME_MAX_BYTES (65535 - SUFFIX_BYTES)

/* A member; `name` is without .npy. */
typedef struct entry {
    const char *name;
    size_t length;
    bool npy;
    const bp_zip_member *member;
} entry;

struct bp_npz {
    bp_zip zip;
    char *names;
    entry *entries; /* in the order of the archive's directory */
    size_t count;
    const entry **by_name;
};

/* ---- Opening -------------------------------------------------------------------------------------------------- */

static bool has_suffix(const char *name, size_t length) {
    return length >= SUFFIX_BYTES && memcmp(name + length - SUFFIX_BYTES, SUFFIX, SUFFIX_BYTES) == 0;
}

static int compare_names(const void *a, const void *b) {
    const entry *const *left = a, *const *right = b;
    const size_t common = (*left)->length < (*right)->length ? (*left)->length : (*right)->length;
    const int order = memcmp((*left)->name, (*right)->name, common);
    return order ? order : (*left)->length < (*right)->length ? -1 : (*left)->length > (*right)->length;
}

/* Copies all names into one block, each with a NUL after it. Folders are left out. */
static bp_status copy_names(bp_npz *file, bp_file_error *error) {
    size_t bytes = 0;
    for (size_t k = 0; k < file->zip.count; k++)
        bytes += file->zip.members[k].name_length + 1;
    file->names = malloc(bytes + 1);
    file->entries = malloc((file->zip.count + 1) * sizeof *file->entries);
    file->by_name = malloc((file->zip.count + 1) * sizeof(const entry *));
    if (!file->names || !file->entries || !file->by_name)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    char *to = file->names;
    for (size_t k = 0; k < file->zip.count; k++) {
        const bp_zip_member *m = &file->zip.members[k];
        if (m->size == 0 && m->name_length > 0 && m->name[m->name_length - 1] == '/')
            continue;
        const bool npy = has_suffix(m->name, m->name_length);
        const size_t length = m->name_length - (npy ? SUFFIX_BYTES : 0);
        memcpy(to, m->name, length);
        to[length] = '\0';
        file->entries[file->count] = (entry){to, length, npy, m};
        file->by_name[file->count] = &file->entries[file->count];
        file->count++;
        to += length + 1;
    }
    return BP_OK;
}

static bp_status open_source(const bp_source *source, bp_npz **file, bp_file_error *error) {
    bp_npz *made = calloc(1, sizeof *made);
    if (!made) {
        bp_source_close(source);
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    }
    bp_status status = bp_zip_open(&made->zip, source, error);
    if (status != BP_OK) {
        free(made);
        return status;
    }
    status = copy_names(made, error);
    if (status == BP_OK)
        qsort(made->by_name, made->count, sizeof(const entry *), compare_names);
    for (size_t k = 1; k < made->count && status == BP_OK; k++)
        if (compare_names(&made->by_name[k - 1], &made->by_name[k]) == 0)
            status = bp_file_malformed(error, made->by_name[k]->member->offset, "there are two arrays '%.80s'",
                                       made->by_name[k]->name);
    if (status == BP_OK)
        *file = made;
    else
        bp_npz_close(made);
    return status;
}

static bp_status open_location(bp_location from, bp_npz **file, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!file)
        return bp_file_fail(error, BP_ERROR_NULL, "file is null");
    *file = NULL;
    bp_source source;
    const bp_status status = bp_source_open(&source, from, error);
    return status == BP_OK ? open_source(&source, file, error) : status;
}

bp_status bp_npz_open(const char *path, bp_npz **file, bp_file_error *error) {
    return open_location(bp_at_path(path), file, error);
}

bp_status bp_npz_open_memory(const void *bytes, size_t size, bp_npz **file, bp_file_error *error) {
    return open_location(bp_in_memory(bytes, size), file, error);
}

void bp_npz_close(bp_npz *file) {
    if (!file)
        return;
    bp_zip_close(&file->zip);
    free(file->names);
    free(file->entries);
    free(file->by_name);
    free(file);
}

size_t bp_npz_count(const bp_npz *file) {
    return file ? file->count : 0;
}

const char *bp_npz_name(const bp_npz *file, size_t index) {
    return index < bp_npz_count(file) ? file->entries[index].name : NULL;
}

/* ---- Reading -------------------------------------------------------------------------------------------------- */

static const entry *find_exactly(const bp_npz *file, const char *name, size_t length) {
    const entry wanted = {.name = name, .length = length}, *key = &wanted;
    const entry *const *found = bsearch(&key, file->by_name, file->count, sizeof key, compare_names);
    return found ? *found : NULL;
}

/* As numpy does: the member of exactly this name, or of this name with .npy. */
static const entry *find(const bp_npz *file, const char *name) {
    const size_t length = strlen(name);
    const entry *e = has_suffix(name, length) ? find_exactly(file, name, length - SUFFIX_BYTES) : NULL;
    return e && e->npy ? e : find_exactly(file, name, length);
}

static bp_status not_there(const bp_npz *file, const char *name, bp_file_error *error) {
    char list[160] = "none";
    size_t filled = 0;
    for (size_t k = 0; k < file->count; k++) {
        const bool fits = filled + file->entries[k].length + sizeof ", '', others" <= sizeof list;
        filled += (size_t)snprintf(list + filled, sizeof list - filled, fits ? "%s'%s'" : "%sothers", k ? ", " : "",
                                   file->entries[k].name);
        if (!fits)
            break;
    }
    return bp_file_fail(error, BP_ERROR_MISMATCH, "there is no array named '%.40s'; there are: %s", name, list);
}

/* Puts a member's name before the message. In a compressed member no single byte can be blamed: the offset is dropped.
 */
static bp_status blame(const entry *e, bp_status status, bp_file_error *error) {
    const bp_file_error before = *error;
    if (status == BP_ERROR_FORMAT && e->member->method == BP_ZIP_DEFLATED)
        error->offset = e->member->offset;
    return bp_file_fail(error, status, "'%.60s': %s", e->name, before.text);
}

/* Reads a member's header, and its numbers if `numbers` is not null. */
static bp_status read_entry(const bp_npz *file, const entry *e, bp_npy *npy, bp_numbers *numbers,
                            bp_file_error *error) {
    const bp_zip_member *m = e->member;
    bp_stream stream;
    bp_status status = bp_zip_begin(&file->zip, m, &stream, error);
    if (status != BP_OK)
        return status;
    status = bp_npy_describe(&stream, stream.packing == BP_PACKING_NONE ? stream.end - m->size : 0, npy);
    if (status == BP_OK && numbers) {
        status = bp_npy_numbers(&stream, npy, m->size, numbers);
        if (status == BP_OK)
            status = bp_zip_finish(m, &stream);
        if (status != BP_OK)
            free(numbers->values);
    }
    bp_stream_end(&stream);
    return status;
}

static bp_status read_name(const bp_npz *file, const char *name, bp_npy *npy, bp_numbers *numbers,
                           bp_file_error *error) {
    const entry *e = find(file, name);
    if (!e)
        return not_there(file, name, error);
    const bp_status status = read_entry(file, e, npy, numbers, error);
    return status == BP_OK ? BP_OK : blame(e, status, error);
}

bp_status bp_npz_describe(const bp_npz *file, const char *name, bp_npz_array *array, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!file || !name || !array)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !file ? "file" : !name ? "name" : "array");
    bp_npy npy;
    bp_extent extent;
    bp_status status = read_name(file, name, &npy, NULL, error);
    if (status == BP_OK && bp_extent_pack(&extent, npy.dimensions, npy.shape, bp_dtype_bytes(npy.dtype)) != BP_OK)
        status = bp_file_malformed(error, npy.origin, "'%.60s': the array is too large", name);
    if (status != BP_OK)
        return status;
    *array = (bp_npz_array){.dtype = npy.dtype, .count = extent.count, .dimensions = npy.dimensions};
    memcpy(array->shape, npy.shape, sizeof array->shape);
    return BP_OK;
}

/* Exactly one of `array` and `doubles` receives the numbers; `result` names it. */
static bp_status read_array(const bp_npz *file, const char *name, const bp_shift_scale *change, bp_array *array,
                            bp_doubles *doubles, const char *result, bp_file_error *error) {
    CONTRACT_MODE(host);
    error = BEGIN_ERROR(error);
    if (!file || !name || (!array && !doubles))
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !file ? "file" : !name ? "name" : result);
    bp_npy npy;
    bp_numbers numbers = {.doubles = doubles != NULL, .change = change};
    const bp_status status = read_name(file, name, &npy, &numbers, error);
    if (status == BP_OK)
        bp_npy_give(&npy, &numbers, array, doubles);
    return status;
}

bp_status bp_npz_read(const bp_npz *file, const char *name, bp_array *array, bp_file_error *error) {
    return read_array(file, name, NULL, array, NULL, "array", error);
}

bp_status bp_npz_read_shifted(const bp_npz *file, const char *name, const bp_shift_scale *change, bp_array *array,
                              bp_file_error *error) {
    return read_array(file, name, change, array, NULL, "array", error);
}

bp_status bp_npz_doubles(const bp_npz *file, const char *name, bp_doubles *doubles, bp_file_error *error) {
    return read_array(file, name, NULL, NULL, doubles, "doubles", error);
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

static bp_status check_array(const bp_tensor *array, size_t index, bp_file_error *error) {
    char header[BP_NPY_HEADER_ROOM];
    bp_extent extent;
    if (!array->name || (array->dimensions > 0 && !array->shape))
        return bp_file_fail(error, BP_ERROR_NULL, "arrays[%zu].%s is null", index, array->name ? "shape" : "name");
    if (!bp_utf8_whole(array->name) || strlen(array->name) > NAME_MAX_BYTES)
        return bp_file_fail(error, BP_ERROR_VALUE, "arrays[%zu].name is not UTF-8 or has more than %zu bytes", index,
                            NAME_MAX_BYTES);
    if (bp_npy_header(header, array->dtype, 0, NULL) == 0)
        return bp_file_fail(error, BP_ERROR_VALUE, "arrays[%zu].dtype is %d, and numpy has no such elements", index,
                            (int)array->dtype);
    const bp_status status = bp_extent_of(array, &extent);
    switch (status) {
    case BP_OK:
        return BP_OK;
    case BP_ERROR_NULL:
        return bp_file_fail(error, status, "arrays[%zu].data is null", index);
    case BP_ERROR_SIZE:
        return bp_file_fail(error, status, "arrays[%zu].dimensions is %zu, and must be at most %d", index,
                            array->dimensions, BP_DIMENSIONS_MAX);
    default:
        return bp_file_fail(error, status, "arrays[%zu].shape or its strides exceed the address range", index);
    }
}

static bp_status check_arrays(const bp_tensor *arrays, size_t count, bp_file_error *error) {
    bp_status status = BP_OK;
    for (size_t k = 0; k < count && status == BP_OK; k++)
        status = check_array(&arrays[k], k, error);
    if (status != BP_OK)
        return status;
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    for (size_t k = 0; k < count; k++)
        names[k] = arrays[k].name;
    status = bp_texts_distinct(names, count, "arrays", error);
    free(names);
    return status;
}

static void put_elements(bp_zip_writer *zip, const bp_tensor *array, const bp_extent *extent) {
    const size_t size = bp_dtype_bytes(array->dtype);
    const unsigned char *data = array->data;
    bp_walk walk = {.extent = extent};
    for (size_t done = 0, part; done < extent->count; done += part) {
        unsigned char bytes[1 << 14];
        part = extent->count - done < sizeof bytes / size ? extent->count - done : sizeof bytes / size;
        if (!array->strides)
            bp_elements_copy(bytes, data + done * size, part, size, BP_LITTLE_ENDIAN);
        for (size_t k = 0; array->strides && k < part; k++, bp_walk_next(&walk))
            bp_elements_copy(bytes + k * size, data + walk.at * size, 1, size, BP_LITTLE_ENDIAN);
        bp_zip_put(zip, bytes, part * size);
    }
}

static void put_array(bp_zip_writer *zip, const bp_tensor *array, bool compress) {
    char header[BP_NPY_HEADER_ROOM];
    const size_t length = bp_npy_header(header, array->dtype, array->dimensions, array->shape);
    bp_extent extent;
    if (bp_extent_of(array, &extent) != BP_OK)
        return;
    bp_zip_member_begin(zip, array->name, SUFFIX, length + (uint64_t)extent.count * bp_dtype_bytes(array->dtype),
                        compress);
    bp_zip_put(zip, header, length);
    put_elements(zip, array, &extent);
    bp_zip_member_end(zip);
}

bp_status bp_npz_write(const char *path, const bp_tensor *arrays, size_t count, bool compress, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!path || (count > 0 && !arrays))
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", path ? "arrays" : "path");
    bp_status status = check_arrays(arrays, count, error);
    if (status != BP_OK)
        return status;
    bp_zip_writer *zip = malloc(sizeof *zip);
    if (!zip)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    bp_zip_write_begin(zip, path, error);
    for (size_t k = 0; k < count; k++)
        put_array(zip, &arrays[k], compress);
    status = bp_zip_write_end(zip);
    free(zip);
    return status;
}
