#ifndef BACKPROP_RANDOM_H
#define BACKPROP_RANDOM_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API uint32_t bp_random_u32(uint64_t seed, uint64_t stream, uint64_t index);
BP_API float bp_random_symmetric(uint64_t seed, uint64_t stream, uint64_t index);
BP_API float bp_random_normal(uint64_t seed, uint64_t stream, uint64_t index);
BP_API bp_status bp_random_permutation(uint32_t *order, size_t count, uint64_t seed, uint64_t stream);
BP_END_DECLS
#endif
