/*
 * Initializers of the library's option structs: their defaults, and what a test gives besides, as in
 *
 *   const bp_fit_options options = FIT_OPTIONS(.epochs = 3, .shuffle = false);
 *
 * Constants, which the library's own functions are no initializers for; test_defaults.c compares both.
 */
#ifndef TEST_DEFAULTS_H
#define TEST_DEFAULTS_H

#include <backprop/backprop.h>

/* What a test gives comes after the default. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define SCHEDULE(schedule, ...)                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(bp_schedule), .kind = (schedule), .learning_rate = 0.001f,                               \
        .factor = (schedule) == BP_SCHEDULE_EXPONENTIAL ? 0.99f : 0.1f, .period_factor = 1, __VA_ARGS__                \
    }
#define BACKWARD_OPTIONS(...)                                                                                          \
    { .struct_size = sizeof(bp_backward_options), .learning_rate = 0.001f, __VA_ARGS__ }
#define FIT_OPTIONS(...)                                                                                               \
    { .struct_size = sizeof(bp_fit_options), .epochs = 1, .learning_rate = 0.001f, .shuffle = true, __VA_ARGS__ }
#define EARLY_STOPPING(...)                                                                                            \
    { .struct_size = sizeof(bp_early_stopping), .patience = 10, __VA_ARGS__ }
#define PLATEAU(...)                                                                                                   \
    {                                                                                                                  \
        .struct_size = sizeof(bp_plateau), .learning_rate = 0.001f, .factor = 0.1f, .patience = 10, .threshold = 1e-4, \
        .relative = true, __VA_ARGS__                                                                                  \
    }
#define CSV_OPTIONS(...)                                                                                               \
    { .struct_size = sizeof(bp_csv_options), .delimiter = ',', __VA_ARGS__ }
#define LOAD_OPTIONS(...)                                                                                              \
    { .struct_size = sizeof(bp_load_options), .strict = true, __VA_ARGS__ }

#endif
