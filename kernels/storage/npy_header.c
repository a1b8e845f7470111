#include "storage/npy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/json.h"

static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* Writing uses the first name of a type. */
static const struct {
    const char *name;
    bp_dtype dtype;
} types[] = {{"b1", BP_DTYPE_BOOL}, {"?", BP_DTYPE_BOOL}, {"u1", BP_DTYPE_U8},  {"i1", BP_DTYPE_I8},
             {"u2", BP_DTYPE_U16},  {"i2", BP_DTYPE_I16}, {"u4", BP_DTYPE_U32}, {"i4", BP_DTYPE_I32},
             {"u8", BP_DTYPE_U64},  {"i8", BP_DTYPE_I64}, {"f2", BP_DTYPE_F16}, {"f4", BP_DTYPE_F32},
             {"f8", BP_DTYPE_F64}};
enum { TYPES = sizeof types / sizeof *types };

#define HEADER_MAX 65535 /* the limit of version 1.0; only records, which are not read, need more */
#define HEADER_ALIGNMENT 64

/* ---- The header: a dictionary as Python writes it ------------------------------------------------------------- */

/* A short text in quotes of either kind, without escapes. */
static bp_status read_text(bp_json *s, char *text, size_t room) {
    const bool single = bp_json_accept(s, '\'');
    const char quote = single ? '\'' : '"';
    if (!single && !bp_json_accept(s, quote))
        return bp_file_fail(s->error, BP_ERROR_MISMATCH, "the elements are records, or the header is no dictionary");
    const char *begin = (const char *)s->text + s->at, *end = strchr(begin, quote);
    const size_t length = end ? (size_t)(end - begin) : 0;
    if (!end || length >= room || memchr(begin, '\\', length))
        return bp_json_malformed(s, "a text of the header is too long");
    memcpy(text, begin, length);
    text[length] = '\0';
    s->at += length + 1;
    return BP_OK;
}

static bp_status read_descr(bp_json *s, bp_npy *d) {
    char text[32];
    const bp_status status = read_text(s, text, sizeof text);
    if (status != BP_OK)
        return status;
    const char *name = text + (text[0] && strchr("<>|=", text[0]) ? 1 : 0);
    for (size_t k = 0; k < TYPES; k++)
        if (strcmp(name, types[k].name) == 0) {
            d->dtype = types[k].dtype;
            d->order = text[0] == '>' ? BP_BIG_ENDIAN : text[0] == '<' ? BP_LITTLE_ENDIAN : bp_host_order();
            return BP_OK;
        }
    return bp_file_fail(s->error, BP_ERROR_MISMATCH, "elements of type '%s' cannot be read as numbers", text);
}

static bp_status read_order(bp_json *s, bp_npy *d) {
    d->fortran = bp_json_word(s, "True");
    if (d->fortran || bp_json_word(s, "False"))
        return BP_OK;
    return bp_json_malformed(s, "fortran_order is neither True nor False");
}

/* Digits; old versions of Python write an L after them. */
static bp_status read_length(bp_json *s, size_t *length) {
    *length = 0;
    bp_json_blanks(s);
    const size_t begin = s->at;
    for (;; s->at++) {
        const unsigned digit = s->text[s->at] - (unsigned)'0';
        if (digit > 9)
            break;
        if (*length > (SIZE_MAX - digit) / 10)
            return bp_json_malformed(s, "the array is too large");
        *length = *length * 10 + digit;
    }
    if (s->at == begin)
        return bp_json_malformed(s, "the shape has something else than lengths");
    s->at += s->text[s->at] == 'L';
    return BP_OK;
}

static bp_status read_shape(bp_json *s, bp_npy *d) {
    bp_status status = bp_json_expect(s, '(');
    d->dimensions = 0;
    while (status == BP_OK && !bp_json_accept(s, ')')) {
        if (d->dimensions == BP_DIMENSIONS_MAX)
            return bp_file_fail(s->error, BP_ERROR_MISMATCH, "the array has more than %d dimensions",
                                BP_DIMENSIONS_MAX);
        status = read_length(s, &d->shape[d->dimensions++]);
        if (status == BP_OK && !bp_json_accept(s, ',')) {
            if (d->dimensions == 1)
                return bp_json_malformed(s, "the shape is a number instead of a tuple");
            return bp_json_expect(s, ')');
        }
    }
    return status;
}

static bp_status read_dictionary(bp_json *s, bp_npy *d) {
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    static bp_status (*const readers[])(bp_json *, bp_npy *) = {read_descr, read_order, read_shape};
    enum { MEMBERS = sizeof names / sizeof *names };
    bool seen[MEMBERS] = {false};
    bp_status status = bp_json_expect(s, '{');
    for (size_t member = 0; status == BP_OK && member < MEMBERS; member++) {
        char name[32];
        size_t k = 0;
        status = read_text(s, name, sizeof name);
        while (status == BP_OK && k < MEMBERS && strcmp(name, names[k]) != 0)
            k++;
        if (status == BP_OK && (k == MEMBERS || seen[k]))
            return bp_json_malformed(s, "the header does not consist of descr, fortran_order and shape");
        if (status == BP_OK)
            status = bp_json_expect(s, ':');
        if (status == BP_OK) {
            seen[k] = true;
            status = readers[k](s, d);
        }
        if (status == BP_OK && !bp_json_accept(s, ',') && member + 1 < MEMBERS)
            return bp_json_malformed(s, "the header has no ',' where one must be");
    }
    if (status == BP_OK)
        status = bp_json_expect(s, '}');
    return status == BP_OK ? bp_json_end(s) : status;
}

bp_status bp_npy_describe(bp_stream *stream, uint64_t origin, bp_npy *npy) {
    unsigned char start[sizeof magic + 2], bytes[4] = {0};
    bp_file_error *error = stream->error;
    bp_status status = bp_stream_exactly(stream, start, sizeof start);
    if (status != BP_OK)
        return status;
    if (memcmp(start, magic, sizeof magic) != 0)
        return bp_file_malformed(error, origin, "not a .npy file: its first bytes are others");
    const unsigned major = start[sizeof magic], minor = start[sizeof magic + 1];
    if (major < 1 || major > 3 || minor != 0)
        return bp_file_malformed(error, origin + sizeof magic, "version %u.%u of the format is unknown", major, minor);
    const size_t length_bytes = major == 1 ? 2 : 4;
    status = bp_stream_exactly(stream, bytes, length_bytes);
    if (status != BP_OK)
        return status;
    const uint32_t length = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    if (length > HEADER_MAX)
        return bp_file_malformed(error, origin + sizeof start, "the header claims to be longer than %d bytes",
                                 HEADER_MAX);
    *npy = (bp_npy){.origin = origin, .header = sizeof start + length_bytes + length};

    unsigned char *text = length <= bp_stream_most(stream) ? malloc((size_t)length + 1) : NULL;
    if (!text)
        return length <= bp_stream_most(stream) ? bp_file_refuse(error, BP_ERROR_MEMORY)
                                                : bp_file_malformed(error, stream->end, "the file is truncated");
    status = bp_stream_exactly(stream, text, length);
    text[length] = '\0';
    if (status == BP_OK) {
        bp_json s = {.text = text, .size = length, .offset = origin + npy->header - length, .error = error};
        const size_t nul = strlen((const char *)text);
        status = nul == length ? read_dictionary(&s, npy)
                               : bp_file_malformed(error, s.offset + nul, "the header has a NUL in it");
    }
    free(text);
    return status;
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

/* Padded with blanks: the elements begin at a multiple of 64 bytes. */
size_t bp_npy_header(char *text, bp_dtype dtype, size_t dimensions, const size_t *shape) {
    const size_t before = sizeof magic + 4, room = BP_NPY_HEADER_ROOM;
    size_t end = before, type = 0;
    while (type < TYPES && types[type].dtype != dtype)
        type++;
    if (type == TYPES)
        return 0;
    memcpy(text, magic, sizeof magic);
    end += (size_t)snprintf(text + end, room - end, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                            bp_dtype_bytes(dtype) == 1 ? '|' : '<', types[type].name);
    for (size_t d = 0; d < dimensions; d++)
        end += (size_t)snprintf(text + end, room - end, d ? ", %zu" : "%zu", shape[d]);
    end += (size_t)snprintf(text + end, room - end, dimensions == 1 ? ",), }" : "), }");
    do
        text[end++] = ' ';
    while (end % HEADER_ALIGNMENT != 0);
    text[end - 1] = '\n';
    const size_t length = end - before;
    text[sizeof magic] = 1;
    text[sizeof magic + 1] = 0;
    text[sizeof magic + 2] = (char)(length % 256);
    text[sizeof magic + 3] = (char)(length / 256);
    return end;
}
