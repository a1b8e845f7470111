/* fit.h, schedule.h, and the data sets of data.h. */
#include <math.h>

#include "defaults.h"
#include "fit_support.h"
#include "messages.h"

static void datasets(void) {
    float inputs[12] = {0};
    uint32_t index[4], labels[4] = {0};
    bp_dataset set = {.rows = 4, .inputs = inputs, .input_columns = 3, .labels = labels}, first, second;
    bp_batches *batches = NULL;
    REFUSED("dataset", bp_dataset_split, NULL, 2, 1, index, &first, &second);
    REFUSED("index", bp_dataset_split, &set, 2, 1, NULL, &first, &second);
    SAYS("first_rows is 4, and must be at least 1 and less than dataset.rows, 4", bp_dataset_split, &set, 4, 1, index,
         &first, &second);
    REFUSED("batches", bp_batches_create, &set, 2, NULL, NULL);
    REFUSED("batch", bp_batches_create, &set, 0, NULL, &batches);
    REFUSED("allocator.allocate", bp_batches_create, &set, 2, &(bp_allocator){NULL, NULL, NULL}, &batches);
    set.inputs = NULL;
    REFUSED("dataset.inputs", bp_batches_create, &set, 2, NULL, &batches);
    set.inputs = inputs;
    set.rows = 0;
    REFUSED("dataset.rows", bp_batches_create, &set, 2, NULL, &batches);
    set.rows = 4;
    assert_int_equal(bp_batches_create(&set, 2, NULL, &batches), BP_OK);
    REFUSED("batches", bp_batches_restart, NULL);
    REFUSED("batches", bp_batches_shuffle, NULL, 1, 2);
    REFUSED("epoch", bp_batches_shuffle, batches, 1, UINT64_MAX);
    bp_batches_destroy(batches);
}

static void states(void) {
    float x;
    bp_schedule schedule = SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = NAN);
    bp_early_stopping stopping = EARLY_STOPPING(.patience = 0);
    bp_plateau plateau = PLATEAU(.factor = 2);
    REFUSED("schedule", bp_schedule_learning_rate, NULL, 0, &x);
    REFUSED("schedule.learning_rate", bp_schedule_learning_rate, &schedule, 0, &x);
    REFUSED("learning_rate", bp_schedule_learning_rate, &schedule, 0, NULL);
    REFUSED("momentum", bp_schedule_momentum, &schedule, 0, NULL);
    REFUSED("state", bp_early_stopping_next, NULL, 1, NULL, NULL);
    SAYS("state.patience is 0, and must be at least 1", bp_early_stopping_next, &stopping, 1, NULL, NULL);
    stopping.struct_size = 0;
    SAYS("state.struct_size is 0: make it with bp_early_stopping_defaults()", bp_early_stopping_next, &stopping, 1,
         NULL, NULL);
    REFUSED("state", bp_plateau_next, NULL, 1, NULL);
    SAYS("state.factor is 2, and must be above 0 and below 1", bp_plateau_next, &plateau, 1, NULL);
}

static void runs(void) {
    const net *shape = &fit_nets[1];
    const bp_network_config config = net_config(shape, 16);
    bp_network *network = net_create(&config, 1);
    samples s = samples_create(shape, 24, 0, 5);
    bp_dataset set = dataset_of(shape, &s);
    const bp_fit_options options = FIT_OPTIONS(.learning_rate = NAN);
    double loss;
    float outputs[24];
    REFUSED("network", bp_network_fit, NULL, &set, &options, NULL);
    REFUSED("dataset", bp_network_fit, network, NULL, &options, NULL);
    REFUSED("options", bp_network_fit, network, &set, NULL, NULL);
    REFUSED("options.learning_rate", bp_network_fit, network, &set, &options, NULL);
    REFUSED("outputs", bp_network_predict, network, &set, NULL, 0);
    REFUSED("loss", bp_network_evaluate, network, &set, NULL);
    REFUSED("network", bp_network_evaluate, NULL, &set, &loss);
    s.labels[3] = 9;
    REFUSED("dataset.labels[3]", bp_network_evaluate, network, &set, &loss);
    set.labels = NULL;
    REFUSED("dataset.labels", bp_network_evaluate, network, &set, &loss);
    set.input_columns--;
    REFUSED("dataset.input_columns", bp_network_evaluate, network, &set, &loss);
    REFUSED("dataset.input_columns", bp_network_predict, network, &set, outputs, 0);
    bp_network_destroy(network);
    samples_destroy(&s);
}

void fits_are_refused(void) {
    datasets();
    states();
    runs();
}
