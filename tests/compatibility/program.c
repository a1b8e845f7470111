/*
 * Usage: program STRUCT...
 *
 * Uses each of these option structs in every function that reads it, in memory that ends where the struct does: whoever
 * reads or writes beyond faults. Standard error says "call STRUCT FUNCTION" before each call,
 * or "refuse STRUCT FUNCTION".
 *
 * Structs with a struct_size of 0 are refused by each. Built with GROWN, against headers in which each struct has one
 * more field, `grown`, for a library that does not know it: zero is accepted, anything else is refused.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <backprop/backprop.h>

#define FILE_NAME "compatibility.safetensors"

static _Noreturn void fail(const char *name, const char *what) {
    fprintf(stderr, "program: %s: %s\n", name, what);
    exit(1);
}

/* Memory of so many bytes with a page behind it that no one may touch. */
static void *at_the_edge(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + page - 1) / page * page;
    char *memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + size, page, PROT_NONE) != 0)
        fail("program", "no memory");
    return memory + size - bytes;
}

static const char *current; /* the struct that is used */

/* Calls a function, which must succeed, or refuse the struct. */
static bool refused;

static void called(const char *call, bp_status status) {
    if (!refused && status != BP_OK)
        fail(call, bp_error_message());
    if (refused && (status != BP_ERROR_VALUE || !strstr(bp_error_message(), ".struct_size is")))
        fail(call, "the struct is not refused");
}

#define CALL(call) (fprintf(stderr, "%s %s %s\n", refused ? "refuse" : "call", current, #call), called(#call, (call)))

/* ---- Networks ------------------------------------------------------------------------------------------------- */

static const size_t sizes[] = {2, 3, 1};
static const float inputs[] = {0, 0, 0, 1, 1, 0, 1, 1}, targets[] = {0, 1, 1, 0};
static const bp_batch batch = {.rows = 4, .inputs = inputs, .targets = targets};
static const bp_dataset set = {
    .rows = 4, .inputs = inputs, .input_columns = 2, .targets = targets, .target_columns = 1};

static bp_network_config small_config(void) {
    bp_network_config config = bp_network_config_defaults();
    config.layers = 2;
    config.sizes = sizes;
    config.max_batch_size = 4;
    return config;
}

static bp_network *network(void) {
    const bp_network_config config = small_config();
    bp_network *made;
    if (bp_network_create(&config, &made) != BP_OK)
        fail("network", bp_error_message());
    return made;
}

/* Creates a network and takes a step with it. */
static bp_status create(const bp_network_config *config) {
    bp_network *made;
    bp_status status = bp_network_create(config, &made);
    if (status == BP_OK) {
        status = bp_network_train_step(made, &batch, 0.1f, NULL);
        bp_network_destroy(made);
    }
    return status;
}

static void use_config(void *options) {
    bp_network_config *config = options;
    config->layers = 2;
    config->sizes = sizes;
    config->max_batch_size = 4;
    size_t bytes;
    CALL(bp_network_memory(config, &bytes));
    CALL(create(config));
}

static void use_optimizer(void *options) {
    bp_network_config config = small_config();
    config.optimizer = options;
    CALL(create(&config));
    float values[2] = {1, 2}, momentum[2] = {0}, squares[2] = {0};
    const float gradient[2] = {3, 4};
    const bp_parameters parameters = {.values = values, .state = {momentum, squares}};
    CALL(bp_optimizer_step(&parameters, gradient, 2, options, 1, 0.1f));
    if (refused)
        return;
    bp_network_config plain = small_config();
    bp_network *trained;
    if (bp_network_create(&plain, &trained) != BP_OK ||
        bp_network_get_optimizer(trained, options, sizeof(bp_optimizer)) != BP_OK)
        fail(current, bp_error_message());
    bp_network_destroy(trained);
}

static void use_loss(void *options) {
    bp_network_config config = small_config();
    config.loss_options = options;
    CALL(create(&config));
}

/* ---- Training ------------------------------------------------------------------------------------------------- */

static bp_status fit(bp_network *trained, const bp_fit_options *options) {
    return bp_network_fit(trained, &set, options, NULL);
}

static void use_schedule(void *options) {
    bp_schedule *schedule = options;
    schedule->steps = 9;
    schedule->momentum_max = 0.9f;
    schedule->momentum_min = 0.8f;
    float number;
    CALL(bp_schedule_learning_rate(schedule, 3, &number));
    CALL(bp_schedule_momentum(schedule, 3, &number));
    const bp_kernels *kernels;
    if (!refused && bp_kernels_for(BP_ISA_SCALAR, &kernels) == BP_OK)
        kernels->schedule_learning_rate(schedule, 3); /* checks nothing, and reads no more either */
    schedule->momentum_max = 0.0f;                    /* which plain SGD has not */
    bp_fit_options o = bp_fit_options_defaults();
    o.schedule = schedule;
    bp_network *trained = network();
    CALL(fit(trained, &o));
    bp_network_destroy(trained);
}

static void use_backward(void *options) {
    bp_backward_options *backward = options;
    float loss;
    backward->loss = &loss;
    bp_network *trained = network();
    CALL(bp_network_backward(trained, &batch, backward));
    bp_network_destroy(trained);
}

static void use_fit(void *options) {
    bp_fit_options *o = options;
    o->epochs = 2;
    o->batch_size = 2;
    bp_network *trained = network();
    CALL(fit(trained, o));
    bp_network_destroy(trained);
}

static void use_early_stopping(void *options) {
    bp_early_stopping *state = options;
    CALL(bp_early_stopping_next(state, 1.0, NULL, NULL));
    CALL(bp_early_stopping_next(state, 0.5, NULL, NULL));
    if (!refused && (state->best != 0.5 || state->seen != 2 || state->struct_size != sizeof *state))
        fail(current, "the state is another");
    bp_fit_options o = bp_fit_options_defaults();
    o.stopping = state;
    bp_network *trained = network();
    CALL(fit(trained, &o));
    bp_network_destroy(trained);
}

static void use_plateau(void *options) {
    bp_plateau *state = options;
    state->patience = 0;
    CALL(bp_plateau_next(state, 1.0, NULL));
    CALL(bp_plateau_next(state, 1.0, NULL));
    if (!refused && (state->best != 1.0 || state->seen != 2 || !(state->learning_rate < 0.0002f) ||
                     state->struct_size != sizeof *state))
        fail(current, "the state is another");
    bp_fit_options o = bp_fit_options_defaults();
    o.plateau = state;
    bp_network *trained = network();
    CALL(fit(trained, &o));
    bp_network_destroy(trained);
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static bp_status open_file(const bp_csv_options *options, bp_csv **csv) {
    const char *path = FILE_NAME ".csv";
    FILE *file = fopen(path, "w");
    if (!file || fputs("1,2\n", file) < 0 || fclose(file) != 0)
        fail(path, "cannot be written");
    const bp_status status = bp_csv_open(path, options, csv, NULL);
    remove(path);
    return status;
}

static void use_csv(void *options) {
    bp_csv *csv = NULL;
    CALL(bp_csv_open_memory("1,2\n", 4, options, &csv, NULL));
    if (!refused && bp_csv_columns(csv) != 2)
        fail(current, "the table is another");
    bp_csv_close(csv);
    csv = NULL;
    CALL(open_file(options, &csv));
    bp_csv_close(csv);
}

static void use_load(void *options) {
    bp_network *saved = network();
    if (bp_network_save(saved, FILE_NAME, NULL, 0, NULL) != BP_OK)
        fail("bp_network_save", bp_error_message());
    CALL(bp_network_load_with(saved, FILE_NAME, options, NULL));
    remove(FILE_NAME);
    bp_network_destroy(saved);
}

/* ---- All structs ---------------------------------------------------------------------------------------------- */

static void init_schedule(void *options, size_t size) {
    bp_schedule_init(options, size, BP_SCHEDULE_ONE_CYCLE);
}

static void init_optimizer(void *options, size_t size) {
    bp_optimizer_init(options, size, BP_OPTIMIZER_ADAM);
}

#define INIT(name)                                                                                                     \
    static void init_##name(void *options, size_t size) {                                                              \
        bp_##name##_init(options, size);                                                                               \
    }
INIT(network_config)
INIT(loss_options)
INIT(backward_options)
INIT(fit_options)
INIT(early_stopping)
INIT(plateau)
INIT(csv_options)
INIT(load_options)

#ifdef GROWN
#define CASE(name, use)                                                                                                \
    { "bp_" #name, sizeof(bp_##name), init_##name, use, offsetof(bp_##name, grown) }
#else
#define CASE(name, use)                                                                                                \
    { "bp_" #name, sizeof(bp_##name), init_##name, use, 0 }
#endif

static const struct {
    const char *name;
    size_t size;
    void (*init)(void *options, size_t size);
    void (*use)(void *options);
    size_t grown; /* where the new field is */
} cases[] = {
    CASE(network_config, use_config),
    CASE(optimizer, use_optimizer),
    CASE(loss_options, use_loss),
    CASE(schedule, use_schedule),
    CASE(backward_options, use_backward),
    CASE(fit_options, use_fit),
    CASE(early_stopping, use_early_stopping),
    CASE(plateau, use_plateau),
    CASE(csv_options, use_csv),
    CASE(load_options, use_load),
};

static void use(size_t k) {
    current = cases[k].name;
    unsigned char *options = at_the_edge(cases[k].size);
    refused = false;
    cases[k].init(options, cases[k].size);
    cases[k].use(options);
    refused = true;
    cases[k].init(options, cases[k].size);
    memset(options, 0, sizeof(size_t));
    cases[k].use(options);
    if (cases[k].grown) {
        cases[k].init(options, cases[k].size);
        options[cases[k].grown] = 1;
        cases[k].use(options);
    }
    refused = false;
}

int main(int argc, char **argv) {
    for (int k = 1; k < argc; k++) {
        size_t n = 0;
        while (n < sizeof cases / sizeof *cases && strcmp(cases[n].name, argv[k]) != 0)
            n++;
        if (n == sizeof cases / sizeof *cases)
            fail(argv[k], "a sized struct that this program does not use");
        use(n);
    }
    return argc > 1 ? 0 : 1;
}
