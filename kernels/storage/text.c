#include "storage/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
