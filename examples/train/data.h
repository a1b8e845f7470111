/* Data sets: labeled samples to train on, and others to test with. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef DEFAULT_FOLDER /* the tests build a copy that looks where there is none */
#define DEFAULT_FOLDER "/usr/share/datasets/fashion-mnist"
#endif
#define IDX_LAYERS "784-256-128-10"

/* Two interleaved spirals, one a class, in the plane: generated, for machines without a data set. */
#define SPIRALS "spirals"
#define SPIRALS_LAYERS "2-64-64-2"

typedef struct sample_set {
    char name[4096]; /* of the labels' file, for messages */
    size_t count;
    float *inputs;       /* [count x data_set.inputs] */
    uint32_t *labels;    /* [count] */
    uint32_t label_most; /* the largest label, of those beyond the limit too */
} sample_set;

typedef struct data_set {
    const char *name;   /* folder, or SPIRALS */
    const char *layers; /* default of --layers */
    bool substitute;    /* SPIRALS because the default folder is not there */
    size_t inputs;
    sample_set train, test;
} data_set;

/**
 * Loads `name`: a folder of IDX files, or SPIRALS, or null for the default folder if it is there, else SPIRALS.
 * At most `limit` training samples are kept. A missing or broken file ends in fail().
 */
data_set *data_load(const char *name, size_t limit);

void data_free(data_set *data);

#endif
