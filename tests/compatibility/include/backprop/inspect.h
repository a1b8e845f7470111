/* Looking into a network: where the first number went wrong, and what it is in words. */
#ifndef BACKPROP_INSPECT_H
#define BACKPROP_INSPECT_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** What a number that is not finite belongs to, in the order in which they are looked at. */
typedef enum bp_quantity {
    BP_QUANTITY_NONE = 0, /* all numbers are finite */
    BP_QUANTITY_WEIGHTS,
    BP_QUANTITY_BIASES,
    BP_QUANTITY_GAMMA, /* of layer normalization */
    BP_QUANTITY_BETA,
    BP_QUANTITY_INPUTS,
    BP_QUANTITY_TARGETS,
    BP_QUANTITY_ROW_WEIGHTS,    /* in the loss */
    BP_QUANTITY_PRE_ACTIVATION, /* z = x W + b */
    BP_QUANTITY_NORMALIZED,     /* what layer normalization makes of z */
    BP_QUANTITY_ACTIVATION,     /* f of it */
    BP_QUANTITY_DROPOUT,        /* what dropout scales up */
    BP_QUANTITY_LOSS,
    BP_QUANTITY_DELTA,         /* dL/dz of the mean loss */
    BP_QUANTITY_GRADIENT,      /* of the weights */
    BP_QUANTITY_BIAS_GRADIENT, /* of the biases */
    BP_QUANTITY_GAMMA_GRADIENT,
    BP_QUANTITY_BETA_GRADIENT,
    BP_QUANTITY_UPDATE, /* a parameter after an update whose gradient was finite: found by bp_network_fit alone */
    BP_QUANTITY_GRADIENT_NORM, /* its square has overflowed, see clip_norm: found by bp_network_fit alone */
} bp_quantity;

/** "weights", "biases", "inputs", ... ; "nothing" for BP_QUANTITY_NONE; null for any other value. */
BP_API const char *bp_quantity_name(bp_quantity quantity);

/** A number that is infinite or NaN. */
typedef struct bp_nonfinite {
    bp_quantity quantity;
    size_t layer;       /* that it belongs to; of inputs, targets and loss 0 */
    size_t row, column; /* in its matrix: a row of the batch, or of the weights; 0 where there is none */
    float value;
} bp_nonfinite;

/**
 * Looks for the first number that is not finite in a training step of this batch: through all parameters, layer by
 * layer; the inputs and targets; then what each layer computes, from the first to the last; the losses of the rows and
 * their mean (as row `rows` of the batch); the deltas, from the last layer to the first; and the gradients, in the same
 * order, each matrix row by row. Dropout takes the masks of the network's next training step. Nothing of the network
 * changes. `batch` as for bp_network_train_step, targets and labels included.
 *
 * It repeats the step by the public kernels, with memory from the network's allocator for all layers and rows: for
 * finding a fault, not for every step. What is not found is reported as BP_QUANTITY_NONE.
 *
 * Errors as bp_network_train_step, and BP_ERROR_MEMORY; then *found is unchanged.
 */
BP_API bp_status bp_network_find_nonfinite(bp_network *network, const bp_batch *batch, bp_nonfinite *found);

/**
 * Describes a network in words, for people: its layers, parameters, memory, work of a step, instruction set and tile,
 * threads, and how a batch of its largest size goes through it. Lines end in '\n'; numbers are plain decimals in every
 * locale. The words may change between versions.
 *
 * Like snprintf: writes at most `size` bytes, the last of them a null character unless size is 0 (`text` may then be
 * null), and returns the number of characters that the whole text has, without that one. Returns 0 for a null network
 * (and makes the text empty), and for a null `text` with another size.
 */
BP_API size_t bp_network_summary(const bp_network *network, char *text, size_t size);

BP_END_DECLS

#endif
