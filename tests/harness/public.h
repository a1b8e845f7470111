/* The public functions as a table of kernels, so that every case of the kernel tests goes through them as well. */
#ifndef BACKPROP_TESTS_PUBLIC_H
#define BACKPROP_TESTS_PUBLIC_H

#include <backprop/kernels.h>

/**
 * Each entry calls the public function of its name, on the instruction set in use. A call that is refused writes
 * nothing, and the case fails by that. The calls come from a host that rounds towards zero: public functions must
 * compute in the contract's mode and give the host's back.
 */
extern const bp_kernels test_public_kernels;

#endif
