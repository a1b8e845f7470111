/*
 * Training over whole data sets: epochs of shuffled mini-batches, validation, early stopping, callbacks that can stop
 * it; and passes over data sets of any number of rows.
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
 * Outputs of a network for every row of a data set, [rows x outputs], in the data set's order; targets, labels and
 * weights are not used. In steps of the network's max_batch_size, on which no bit depends; memory is taken only for a
 * data set with an index, for one batch. Errors as bp_network_forward but BP_ERROR_BATCH, BP_ERROR_SIZE for inputs of
 * another width, BP_ERROR_MEMORY; bp_error_message() has the words.
 */
BP_API bp_status bp_network_predict(bp_network *network, const bp_dataset *dataset, float *outputs,
                                    size_t output_stride);

/**
 * Mean loss over a data set's rows: (the sum over its batches of bp_network_loss * their rows) / rows, in binary64, in
 * order, in batches of the network's max_batch_size: how large these are changes the order of its sums, and so its last
 * bits. (With BP_REDUCTION_SUM without the factor, so that it is the mean too. With BP_REDUCTION_WEIGHTED_MEAN and
 * weights, (the sum over its batches of bp_sum of the rows' losses) / (that of bp_sum of their weights), BP_ERROR_VALUE
 * if that is 0.) Memory and errors as bp_network_predict and bp_network_loss.
 */
BP_API bp_status bp_network_evaluate(bp_network *network, const bp_dataset *dataset, double *loss);

/* ---- Early stopping ------------------------------------------------------------------------------------------- */

/** When to stop for want of improvement (L. Prechelt, "Early stopping, but when?", 1998, with patience as the
 *  criterion). Made by bp_early_stopping_defaults(). */
typedef struct bp_early_stopping {
    size_t struct_size; /* set by bp_early_stopping_defaults */
    size_t patience;    /* values in a row that are no improvement after which to stop, at least 1; default 10 */
    double min_delta;   /* by which a value must lie below the best one at least: finite, 0 or more; default 0 */
    size_t seen;        /* values so far */
    size_t best_at;     /* which of them was the best, counted from 0 */
    double best;        /* that value */
} bp_early_stopping;

/** Fills in the defaults of bp_early_stopping_defaults() for a struct of `struct_size` bytes. Null: nothing is done. */
BP_API void bp_early_stopping_init(bp_early_stopping *state, size_t struct_size);

/** The state before the first value, with the defaults above. */
static inline bp_early_stopping bp_early_stopping_defaults(void) {
    bp_early_stopping bp_made;
    bp_early_stopping_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Takes the next value, a validation loss say. It improves if value < best - min_delta, as the first one does unless
 * it is NaN or +infinity. *stop: `patience` values have come since the best one (or since the start, if there was
 * none). Either result may be null. BP_ERROR_NULL, BP_ERROR_VALUE (struct_size, patience, min_delta), with nothing
 * changed.
 */
BP_API bp_status bp_early_stopping_next(bp_early_stopping *state, double value, bool *improved, bool *stop);

/* ---- Rates that fall on a plateau ------------------------------------------------------------------------------- */

/** A learning rate that is lowered when a value stops falling, as PyTorch's ReduceLROnPlateau has it (mode 'min', eps
 *  0), with its defaults. Made by bp_plateau_defaults(). */
typedef struct bp_plateau {
    size_t struct_size;      /* set by bp_plateau_defaults */
    float learning_rate;     /* of the steps to come: at first the highest; finite, 0 or more; default 0.001 */
    float factor;            /* by which it is lowered, above 0 and below 1; default 0.1 */
    float learning_rate_min; /* the lowest, finite, 0 or more; default 0 */
    size_t patience;         /* values in a row without improvement that lower nothing yet; default 10 */
    double threshold; /* by which a value must lie below the best one at least: finite, 0 or more; default 1e-4 */
    bool relative;    /* as a part of the best one, below 1; else absolute; default true */
    size_t cooldown;  /* values after a reduction that are not counted as bad; default 0 */
    double best;      /* of the values so far */
    size_t seen;      /* how many these are */
    size_t bad;       /* of those that are counted, in a row */
    size_t cooling;   /* values that are still not counted */
} bp_plateau;

/** Fills in the defaults of bp_plateau_defaults() for a struct of `struct_size` bytes. Null: nothing is done. */
BP_API void bp_plateau_init(bp_plateau *state, size_t struct_size);

/** The state before the first value, with the defaults above. */
static inline bp_plateau bp_plateau_defaults(void) {
    bp_plateau bp_made;
    bp_plateau_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Takes the next value, a validation loss say, in binary64:
 *
 *   better = value < (relative ? best * (1 - threshold) : best - threshold), best being +infinity at first
 *   better: best = value, bad = 0;  else bad = bad + 1
 *   cooling > 0: cooling = cooling - 1, bad = 0
 *   bad > patience: rate = min(rate, max(rate * factor, learning_rate_min) rounded to binary32), cooling = cooldown,
 * bad = 0
 *
 * *reduced (if not null): whether the last line was taken. A NaN is no improvement. BP_ERROR_NULL, BP_ERROR_VALUE
 * (struct_size, a number outside its range), with nothing changed.
 */
BP_API bp_status bp_plateau_next(bp_plateau *state, double value, bool *reduced);

/* ---- Fit ------------------------------------------------------------------------------------------------------ */

/** What a fit does about numbers that are not finite. */
typedef enum bp_nonfinite_policy {
    BP_NONFINITE_POLICY_STOP =
        0, /* stops after the first step whose loss is not finite, or the norm of its gradient where
       that is clipped; at the end of an epoch, if a parameter or the validation loss is not */
    BP_NONFINITE_POLICY_LOCATE,   /* also finds where it came from, see bp_fit_result.nonfinite; copies and reads all
                              parameters in each step */
    BP_NONFINITE_POLICY_CONTINUE, /* nothing */
} bp_nonfinite_policy;

/** Where a fit is. */
typedef struct bp_fit_progress {
    size_t epoch, epochs;   /* the epoch, counted from 0, and the end of the fit */
    size_t step, steps;     /* steps of this epoch that have been done, and all of them */
    size_t rows;            /* rows in them */
    float learning_rate;    /* of the last step */
    float step_loss;        /* loss of the last step's batch, as bp_network_loss, before its update */
    double loss;            /* mean of the rows' losses in this epoch, each before its step's update */
    double validation_loss; /* after an epoch, if there are validation data; else NaN */
    bool improved;          /* after an epoch: the validation loss (without validation data, the loss) is the
                               best so far */
} bp_fit_progress;

/** A caller's function that watches a fit; true ends it. It may use the network, but not train it or destroy it. */
typedef bool bp_fit_callback(void *context, const bp_fit_progress *progress);

/** A learning rate for each step; `step` counts from 0 through all epochs: epoch * steps of an epoch + step. So does
 *  the step of a bp_schedule. */
typedef float bp_learning_rate_fn(void *context, size_t step);

/** Options of a fit. Made by bp_fit_options_defaults(); what has no default is null or 0. */
typedef struct bp_fit_options {
    size_t struct_size;          /* set by bp_fit_options_defaults */
    size_t epochs;               /* the epoch before which to stop, counted from 0, at least 1; default 1 */
    size_t first_epoch;          /* the first one, less than `epochs`: others have been done before */
    size_t batch_size;           /* rows in a step, at most the network's max_batch_size; default 0: that */
    float learning_rate;         /* learning rate, unless one of the next three is given; default 0.001 */
    const bp_schedule *schedule; /* the learning rate of each step, and its momentum where it has one; or null */
    bp_learning_rate_fn *learning_rate_of_step; /* the same by a function of the caller's, or null */
    void *learning_rate_context;                /* of that function */
    bp_plateau *plateau; /* the learning rate of each epoch, or null: takes the value that early stopping takes,
                            and goes on from the state that it has */
    uint64_t seed;       /* of the shuffles, see data.h */
    bool shuffle;        /* a new order of the rows for each epoch; else their own order; default true */
    const bp_dataset *validation; /* or null */
    bp_early_stopping *stopping;  /* or null: never; goes on from the state that it has */
    bool restore_best;            /* end as the best epoch of this fit left the network, see bp_fit_progress.improved */
    bp_nonfinite_policy nonfinite; /* default BP_NONFINITE_POLICY_STOP */
    bp_fit_callback *on_epoch;     /* after each epoch, or null */
    bp_fit_callback *on_step;      /* after each step, or null */
    void *context;                 /* of both callbacks */
} bp_fit_options;

/** Fills in the defaults of bp_fit_options_defaults() for a struct of `struct_size` bytes. Null: nothing is done. */
BP_API void bp_fit_options_init(bp_fit_options *options, size_t struct_size);

/** Options with the defaults above. */
static inline bp_fit_options bp_fit_options_defaults(void) {
    bp_fit_options bp_made;
    bp_fit_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

typedef enum bp_fit_outcome {
    BP_FIT_OUTCOME_COMPLETE = 0, /* all epochs */
    BP_FIT_OUTCOME_STOPPED,      /* a callback said so */
    BP_FIT_OUTCOME_EARLY,        /* early stopping */
    BP_FIT_OUTCOME_NONFINITE     /* see bp_nonfinite_policy; with the status BP_ERROR_NONFINITE */
} bp_fit_outcome;

/** How a fit ended. */
typedef struct bp_fit_result {
    bp_fit_outcome outcome;
    size_t epochs;          /* finished in this fit */
    size_t steps;           /* done in this fit */
    double loss;            /* as in bp_fit_progress, of the last epoch, whole or not */
    double validation_loss; /* of the last whole epoch; NaN without one, and without validation data */
    size_t best_epoch;      /* of this fit, counted from 0; SIZE_MAX if there is none */
    double best_loss;       /* its validation loss, or loss; +infinity if there is none */
    size_t bad_step; /* BP_FIT_OUTCOME_NONFINITE: which step of epoch bad_epoch, counted from 0; the number of steps of
                        an epoch if it was the validation loss */
    size_t bad_epoch;
    size_t bad_row; /* BP_NONFINITE_POLICY_LOCATE: the row of the arrays that nonfinite.row is, where it is one of the
                       batch; else SIZE_MAX */
    bp_nonfinite nonfinite; /* BP_NONFINITE_POLICY_LOCATE: what was found in that step; with any policy, a parameter at
                               the end of an epoch */
} bp_fit_result;

/**
 * Trains a network on a data set: for each epoch, one bp_network_train_step for each batch of bp_batches, in the order
 * of bp_batches_shuffle(seed, epoch); then the validation loss by bp_network_evaluate (in batches of batch_size rows),
 * early stopping on it (without validation data, on the epoch's loss), and on_epoch. Nothing depends on how many epochs
 * are done in one call: a fit up to epoch k and one from first_epoch = k on give what one fit gives. Nor does anything
 * depend on the network's max_batch_size.
 *
 * A schedule with a momentum (bp_schedule_momentum) sets it before each step by bp_network_set_momentum; after the fit
 * the network has the one that it had before.
 *
 * Memory is taken from the network's allocator at the beginning and given back at the end: a batch, a row number for
 * each row, and with restore_best or BP_NONFINITE_POLICY_LOCATE a copy of the parameters and the optimizer's state;
 * with both two.
 *
 * A fit that diverges is BP_ERROR_NONFINITE (unless BP_NONFINITE_POLICY_CONTINUE is asked for), with *result filled in;
 * bp_error_message says epoch, step, number and rate. restore_best then brings back the best epoch, if there was one:
 * its parameters, the optimizer's state, bp_network_steps. Otherwise BP_NONFINITE_POLICY_LOCATE leaves the network as
 * it was before the bad step (all of it, too), and BP_NONFINITE_POLICY_STOP as that step has left it.
 *
 * `result` may be null. BP_ERROR_NULL, BP_ERROR_SIZE (data sets whose columns are not those of the network, more than
 * 2^32 rows), BP_ERROR_BATCH, BP_ERROR_LABEL, BP_ERROR_VALUE (struct_size, epochs, rates, schedule, plateau, more than
 * one of them, enumerators, `stopping`, a momentum for an optimizer that has none, a moving average that is swapped
 * in), BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP, BP_ERROR_MEMORY: then nothing is changed. A function
 * that returns a rate which is not finite ends the fit with BP_ERROR_VALUE before that step, and so do weights of a
 * batch that have no weighted mean, and a callback that leaves the average swapped in; *result is filled in.
 * bp_error_message has the words.
 */
BP_API bp_status bp_network_fit(bp_network *network, const bp_dataset *dataset, const bp_fit_options *options,
                                bp_fit_result *result);

BP_END_DECLS

#endif
