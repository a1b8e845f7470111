#include <backprop/cpu.h>

#include "float_environment.h"

bp_float_mode bp_float_mode_enter(void) {
    return (bp_float_mode){float_environment_enter()};
}

void bp_float_mode_leave(bp_float_mode host) {
    float_environment_leave(host.bits);
}
