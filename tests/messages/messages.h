/*
 * Refused calls and what bp_error_message() says of them. Each file has those of some headers; test_messages.c finds
 * every exported function that returns a bp_status, and fails for one without a case.
 */
#ifndef BACKPROP_TESTS_MESSAGES_H
#define BACKPROP_TESTS_MESSAGES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <backprop/backprop.h>

/** Puts other words in place of the last message. */
void messages_forget(void);

/** Checks what the last call of `function` said; `argument` or `text` may be null. */
void messages_check(const char *function, const char *argument, const char *text, bp_status status, const char *file,
                    int line);

/**
 * A call that fails for `argument`: a parameter of the function as its header names it, or a part of one, such as
 * "batch.rows". The message has to have it as a word.
 */
#define REFUSED(argument, function, ...)                                                                               \
    (messages_forget(), messages_check(#function, argument, NULL, function(__VA_ARGS__), __FILE__, __LINE__))

/** A call whose message is all of `text`. */
#define SAYS(text, function, ...)                                                                                      \
    (messages_forget(), messages_check(#function, NULL, text, function(__VA_ARGS__), __FILE__, __LINE__))

/** The cases of each file. */
void names_are_refused(void);
void kernels_are_refused(void);
void columns_are_refused(void);
void copies_are_refused(void);
void creation_is_refused(void);
void tensors_are_refused(void);
void layers_are_refused(void);
void steps_are_refused(void);
void fits_are_refused(void);
void files_are_refused(void);

#endif
