#ifndef BACKPROP_INITIALIZER_H
#define BACKPROP_INITIALIZER_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_initializer_kind {
    BP_INITIALIZER_XAVIER_UNIFORM = 0,
    BP_INITIALIZER_XAVIER_NORMAL,
    BP_INITIALIZER_HE_UNIFORM,
    BP_INITIALIZER_HE_NORMAL,
    BP_INITIALIZER_LECUN_UNIFORM,
    BP_INITIALIZER_LECUN_NORMAL,
    BP_INITIALIZER_ORTHOGONAL,
} bp_initializer_kind;
typedef struct bp_initializer {
    bp_initializer_kind kind;
    float gain;
} bp_initializer;
BP_API const char *bp_initializer_name(bp_initializer_kind kind);
BP_API bp_status bp_initializer_from_name(const char *name, bp_initializer_kind *kind);
BP_API bp_status bp_initialize(float *w, size_t ldw, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                               uint64_t stream);
BP_END_DECLS
#endif
