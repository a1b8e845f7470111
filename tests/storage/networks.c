/*
 * The library's end of networks.py:
 *
 *   networks train NET INPUTS FILE              trains a network on these inputs and saves it
 *   networks outputs NET INPUTS FILE OUTPUTS    loads a network and writes its outputs
 *
 * NET is a list of widths, each but the first with an activation and its number, "+norm" for layer normalization, and
 * "+drop" for dropout, as in 4,16:leaky-relu:0.1+norm+drop,3:identity. Inputs and outputs are .npy files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/backprop.h>

enum { LAYERS_MAX = 8 };

static bp_file_error error;

static void check(bp_status status) {
    if (status != BP_OK) {
        fprintf(stderr, "%s: %s\n", bp_status_string(status), error.text);
        exit(1);
    }
}

static void parse_activation(char *text, bp_activation *activation) {
    char *number = strchr(text, ':');
    if (number) {
        *number = '\0';
        activation->parameter = strtof(number + 1, NULL);
    }
    check(bp_activation_from_name(text, &activation->kind));
}

static bp_network *make_network(char *text, size_t rows) {
    size_t sizes[LAYERS_MAX + 1], layers = 0;
    bp_activation activations[LAYERS_MAX] = {{BP_ACTIVATION_IDENTITY, 0}};
    bool normalize[LAYERS_MAX] = {false};
    float dropout[LAYERS_MAX] = {0};
    char *end;
    sizes[0] = strtoul(strtok(text, ","), NULL, 10);
    for (char *part; (part = strtok(NULL, ",")) && layers < LAYERS_MAX; layers++) {
        sizes[layers + 1] = strtoul(part, &end, 10);
        normalize[layers] = strstr(end, "+norm");
        dropout[layers] = strstr(end, "+drop") ? 0.25f : 0.0f;
        end[strcspn(end, "+")] = '\0';
        parse_activation(end + 1, &activations[layers]);
    }
    bp_network_config config = bp_network_config_defaults();
    config.layers = layers;
    config.sizes = sizes;
    config.activations = activations;
    config.max_batch_size = rows;
    config.dropout = dropout;
    config.normalize = normalize;
    config.seed = 7;
    bp_network *network;
    check(bp_network_create(&config, &network));
    return network;
}

static size_t outputs_of(const bp_network *network) {
    bp_layer layer = {.out = 0};
    for (size_t l = 0; bp_network_layer(network, l, &layer) == BP_OK; l++) {
    }
    return layer.out;
}

static void train(bp_network *network, const bp_batch *batch, const char *path) {
    bp_batch with_targets = *batch;
    float *targets = calloc(batch->rows * outputs_of(network), sizeof *targets);
    with_targets.targets = targets;
    for (int step = 0; step < 5 && targets; step++)
        check(bp_network_train_step(network, &with_targets, 0.01f, NULL));
    check(bp_network_save(network, path, NULL, 0, &error));
    free(targets);
}

static void write_outputs(bp_network *network, const bp_batch *batch, const char *from, const char *to) {
    const size_t shape[] = {batch->rows, outputs_of(network)};
    float *outputs = calloc(shape[0] * shape[1], sizeof *outputs);
    check(outputs ? bp_network_load(network, from, &error) : BP_ERROR_MEMORY);
    check(bp_network_forward(network, batch, outputs, 0));
    check(bp_npy_write(to, outputs, 2, shape, &error));
    free(outputs);
}

int main(int argc, char **argv) {
    bp_array inputs;
    if (argc < 5)
        return 2;
    check(bp_npy_read(argv[3], &inputs, &error));
    const bp_batch batch = {.rows = inputs.shape[0], .inputs = inputs.values};
    bp_network *network = make_network(argv[2], batch.rows);
    if (strcmp(argv[1], "train") == 0 && argc == 5)
        train(network, &batch, argv[4]);
    else if (strcmp(argv[1], "outputs") == 0 && argc == 6)
        write_outputs(network, &batch, argv[4], argv[5]);
    else
        return 2;
    bp_network_destroy(network);
    bp_array_destroy(&inputs);
    return 0;
}
