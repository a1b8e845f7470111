/*
 * The pieces of JSON (T. Bray, ed., RFC 8259, 2017) that a safetensors header is made of: strings, whole numbers,
 * punctuation, and values of any kind that are skipped. The caller decides on the grammar. That of a .npy file's
 * header, a dictionary of Python's, has the same punctuation.
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

/** BP_ERROR_FORMAT at the current position. */
bp_status bp_json_malformed(const bp_json *json, const char *message);

void bp_json_blanks(bp_json *json);

/** Skips blanks; if the next character is `sign`, reads it. */
bool bp_json_accept(bp_json *json, char sign);

/** The same; any other character is an error. */
bp_status bp_json_expect(bp_json *json, char sign);

/** A member of an object or an element of an array. */
typedef bp_status bp_json_read(bp_json *json, void *context);

/** An object or an array between `open` and `close`: calls `read` at each of its members or elements. */
bp_status bp_json_each(bp_json *json, char open, char close, bp_json_read *read, void *context);

/** A string, decoded in place. */
bp_status bp_json_string(bp_json *json, const char **string);

/** A number without sign, point or exponent. */
bp_status bp_json_whole(bp_json *json, uint64_t *number);

/** Skips blanks; if a word without quotes, such as null, comes next, reads it. */
bool bp_json_word(bp_json *json, const char *word);

/** Checks and skips any value, up to BP_JSON_DEPTH deep. */
bp_status bp_json_skip(bp_json *json);

/** Blanks, then the end of the text. */
bp_status bp_json_end(bp_json *json);

#endif
