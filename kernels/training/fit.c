/* Epochs of mini-batches, with validation, early stopping and callbacks. */
#include <backprop/fit.h>

#include <math.h>

#include "float_environment.h"
#include "network/parameters.h"
#include "training/batches.h"

/* A fit under way. */
typedef struct fit {
    bp_network *network;
    const bp_fit_options *options;
    bp_batches *batches;
    float *best;   /* parameters of the best epoch, or null */
    float *before; /* parameters before the step, or null */
    bp_early_stopping *stopping;
    bp_fit_progress now;
    bp_fit_result result;
} fit;

/* ---- Checks --------------------------------------------------------------------------------------------------- */

static bp_status check_options(const bp_network *network, const bp_fit_options *o) {
    if (o->first_epoch >= o->epochs || (uint64_t)o->epochs > UINT64_C(1) << 32)
        return BP_ERROR_VALUE;
    if (o->batch > network->batch_max)
        return BP_ERROR_BATCH;
    float rate = o->rate;
    const bp_status status = o->schedule ? bp_schedule_rate(o->schedule, 0, &rate) : BP_OK;
    if (status != BP_OK)
        return status;
    if (!isfinite(rate) || (o->schedule && o->rate_of_step))
        return BP_ERROR_VALUE;
    if ((unsigned)o->nonfinite >= BP_NONFINITE_COUNT)
        return BP_ERROR_VALUE;
    bp_early_stopping trial;
    if (!o->stopping)
        return BP_OK;
    trial = *o->stopping;
    return bp_early_stopping_next(&trial, 0.0, NULL, NULL);
}

/* That every row of a data set can be trained on or have its loss. */
static bp_status check_rows(const bp_network *network, const bp_dataset *dataset) {
    bp_dataset set;
    bp_status status = bp_dataset_check(dataset, &set);
    if (status != BP_OK)
        return status;
    const size_t out = network->layer[network->layers - 1].out, bytes = network->bytes - BP_ALIGNMENT;
    const bool labelled = loss_takes_labels(network->loss);
    if (labelled ? !set.labels : !set.targets)
        return BP_ERROR_NULL;
    if (set.input_columns != network->layer[0].in || (set.targets && set.target_columns != out))
        return BP_ERROR_SIZE;
    matrix arrays[BP_DATASET_ARRAYS];
    bp_dataset_arrays(&set, arrays);
    for (size_t k = 0; k < BP_DATASET_ARRAYS; k++)
        if (arrays[k].data && ranges_overlap(network, bytes, arrays[k].data, matrix_extent(arrays[k])))
            return BP_ERROR_OVERLAP;
    for (size_t n = 0; labelled && n < set.rows; n++)
        if (set.labels[set.index ? set.index[n] : n] >= out)
            return BP_ERROR_LABEL;
    return BP_OK;
}

/* ---- Memory --------------------------------------------------------------------------------------------------- */

static bool take_parameters(const bp_network *network, bool wanted, float **copy) {
    if (wanted)
        *copy = network->allocator.allocate(network->allocator.context, bp_parameters_bytes(network));
    return !wanted || *copy;
}

static void give_back(const bp_network *network, void *memory) {
    if (memory)
        network->allocator.release(network->allocator.context, memory);
}

static bp_status take_memory(fit *f, const bp_dataset *dataset) {
    const size_t batch = f->options->batch ? f->options->batch : f->network->batch_max;
    const bp_status status = bp_batches_create(dataset, batch, &f->network->allocator, &f->batches);
    if (status != BP_OK)
        return status;
    return take_parameters(f->network, f->options->keep_best, &f->best) &&
                   take_parameters(f->network, f->options->nonfinite == BP_NONFINITE_LOCATE, &f->before)
               ? BP_OK
               : BP_ERROR_MEMORY;
}

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

/* A callback runs in the host's floating-point environment. */
static bool says_stop(fit *f, bp_fit_callback *callback, uint64_t host) {
    if (!callback)
        return false;
    float_environment_leave(host);
    const bool stop = callback(f->options->context, &f->now);
    float_environment_enter();
    if (stop)
        f->result.end = BP_FIT_STOPPED;
    return stop;
}

static float rate_of_step(const fit *f, uint64_t host) {
    const bp_fit_options *o = f->options;
    const size_t step = f->now.epoch * f->now.steps + f->now.step;
    float rate = o->rate;
    if (o->schedule)
        return bp_schedule_rate(o->schedule, step, &rate) == BP_OK ? rate : NAN;
    if (o->rate_of_step) {
        float_environment_leave(host);
        rate = o->rate_of_step(o->rate_context, step);
        float_environment_enter();
    }
    return rate;
}

/* Whether the place's row is one of the batch. */
static bool in_batch(bp_place place) {
    switch (place) {
    case BP_PLACE_INPUTS:
    case BP_PLACE_TARGETS:
    case BP_PLACE_ROW_WEIGHTS:
    case BP_PLACE_PRE_ACTIVATION:
    case BP_PLACE_NORMALIZED:
    case BP_PLACE_ACTIVATION:
    case BP_PLACE_DROPOUT:
    case BP_PLACE_LOSS:
    case BP_PLACE_DELTA:
        return true;
    default:
        return false;
    }
}

/* Goes back before the bad step and looks for the number that began it. */
static bp_status locate(fit *f, const bp_batch *batch, bp_nonfinite updated) {
    bp_nonfinite *found = &f->result.nonfinite;
    bp_parameters_restore(f->network, f->before);
    const bp_status status = bp_network_find_nonfinite(f->network, batch, found);
    if (status == BP_OK && found->place == BP_PLACE_NONE && updated.place != BP_PLACE_NONE) {
        *found = updated;
        found->place = BP_PLACE_UPDATE;
    }
    if (in_batch(found->place) && found->row < batch->rows)
        f->result.bad_row = bp_batches_rows(f->batches)[found->row];
    return status;
}

/* After a step: whether it is the last one for what came out of it. */
static bool is_bad(fit *f, const bp_batch *batch, bp_status *status) {
    const bp_nonfinite_policy policy = f->options->nonfinite;
    bp_nonfinite updated = {.place = BP_PLACE_NONE};
    if (policy == BP_NONFINITE_LOCATE)
        updated = bp_parameters_find_nonfinite(f->network);
    if (policy == BP_NONFINITE_GO_ON || (isfinite(f->now.step_loss) && updated.place == BP_PLACE_NONE))
        return false;
    f->result.end = BP_FIT_NONFINITE;
    f->result.bad_epoch = f->now.epoch;
    f->result.bad_step = f->now.step - 1;
    if (policy == BP_NONFINITE_LOCATE)
        *status = locate(f, batch, updated);
    return true;
}

/* One epoch's steps; false if the fit ends within them. */
static bool run_steps(fit *f, bp_status *status, uint64_t host) {
    double sum = 0.0;
    bp_batch batch;
    while (bp_batches_next(f->batches, &batch)) {
        const float rate = rate_of_step(f, host);
        if (!isfinite(rate)) {
            *status = BP_ERROR_VALUE;
            return false;
        }
        if (f->before)
            bp_parameters_copy(f->before, f->network);
        float loss;
        if ((*status = bp_network_train_step(f->network, &batch, rate, &loss)) != BP_OK)
            return false;
        sum += bp_loss_total(f->network, loss, batch.rows);
        f->result.steps++;
        f->now.step++;
        f->now.rows += batch.rows;
        f->now.rate = rate;
        f->now.step_loss = loss;
        f->now.loss = f->result.loss = sum / (double)f->now.rows;
        if (is_bad(f, &batch, status) || says_stop(f, f->options->on_step, host))
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
    return f->options->in_order ? bp_batches_restart(f->batches)
                                : bp_batches_shuffle(f->batches, f->options->seed, epoch);
}

/* Validation, and what follows from it; false if the fit ends here. */
static bool end_epoch(fit *f, bp_status *status, uint64_t host) {
    const bp_dataset *validation = f->options->validation;
    if (validation && (*status = bp_network_evaluate(f->network, validation, &f->now.validation_loss)) != BP_OK)
        return false;
    const double value = validation ? f->now.validation_loss : f->now.loss;
    bool enough = false;
    *status = bp_early_stopping_next(f->stopping, value, &f->now.improved, &enough);
    f->result.epochs++;
    f->result.validation_loss = f->now.validation_loss;
    if (f->now.improved) {
        f->result.best_epoch = f->now.epoch;
        f->result.best_loss = value;
        if (f->best)
            bp_parameters_copy(f->best, f->network);
    }
    if (says_stop(f, f->options->on_epoch, host))
        return false;
    if (enough)
        f->result.end = BP_FIT_EARLY;
    return !enough;
}

static bp_status run_epochs(fit *f, uint64_t host) {
    bp_status status = BP_OK;
    bool going = true;
    for (size_t epoch = f->options->first_epoch; going && epoch < f->options->epochs; epoch++) {
        status = start_epoch(f, epoch);
        going = status == BP_OK && run_steps(f, &status, host) && end_epoch(f, &status, host);
    }
    return status;
}

bp_status bp_network_fit(bp_network *network, const bp_dataset *dataset, const bp_fit_options *options,
                         bp_fit_result *result) {
    CONTRACT_MODE(host);
    if (!network || !dataset || !options)
        return BP_ERROR_NULL;
    bp_status status = check_options(network, options);
    if (status != BP_OK || (status = check_rows(network, dataset)) != BP_OK)
        return status;
    if (options->validation && (status = check_rows(network, options->validation)) != BP_OK)
        return status;

    bp_early_stopping never = {.patience = SIZE_MAX};
    fit f = {.network = network,
             .options = options,
             .stopping = options->stopping ? options->stopping : &never,
             .result = {.loss = (double)NAN,
                        .validation_loss = (double)NAN,
                        .best_epoch = SIZE_MAX,
                        .best_loss = (double)INFINITY,
                        .bad_row = SIZE_MAX}};
    status = take_memory(&f, dataset);
    if (status == BP_OK) {
        status = run_epochs(&f, host);
        const bool located = f.result.end == BP_FIT_NONFINITE && f.before;
        if (f.best && f.result.best_epoch != SIZE_MAX && !located)
            bp_parameters_restore(network, f.best);
        if (result)
            *result = f.result;
    }
    bp_batches_destroy(f.batches);
    give_back(network, f.best);
    give_back(network, f.before);
    return status;
}
