#define _POSIX_C_SOURCE 200809L

#include "storage/plain.h"

#include <fenv.h>

#include "float_environment.h"

bp_status bp_plain_enter(bp_plain *plain) {
    plain->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain->plain == (locale_t)0)
        return BP_ERROR_MEMORY;
    plain->hosts = uselocale(plain->plain);
    /* C libraries look at other registers for the rounding than float_environment.h sets. */
    plain->rounding = fegetround();
    fesetround(FE_TONEAREST);
    plain->environment = float_environment_enter();
    return BP_OK;
}

void bp_plain_leave(const bp_plain *plain) {
    float_environment_leave(plain->environment);
    fesetround(plain->rounding);
    uselocale(plain->hosts);
    freelocale(plain->plain);
}
