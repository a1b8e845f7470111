/*
 * Between these calls this thread reads and writes numbers in text the plain way: decimal points, rounding to nearest,
 * denormals. The host may have set another locale and another mode.
 */
#ifndef BP_STORAGE_PLAIN_H
#define BP_STORAGE_PLAIN_H

#include <fenv.h>
#include <locale.h>

#include <backprop/status.h>

typedef struct bp_plain {
    locale_t plain, hosts;
    fenv_t environment;
} bp_plain;

/** BP_ERROR_MEMORY; then nothing is to be left. */
bp_status bp_plain_enter(bp_plain *plain);

void bp_plain_leave(const bp_plain *plain);

#endif
