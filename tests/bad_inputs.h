/*
 * What the tests of bad inputs share: a call must give the right status and, if that is an error, not write a byte
 * and name the bad argument.
 *
 * All arrays lie in one arena. Each call is a good one with one argument made bad; the arena is compared with a copy
 * afterwards.
 */
#ifndef BACKPROP_TESTS_BAD_INPUTS_H
#define BACKPROP_TESTS_BAD_INPUTS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"
#include "refusals.h"

#include <backprop/backprop.h>

enum { BATCH = 3, IN = 4, OUT = 5, LD = 6, SLOT = 64, SLOTS = 6 };

/* Slot k of floats begins at arena + k * SLOT. */
static _Alignas(BP_ALIGNMENT) float arena[SLOT * SLOTS], before[SLOT * SLOTS];

static const bp_activation identity = {BP_ACTIVATION_IDENTITY, 0.0f};
static const size_t huge = SIZE_MAX / sizeof(float);

static inline float *slot(size_t k) {
    return arena + k * SLOT;
}

static inline float *misaligned(size_t k) {
    return (float *)(void *)((unsigned char *)slot(k) + 1);
}

static inline uint32_t *labels(void) {
    return (uint32_t *)(void *)slot(5);
}

static inline void remember(void) {
    memcpy(before, arena, sizeof arena);
}

static inline int set_up(void **state) {
    (void)state;
    for (size_t k = 0; k < SLOT * SLOTS; k++) {
        arena[k] = (float)k;
    }
    const uint32_t some[] = {0, OUT - 1, 2};
    memcpy(labels(), some, sizeof some);
    remember();
    return 0;
}

/* The call must give `expected` and, if that is an error, leave the arena as it was and name the argument. */
static inline void check(bp_status status, bp_status expected, const char *argument, const char *call, int line) {
    if (status != expected) {
        fail_msg("line %d: %s: '%s' instead of '%s'", line, call, bp_status_string(status), bp_status_string(expected));
    }
    const char *wrong = wrong_message(status, argument);
    if (wrong != NULL) {
        fail_msg("line %d: %s: '%s' does not say what is wrong with %s", line, call, wrong, argument);
    }
    if (expected == BP_OK) {
        remember();
    } else if (memcmp(arena, before, sizeof arena) != 0) {
        fail_msg("line %d: %s: wrote in spite of its error", line, call);
    }
}

/* A call that succeeds, and one that does not and names the argument. */
#define EXPECT(expected, call) EXPECT_NAMED(expected, "", call)
#define EXPECT_NAMED(expected, argument, call)                                                                         \
    do {                                                                                                               \
        mark_message();                                                                                                \
        const bp_status returned = (call);                                                                             \
        check(returned, (expected), argument, #call, __LINE__);                                                        \
    } while (0)

/* Fields of the calls' structs that the header names otherwise. */
static const argument_name *renamed __attribute__((unused));

/* EXPECT_WITH(status, forward, field = value): a good call but for that. */
#define EXPECT_WITH(expected, kind, ...)                                                                               \
    do {                                                                                                               \
        kind with = good_##kind();                                                                                     \
        with.__VA_ARGS__;                                                                                              \
        mark_message();                                                                                                \
        const bp_status returned = call_##kind(with);                                                                  \
        check(returned, (expected), bad_argument(#__VA_ARGS__, renamed), #kind " with " #__VA_ARGS__, __LINE__);       \
    } while (0)

#endif
