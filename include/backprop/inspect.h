/* Diagnostics: the first number that is not finite in a training step, and a summary of a network in words. */
#ifndef BACKPROP_INSPECT_H
#define BACKPROP_INSPECT_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** The array that holds a number that is not finite. The search visits them in this order. */
typedef enum bp_quantity {
    BP_QUANTITY_NONE = 0, /* none: all numbers are finite */
    BP_QUANTITY_WEIGHTS,
    BP_QUANTITY_BIASES,
    BP_QUANTITY_GAMMA, /* of layer normalization */
    BP_QUANTITY_BETA,
    BP_QUANTITY_INPUTS,
    BP_QUANTITY_TARGETS,
    BP_QUANTITY_ROW_WEIGHTS,    /* bp_batch.weights */
    BP_QUANTITY_PRE_ACTIVATION, /* z = x W + b */
    BP_QUANTITY_NORMALIZED,     /* output of layer normalization */
    BP_QUANTITY_ACTIVATION,     /* f(z) */
    BP_QUANTITY_DROPOUT,        /* output of dropout */
    BP_QUANTITY_LOSS,
    BP_QUANTITY_DELTA,         /* dL/dz of the mean loss */
    BP_QUANTITY_GRADIENT,      /* weight gradient */
    BP_QUANTITY_BIAS_GRADIENT, /* bias gradient */
    BP_QUANTITY_GAMMA_GRADIENT,
    BP_QUANTITY_BETA_GRADIENT,
    BP_QUANTITY_UPDATE,        /* a parameter after an update with a finite gradient; bp_network_fit alone finds it */
    BP_QUANTITY_GRADIENT_NORM, /* its square overflows, see clip_norm; bp_network_fit alone finds it */
} bp_quantity;

/** "weights", "biases", "inputs", ... ; "nothing" for BP_QUANTITY_NONE; null for any other value. */
BP_API const char *bp_quantity_name(bp_quantity quantity);

/** A number that is infinite or NaN. */
typedef struct bp_nonfinite {
    bp_quantity quantity;
    size_t layer;       /* 0 for inputs, targets and the loss */
    size_t row, column; /* position in the matrix (a row of the batch, or of the weights); 0 where there is none */
    float value;
} bp_nonfinite;

/**
 * Finds the first number that is not finite in a training step on this batch. The search order is:
 *
 *   1. the parameters, layer by layer
 *   2. the inputs and targets
 *   3. the values of each layer, from the first layer to the last
 *   4. the losses of the rows, and the batch's loss (reported as row `rows`)
 *   5. the deltas, from the last layer to the first
 *   6. the gradients, from the last layer to the first
 *
 * Each matrix is searched row by row. Dropout uses the masks of the network's next training step. The network does not
 * change. If all numbers are finite, found->quantity is BP_QUANTITY_NONE.
 *
 * The call repeats the step with the public kernels, with memory for all layers and rows from the network's allocator:
 * use it to find a fault, not in every step.
 *
 * Errors: those of bp_network_train_step, and BP_ERROR_MEMORY. On error *found is unchanged.
 */
BP_API bp_status bp_network_find_nonfinite(bp_network *network, const bp_batch *batch, bp_nonfinite *found);

/**
 * Describes a network in words: layers, parameters, memory, operations of a step, instruction set, threads, and the
 * schedule of a batch of max_batch_size rows and of one row, phase by phase if there are at most 64 layers. Each line
 * has a final '\n'. Numbers have a decimal point in every locale. The words may change between versions.
 *
 * Like snprintf, it writes at most `size` bytes, including a final null character, and returns the length of the whole
 * text without that character. `text` may be null if `size` is 0. It returns 0 for a null network, with an empty text,
 * and for a null `text` with a size above 0.
 */
BP_API size_t bp_network_summary(const bp_network *network, char *text, size_t size);

BP_END_DECLS

#endif
