/* A program as a user of the installed library would write it, in C that is also C++: learns exclusive or. */
#include <stdio.h>
#include <string.h>

#include <backprop/backprop.h>

static int report(const char *what, bp_status status) {
    fprintf(stderr, "%s: %s\n", what, bp_status_string(status));
    return 1;
}

static int train(bp_network *network) {
    static const float inputs[] = {0, 0, 0, 1, 1, 0, 1, 1};
    static const float targets[] = {0, 1, 1, 0};
    bp_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.rows = 4;
    batch.inputs = inputs;
    batch.targets = targets;

    bp_status status = BP_OK;
    float first = 0, last = 0;
    for (int step = 0; step < 200 && status == BP_OK; step++) {
        status = bp_network_train_step(network, &batch, 0.5f, step == 0 ? &first : &last);
    }
    if (status != BP_OK) {
        return report("training", status);
    }
    printf("loss %g -> %g\n", (double)first, (double)last);
    return last < first ? 0 : 1;
}

int main(void) {
    const size_t sizes[] = {2, 8, 1};
    bp_activation activations[2];
    memset(activations, 0, sizeof activations);
    activations[0].kind = BP_ACTIVATION_TANH;

    bp_network_config config = bp_network_config_defaults();
    config.layers = 2;
    config.sizes = sizes;
    config.activations = activations;
    config.loss = BP_LOSS_MSE;
    config.seed = 1;
    config.threads = 2;

    bp_network *network = NULL;
    bp_status status = bp_network_create(&config, &network);
    if (status != BP_OK) {
        return report("creating", status);
    }
    printf("backprop %s on %s\n", bp_version(), bp_isa_name(bp_network_isa(network)));
    int failed = train(network);
    bp_network_destroy(network);
    return failed;
}
