/*
 * The words of refusals: whether bp_error_message() names the argument that was bad, as its header does. Each call is
 * made after mark_message(), so that words of an earlier call do not pass for its own.
 */
#ifndef BACKPROP_TESTS_REFUSALS_H
#define BACKPROP_TESTS_REFUSALS_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <backprop/activation.h>
#include <backprop/status.h>

#define MESSAGE_MARK "<mark>"

/** Fields of a test's arguments that the header calls otherwise; a null field is the last. */
typedef struct argument_name {
    const char *field, *name;
} argument_name;

/** Sets a message that no refusal has. */
static inline void mark_message(void) {
    bp_activation_kind kind;
    bp_activation_from_name(MESSAGE_MARK, &kind);
}

static inline bool part_of_name(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/** Whether `name` stands in `text` as a whole. */
static inline bool has_name(const char *text, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
        if ((at == text || !part_of_name(at[-1])) && !(part_of_name(at[length]) && part_of_name(at[length - 1])))
            return true;
    return false;
}

/** The argument that "field = value, ..." makes bad, by its header's name. */
static inline const char *bad_argument(const char *change, const argument_name *renamed) {
    static char field[64];
    snprintf(field, sizeof field, "%.*s", (int)strcspn(change, " ="), change);
    for (; renamed && renamed->field; renamed++)
        if (strcmp(renamed->field, field) == 0)
            return renamed->name;
    return field;
}

/** Null if the message is right: it names `argument` after an error, and is left alone by success. Else what it is. */
static inline const char *wrong_message(bp_status status, const char *argument) {
    const char *message = bp_error_message();
    const bool marked = strstr(message, MESSAGE_MARK) != NULL;
    return marked == (status == BP_OK) && (status == BP_OK || has_name(message, argument)) ? NULL : message;
}

#endif
