/*
 * Checks the configuration that a network is to be made from, field by field, with a message for each that is wrong;
 * puts the defaults where a pointer is null.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>

#include "check/optimizer.h"
#include "enum_counts.h"
#include "network/config.h"
#include "network/layer.h"
#include "sized.h"

/* ---- Defaults ------------------------------------------------------------------------------------------------- */

static const bp_network_config default_config = {.struct_size = sizeof(bp_network_config), .max_batch_size = 256};

static const bp_loss_options default_loss = {.struct_size = sizeof(bp_loss_options), .huber_threshold = 1.0f};

void bp_network_config_init(bp_network_config *config, size_t struct_size) {
    sized_write(config, struct_size, &default_config, sizeof default_config);
}

void bp_loss_options_init(bp_loss_options *options, size_t struct_size) {
    sized_write(options, struct_size, &default_loss, sizeof default_loss);
}

/* ---- Layers --------------------------------------------------------------------------------------------------- */

bp_activation bp_config_activation(const bp_network_config *config, size_t l) {
    if (config->activations)
        return config->activations[l];
    return (bp_activation){.kind = l + 1 < config->layers ? BP_ACTIVATION_RELU : BP_ACTIVATION_IDENTITY};
}

float bp_config_dropout(const bp_network_config *config, size_t l) {
    return config->dropout ? config->dropout[l] : 0.0f;
}

bool bp_config_normalizes(const bp_network_config *config, size_t l) {
    return config->normalize && config->normalize[l];
}

/* ---- Checks --------------------------------------------------------------------------------------------------- */

static bp_status check_sizes(const bp_network_config *config) {
    const size_t most_layers = PTRDIFF_MAX / sizeof(dense_layer) - 1, widest = PTRDIFF_MAX / sizeof(float) / 2;
    if (config->layers == 0)
        return bp_fail(BP_ERROR_SIZE, "config.layers is 0, and must be at least 1");
    if (config->layers > most_layers)
        return bp_fail(BP_ERROR_OVERFLOW, "config.layers is %zu, and must be at most %zu", config->layers, most_layers);
    if (!config->sizes)
        return bp_fail(BP_ERROR_NULL, "config.sizes is null, and must have config.layers + 1 widths");
    for (size_t l = 0; l <= config->layers; l++) {
        if (config->sizes[l] == 0)
            return bp_fail(BP_ERROR_SIZE, "config.sizes[%zu] is 0, and must be at least 1", l);
        if (config->sizes[l] > widest)
            return bp_fail(BP_ERROR_OVERFLOW, "config.sizes[%zu] is %zu, and must be at most %zu", l, config->sizes[l],
                           widest);
    }
    if (config->max_batch_size == 0)
        return bp_fail(BP_ERROR_SIZE, "config.max_batch_size is 0, and must be at least 1");
    return BP_OK;
}

static bp_status check_layer(const bp_network_config *config, size_t l) {
    const bool last = l + 1 == config->layers;
    const bp_activation activation = bp_config_activation(config, l);
    const float dropout = bp_config_dropout(config, l);
    char text[32];
    if ((unsigned)activation.kind >= ACTIVATION_COUNT)
        return bp_fail(BP_ERROR_VALUE, "config.activations[%zu].kind is %d, and must be one of bp_activation_kind", l,
                       (int)activation.kind);
    if (check_activation(activation) != BP_OK)
        return bp_fail(BP_ERROR_VALUE, "config.activations[%zu].parameter is %s, and must be finite%s for %s", l,
                       bp_number_text(text, (double)activation.parameter),
                       activation.kind == BP_ACTIVATION_SINE ? "" : ", 0 or more,",
                       bp_activation_name(activation.kind));
    if (!(dropout >= 0.0f && dropout < 1.0f))
        return bp_fail(BP_ERROR_VALUE, "config.dropout[%zu] is %s, and must be from 0 to below 1", l,
                       bp_number_text(text, (double)dropout));
    if (last && dropout != 0.0f)
        return bp_fail(BP_ERROR_VALUE, "config.dropout[%zu] is %s, and must be 0: the last layer has no dropout", l,
                       bp_number_text(text, (double)dropout));
    if (last && bp_config_normalizes(config, l))
        return bp_fail(BP_ERROR_VALUE,
                       "config.normalize[%zu] is true, and must be false: the last layer has no normalization", l);
    return BP_OK;
}

float bp_config_loss_parameter(const bp_network_config *config) {
    if (config->loss == BP_LOSS_HUBER)
        return config->loss_options->huber_threshold;
    return config->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ? config->loss_options->label_smoothing : 0.0f;
}

static bp_status check_loss(const bp_network_config *config) {
    const bp_loss_options *o = config->loss_options;
    char text[32];
    if ((unsigned)config->loss >= LOSS_COUNT)
        return bp_fail_enumerator("config.loss", (int)config->loss, "bp_loss_kind");
    if (!(o->huber_threshold >= FLT_TRUE_MIN && o->huber_threshold < INFINITY))
        return bp_fail_number("config.loss_options.huber_threshold", (double)o->huber_threshold, "finite and above 0");
    if (!(o->label_smoothing >= 0.0f && o->label_smoothing <= 1.0f))
        return bp_fail_number("config.loss_options.label_smoothing", (double)o->label_smoothing, "from 0 to 1");
    if (o->label_smoothing > 0.0f && config->loss != BP_LOSS_SOFTMAX_CROSS_ENTROPY)
        return bp_fail(BP_ERROR_VALUE,
                       "config.loss_options.label_smoothing is %s, and must be 0: the loss %s does not smooth labels",
                       bp_number_text(text, (double)o->label_smoothing), bp_loss_name(config->loss));
    if ((unsigned)o->reduction >= REDUCTION_COUNT)
        return bp_fail_enumerator("config.loss_options.reduction", (int)o->reduction, "bp_reduction");
    const size_t last = config->layers - 1;
    const bp_activation_kind activation = bp_config_activation(config, last).kind;
    if (loss_needs_logits(config->loss) && activation != BP_ACTIVATION_IDENTITY)
        return bp_fail(BP_ERROR_VALUE,
                       "config.activations[%zu].kind is %s, and must be identity: the loss %s takes logits", last,
                       bp_activation_name(activation), bp_loss_name(config->loss));
    return BP_OK;
}

static bp_status check_services(const bp_network_config *config) {
    if (config->allocator && (!config->allocator->allocate || !config->allocator->release))
        return bp_fail(BP_ERROR_NULL, "config.allocator.%s is null",
                       config->allocator->allocate ? "release" : "allocate");
    if (config->pool && !config->pool->run)
        return bp_fail(BP_ERROR_NULL, "config.pool.run is null");
    if (config->pool && config->pool->threads == 0)
        return bp_fail(BP_ERROR_SIZE, "config.pool.threads is 0, and must be at least 1");
    return BP_OK;
}

bp_status bp_config_check(const bp_network_config *given, checked_config *checked) {
    bp_network_config *config = &checked->config;
    *config = default_config;
    bp_status status = sized_read(config, sizeof *config, SIZED_END(bp_network_config, allocator), given, "config",
                                  "bp_network_config_defaults()");
    if (status != BP_OK || (status = check_sizes(config)) != BP_OK)
        return status;
    for (size_t l = 0; l < config->layers; l++)
        if ((status = check_layer(config, l)) != BP_OK)
            return status;

    checked->loss_options = default_loss;
    status = sized_read(&checked->loss_options, sizeof checked->loss_options, SIZED_END(bp_loss_options, reduction),
                        config->loss_options, "config.loss_options", "bp_loss_options_defaults()");
    config->loss_options = &checked->loss_options;
    if (status != BP_OK || (status = check_loss(config)) != BP_OK)
        return status;

    const bp_optimizer sgd = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    status = bp_check_optimizer(config->optimizer ? config->optimizer : &sgd, "config.optimizer", &checked->optimizer);
    config->optimizer = &checked->optimizer;
    return status == BP_OK ? check_services(config) : status;
}
