#ifndef BACKPROP_UPDATE_H
#define BACKPROP_UPDATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API bp_status bp_network_accumulate(bp_network *network, const bp_batch *batch, size_t total_rows, float *loss);
BP_API bp_status bp_network_update(bp_network *network, float learning_rate);
BP_API bp_status bp_network_discard(bp_network *network);
BP_API float bp_network_gradient_norm(const bp_network *network);
BP_API bp_status bp_network_get_optimizer(const bp_network *network, bp_optimizer *optimizer, size_t struct_size);
BP_API bp_status bp_network_set_momentum(bp_network *network, float momentum);
BP_API bp_status bp_network_swap_ema(bp_network *network);
BP_API bool bp_network_ema_swapped(const bp_network *network);
BP_API bp_status bp_network_freeze(bp_network *network, size_t index, bool frozen);
BP_END_DECLS
#endif
