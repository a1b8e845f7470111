/* Makes networks: the one walk that lays a block out, and blocks that are copies of others. */
#ifndef BP_NETWORK_CREATE_H
#define BP_NETWORK_CREATE_H

#include "network/network.h"

/** bp_network_create on a given backend. */
bp_status bp_network_create_on(const bp_backend *backend, const bp_network_config *given, bp_network **network);

/** A copy of a network, with a pool of its own if the source has one. */
bp_status bp_network_copy_block(const bp_network *source, bp_network **copy);

#endif
