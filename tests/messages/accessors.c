/* Copies of a network's parameters and state. */
#include "messages.h"

void accessors_are_refused(void) {
    float x[4];
    REFUSED("network", bp_network_get_parameters, NULL, 0, x, 0, NULL);
    REFUSED("network", bp_network_set_parameters, NULL, 0, x, 0, NULL);
    REFUSED("network", bp_network_get_normalization, NULL, 0, x, NULL);
    REFUSED("network", bp_network_set_normalization, NULL, 0, x, NULL);
    REFUSED("network", bp_network_get_gradient, NULL, 0, x, 0, NULL);
    REFUSED("network", bp_network_get_normalization_gradient, NULL, 0, x, NULL);
    REFUSED("network", bp_network_get_state, NULL, 0, 0, x, 0, NULL);
    REFUSED("network", bp_network_set_state, NULL, 0, 0, x, 0, NULL);
    REFUSED("network", bp_network_get_normalization_state, NULL, 0, 0, x, NULL);
    REFUSED("network", bp_network_set_normalization_state, NULL, 0, 0, x, NULL);
}
