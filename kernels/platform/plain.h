/*
 * Between these calls this thread converts numbers to and from text in the C locale and the contract's floating-point
 * mode. The host may have set others.
 */
#ifndef BP_PLATFORM_PLAIN_H
#define BP_PLATFORM_PLAIN_H

#include <fenv.h>

#include <backprop/status.h>

typedef struct bp_plain {
    void *plain, *hosts; /* locales */
    fenv_t environment;
} bp_plain;

/** BP_ERROR_MEMORY; then bp_plain_leave must not follow. */
bp_status bp_plain_enter(bp_plain *plain);

void bp_plain_leave(const bp_plain *plain);

#endif
