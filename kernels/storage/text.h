/* A text that grows. `status` is the first failure; after it, calls do nothing. */
#ifndef BP_STORAGE_TEXT_H
#define BP_STORAGE_TEXT_H

#include <stddef.h>

#include <backprop/file.h>

/** The longest text: the longest header that safetensors allow. */
#define BP_TEXT_MAX 100000000

typedef struct bp_text {
    char *bytes; /* the owner frees them */
    size_t size, room;
    bp_status status; /* BP_ERROR_OVERFLOW, BP_ERROR_MEMORY */
} bp_text;

void bp_text_bytes(bp_text *text, const char *bytes, size_t count);

/** A string without its NUL. */
void bp_text_string(bp_text *text, const char *string);

void bp_text_number(bp_text *text, size_t number);

void bp_texts_sort(const char **texts, size_t count);

/** Whether all texts are distinct; sorts them. `what` they are, for the message. */
bp_status bp_texts_distinct(const char **texts, size_t count, const char *what, bp_file_error *error);

#endif
