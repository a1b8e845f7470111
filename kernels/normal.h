/* Normally distributed numbers from uniform words. */
#ifndef BP_NORMAL_H
#define BP_NORMAL_H

#include <stdint.h>

/** bp_random_normal from its word. The caller is in the contract's floating-point mode. */
float bp_normal_number(uint32_t word);

#endif
