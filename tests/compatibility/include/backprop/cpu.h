#ifndef BACKPROP_CPU_H
#define BACKPROP_CPU_H
#include <stdbool.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_isa {
    BP_ISA_SCALAR = 0,
    BP_ISA_AVX2,
    BP_ISA_AVX512,
    BP_ISA_NEON,
} bp_isa;
BP_API const char *bp_isa_name(bp_isa isa);
BP_API bp_status bp_isa_from_name(const char *name, bp_isa *isa);
BP_API bool bp_cpu_supports(bp_isa isa);
BP_API bp_isa bp_cpu_best(void);
BP_API bool bp_cpu_covered(void);
BP_API bp_status bp_cpu_active(bp_isa *isa);
BP_API bp_status bp_cpu_set(bp_isa isa);
typedef struct bp_float_mode {
    uint64_t bits;
} bp_float_mode;
BP_API bp_float_mode bp_float_mode_enter(void);
BP_API void bp_float_mode_leave(bp_float_mode host);
BP_END_DECLS
#endif
