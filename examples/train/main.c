/*
 * Trains a multi-layer perceptron to classify images, Fashion-MNIST by default, with softmax cross-entropy and plain
 * stochastic gradient descent. All it needs of the library is <backprop/backprop.h>.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <backprop/backprop.h>

#include "../program.h"
#include "data.h"
#include "options.h"
#include "training.h"

static void choose_isa(const char *name) {
    bp_isa isa;
    if (name) {
        bp_status status = bp_isa_from_name(name, &isa);
        if (status == BP_OK)
            status = bp_cpu_set(isa);
        if (status != BP_OK)
            fail("--isa %s: %s", name, bp_status_string(status));
    } else {
        const bp_status status = bp_cpu_active(&isa);
        if (status != BP_OK) /* it comes from the environment */
            fail("BACKPROP_ISA=%s: %s", getenv("BACKPROP_ISA"), bp_status_string(status));
    }
}

static void check_labels(const sample_set *set, size_t classes) {
    if (set->label_most >= classes)
        fail("%s: label %u is out of range for a network with %zu outputs", set->name, (unsigned)set->label_most,
             classes);
}

/* The widths asked for, if they fit the data. */
static layer_sizes choose_layers(const options *o, const data_set *data) {
    const char *text = o->layers ? o->layers : data->layers;
    const layer_sizes sizes = layers_parse(text);
    const size_t outputs = sizes.sizes[sizes.layers];
    if (sizes.sizes[0] != data->inputs)
        fail("--layers %s: the data has %zu inputs", text, data->inputs);
    check_labels(&data->train, outputs);
    check_labels(&data->test, outputs);
    const uint32_t most =
        data->train.label_most > data->test.label_most ? data->train.label_most : data->test.label_most;
    if (most + 1 < outputs)
        fail("--layers %s: the data has %u classes", text, (unsigned)most + 1);
    return sizes;
}

/* Memory that exists, so that a network beyond it is refused rather than started and killed half-way. */
static double memory_bytes(void) {
    return (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

static bp_network *make_network(const options *o, const layer_sizes *sizes, size_t batch) {
    bp_activation activations[LAYERS_MAX] = {{.kind = BP_ACTIVATION_IDENTITY}};
    float dropout[LAYERS_MAX] = {0};
    bool normalize[LAYERS_MAX] = {false};
    for (size_t l = 0; l + 1 < sizes->layers; l++) {
        activations[l] = o->activation;
        dropout[l] = o->dropout;
        normalize[l] = o->layer_norm;
    }
    bp_loss_options loss_options = bp_loss_options_defaults();
    loss_options.label_smoothing = o->smoothing;
    bp_network_config config = bp_network_config_defaults();
    config.layers = sizes->layers;
    config.sizes = sizes->sizes;
    config.activations = activations;
    config.loss = o->loss;
    config.loss_options = &loss_options;
    config.optimizer = &o->optimizer;
    config.max_batch_size = batch;
    config.dropout = dropout;
    config.normalize = normalize;
    config.seed = o->seed;
    config.threads = o->threads;
    size_t bytes;
    bp_network *network = NULL;
    bp_status status = bp_network_memory(&config, &bytes);
    if (status == BP_OK && (double)bytes > memory_bytes())
        status = BP_ERROR_MEMORY;
    if (status == BP_OK)
        status = bp_network_create(&config, &network);
    if (status != BP_OK)
        fail("cannot make the network: %s", status == BP_ERROR_MEMORY ? bp_status_string(status) : bp_error_message());
    return network;
}

static void print_plan(const options *o, const data_set *data, const bp_network *network, size_t batch) {
    const size_t threads = bp_network_threads(network);
    printf("backprop %s: instruction set %s, %zu %s\n", bp_version(), bp_isa_name(bp_network_isa(network)), threads,
           threads == 1 ? "thread" : "threads");
    if (!bp_cpu_covered())
        printf("note: this CPU has no fused multiply-add; its weights differ from those of others\n");
    printf("data: %s, %zu training and %zu test samples\n", data->name, data->train.count, data->test.count);
    printf("network: %s %s, %zu parameters, batch %zu, %s, learning rate %g, seed %" PRIu64 "\n",
           o->layers ? o->layers : data->layers, bp_activation_name(o->activation.kind), bp_network_parameters(network),
           batch, bp_optimizer_name(o->optimizer.kind), (double)options_rate(o), o->seed);
}

int main(int argc, char **argv) {
    program_start("train");
    const options o = options_parse(argc, argv);
    choose_isa(o.isa);
    data_set *data = data_load(o.data, o.limit);
    const layer_sizes sizes = choose_layers(&o, data);
    const size_t batch = o.batch < data->train.count ? o.batch : data->train.count;
    bp_network *network = make_network(&o, &sizes, batch);

    if (data->substitute)
        fprintf(o.quiet ? stderr : stdout, "no data set in %s (Debian package dataset-fashion-mnist): training on %s\n",
                DEFAULT_FOLDER, SPIRALS);
    if (!o.quiet)
        print_plan(&o, data, network, batch);
    train(network, &o, data, sizes.sizes[sizes.layers], batch);
    printf("weights: %016" PRIx64 "\n", bp_network_hash(network));

    bp_network_destroy(network);
    data_free(data);
    return 0;
}
