/* tensor.h. */
#include "messages.h"
#include "network_support.h"

void tensors_are_refused(void) {
    const net shape = {.layers = 1, .sizes = {2, 3}, .activations = {{BP_ACTIVATION_IDENTITY, 0}}};
    const bp_network_config config = net_config(&shape, 4);
    bp_network *network = net_create(&config, 1);
    const size_t narrow[] = {1, 1};
    float x[6] = {0};
    bp_tensor_info info;
    size_t index;
    REFUSED("network", bp_network_tensor_info, NULL, 0, &info);
    REFUSED("info", bp_network_tensor_info, network, 0, NULL);
    REFUSED("index", bp_network_tensor_info, network, 2, &info);
    REFUSED("name", bp_network_tensor_find, network, NULL, &index);
    REFUSED("name", bp_network_tensor_find, network, "1.weight", &index);
    REFUSED("values", bp_network_tensor_read, network, 0, NULL, NULL);
    REFUSED("index", bp_network_tensor_read, network, 2, x, NULL);
    REFUSED("strides", bp_network_tensor_read, network, 0, x, narrow);
    REFUSED("network", bp_network_tensor_write, NULL, 0, x, NULL);
    REFUSED("values", bp_network_tensor_write, network, 0, NULL, NULL);
    bp_network_destroy(network);
}
