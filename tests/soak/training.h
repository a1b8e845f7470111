/* Trainings of the soak: what a round trains, and a run of it that any other run can take over. */
#ifndef BACKPROP_TESTS_SOAK_TRAINING_H
#define BACKPROP_TESTS_SOAK_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

enum { SOAK_LAYERS_MAX = 4 };

/** A network, its optimizer and its batches, all drawn from a seed and the number of a round. */
typedef struct soak_plan {
    uint64_t seed, round;
    size_t layers, sizes[SOAK_LAYERS_MAX + 1];
    bp_activation activations[SOAK_LAYERS_MAX];
    float dropout[SOAK_LAYERS_MAX];
    bool normalize[SOAK_LAYERS_MAX];
    bp_loss_kind loss;
    bp_optimizer optimizer;
    size_t rows;
    float learning_rate;
    uint64_t steps, save_every;
} soak_plan;

/** What a run may differ in without a bit of its result being another. */
typedef struct soak_way {
    bp_isa isa;
    size_t threads;
    bool in_order; /* the calling thread does the work of all threads */
} soak_way;

/** Number `index` of those that a round draws, below `below`. */
size_t soak_draw(uint64_t seed, uint64_t round, uint64_t index, size_t previous);

soak_plan soak_plan_draw(uint64_t seed, uint64_t round, uint64_t steps);

/** As in "53-128-10 adam dropout layer-norm, 40 rows". */
void soak_plan_describe(const soak_plan *plan, char *text, size_t size);

/** One of the instruction sets that this CPU has, and 1 to 3 threads. */
soak_way soak_way_draw(uint64_t seed, uint64_t round, uint64_t index);

/** A network of the plan in its initial state; null, with a message, if that fails. */
bp_network *soak_network(const soak_plan *plan, soak_way way);

/** Trains up to `steps` steps in all, by the batches of their numbers. False, with a message, if that fails. */
bool soak_train(bp_network *network, const soak_plan *plan, uint64_t steps);

/** Saves a checkpoint with a hash of the weights in its notes; loads one and compares. False with a message. */
bool soak_save(const bp_network *network, const char *path);
bool soak_load(bp_network *network, const char *path);

/**
 * The whole training: from the checkpoint at `path`, if it is there, saving one every now and then; `path` null: from
 * the beginning to the end at one go. *hash is that of the weights. False, with a message, if anything fails.
 */
bool soak_run(const soak_plan *plan, soak_way way, const char *path, uint64_t *hash);

#endif
