/* The command line. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

enum { LAYERS_MAX = 64, WIDTH_MAX = 65536 };

/** Widths of a network, as in "784-256-128-10": layers + 1 of them. */
typedef struct layer_sizes {
    size_t layers;
    size_t sizes[LAYERS_MAX + 1];
} layer_sizes;

#define NO_SCHEDULE ((bp_schedule_kind)-1)

typedef struct options {
    const char *data;         /* folder of IDX files, or SPIRALS; null: the default folder if it is there */
    const char *layers;       /* as given, for messages; null: the default of the data */
    bp_activation activation; /* of the hidden layers */
    float dropout;            /* of the hidden layers */
    bool layer_norm;          /* likewise */
    bool normalize;           /* the inputs' columns */
    bp_optimizer optimizer;
    bp_loss_kind loss;
    float smoothing; /* of the labels */
    size_t epochs, batch;
    size_t stop_after;         /* epochs, of all; 0: none */
    float learning_rate;       /* the highest; 0: the optimizer's default */
    bp_schedule_kind schedule; /* NO_SCHEDULE: the default */
    uint64_t warmup;           /* steps */
    const char *save, *load;   /* files, or null */
    const char *isa;           /* null: the library's choice */
    size_t threads;            /* 0: the library's choice */
    uint64_t seed;
    size_t limit; /* of training samples */
    bool quiet;
} options;

/** Reads the command line; --help prints the usage and exits with 0, anything wrong ends in fail(). */
options options_parse(int argc, char **argv);

/** The learning rate: as given, or the usual one of the optimizer. */
float options_rate(const options *o);

/** Reads widths joined by '-'; anything else ends in fail(). */
layer_sizes layers_parse(const char *text);

#endif
