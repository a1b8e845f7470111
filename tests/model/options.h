/* All that a network can be asked for, as factors of a covering set, and the network and calls that a row of it says.
 */
#ifndef BACKPROP_TESTS_OPTIONS_H
#define BACKPROP_TESTS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <backprop/backprop.h>

#include "harness/random.h"
#include "model.h"

/** What is called between a first step and a last one. */
typedef enum call_kind {
    CALL_TRAIN,             /* on the whole batch */
    CALL_TRAIN_PART,        /* on some of its rows, without a loss */
    CALL_BACKWARD,          /* an update with the gradient of the inputs */
    CALL_DELTAS,            /* an update by deltas of the caller's */
    CALL_CALLBACK,          /* an update by a loss of the caller's */
    CALL_KEEP,              /* gradients kept */
    CALL_KEEP_DELTAS,       /* the same by deltas of the caller's, with the gradient of the inputs */
    CALL_SKIP,              /* the gradient of the inputs alone */
    CALL_MICRO_BATCHES,     /* of whole row blocks, then an update */
    CALL_MICRO_BATCHES_ODD, /* of any rows, then an update */
    CALL_ACCUMULATE,        /* one micro-batch; the gradients are left there */
    CALL_UPDATE,            /* by them, if there are any */
    CALL_DISCARD,
    CALL_SWAP,
    CALL_INITIALIZE,
    CALL_SET_PARAMETERS,
    CALL_SET_STATE,
    CALL_SET_STEPS,
    CALL_FREEZE,     /* other layers than before */
    CALL_CHECKPOINT, /* and on with the network that is read */
    CALL_REFUSED,
    CALL_EVALUATE, /* outputs and loss */
    CALL_KINDS
} call_kind;

extern const char *const call_names[CALL_KINDS];

enum { CALLS_DRAWN = 2 };

/** Who runs a network's workers. */
typedef enum pool_kind { POOL_OWN, POOL_SERIAL, POOL_REVERSE, POOL_KINDS } pool_kind;

/** The way that a step takes through a network (kernels/network/): as it comes, or by sizes and features that lead to
 *  one: workers that share a slice, all layers of a small network in one call, or a single row. */
typedef enum sharing {
    SHARING_DRAWN,
    SHARING_BLOCKS,
    SHARING_ROWS,
    SHARING_COLUMNS,
    SHARING_SMALL,
    SHARING_ONE_ROW,
    SHARINGS
} sharing;

/** The number of factors, and of values that each has. */
extern const size_t option_factors;
extern const size_t option_values[];

/** A network with what is done to it. `config` points into the setting. */
typedef struct setting {
    bp_network_config config;
    size_t sizes[MODEL_LAYERS_MAX + 1];
    bp_activation activations[MODEL_LAYERS_MAX];
    float dropout[MODEL_LAYERS_MAX];
    bool normalize[MODEL_LAYERS_MAX], frozen[MODEL_LAYERS_MAX];
    size_t rows, beta; /* of its batch; elements by which its arrays are moved and their rows longer than need be */
    bool labels, weighted;
    pool_kind pool;
    float learning_rate;
    call_kind calls[CALLS_DRAWN];
} setting;

/** The way that a row of the covering set names. */
sharing setting_sharing(const unsigned char *row);

/**
 * What a row says, with its own sizes or those that lead to a way; a step takes at most so many
 * floating-point operations in its products.
 */
void setting_draw(setting *s, const unsigned char *row, sharing way, double flops_max, test_random *random);

/** In words, on some lines. */
void setting_print(FILE *out, const setting *s);

#endif
