/* bp_network_create and bp_network_memory; test_network_config.c has every field of a configuration. */
#include "messages.h"

void creation_is_refused(void) {
    const bp_network_config config = {.layers = 1};
    bp_network *network;
    size_t bytes;
    REFUSED("network", bp_network_create, &config, NULL);
    REFUSED("config", bp_network_create, NULL, &network);
    REFUSED("config", bp_network_memory, NULL, &bytes);
    REFUSED("bytes", bp_network_memory, &config, NULL);
}
