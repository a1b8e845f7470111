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
BP_API bp_status bp_network_predict(bp_network *network, const bp_dataset *dataset, float *outputs,
                                    size_t output_stride);
BP_API bp_status bp_network_evaluate(bp_network *network, const bp_dataset *dataset, double *loss);
typedef struct bp_early_stopping {
    size_t struct_size;
    size_t patience;
    double min_delta;
    size_t seen;
    size_t best_at;
    double best;
} bp_early_stopping;
BP_API void bp_early_stopping_init(bp_early_stopping *state, size_t struct_size);
static inline bp_early_stopping bp_early_stopping_defaults(void) {
    bp_early_stopping bp_made;
    bp_early_stopping_init(&bp_made, sizeof bp_made);
    return bp_made;
}
BP_API bp_status bp_early_stopping_next(bp_early_stopping *state, double value, bool *improved, bool *stop);
typedef struct bp_plateau {
    size_t struct_size;
    float learning_rate;
    float factor;
    float learning_rate_min;
    size_t patience;
    double threshold;
    bool relative;
    size_t cooldown;
    double best;
    size_t seen;
    size_t bad;
    size_t cooling;
} bp_plateau;
BP_API void bp_plateau_init(bp_plateau *state, size_t struct_size);
static inline bp_plateau bp_plateau_defaults(void) {
    bp_plateau bp_made;
    bp_plateau_init(&bp_made, sizeof bp_made);
    return bp_made;
}
BP_API bp_status bp_plateau_next(bp_plateau *state, double value, bool *reduced);
typedef enum bp_nonfinite_policy {
    BP_NONFINITE_POLICY_STOP = 0,
    BP_NONFINITE_POLICY_LOCATE,
    BP_NONFINITE_POLICY_CONTINUE,
} bp_nonfinite_policy;
typedef struct bp_fit_progress {
    size_t epoch, epochs;
    size_t step, steps;
    size_t rows;
    float learning_rate;
    float step_loss;
    double loss;
    double validation_loss;
    bool improved;
} bp_fit_progress;
typedef bool bp_fit_callback(void *context, const bp_fit_progress *progress);
typedef float bp_learning_rate_fn(void *context, size_t step);
typedef struct bp_fit_options {
    size_t struct_size;
    size_t epochs;
    size_t initial_epoch;
    size_t batch_size;
    float learning_rate;
    const bp_schedule *schedule;
    bp_learning_rate_fn *learning_rate_of_step;
    void *learning_rate_context;
    bp_plateau *plateau;
    uint64_t seed;
    bool shuffle;
    const bp_dataset *validation;
    bp_early_stopping *stopping;
    bool restore_best;
    bp_nonfinite_policy nonfinite;
    bp_fit_callback *on_epoch;
    bp_fit_callback *on_step;
    void *context;
} bp_fit_options;
BP_API void bp_fit_options_init(bp_fit_options *options, size_t struct_size);
static inline bp_fit_options bp_fit_options_defaults(void) {
    bp_fit_options bp_made;
    bp_fit_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}
typedef enum bp_fit_outcome {
    BP_FIT_OUTCOME_COMPLETE = 0,
    BP_FIT_OUTCOME_STOPPED,
    BP_FIT_OUTCOME_EARLY,
    BP_FIT_OUTCOME_NONFINITE
} bp_fit_outcome;
typedef struct bp_fit_result {
    bp_fit_outcome outcome;
    size_t epochs;
    size_t steps;
    double loss;
    double validation_loss;
    size_t best_epoch;
    double best_loss;
    size_t bad_step;
    size_t bad_epoch;
    size_t bad_row;
    bp_nonfinite nonfinite;
} bp_fit_result;
BP_API bp_status bp_network_fit(bp_network *network, const bp_dataset *dataset, const bp_fit_options *options,
                                bp_fit_result *result);
BP_END_DECLS
#endif
