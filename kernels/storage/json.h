/*
 * The pieces of JSON (T. Bray, ed., RFC 8259, 2017) that a safetensors header is made of: strings, whole numbers,
 * signs, and values of any kind that nobody asks for. What may come where is up to the caller.
 */
#ifndef BP_STORAGE_JSON_H
#define BP_STORAGE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/file.h>

#define BP_JSON_DEPTH 128

typedef struct bp_json {
    unsigned char *text; /* with a NUL after it */
    size_t size, at;
    uint64_t offset; /* of the text in the file, for messages */
    bp_file_error *error;
} bp_json;

/** BP_ERROR_FORMAT at the place where the text is read now. */
bp_status bp_json_malformed(const bp_json *json, const char *message);

/** Whether the next character but blanks is `sign`, which is then read. */
bool bp_json_accept(bp_json *json, char sign);

/** The same, where another character is an error. */
bp_status bp_json_expect(bp_json *json, char sign);

/** After a member or element: whether another one follows. `close` is the sign after the last. */
bp_status bp_json_more(bp_json *json, char close, bool *more);

/** A string, decoded where it lies. */
bp_status bp_json_string(bp_json *json, const char **string);

/** A number without sign, point and exponent. */
bp_status bp_json_whole(bp_json *json, uint64_t *number);

/** Whether a word without quotes, such as null, comes next but blanks; it is then read. */
bool bp_json_word(bp_json *json, const char *word);

/** Any value, which is checked and left out. It may nest BP_JSON_DEPTH deep. */
bp_status bp_json_skip(bp_json *json);

/** Blanks, then the end of the text. */
bp_status bp_json_end(bp_json *json);

#endif
