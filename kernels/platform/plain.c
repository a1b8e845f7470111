#define _POSIX_C_SOURCE 200809L

#include "platform/plain.h"

#include <locale.h>

#include "float_environment.h"

bp_status bp_plain_enter(bp_plain *plain) {
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return BP_ERROR_MEMORY;
    plain->plain = c;
    plain->hosts = uselocale(c);
    /* C libraries read the rounding mode from a register that float_environment.h does not set: that of the x87. */
    fegetenv(&plain->environment);
    fesetenv(FE_DFL_ENV);
    (void)float_environment_enter(); /* the default of some C libraries leaves flush-to-zero on */
    return BP_OK;
}

void bp_plain_leave(const bp_plain *plain) {
    fesetenv(&plain->environment);
    uselocale((locale_t)plain->hosts);
    freelocale((locale_t)plain->plain);
}
