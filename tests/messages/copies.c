/* Inference, copies of networks, thread pools. */
#include "messages.h"
#include "network_support.h"

void copies_are_refused(void) {
    const net shape = {.layers = 1, .sizes = {2, 3}, .activations = {{BP_ACTIVATION_IDENTITY, 0}}},
              other_shape = {.layers = 1, .sizes = {2, 4}, .activations = {{BP_ACTIVATION_IDENTITY, 0}}};
    const bp_network_config config = net_config(&shape, 4), other_config = net_config(&other_shape, 4);
    bp_network *network = net_create(&config, 1), *same = net_create(&config, 2), *other = net_create(&other_config, 1),
               *clone = NULL;
    float inputs[8] = {0}, outputs[12];
    const bp_batch batch = {.rows = 4, .inputs = inputs};
    bp_thread_pool *pool;
    static _Alignas(64) unsigned char workspace[64];
    REFUSED("source", bp_network_clone, NULL, &clone);
    REFUSED("clone", bp_network_clone, network, NULL);
    REFUSED("source", bp_network_clone_parameters, NULL, &clone);
    REFUSED("target", bp_network_copy_parameters, NULL, network);
    REFUSED("source", bp_network_copy_parameters, other, network);
    REFUSED("source", bp_network_copy_state, network, NULL);
    REFUSED("tau", bp_network_soft_update, network, same, NAN);
    REFUSED("network", bp_network_infer, NULL, &batch, outputs, 0, workspace, sizeof workspace);
    REFUSED("outputs", bp_network_infer, network, &batch, NULL, 0, workspace, sizeof workspace);
    REFUSED("workspace", bp_network_infer, network, &batch, outputs, 0, NULL, sizeof workspace);
    REFUSED("workspace_bytes", bp_network_infer, network, &batch, outputs, 0, workspace, 0);
    REFUSED("pool", bp_thread_pool_create, 2, NULL);
    REFUSED("threads", bp_thread_pool_create, SIZE_MAX, &pool);
    bp_network_destroy(network);
    bp_network_destroy(same);
    bp_network_destroy(other);
}
