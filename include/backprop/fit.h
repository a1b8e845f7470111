/*
 * Training on data sets: epochs of shuffled mini-batches, validation, early stopping, and callbacks that can stop the
 * training. Evaluation on data sets with any number of rows.
 */
#ifndef BACKPROP_FIT_H
#define BACKPROP_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/data.h>
#include <backprop/export.h>
#include <backprop/inspect.h>
#include <backprop/network.h>
#include <backprop/schedule.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Computes the network's outputs for every row of a data set: outputs [rows x sizes[layers]], in the data set's order,
 * with `output_stride` elements from one row to the next (0: packed). Targets, labels and weights are not used.
 *
 * Rows are processed in batches of the network's max_batch_size; the outputs do not depend on it. The call allocates
 * memory only for a data set with an index: one batch.
 *
 * Errors: those of bp_network_forward except BP_ERROR_BATCH; BP_ERROR_SIZE for inputs with another number of columns;
 * BP_ERROR_MEMORY.
 */
BP_API bp_status bp_network_predict(bp_network *network, const bp_dataset *dataset, float *outputs,
                                    size_t output_stride);

/**
 * *loss = the mean loss over a data set's rows. It is computed in binary64, batch by batch in order:
 *
 * | reduction                               | loss                                                                  |
 * |-----------------------------------------|-----------------------------------------------------------------------|
 * | BP_REDUCTION_MEAN                       | (sum of bp_network_loss * rows of the batch) / rows                   |
 * | BP_REDUCTION_SUM                        | (sum of bp_network_loss) / rows: the mean, too                        |
 * | BP_REDUCTION_WEIGHTED_MEAN, weights     | (sum of bp_sum of row losses) / (sum of bp_sum of row weights)        |
 * | BP_REDUCTION_WEIGHTED_MEAN, no weights  | as BP_REDUCTION_MEAN                                                  |
 *
 * The batches have the network's max_batch_size rows. This size determines the order of the sums, and so the last bits
 * of the loss. Memory: as in bp_network_predict.
 *
 * Errors: those of bp_network_predict and bp_network_loss; BP_ERROR_VALUE if the weights add up to 0 for a weighted
 * mean.
 */
BP_API bp_status bp_network_evaluate(bp_network *network, const bp_dataset *dataset, double *loss);

/* ---- Early stopping ------------------------------------------------------------------------------------------- */

/**
 * State of early stopping, made by bp_early_stopping_defaults. Source: L. Prechelt, "Early stopping, but when?", 1998,
 * with patience as the criterion.
 */
typedef struct bp_early_stopping {
    size_t struct_size; /* sizeof(bp_early_stopping), set by bp_early_stopping_defaults */
    size_t patience;    /* number of values in a row without improvement after which to stop, at least 1; default 10 */
    double min_delta;   /* an improvement must exceed this: finite, 0 or more; default 0 */
    size_t seen;        /* number of values so far */
    size_t best_at;     /* index of the best value, counted from 0 */
    double best;        /* the best value */
} bp_early_stopping;

/** Sets the defaults in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_early_stopping_init(bp_early_stopping *state, size_t struct_size);

/** The state before the first value, with the defaults above. */
static inline bp_early_stopping bp_early_stopping_defaults(void) {
    bp_early_stopping bp_made;
    bp_early_stopping_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Takes the next value, for example a validation loss. Either result may be null.
 *
 * - *improved is true if value < best - min_delta. The first value improves unless it is NaN or +infinity.
 * - *stop is true if `patience` values came after the best one, or since the start if there is no best one.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for struct_size, patience or min_delta. On error nothing is changed.
 */
BP_API bp_status bp_early_stopping_next(bp_early_stopping *state, double value, bool *improved, bool *stop);

/* ---- Learning rates that fall on a plateau -------------------------------------------------------------------- */

/**
 * State of a learning rate that is reduced when a value stops falling, made by bp_plateau_defaults. Method and defaults
 * are those of PyTorch's ReduceLROnPlateau with mode 'min' and eps 0.
 */
typedef struct bp_plateau {
    size_t struct_size;      /* sizeof(bp_plateau), set by bp_plateau_defaults */
    float learning_rate;     /* current learning rate, at first the highest; finite, 0 or more; default 0.001 */
    float factor;            /* factor of each reduction, above 0 and below 1; default 0.1 */
    float learning_rate_min; /* lowest learning rate; finite, 0 or more; default 0 */
    size_t patience;         /* number of bad values in a row without a reduction; default 10 */
    double threshold;        /* an improvement must exceed this: finite, 0 or more; default 1e-4 */
    bool relative;           /* threshold is a fraction of the best value, below 1; otherwise absolute; default true */
    size_t cooldown;         /* number of values after a reduction that do not count as bad; default 0 */
    double best;             /* the best value so far */
    size_t seen;             /* number of values so far */
    size_t bad;              /* number of bad values in a row */
    size_t cooling;          /* number of further values that do not count as bad */
} bp_plateau;

/** Sets the defaults in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_plateau_init(bp_plateau *state, size_t struct_size);

/** The state before the first value, with the defaults above. */
static inline bp_plateau bp_plateau_defaults(void) {
    bp_plateau bp_made;
    bp_plateau_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Takes the next value, for example a validation loss. Arithmetic is in binary64:
 *
 *   better = value < (relative ? best * (1 - threshold) : best - threshold), where best is +infinity at first
 *   if better:          best = value; bad = 0;  otherwise bad = bad + 1
 *   if cooling > 0:     cooling = cooling - 1; bad = 0
 *   if bad > patience:  r = max(learning_rate * factor, learning_rate_min), rounded to binary32;
 *                       learning_rate = min(learning_rate, r); cooling = cooldown; bad = 0
 *
 * *reduced, if not null, says whether the last of these cases applied, bad > patience. A NaN is not better.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for struct_size or a number outside its range. On error nothing is changed.
 */
BP_API bp_status bp_plateau_next(bp_plateau *state, double value, bool *reduced);

/* ---- Fit ------------------------------------------------------------------------------------------------------ */

/**
 * Treatment of numbers that are not finite in a fit.
 *
 * - BP_NONFINITE_POLICY_STOP: the fit stops after the first step whose loss is not finite. If the gradient is clipped
 *   by norm, it also stops if the norm is not finite. At the end of an epoch, it stops if a parameter or the validation
 *   loss is not finite.
 * - BP_NONFINITE_POLICY_LOCATE: the same, and the fit finds where the number came from (bp_fit_result.nonfinite). It
 *   copies and reads all parameters in each step.
 * - BP_NONFINITE_POLICY_CONTINUE: the fit goes on.
 */
typedef enum bp_nonfinite_policy {
    BP_NONFINITE_POLICY_STOP = 0, /* stop */
    BP_NONFINITE_POLICY_LOCATE,   /* stop and locate */
    BP_NONFINITE_POLICY_CONTINUE, /* go on */
} bp_nonfinite_policy;

/** Progress of a fit. */
typedef struct bp_fit_progress {
    size_t epoch, epochs;   /* the current epoch, counted from 0; bp_fit_options.epochs */
    size_t step, steps;     /* steps of this epoch: done so far, in total */
    size_t rows;            /* rows in the steps done so far */
    float learning_rate;    /* of the last step */
    float step_loss;        /* loss of the last step's batch before its update, as in bp_network_loss */
    double loss;            /* mean of the row losses in this epoch, each before its step's update */
    double validation_loss; /* after an epoch, with validation data; otherwise NaN */
    bool improved;          /* after an epoch: its validation loss is the best so far; without validation data, its
                               loss */
} bp_fit_progress;

/** A callback that watches a fit. It returns true to stop the fit. It may use the network, but must not train or
 *  destroy it. */
typedef bool bp_fit_callback(void *context, const bp_fit_progress *progress);

/** Returns the learning rate of a step. `step` counts from 0 through all epochs: epoch * steps of an epoch + step. A
 *  bp_schedule gets the same number. */
typedef float bp_learning_rate_fn(void *context, size_t step);

/**
 * Options of a fit, made by bp_fit_options_defaults. Fields without a default are null, 0 or false. The learning rate
 * comes from at most one of schedule, learning_rate_of_step and plateau; if all are null, it is `learning_rate`.
 */
typedef struct bp_fit_options {
    size_t struct_size;          /* sizeof(bp_fit_options), set by bp_fit_options_defaults */
    size_t epochs;               /* of the whole training: a fit runs epochs initial_epoch .. epochs - 1; default 1 */
    size_t initial_epoch;        /* the first epoch of this fit, below `epochs`: more than 0 to resume; default 0 */
    size_t batch_size;           /* rows of a step, at most the network's max_batch_size; default 0: max_batch_size */
    float learning_rate;         /* default 0.001 */
    const bp_schedule *schedule; /* learning rate of each step, and its momentum if the schedule has one; or null */
    bp_learning_rate_fn *learning_rate_of_step; /* callback for the learning rate of each step, or null */
    void *learning_rate_context;                /* passed to learning_rate_of_step */
    bp_plateau *plateau;           /* learning rate of each epoch, or null. It gets the same values as early stopping,
                                      and continues from its current state */
    uint64_t seed;                 /* seed of the shuffles (data.h) */
    bool shuffle;                  /* a new order of the rows in each epoch; otherwise their own order; default true */
    const bp_dataset *validation;  /* validation data, or null */
    bp_early_stopping *stopping;   /* null: no early stopping; otherwise continues from its current state */
    bool restore_best;             /* at the end, restore the network of this fit's best epoch (the last epoch with
                                      bp_fit_progress.improved) */
    bp_nonfinite_policy nonfinite; /* default BP_NONFINITE_POLICY_STOP */
    bp_fit_callback *on_epoch;     /* called after each epoch, or null */
    bp_fit_callback *on_step;      /* called after each step, or null */
    void *context;                 /* passed to on_epoch and on_step */
} bp_fit_options;

/** Sets the defaults in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_fit_options_init(bp_fit_options *options, size_t struct_size);

/** Options with the defaults above. */
static inline bp_fit_options bp_fit_options_defaults(void) {
    bp_fit_options bp_made;
    bp_fit_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

typedef enum bp_fit_outcome {
    BP_FIT_OUTCOME_COMPLETE = 0, /* all epochs are done */
    BP_FIT_OUTCOME_STOPPED,      /* a callback stopped the fit */
    BP_FIT_OUTCOME_EARLY,        /* early stopping */
    BP_FIT_OUTCOME_NONFINITE     /* a number is not finite (bp_nonfinite_policy); the status is BP_ERROR_NONFINITE */
} bp_fit_outcome;

/** Result of a fit. */
typedef struct bp_fit_result {
    bp_fit_outcome outcome;
    size_t epochs;          /* number of epochs finished in this fit */
    size_t steps;           /* number of steps done in this fit */
    double loss;            /* bp_fit_progress.loss of the last epoch, complete or not */
    double validation_loss; /* of the last complete epoch; NaN if there is none, and without validation data */
    size_t best_epoch;      /* best epoch of this fit, counted from 0; SIZE_MAX if there is none */
    double best_loss;       /* its validation loss, or without validation data its loss; +infinity if there is none */
    size_t bad_step;        /* with BP_FIT_OUTCOME_NONFINITE: the step of epoch bad_epoch, counted from 0; the number of
                               steps of an epoch if the validation loss is not finite */
    size_t bad_epoch;       /* with BP_FIT_OUTCOME_NONFINITE: the epoch, counted from 0 */
    size_t bad_row;         /* with BP_NONFINITE_POLICY_LOCATE: the row of the data set's arrays that is nonfinite.row,
                               if that is a row of the batch; otherwise SIZE_MAX */
    bp_nonfinite nonfinite; /* with BP_NONFINITE_POLICY_LOCATE: the number found in that step; with every policy that
                               stops: a parameter that is not finite at the end of an epoch */
} bp_fit_result;

/**
 * Trains a network on a data set. In each epoch:
 *
 * - One bp_network_train_step runs for each batch of bp_batches, in the order of bp_batches_shuffle(seed, epoch), or in
 *   their own order if `shuffle` is false.
 * - With validation data, bp_network_evaluate computes the validation loss, in batches of batch_size rows.
 * - `stopping` and `plateau` get the validation loss, or without validation data the epoch's loss.
 * - on_epoch is called.
 *
 * Results do not depend on the number of epochs in one call: a fit up to epoch k, then a fit from initial_epoch = k,
 * give the results of one fit. For a given batch_size, they do not depend on the network's max_batch_size.
 *
 * A schedule with a momentum sets it before each step (bp_schedule_momentum, bp_network_set_momentum). After the fit
 * the network has its previous momentum.
 *
 * Memory comes from the network's allocator, and is released at the end: one batch, and a row number for each row.
 * restore_best and BP_NONFINITE_POLICY_LOCATE each take a copy of the parameters and the optimizer's state.
 *
 * If a number is not finite, the fit stops with BP_ERROR_NONFINITE, except with BP_NONFINITE_POLICY_CONTINUE. *result
 * is filled in; bp_error_message says the epoch, the step, the number and the learning rate. The network then is:
 *
 * | option                                  | state of the network                                                  |
 * |-----------------------------------------|-----------------------------------------------------------------------|
 * | restore_best, if there is a best epoch  | after that epoch: parameters, optimizer's state, bp_network_steps     |
 * | otherwise BP_NONFINITE_POLICY_LOCATE    | before the bad step, in the same respects                             |
 * | otherwise BP_NONFINITE_POLICY_STOP      | after the bad step                                                    |
 *
 * Errors before the first step; nothing is changed:
 *
 * | error               | cause                                                                                   |
 * |---------------------|-----------------------------------------------------------------------------------------|
 * | BP_ERROR_NULL       | network, dataset, options, or arrays that the loss needs                                |
 * | BP_ERROR_SIZE       | columns of a data set that do not match the network; more than 2^32 rows                |
 * | BP_ERROR_BATCH      | batch_size is above the network's max_batch_size                                        |
 * | BP_ERROR_LABEL      | a label that is not below the number of outputs                                         |
 * | BP_ERROR_VALUE      | options: struct_size, epochs, learning_rate, schedule, plateau, `stopping`, enumerators |
 * | BP_ERROR_VALUE      | more than one of schedule, learning_rate_of_step and plateau                            |
 * | BP_ERROR_VALUE      | a momentum in the schedule for an optimizer without momentum; the EMA is swapped in     |
 * | BP_ERROR_OVERLAP    | a data set overlaps the network's memory                                                |
 * | BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT | a data set                                                            |
 * | BP_ERROR_MEMORY     |                                                                                         |
 *
 * Errors that stop the fit before a step, with BP_ERROR_VALUE; *result is filled in:
 *
 * - learning_rate_of_step returned a learning rate that is not finite
 * - the weights of a batch have no weighted mean
 * - a callback left the EMA swapped in
 *
 * `result` may be null.
 */
BP_API bp_status bp_network_fit(bp_network *network, const bp_dataset *dataset, const bp_fit_options *options,
                                bp_fit_result *result);

BP_END_DECLS

#endif
