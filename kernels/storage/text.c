#include "storage/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

void bp_text_bytes(bp_text *text, const char *bytes, size_t count) {
    if (text->status == BP_OK && count > BP_TEXT_MAX - text->size)
        text->status = BP_ERROR_OVERFLOW;
    if (text->status == BP_OK && count > text->room - text->size) {
        const size_t room = 2 * (text->size + count);
        char *moved = realloc(text->bytes, room);
        if (moved) {
            text->bytes = moved;
            text->room = room;
        } else {
            text->status = BP_ERROR_MEMORY;
        }
    }
    if (text->status == BP_OK && count > 0) {
        memcpy(text->bytes + text->size, bytes, count);
        text->size += count;
    }
}

void bp_text_string(bp_text *text, const char *string) {
    bp_text_bytes(text, string, strlen(string));
}

void bp_text_number(bp_text *text, size_t number) {
    char digits[24];
    bp_text_bytes(text, digits, (size_t)snprintf(digits, sizeof digits, "%zu", number));
}

static int compare_texts(const void *a, const void *b) {
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

void bp_texts_sort(const char **texts, size_t count) {
    if (count > 0)
        qsort(texts, count, sizeof *texts, compare_texts);
}

bp_status bp_texts_distinct(const char **texts, size_t count, const char *what, bp_file_error *error) {
    bp_texts_sort(texts, count);
    for (size_t k = 1; k < count; k++)
        if (strcmp(texts[k - 1], texts[k]) == 0)
            return bp_file_fail(error, BP_ERROR_VALUE, "there are two %s '%.80s'", what, texts[k]);
    return BP_OK;
}
