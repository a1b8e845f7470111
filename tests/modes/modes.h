/*
 * A case calls one or some functions of the library, with inputs that come out otherwise where denormals are flushed
 * or rounding is not to nearest, so that they succeed and so that they fail, and notes what they give. It runs once in
 * the plain mode and once in each other mode of harness/mode.h, and has to note the same bytes.
 *
 * A case itself must not compute with floats: it runs in the host's mode.
 */
#ifndef BACKPROP_TESTS_MODES_H
#define BACKPROP_TESTS_MODES_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

/** A denormal: zero to a host that has set DAZ. */
#define TINY 1e-40f

typedef struct notes {
    uint64_t mode; /* that of the host */
    size_t size, room, count;
    unsigned char *bytes;
    size_t begins[4096]; /* of each note */
    size_t strayed;      /* 1 + the first note at which the mode was another; 0: none */
    uint64_t strayed_to;
    uint32_t random;
    size_t taken;
} notes;

/** `count` floats that round in sums and products, some of them denormals; aligned, the same in each run. */
float *numbers(notes *n, size_t count);

/** Labels below `classes`. */
uint32_t *labels(notes *n, size_t count, uint32_t classes);

/** Scratch for a kernel. */
void *scratch(void);

/** What a call gave. Each checks, too, that the call left the host's mode in place. */
void gave(notes *n, const void *bytes, size_t size);
void said(notes *n, bp_status status);
void counted(notes *n, uint64_t number);
void named(notes *n, const char *text);     /* null is a text of its own */
void returned(notes *n);                    /* nothing */
void explained(notes *n, bp_status status); /* and why it failed, as bp_error_message has it */

typedef struct mode_case {
    const char *functions; /* the names of all that it is the case of, with blanks between them */
    void (*run)(notes *n);
} mode_case;

/** The cases of each file; null functions end a list. A function without a case fails the test. */
extern const mode_case kernel_cases[], network_cases[], training_cases[], storage_cases[], name_cases[], copy_cases[];

#endif
