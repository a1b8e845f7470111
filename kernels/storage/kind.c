#include "storage/kind.h"

#include <stdbool.h>
#include <string.h>

#include "storage/error.h"

enum { LOOKED_AT = 64 };

#define PICKLE "a Python pickle, as old versions of torch.save write"
#define PAGE "an HTML page, as a download that failed leaves"
#define GZIP "packed by gzip: unpack it first"
#define ZSTD "packed by zstd: unpack it first"

/* Leading blanks and case do not matter. */
static const struct {
    const char *bytes;
    size_t length;
    const char *words;
    bool torch;
} kinds[] = {
    {"PK\3\4", 4, BP_KIND_ZIP, true},
    {"PK\5\6", 4, BP_KIND_ZIP, true},
    {"\x80\2", 2, PICKLE, true},
    {"\x80\3", 2, PICKLE, true},
    {"\x80\4", 2, PICKLE, true},
    {"\x80\5", 2, PICKLE, true},
    {"version https://git-lfs", 23, "a Git LFS pointer: git lfs pull brings the file itself", false},
    {"<!doctype html", 14, PAGE, false},
    {"<html", 5, PAGE, false},
    {"<?xml", 5, "an XML text, as a download that failed leaves", false},
    {"GGUF", 4, "a GGUF file, as llama.cpp has it", false},
    {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file, as Keras and MATLAB write", false},
    {"\x93NUMPY", 6, BP_KIND_NPY, false},
    {"\x1f\x8b", 2, GZIP, false},
    {"\x28\xb5\x2f\xfd", 4, ZSTD, false},
    {"BZh", 3, "packed by bzip2: unpack it first", false},
    {"\xfd\x37zXZ", 6, "packed by xz: unpack it first", false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static unsigned char lower(unsigned char sign) {
    return sign >= 'A' && sign <= 'Z' ? (unsigned char)(sign + 'a' - 'A') : sign;
}

static bool begins(const unsigned char *bytes, size_t size, const char *with, size_t length) {
    if (size < length)
        return false;
    for (size_t k = 0; k < length; k++)
        if (lower(bytes[k]) != lower((unsigned char)with[k]))
            return false;
    return true;
}

/* Whether the length of the header is allowed, and the header begins with '{'. */
static bool is_safetensors(const unsigned char *bytes, size_t size) {
    return size > 8 && bytes[8] == '{' && memcmp(bytes + 4, "\0\0\0\0", 4) == 0;
}

static size_t find_kind(const unsigned char *bytes, size_t size) {
    size_t blanks = begins(bytes, size, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (blanks < size && bytes[blanks] && strchr(" \t\r\n", bytes[blanks]))
        blanks++;
    size_t k = 0;
    while (k < KINDS && !begins(bytes + blanks, size - blanks, kinds[k].bytes, kinds[k].length))
        k++;
    return k;
}

bp_status bp_kind_refine(const bp_source *source, const char *wanted, bp_status status, bp_file_error *error) {
    unsigned char bytes[LOOKED_AT];
    if (status != BP_ERROR_FORMAT)
        return status;
    const size_t size = source->size < sizeof bytes ? (size_t)source->size : sizeof bytes;
    const bp_status result = bp_source_read(source, 0, bytes, size, error);
    if (result != BP_OK)
        return result;
    const bool for_tensors = strcmp(wanted, BP_KIND_SAFETENSORS) == 0, tensors = is_safetensors(bytes, size);
    const size_t k = find_kind(bytes, size);
    const char *words = tensors ? BP_KIND_SAFETENSORS : k < KINDS ? kinds[k].words : wanted;
    const bool broken = strcmp(wanted, BP_KIND_NPZ) == 0 && strcmp(words, BP_KIND_ZIP) == 0;
    if (broken || strcmp(words, wanted) == 0)
        return status;
    const char *advice = "";
    if (strcmp(wanted, BP_KIND_NPY) == 0 && strcmp(words, BP_KIND_ZIP) == 0)
        advice = ": bp_npz_open reads a .npz";
    if (for_tensors && kinds[k].torch)
        advice = ": safetensors.torch.save_file(model.state_dict(), path) makes what can be read here";
    return bp_file_malformed(error, 0, "not %s but %s%s", wanted, words, advice);
}
