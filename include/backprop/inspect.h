/* Looking into a network: where the first number went wrong, and what it is in words. */
#ifndef BACKPROP_INSPECT_H
#define BACKPROP_INSPECT_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** What a number that is not finite belongs to, in the order in which they are looked at. */
typedef enum bp_place {
    BP_PLACE_NONE = 0, /* all numbers are finite */
    BP_PLACE_WEIGHTS,
    BP_PLACE_BIASES,
    BP_PLACE_GAINS, /* of layer normalisation */
    BP_PLACE_SHIFTS,
    BP_PLACE_INPUTS,
    BP_PLACE_TARGETS,
    BP_PLACE_ROW_WEIGHTS,    /* in the loss */
    BP_PLACE_PRE_ACTIVATION, /* z = x W + b */
    BP_PLACE_NORMALIZED,     /* what layer normalisation makes of z */
    BP_PLACE_ACTIVATION,     /* f of it */
    BP_PLACE_DROPOUT,        /* what dropout scales up */
    BP_PLACE_LOSS,
    BP_PLACE_DELTA,         /* dL/dz of the mean loss */
    BP_PLACE_GRADIENT,      /* of the weights */
    BP_PLACE_BIAS_GRADIENT, /* of the biases */
    BP_PLACE_GAIN_GRADIENT,
    BP_PLACE_SHIFT_GRADIENT,
    BP_PLACE_UPDATE,        /* a parameter after an update whose gradient was finite: found by bp_network_fit alone */
    BP_PLACE_GRADIENT_NORM, /* its square has overflowed, see clip_norm: found by bp_network_fit alone */
    BP_PLACE_COUNT
} bp_place;

/** "weights", "biases", "inputs", ... ; "nothing" for BP_PLACE_NONE; null for any other value. */
BP_API const char *bp_place_name(bp_place place);

/** A number that is infinite or NaN. */
typedef struct bp_nonfinite {
    bp_place place;
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
 * finding a fault, not for every step. What is not found is reported as BP_PLACE_NONE.
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
