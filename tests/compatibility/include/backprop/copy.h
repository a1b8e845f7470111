#ifndef BACKPROP_COPY_H
#define BACKPROP_COPY_H
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API bp_status bp_network_clone(const bp_network *source, bp_network **clone);
BP_API bp_status bp_network_clone_parameters(const bp_network *source, bp_network **clone);
BP_API bp_status bp_network_copy_parameters(bp_network *target, const bp_network *source);
BP_API bp_status bp_network_copy_state(bp_network *target, const bp_network *source);
BP_API bp_status bp_network_soft_update(bp_network *target, const bp_network *source, float tau);
BP_END_DECLS
#endif
