#include <backprop/checkpoint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/loss.h>
#include <backprop/optimizer.h>
#include <backprop/tensor.h>
#include <backprop/update.h>
#include <backprop/version.h>

#include "platform/plain.h"
#include "sized.h"
#include "storage/entries.h"
#include "storage/error.h"
#include "storage/matching.h"
#include "storage/text.h"

/* ---- Metadata ------------------------------------------------------------------------------------------------- */

#define KEY_FORMAT "format"
#define KEY_VERSION "backprop.version"
#define KEY_LAYERS "backprop.layers"
#define KEY_ACTIVATIONS "backprop.activations"
#define KEY_LOSS "backprop.loss"
#define KEY_OPTIMIZER "backprop.optimizer"
#define KEY_DECAY_OF "backprop.weight_decay_of"
enum { OWN_PAIRS = 7 };

/* The number of layers: each has tensors. */
static size_t layers_of(const bp_network *network) {
    size_t layers = 0;
    bp_tensor_info info;
    const size_t count = bp_network_tensor_count(network);
    for (size_t k = 0; k < count && bp_network_tensor_info(network, k, &info) == BP_OK; k++)
        layers = info.layer + 1 > layers ? info.layer + 1 : layers;
    return layers;
}

/* "784-128-10". */
static void write_layers(bp_text *text, const bp_network *network) {
    bp_layer layer;
    const size_t layers = layers_of(network);
    for (size_t l = 0; l < layers && bp_network_layer(network, l, &layer) == BP_OK; l++) {
        if (l == 0)
            bp_text_number(text, layer.in);
        bp_text_string(text, "-");
        bp_text_number(text, layer.out);
    }
    bp_text_bytes(text, "", 1);
}

/* "leaky-relu:0.01,identity". */
static void write_activations(bp_text *text, const bp_network *network) {
    bp_layer layer;
    const size_t layers = layers_of(network);
    for (size_t l = 0; l < layers && bp_network_layer(network, l, &layer) == BP_OK; l++) {
        char parameter[32] = "";
        if (layer.activation.parameter != 0.0f) /* nine digits identify every float */
            snprintf(parameter, sizeof parameter, ":%.9g", (double)layer.activation.parameter);
        bp_text_string(text, l ? "," : "");
        bp_text_string(text, bp_activation_name(layer.activation.kind));
        bp_text_string(text, parameter);
    }
    bp_text_bytes(text, "", 1);
}

static bp_optimizer optimizer_of(const bp_network *network) {
    bp_optimizer optimizer;
    bp_network_get_optimizer(network, &optimizer, sizeof optimizer); /* of a network that is not null */
    return optimizer;
}

/* The scope of the optimizer's weight decay. */
static const char *decay_scope(const bp_network *network) {
    return optimizer_of(network).decay_scope == BP_DECAY_SCOPE_WEIGHTS ? "weights" : "all";
}

/* A description as a new text; the caller frees it. */
static bp_status describe(void (*write)(bp_text *, const bp_network *), const bp_network *network, char **made) {
    bp_text text = {.bytes = NULL};
    bp_plain plain;
    bp_status status = bp_plain_enter(&plain);
    if (status != BP_OK)
        return status;
    write(&text, network);
    bp_plain_leave(&plain);
    if (text.status == BP_OK)
        *made = text.bytes;
    else
        free(text.bytes);
    return text.status;
}

/* ---- Numbers of a checkpoint ---------------------------------------------------------------------------------- */

enum { STEPS, SEED, COUNTERS };
static const char *const counter_names[COUNTERS] = {BP_STATE_PREFIX "steps", BP_STATE_PREFIX "seed"};

typedef struct counters {
    uint64_t values[COUNTERS];
} counters;

/* ---- Saving --------------------------------------------------------------------------------------------------- */

static bool is_own_key(const char *key) {
    static const char *const own[] = {KEY_FORMAT, KEY_VERSION,   KEY_LAYERS,  KEY_ACTIVATIONS,
                                      KEY_LOSS,   KEY_OPTIMIZER, KEY_DECAY_OF};
    for (size_t k = 0; k < OWN_PAIRS; k++)
        if (strcmp(key, own[k]) == 0)
            return true;
    return false;
}

static bp_status check_notes(const bp_metadata *notes, size_t count, bp_file_error *error) {
    if (count > 0 && !notes)
        return bp_file_fail(error, BP_ERROR_NULL, "notes is null and count %zu", count);
    if (count > SIZE_MAX / sizeof *notes - OWN_PAIRS)
        return bp_file_fail(error, BP_ERROR_OVERFLOW, "count is %zu: so many notes exceed the address range", count);
    for (size_t k = 0; k < count; k++) {
        if (!notes[k].key || !notes[k].text)
            return bp_file_fail(error, BP_ERROR_NULL, "notes[%zu].%s is null", k, notes[k].key ? "text" : "key");
        if (is_own_key(notes[k].key))
            return bp_file_fail(error, BP_ERROR_VALUE,
                                "notes[%zu].key, '%s', is not free for notes: the library writes it", k, notes[k].key);
    }
    return BP_OK;
}

/* The arrays, and for a checkpoint the counters. */
static bp_status write_tensors(const bp_entries *entries, const counters *numbers, const char *path,
                               const bp_metadata *metadata, size_t count, bp_file_error *error) {
    bp_tensor *tensors = calloc(entries->count + COUNTERS, sizeof *tensors);
    if (!tensors)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    size_t made = 0;
    for (; made < entries->count; made++)
        tensors[made] = entries->list[made].tensor;
    for (size_t k = 0; numbers && k < COUNTERS; k++)
        tensors[made++] = (bp_tensor){.name = counter_names[k], .dtype = BP_DTYPE_U64, .data = &numbers->values[k]};
    const bp_status status = bp_safetensors_write(path, tensors, made, metadata, count, error);
    free(tensors);
    return status;
}

/* The same with all metadata. */
static bp_status write_described(const bp_network *network, const bp_entries *entries, const counters *numbers,
                                 const char *path, const bp_metadata *notes, size_t count, bp_file_error *error) {
    char *layers = NULL, *activations = NULL;
    bp_metadata *metadata = calloc(OWN_PAIRS + count, sizeof *metadata);
    bp_status status = metadata ? describe(write_layers, network, &layers) : BP_ERROR_MEMORY;
    if (status == BP_OK)
        status = describe(write_activations, network, &activations);
    if (status == BP_OK) {
        const bp_metadata own[OWN_PAIRS] = {{KEY_FORMAT, "pt"},
                                            {KEY_VERSION, bp_version()},
                                            {KEY_LAYERS, layers},
                                            {KEY_ACTIVATIONS, activations},
                                            {KEY_LOSS, bp_loss_name(bp_network_loss_kind(network))},
                                            {KEY_OPTIMIZER, bp_optimizer_name(optimizer_of(network).kind)},
                                            {KEY_DECAY_OF, decay_scope(network)}};
        memcpy(metadata, own, sizeof own);
        if (count > 0)
            memcpy(metadata + OWN_PAIRS, notes, count * sizeof *notes);
        status = write_tensors(entries, numbers, path, metadata, OWN_PAIRS + count, error);
    } else {
        bp_file_refuse(error, status);
    }
    free(layers);
    free(activations);
    free(metadata);
    return status;
}

static bp_status save(const bp_network *network, bool whole, const char *path, const bp_metadata *notes, size_t count,
                      bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!network || !path)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", network ? "path" : "network");
    if (whole && bp_network_ema_swapped(network))
        return bp_file_fail(
            error, BP_ERROR_VALUE,
            "the EMA weights are swapped in: call bp_network_swap_ema again before a checkpoint is saved");
    bp_status status = check_notes(notes, count, error);
    if (status != BP_OK)
        return status;
    bp_entries entries;
    if ((status = bp_entries_create(&entries, network, whole)) != BP_OK)
        return bp_file_refuse(error, status);
    const counters numbers = {{bp_network_steps(network), bp_network_seed(network)}};
    if ((status = bp_entries_get(&entries, network)) == BP_OK)
        status = write_described(network, &entries, whole ? &numbers : NULL, path, notes, count, error);
    else
        bp_file_refuse(error, status);
    bp_entries_destroy(&entries);
    return status;
}

bp_status bp_network_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                          bp_file_error *error) {
    return save(network, false, path, notes, count, error);
}

bp_status bp_checkpoint_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                             bp_file_error *error) {
    return save(network, true, path, notes, count, error);
}

/* ---- Loading -------------------------------------------------------------------------------------------------- */

static const bp_load_options defaults = {.struct_size = sizeof(bp_load_options), .strict = true};

void bp_load_options_init(bp_load_options *options, size_t struct_size) {
    sized_write(options, struct_size, &defaults, sizeof defaults);
}

/* Reads the caller's options over the defaults. `given` may be null. */
static bp_status read_options(bp_load_options *options, const bp_load_options *given, bp_file_error *error) {
    *options = defaults;
    const bp_status status = sized_read(options, sizeof *options, SIZED_END(bp_load_options, context), given, "options",
                                        "bp_load_options_defaults()");
    return status == BP_OK ? BP_OK : bp_file_fail(error, status, "%s", bp_error_message());
}

static bool is_of_training(const char *name) {
    return strncmp(name, BP_STATE_PREFIX, strlen(BP_STATE_PREFIX)) == 0;
}

static bool is_counter(const char *name) {
    for (size_t k = 0; k < COUNTERS; k++)
        if (strcmp(counter_names[k], name) == 0)
            return true;
    return false;
}

/* Finds all tensors; checks for missing and unexpected ones. options null: a checkpoint. */
static bp_status find_tensors(const bp_safetensors *file, bp_entries *entries, const bp_load_options *options,
                              bp_file_error *error) {
    bp_status status = options ? bp_entries_name(entries, file, options, error) : BP_OK;
    if (status == BP_OK)
        status = bp_entries_find(entries, file, options, error);
    for (size_t k = 0; k < COUNTERS && status == BP_OK && !options; k++) {
        const bp_tensor wanted = {.name = counter_names[k], .dtype = BP_DTYPE_U64};
        status = bp_match_exactly(file, &wanted, bp_safetensors_find(file, wanted.name), error);
    }
    if (status != BP_OK || (options && !options->strict))
        return status;
    return bp_match_no_extra(entries, file, options ? is_of_training : is_counter, error);
}

/* Whether the metadata, if the file has any, agree with the network. */
static bp_status check_text(const bp_safetensors *file, const char *key, const char *wanted, bp_file_error *error) {
    const char *there = bp_safetensors_metadata(file, key);
    if (!there || strcmp(there, wanted) == 0)
        return BP_OK;
    return bp_file_fail(error, BP_ERROR_MISMATCH, "%s is '%.70s' in the file and '%.70s' in the network", key, there,
                        wanted);
}

static bp_status check_metadata(const bp_safetensors *file, const bp_network *network, bool whole,
                                bp_file_error *error) {
    char *activations = NULL;
    bp_status status = describe(write_activations, network, &activations);
    if (status != BP_OK)
        return bp_file_refuse(error, status);
    status = check_text(file, KEY_ACTIVATIONS, activations, error);
    free(activations);
    if (status == BP_OK && whole)
        status = check_text(file, KEY_OPTIMIZER, bp_optimizer_name(optimizer_of(network).kind), error);
    return status == BP_OK && whole ? check_text(file, KEY_DECAY_OF, decay_scope(network), error) : status;
}

/* Whether zeros stand for a bias or shift that the file has not. */
static bool is_zeroed(const bp_entries *entries, size_t k, bool zero_biases) {
    return zero_biases && k % 2 == 1 && entries->list[k - 1].found && !entries->list[k].found;
}

/* Reads the tensors of the file; for those that it may lack, the network's values stay. */
static bp_status read_entries(const bp_safetensors *file, const bp_entries *entries, const bp_load_options *options,
                              const bp_network *network, bp_file_error *error) {
    bp_status status = options && !options->strict ? bp_entries_get_parameters(entries, network) : BP_OK;
    if (status != BP_OK)
        return bp_file_refuse(error, status);
    for (size_t k = 0; k < entries->count && status == BP_OK; k++) {
        const bp_entry *e = &entries->list[k];
        if (e->found)
            status = bp_safetensors_read(file, e->found, e->values, NULL, error);
        else if (is_zeroed(entries, k, options && options->zero_biases))
            memset(e->values, 0, e->shape[0] * sizeof *e->values);
    }
    return status;
}

static bp_status read_counters(const bp_safetensors *file, counters *numbers, bp_file_error *error) {
    bp_status status = BP_OK;
    for (size_t k = 0; k < COUNTERS && status == BP_OK; k++)
        status = bp_safetensors_read_bytes(file, bp_safetensors_find(file, counter_names[k]), &numbers->values[k],
                                           sizeof numbers->values[k], error);
    return status;
}

/* Everything has been read. The counters can be refused, so they come first. */
static bp_status set_all(bp_network *network, const bp_entries *entries, const counters *numbers,
                         bp_file_error *error) {
    if (numbers && bp_network_set_steps(network, numbers->values[SEED], numbers->values[STEPS]) != BP_OK)
        return bp_file_fail(error, BP_ERROR_MISMATCH, "tensor '%s' is out of range", counter_names[STEPS]);
    const bp_status status = bp_entries_set(entries, network);
    return status == BP_OK ? BP_OK : bp_file_refuse(error, status);
}

static void report_extra(void *context, const bp_tensor *tensor) {
    const bp_load_options *options = context;
    options->report(options->context, BP_LOAD_EVENT_UNEXPECTED, tensor->name);
}

/* Reports every tensor that was not simply loaded. */
static void report(const bp_safetensors *file, const bp_entries *entries, const bp_load_options *options) {
    bp_load_options copy = *options;
    bp_match_each_extra(entries, file, is_of_training, report_extra, &copy);
    for (size_t k = 0; k < entries->count; k++)
        if (!entries->list[k].found)
            options->report(options->context,
                            is_zeroed(entries, k, options->zero_biases) ? BP_LOAD_EVENT_ZEROED : BP_LOAD_EVENT_MISSING,
                            entries->list[k].tensor.name);
}

/* `options` null: a whole checkpoint. */
static bp_status load_from(bp_network *network, const bp_load_options *options, const bp_safetensors *file,
                           bp_file_error *error) {
    const bool whole = !options;
    bp_entries entries;
    counters numbers;
    bp_status status = bp_entries_create(&entries, network, whole);
    if (status != BP_OK)
        return bp_file_refuse(error, status);
    status = check_metadata(file, network, whole, error);
    if (status == BP_OK)
        status = find_tensors(file, &entries, options, error);
    if (status == BP_OK)
        status = read_entries(file, &entries, options, network, error);
    if (status == BP_OK && whole)
        status = read_counters(file, &numbers, error);
    if (status == BP_OK)
        status = set_all(network, &entries, whole ? &numbers : NULL, error);
    if (status == BP_OK && options && options->report)
        report(file, &entries, options);
    bp_entries_destroy(&entries);
    return status;
}

static bp_status load(bp_network *network, const char *path, const bp_load_options *options, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!network || !path)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", network ? "path" : "network");
    bp_safetensors *file;
    bp_status status = bp_safetensors_open(path, &file, error);
    if (status == BP_OK) {
        status = load_from(network, options, file, error);
        bp_safetensors_close(file);
    }
    return status;
}

static bp_status load_with(bp_network *network, const char *path, const bp_load_options *given, bp_file_error *error) {
    bp_load_options options;
    const bp_status status = read_options(&options, given, BEGIN_ERROR(error));
    return status == BP_OK ? load(network, path, &options, error) : status;
}

bp_status bp_network_load(bp_network *network, const char *path, bp_file_error *error) {
    return load_with(network, path, NULL, error);
}

bp_status bp_network_load_with(bp_network *network, const char *path, const bp_load_options *options,
                               bp_file_error *error) {
    return load_with(network, path, options, error);
}

bp_status bp_checkpoint_load(bp_network *network, const char *path, bp_file_error *error) {
    return load(network, path, NULL, error);
}
