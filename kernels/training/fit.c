/* Epochs of mini-batches, with validation, early stopping and callbacks. */
#include <backprop/fit.h>

#include <math.h>

#include "check/refuse.h"
#include "enum_counts.h"
#include "float_environment.h"
#include "network/loss.h"
#include "network/nonfinite.h"
#include "network/optimize.h"
#include "sized.h"
#include "training/batches.h"
#include "training/evaluate.h"
#include "training/stopping.h"

/* The state of a fit. */
typedef struct fit {
    bp_network *network;
    const bp_fit_options *options;
    bp_batches *batches;
    size_t batch_size;
    void *best;   /* parameters of the best epoch, or null */
    void *before; /* parameters before the step, or null */
    bp_early_stopping *stopping;
    double counted; /* the divisor of this epoch's mean loss */
    bp_fit_progress now;
    bp_fit_result result;
} fit;

/* Whether the schedule sets the momentum too. */
static bool has_momentum(const bp_fit_options *o) {
    return o->schedule && o->schedule->kind == BP_SCHEDULE_ONE_CYCLE && o->schedule->momentum_max > 0.0f;
}

static const bp_fit_options defaults = {
    .struct_size = sizeof(bp_fit_options), .epochs = 1, .learning_rate = 0.001f, .shuffle = true};

void bp_fit_options_init(bp_fit_options *options, size_t struct_size) {
    sized_write(options, struct_size, &defaults, sizeof defaults);
}

static bp_status read_options(bp_fit_options *options, const bp_fit_options *given) {
    *options = defaults;
    return sized_read(options, sizeof *options, SIZED_END(bp_fit_options, context), given, "options",
                      "bp_fit_options_defaults()");
}

/* ---- Checks --------------------------------------------------------------------------------------------------- */

static bp_status check_rates(bp_network *network, const bp_fit_options *o) {
    if ((o->schedule != NULL) + (o->learning_rate_of_step != NULL) + (o->plateau != NULL) > 1)
        return bp_fail(BP_ERROR_VALUE, "options has more than one of schedule, learning_rate_of_step and plateau");
    if (o->plateau)
        return bp_plateau_check(o->plateau, "options.plateau");
    float learning_rate = o->learning_rate;
    const bp_status status = o->schedule ? bp_schedule_learning_rate(o->schedule, 0, &learning_rate) : BP_OK;
    if (status != BP_OK)
        return status;
    if (!isfinite(learning_rate))
        return bp_fail_number("options.learning_rate", (double)learning_rate, "finite");
    if (has_momentum(o) && !bp_optimizer_momentum(network))
        return bp_fail(BP_ERROR_VALUE,
                       "options.schedule.momentum_max is set, and the network's optimizer, %s, has no momentum",
                       bp_optimizer_name(network->optimizer.settings.kind));
    return BP_OK;
}

static bp_status check_options(bp_network *network, const bp_fit_options *o) {
    if (o->epochs == 0)
        return bp_fail(BP_ERROR_VALUE, "options.epochs is 0, and must be at least 1");
    if (o->initial_epoch >= o->epochs)
        return bp_fail(BP_ERROR_VALUE,
                       "options.initial_epoch is %zu, and must be less than options.epochs, which is %zu",
                       o->initial_epoch, o->epochs);
    if ((uint64_t)o->epochs > UINT64_C(1) << 32)
        return bp_fail_number("options.epochs", (double)o->epochs, "at most 2^32");
    if (o->batch_size > network->plan.max_batch_size)
        return bp_fail(BP_ERROR_BATCH,
                       "options.batch_size is %zu, and must be at most the network's max_batch_size, %zu",
                       o->batch_size, network->plan.max_batch_size);
    if (network->optimizer.ema_swapped)
        return bp_fail(BP_ERROR_VALUE,
                       "the EMA weights are swapped in: call bp_network_swap_ema again before training");
    const bp_status status = check_rates(network, o);
    if (status != BP_OK)
        return status;
    if ((unsigned)o->nonfinite >= NONFINITE_POLICY_COUNT)
        return bp_fail_number("options.nonfinite", (double)o->nonfinite, "one of bp_nonfinite_policy");
    return o->stopping ? bp_early_stopping_check(o->stopping, "options.stopping") : BP_OK;
}

/* Checks that every row of a data set can be used for training or evaluation. */
static bp_status check_rows(const bp_network *network, const bp_dataset *dataset, const char *name) {
    bp_dataset set;
    bp_status status = bp_dataset_check(dataset, name, &set);
    if (status != BP_OK || (status = bp_dataset_check_loss(network, &set, name)) != BP_OK)
        return status;
    const size_t bytes = bp_block_bytes(network);
    matrix arrays[BP_DATASET_ARRAYS];
    bp_dataset_arrays(&set, arrays);
    for (size_t k = 0; k < BP_DATASET_ARRAYS; k++)
        if (arrays[k].data && ranges_overlap(network, bytes, arrays[k].data, matrix_extent(arrays[k])))
            return bp_fail(BP_ERROR_OVERLAP, "%s.%s overlaps the network's memory", name, bp_dataset_names[k].data);
    return BP_OK;
}

/* ---- Memory --------------------------------------------------------------------------------------------------- */

static bool take_parameters(const bp_network *network, bool wanted, void **copy) {
    if (wanted)
        *copy = network->allocator.allocate(network->allocator.context, bp_parameters_bytes(network));
    return !wanted || *copy;
}

static void give_back(const bp_network *network, void *memory) {
    if (memory)
        network->allocator.release(network->allocator.context, memory);
}

static bp_status take_memory(fit *f, const bp_dataset *dataset) {
    const bp_status status = bp_batches_create(dataset, f->batch_size, &f->network->allocator, &f->batches);
    if (status != BP_OK)
        return status;
    return take_parameters(f->network, f->options->restore_best, &f->best) &&
                   take_parameters(f->network, f->options->nonfinite == BP_NONFINITE_POLICY_LOCATE, &f->before)
               ? BP_OK
               : bp_refuse(BP_ERROR_MEMORY);
}

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

/* A callback runs in the host's floating-point mode. */
static bool says_stop(fit *f, bp_fit_callback *callback, uint64_t host) {
    if (!callback)
        return false;
    float_environment_leave(host);
    const bool stop = callback(f->options->context, &f->now);
    float_environment_enter();
    if (stop)
        f->result.outcome = BP_FIT_OUTCOME_STOPPED;
    return stop;
}

/* The learning rate of the next step; sets the momentum if it has a schedule. */
static float learning_rate_of_step(fit *f, uint64_t host) {
    const bp_fit_options *o = f->options;
    const size_t step = f->now.epoch * f->now.steps + f->now.step;
    float learning_rate = o->plateau ? o->plateau->learning_rate : o->learning_rate;
    if (has_momentum(o) && bp_schedule_momentum(o->schedule, step, bp_optimizer_momentum(f->network)) != BP_OK)
        return NAN;
    if (o->schedule)
        return bp_schedule_learning_rate(o->schedule, step, &learning_rate) == BP_OK ? learning_rate : NAN;
    if (o->learning_rate_of_step) {
        float_environment_leave(host);
        learning_rate = o->learning_rate_of_step(o->learning_rate_context, step);
        float_environment_enter();
    }
    return learning_rate;
}

/* Whether the quantity's row is a row of the batch. */
static bool in_batch(bp_quantity quantity) {
    return quantity >= BP_QUANTITY_INPUTS && quantity <= BP_QUANTITY_DELTA;
}

/* Stops the fit at a number that is not finite. */
static bp_status diverged(fit *f, size_t step, const char *what, float value) {
    char number[32], learning_rate[32];
    f->result.outcome = BP_FIT_OUTCOME_NONFINITE;
    f->result.bad_epoch = f->now.epoch;
    f->result.bad_step = step;
    return bp_fail(BP_ERROR_NONFINITE,
                   "%s is %s in epoch %zu, step %zu of %zu (counted from 0), at the learning rate %s", what,
                   bp_number_text(number, (double)value), f->now.epoch, step, f->now.steps,
                   bp_number_text(learning_rate, (double)f->now.learning_rate));
}

/* Restores the state before the bad step and searches for the first bad number; else it is `after`, the step's result.
 */
static bp_status locate(fit *f, const bp_batch *batch, bp_nonfinite after) {
    bp_nonfinite *found = &f->result.nonfinite;
    bp_parameters_restore(f->network, f->before);
    const bp_status status = bp_network_find_nonfinite(f->network, batch, found);
    if (status == BP_OK && found->quantity == BP_QUANTITY_NONE)
        *found = after;
    if (in_batch(found->quantity) && found->row < batch->rows)
        f->result.bad_row = bp_batches_rows(f->batches)[found->row];
    return status;
}

/*
 * After a step: BP_ERROR_NONFINITE if its results stop the fit. To locate the first bad number, parameters are checked
 * after each step; otherwise at the end of each epoch.
 */
static bp_status check_step_result(fit *f, const bp_batch *batch) {
    const bp_network *network = f->network;
    const bool locates = f->options->nonfinite == BP_NONFINITE_POLICY_LOCATE;
    if (f->options->nonfinite == BP_NONFINITE_POLICY_CONTINUE)
        return BP_OK;
    bp_nonfinite after = {.quantity = BP_QUANTITY_NONE};
    const char *what = NULL;
    float value = f->now.step_loss;
    if (locates || f->now.step == f->now.steps)
        after = bp_parameters_find_nonfinite(network);
    if (after.quantity != BP_QUANTITY_NONE)
        after.quantity = BP_QUANTITY_UPDATE;
    if (!isfinite(value)) {
        what = "the loss";
    } else if (!isfinite(network->gradient.norm)) {
        what = "the norm of the gradient";
        after = (bp_nonfinite){.quantity = BP_QUANTITY_GRADIENT_NORM, .value = value = network->gradient.norm};
    } else if (after.quantity != BP_QUANTITY_NONE) {
        what = "a parameter after the update";
        value = after.value;
        f->result.nonfinite = after;
    }
    if (!what)
        return BP_OK;
    const bp_status status = locates ? locate(f, batch, after) : BP_OK;
    return status == BP_OK ? diverged(f, f->now.step - 1, what, value) : status;
}

/* One epoch's steps; false if the fit stops within them. */
static bool run_steps(fit *f, bp_status *status, uint64_t host) {
    double sum = 0.0;
    bp_batch batch;
    f->counted = 0.0;
    while (bp_batches_next(f->batches, &batch)) {
        const float learning_rate = learning_rate_of_step(f, host);
        if (!isfinite(learning_rate)) {
            char number[32];
            *status = bp_fail(BP_ERROR_VALUE, "the learning rate of step %zu of epoch %zu is %s, and must be finite",
                              f->now.step, f->now.epoch, bp_number_text(number, (double)learning_rate));
            return false;
        }
        if (f->before)
            bp_parameters_copy(f->before, f->network);
        float loss;
        if ((*status = bp_network_train_step(f->network, &batch, learning_rate, &loss)) != BP_OK)
            return false;
        sum += bp_loss_total(f->network, &batch, loss);
        f->counted += bp_loss_count(f->network, &batch, batch.rows);
        f->result.steps++;
        f->now.step++;
        f->now.rows += batch.rows;
        f->now.learning_rate = learning_rate;
        f->now.step_loss = loss;
        f->now.loss = f->result.loss = sum / f->counted;
        if ((*status = check_step_result(f, &batch)) != BP_OK || says_stop(f, f->options->on_step, host))
            return false;
    }
    return true;
}

/* ---- Epochs --------------------------------------------------------------------------------------------------- */

static bp_status start_epoch(fit *f, size_t epoch) {
    f->now = (bp_fit_progress){.epoch = epoch,
                               .epochs = f->options->epochs,
                               .steps = bp_batches_count(f->batches),
                               .validation_loss = (double)NAN};
    return f->options->shuffle ? bp_batches_shuffle(f->batches, f->options->seed, epoch)
                               : bp_batches_restart(f->batches);
}

/* Validation, early stopping, callbacks; false if the fit stops here. */
static bool end_epoch(fit *f, bp_status *status, uint64_t host) {
    const bp_dataset *validation = f->options->validation;
    if (validation &&
        (*status = bp_evaluate_in(f->network, validation, f->batch_size, &f->now.validation_loss)) != BP_OK)
        return false;
    const double value = validation ? f->now.validation_loss : f->now.loss;
    f->result.epochs++;
    f->result.validation_loss = f->now.validation_loss;
    if (f->options->nonfinite != BP_NONFINITE_POLICY_CONTINUE && !isfinite(value)) {
        *status = diverged(f, f->now.steps, validation ? "the validation loss" : "the loss of the epoch", (float)value);
        return false;
    }
    bool enough = false;
    *status = bp_early_stopping_next(f->stopping, value, &f->now.improved, &enough);
    if (f->options->plateau)
        bp_plateau_next(f->options->plateau, value, NULL);
    if (f->now.improved) {
        f->result.best_epoch = f->now.epoch;
        f->result.best_loss = value;
        if (f->best)
            bp_parameters_copy(f->best, f->network);
    }
    if (says_stop(f, f->options->on_epoch, host))
        return false;
    if (enough)
        f->result.outcome = BP_FIT_OUTCOME_EARLY;
    return !enough;
}

static bp_status run_epochs(fit *f, uint64_t host) {
    bp_status status = BP_OK;
    bool going = true;
    for (size_t epoch = f->options->initial_epoch; going && epoch < f->options->epochs; epoch++) {
        status = start_epoch(f, epoch);
        going = status == BP_OK && run_steps(f, &status, host) && end_epoch(f, &status, host);
    }
    return status;
}

bp_status bp_network_fit(bp_network *network, const bp_dataset *dataset, const bp_fit_options *options,
                         bp_fit_result *result) {
    CONTRACT_MODE(host);
    if (!network || !dataset || !options)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !dataset ? "dataset" : "options");
    bp_fit_options o;
    bp_status status = read_options(&o, options);
    if (status != BP_OK || (status = check_options(network, &o)) != BP_OK ||
        (status = check_rows(network, dataset, "dataset")) != BP_OK)
        return status;
    if (o.validation && (status = check_rows(network, o.validation, "options.validation")) != BP_OK)
        return status;

    bp_early_stopping never = bp_early_stopping_defaults();
    never.patience = SIZE_MAX;
    fit f = {.network = network,
             .options = &o,
             .batch_size = o.batch_size ? o.batch_size : network->plan.max_batch_size,
             .stopping = o.stopping ? o.stopping : &never,
             .result = {.loss = (double)NAN,
                        .validation_loss = (double)NAN,
                        .best_epoch = SIZE_MAX,
                        .best_loss = (double)INFINITY,
                        .bad_row = SIZE_MAX}};
    status = take_memory(&f, dataset);
    if (status == BP_OK) {
        const float momentum = has_momentum(&o) ? *bp_optimizer_momentum(network) : 0.0f;
        status = run_epochs(&f, host);
        if (has_momentum(&o))
            *bp_optimizer_momentum(network) = momentum;
        if (f.best && f.result.best_epoch != SIZE_MAX)
            bp_parameters_restore(network, f.best);
        if (result)
            *result = f.result;
    }
    bp_batches_destroy(f.batches);
    give_back(network, f.best);
    give_back(network, f.before);
    return status;
}
