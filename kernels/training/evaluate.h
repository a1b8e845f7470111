/* Passes over a data set, for fit. */
#ifndef BP_TRAINING_EVALUATE_H
#define BP_TRAINING_EVALUATE_H

#include <backprop/data.h>
#include <backprop/network.h>

/** Whether a checked data set has the columns, targets or labels that the network and its loss need. Sets the message.
 */
bp_status bp_dataset_check_loss(const bp_network *network, const bp_dataset *set, const char *name);

/** bp_network_evaluate in batches of so many rows, at most the network's max_batch_size. */
bp_status bp_evaluate_in(bp_network *network, const bp_dataset *dataset, size_t rows, double *loss);

#endif
