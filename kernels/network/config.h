/* The configuration that a network is made from: its checks, and what it says of each layer. */
#ifndef BP_NETWORK_CONFIG_H
#define BP_NETWORK_CONFIG_H

#include <backprop/network.h>

/** A configuration that is checked, in this version's structs: loss_options and optimizer are not null. */
typedef struct checked_config {
    bp_network_config config; /* whose pointers lead to the others */
    bp_loss_options loss_options;
    bp_optimizer optimizer;
} checked_config;

/** Checks what a caller gave, with a message if it is wrong; puts the defaults where a pointer is null. */
bp_status bp_config_check(const bp_network_config *given, checked_config *checked);

/** Layer l by its configuration: activation, probability of dropout, whether it is normalized. */
bp_activation bp_config_activation(const bp_network_config *config, size_t l);
float bp_config_dropout(const bp_network_config *config, size_t l);
bool bp_config_normalizes(const bp_network_config *config, size_t l);

/** The parameter of a configuration's loss, as loss.h means it. */
float bp_config_loss_parameter(const bp_network_config *config);

#endif
