/*
 * Every refusal of creation, field by field: its status, its message (the field, its value, what is allowed), that the
 * query of memory says the same, and that nothing is left allocated. And the defaults, and structs of other versions.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- A good configuration --------------------------------------------------------------------------------------- */

enum { LAYERS = 3 };

/* All that it points to is there to be changed. */
typedef struct subject {
    bp_network_config config;
    size_t sizes[LAYERS + 1];
    bp_activation activations[LAYERS];
    float dropout[LAYERS];
    bool normalize[LAYERS];
    bp_loss_options loss_options;
    bp_optimizer optimizer;
    bp_thread_pool pool;
    bp_allocator allocator;
} subject;

static size_t live;
static bool refuses;

static void *allocate(void *context, size_t bytes) {
    (void)context;
    void *memory = refuses ? NULL : malloc(bytes);
    live += memory != NULL;
    return memory;
}

static void release(void *context, void *memory) {
    (void)context;
    live--;
    free(memory);
}

static void run(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    for (size_t k = 0; k < count; k++)
        task(argument, k);
}

static void subject_make(subject *s, bp_optimizer_kind kind) {
    *s = (subject){
        .config = bp_network_config_defaults(),
        .sizes = {4, 5, 6, 3},
        .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
        .dropout = {0.5f, 0.25f, 0},
        .normalize = {true, false, false},
        .loss_options = bp_loss_options_defaults(),
        .optimizer = bp_optimizer_defaults(kind),
        .pool = {run, NULL, 2},
        .allocator = {allocate, release, NULL},
    };
    s->config.layers = LAYERS;
    s->config.sizes = s->sizes;
    s->config.activations = s->activations;
    s->config.dropout = s->dropout;
    s->config.normalize = s->normalize;
    s->config.loss_options = &s->loss_options;
    s->config.optimizer = &s->optimizer;
    s->config.pool = &s->pool;
    s->config.allocator = &s->allocator;
}

/* ---- What is wrong with it -------------------------------------------------------------------------------------- */

/* A change of one place, and the message. `bytes` of `value` go to `at`. */
typedef struct refusal {
    bp_status status;
    bp_optimizer_kind kind;
    size_t at, bytes;
    union value {
        size_t size;
        float number;
        int enumerator;
        bool flag;
        const void *pointer;
    } value;
    const char *message;
} refusal;

#define AT(field, member)                                                                                              \
    offsetof(subject, field), sizeof(((subject *)0)->field), {.member = (
#define SIZE(field, x) AT(field, size) x)                                                                              \
    }
#define NUMBER(field, x) AT(field, number) x)                                                                          \
    }
#define ENUM(field, x) AT(field, enumerator) x)                                                                        \
    }
#define FLAG(field, x) AT(field, flag) x)                                                                              \
    }
#define NONE(field) AT(field, pointer) NULL)                                                                           \
    }
#define VALUE(...)                                                                                                     \
    { BP_ERROR_VALUE, BP_OPTIMIZER_SGD, __VA_ARGS__ }
#define OPTIMIZER(kind, ...)                                                                                           \
    { BP_ERROR_VALUE, BP_OPTIMIZER_##kind, __VA_ARGS__ }

#define IS(field, value, range) "config." field " is " value ", and must be " range
#define OPTIMIZER_IS(field, value, range) IS("optimizer." field, value, range)
#define BELOW_ONE "from 0 to below 1"
#define FROM_ZERO "finite, 0 or more"

/* A number of the optimizer from 0 to below 1, and one that is finite and not negative, for a kind that has it. */
#define FRACTION(kind, field)                                                                                          \
    OPTIMIZER(kind, NUMBER(optimizer.field, 1), OPTIMIZER_IS(#field, "1", BELOW_ONE)),                                 \
        OPTIMIZER(kind, NUMBER(optimizer.field, -0.5f), OPTIMIZER_IS(#field, "-0.5", BELOW_ONE)),                      \
        OPTIMIZER(kind, NUMBER(optimizer.field, NAN), OPTIMIZER_IS(#field, "NaN", BELOW_ONE)),                         \
        OPTIMIZER(kind, NUMBER(optimizer.field, INFINITY), OPTIMIZER_IS(#field, "inf", BELOW_ONE))
#define NOT_NEGATIVE(kind, field)                                                                                      \
    OPTIMIZER(kind, NUMBER(optimizer.field, -1), OPTIMIZER_IS(#field, "-1", FROM_ZERO)),                               \
        OPTIMIZER(kind, NUMBER(optimizer.field, NAN), OPTIMIZER_IS(#field, "NaN", FROM_ZERO)),                         \
        OPTIMIZER(kind, NUMBER(optimizer.field, INFINITY), OPTIMIZER_IS(#field, "inf", FROM_ZERO))
/* One that the kind does not have. */
#define FOREIGN(kind, name, field)                                                                                     \
    OPTIMIZER(kind, NUMBER(optimizer.field, 0.5f), OPTIMIZER_IS(#field, "0.5", "0: the kind " name " has no " #field))

static const refusal refusals[] = {
    VALUE(SIZE(config.struct_size, 0), "config.struct_size is 0: make it with bp_network_config_defaults()"),
    VALUE(SIZE(config.struct_size, 16), "config.struct_size is 16: make it with bp_network_config_defaults()"),
    VALUE(SIZE(config.struct_size, 1 << 20),
          "config.struct_size is 1048576: make it with bp_network_config_defaults()"),
    {BP_ERROR_SIZE, 0, SIZE(config.layers, 0), IS("layers", "0", "at least 1")},
    {BP_ERROR_OVERFLOW, 0, SIZE(config.layers, SIZE_MAX / 4),
     "config.layers is 4611686018427387903, and must be at most"},
    {BP_ERROR_NULL, 0, NONE(config.sizes), "config.sizes is null, and must have config.layers + 1 widths"},
    {BP_ERROR_SIZE, 0, SIZE(sizes[0], 0), IS("sizes[0]", "0", "at least 1")},
    {BP_ERROR_SIZE, 0, SIZE(sizes[2], 0), IS("sizes[2]", "0", "at least 1")},
    {BP_ERROR_SIZE, 0, SIZE(sizes[3], 0), IS("sizes[3]", "0", "at least 1")},
    {BP_ERROR_OVERFLOW, 0, SIZE(sizes[0], SIZE_MAX), IS("sizes[0]", "18446744073709551615", "at most ")},
    {BP_ERROR_OVERFLOW, 0, SIZE(sizes[3], SIZE_MAX), IS("sizes[3]", "18446744073709551615", "at most ")},
    {BP_ERROR_OVERFLOW, 0, SIZE(sizes[1], SIZE_MAX / 16),
     "config.sizes and config.max_batch_size, 256, make a network that exceeds the address range"},
    {BP_ERROR_SIZE, 0, SIZE(config.max_batch_size, 0), IS("max_batch_size", "0", "at least 1")},
    {BP_ERROR_OVERFLOW, 0, SIZE(config.max_batch_size, SIZE_MAX), "config.max_batch_size, 18446744073709551615, make"},
    {BP_ERROR_OVERFLOW, 0, SIZE(config.max_batch_size, SIZE_MAX / 8),
     "config.max_batch_size, 2305843009213693951, make a network that exceeds the address range"},

    VALUE(ENUM(activations[0].kind, ACTIVATION_COUNT),
          "config.activations[0].kind is 17, and must be one of bp_activation_kind"),
    VALUE(ENUM(activations[2].kind, -1), IS("activations[2].kind", "-1", "one of bp_activation_kind")),
    VALUE(NUMBER(dropout[0], 1), IS("dropout[0]", "1", BELOW_ONE)),
    VALUE(NUMBER(dropout[1], -0.25f), IS("dropout[1]", "-0.25", BELOW_ONE)),
    VALUE(NUMBER(dropout[1], NAN), IS("dropout[1]", "NaN", BELOW_ONE)),
    VALUE(NUMBER(dropout[2], 0.125f), IS("dropout[2]", "0.125", "0: the last layer has no dropout")),
    VALUE(FLAG(normalize[2], true), IS("normalize[2]", "true", "false: the last layer has no normalization")),

    VALUE(ENUM(config.loss, LOSS_COUNT), IS("loss", "9", "one of bp_loss_kind")),
    VALUE(ENUM(config.loss, -1), IS("loss", "-1", "one of bp_loss_kind")),
    VALUE(SIZE(loss_options.struct_size, 0),
          "config.loss_options.struct_size is 0: make it with bp_loss_options_defaults()"),
    VALUE(NUMBER(loss_options.huber_threshold, 0), IS("loss_options.huber_threshold", "0", "finite and above 0")),
    VALUE(NUMBER(loss_options.huber_threshold, -1), IS("loss_options.huber_threshold", "-1", "finite and above 0")),
    VALUE(NUMBER(loss_options.huber_threshold, NAN), IS("loss_options.huber_threshold", "NaN", "finite and above 0")),
    VALUE(NUMBER(loss_options.huber_threshold, INFINITY),
          IS("loss_options.huber_threshold", "inf", "finite and above 0")),
    VALUE(NUMBER(loss_options.label_smoothing, -0.125f), IS("loss_options.label_smoothing", "-0.125", "from 0 to 1")),
    VALUE(NUMBER(loss_options.label_smoothing, 1.5f), IS("loss_options.label_smoothing", "1.5", "from 0 to 1")),
    VALUE(NUMBER(loss_options.label_smoothing, NAN), IS("loss_options.label_smoothing", "NaN", "from 0 to 1")),
    VALUE(NUMBER(loss_options.label_smoothing, 0.125f),
          IS("loss_options.label_smoothing", "0.125", "0: the loss mse does not smooth labels")),
    VALUE(ENUM(loss_options.reduction, REDUCTION_COUNT), IS("loss_options.reduction", "3", "one of bp_reduction")),
    VALUE(ENUM(loss_options.reduction, -1), IS("loss_options.reduction", "-1", "one of bp_reduction")),

    VALUE(SIZE(optimizer.struct_size, 0),
          "config.optimizer.struct_size is 0: make it with bp_optimizer_defaults(kind)"),
    VALUE(ENUM(optimizer.kind, OPTIMIZER_COUNT), OPTIMIZER_IS("kind", "9", "one of bp_optimizer_kind")),
    VALUE(ENUM(optimizer.kind, -1), OPTIMIZER_IS("kind", "-1", "one of bp_optimizer_kind")),
    VALUE(ENUM(optimizer.decay_scope, DECAY_SCOPE_COUNT), OPTIMIZER_IS("decay_scope", "2", "one of bp_decay_scope")),
    FRACTION(MOMENTUM, momentum),
    FRACTION(NESTEROV, momentum),
    FRACTION(ADAM, beta1),
    FRACTION(LION, beta1),
    FRACTION(ADAMW, beta2),
    FRACTION(RMSPROP, beta2),
    FRACTION(SGD, ema_decay),
    FRACTION(RPROP, ema_decay),
    NOT_NEGATIVE(ADAGRAD, epsilon),
    NOT_NEGATIVE(ADAM, epsilon),
    NOT_NEGATIVE(RPROP, step_min),
    NOT_NEGATIVE(RPROP, step_max),
    NOT_NEGATIVE(SGD, weight_decay),
    NOT_NEGATIVE(ADAMW, weight_decay),
    NOT_NEGATIVE(SGD, clip),
    NOT_NEGATIVE(LION, clip_norm),
    OPTIMIZER(RPROP, NUMBER(optimizer.shrink, 0), OPTIMIZER_IS("shrink", "0", "above 0 and below 1")),
    OPTIMIZER(RPROP, NUMBER(optimizer.shrink, 1), OPTIMIZER_IS("shrink", "1", "above 0 and below 1")),
    OPTIMIZER(RPROP, NUMBER(optimizer.shrink, NAN), OPTIMIZER_IS("shrink", "NaN", "above 0 and below 1")),
    OPTIMIZER(RPROP, NUMBER(optimizer.grow, 1), OPTIMIZER_IS("grow", "1", "finite and above 1")),
    OPTIMIZER(RPROP, NUMBER(optimizer.grow, INFINITY), OPTIMIZER_IS("grow", "inf", "finite and above 1")),
    OPTIMIZER(RPROP, NUMBER(optimizer.step_min, 64), OPTIMIZER_IS("step_max", "50", "at least step_min, 64")),
    OPTIMIZER(RPROP, NUMBER(optimizer.step_max, 0), OPTIMIZER_IS("step_max", "0", "at least step_min, ")),
    FOREIGN(SGD, "sgd", momentum),
    FOREIGN(SGD, "sgd", beta1),
    FOREIGN(ADAM, "adam", momentum),
    FOREIGN(MOMENTUM, "momentum", beta2),
    FOREIGN(RMSPROP, "rmsprop", beta1),
    FOREIGN(LION, "lion", epsilon),
    FOREIGN(NESTEROV, "nesterov", shrink),
    FOREIGN(ADAGRAD, "adagrad", grow),
    FOREIGN(ADAMW, "adamw", step_min),
    FOREIGN(ADAMW, "adamw", step_max),

    {BP_ERROR_NULL, 0, NONE(pool.run), "config.pool.run is null"},
    {BP_ERROR_SIZE, 0, SIZE(pool.threads, 0), IS("pool.threads", "0", "at least 1")},
    {BP_ERROR_NULL, 0, NONE(allocator.allocate), "config.allocator.allocate is null"},
    {BP_ERROR_NULL, 0, NONE(allocator.release), "config.allocator.release is null"},
};

/* Both functions say so. */
static void expect(const subject *s, bp_status status, const char *message) {
    bp_network *network = (bp_network *)&live;
    size_t bytes = 4711;
    live = 0;
    for (int asks = 0; asks < 2; asks++) {
        assert_int_equal(bp_optimizer_from_name("none such", &(bp_optimizer_kind){0}), BP_ERROR_VALUE);
        const bp_status got = asks ? bp_network_memory(&s->config, &bytes) : bp_network_create(&s->config, &network);
        if (got != status || !strstr(bp_error_message(), message))
            fail_msg("%s: '%s', \"%s\", expected '%s', \"%s\"", asks ? "memory" : "create", bp_status_string(got),
                     bp_error_message(), bp_status_string(status), message);
    }
    assert_null(network);
    assert_int_equal(live, 0);
    assert_int_equal(bytes, 4711);
}

static void each_field_is_refused_with_its_name(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(refusals); k++) {
        const refusal *r = &refusals[k];
        subject s;
        subject_make(&s, r->kind);
        bp_network *network;
        assert_int_equal(bp_network_create(&s.config, &network), BP_OK);
        bp_network_destroy(network);
        memcpy((char *)&s + r->at, &r->value, r->bytes);
        expect(&s, r->status, r->message);
    }
}

static void parameters_of_activations(void **state) {
    (void)state;
    static const struct {
        bp_activation activation;
        const char *message;
    } bad[] = {
        {{BP_ACTIVATION_LEAKY_RELU, NAN}, "is NaN, and must be finite, 0 or more, for leaky-relu"},
        {{BP_ACTIVATION_LEAKY_RELU, -0.5f}, "is -0.5, and must be finite, 0 or more, for leaky-relu"},
        {{BP_ACTIVATION_ELU, INFINITY}, "is inf, and must be finite, 0 or more, for elu"},
        {{BP_ACTIVATION_SINE, -INFINITY}, "is -inf, and must be finite for sine"},
    };
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t k = 0; k < COUNT(bad); k++) {
            char message[128];
            subject s;
            subject_make(&s, BP_OPTIMIZER_SGD);
            s.activations[l] = bad[k].activation;
            snprintf(message, sizeof message, "config.activations[%zu].parameter %s", l, bad[k].message);
            expect(&s, BP_ERROR_VALUE, message);
        }
    subject s;
    subject_make(&s, BP_OPTIMIZER_SGD);
    s.activations[0] = (bp_activation){BP_ACTIVATION_RELU, NAN}; /* which has none */
    bp_network *network;
    assert_int_equal(bp_network_create(&s.config, &network), BP_OK);
    bp_network_destroy(network);
}

/* Losses of logits on an activated output layer, and smoothing with losses that do not know it. */
static void combinations_of_the_loss(void **state) {
    (void)state;
    for (int loss = 0; loss < LOSS_COUNT; loss++) {
        const bool logits = loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_BINARY_CROSS_ENTROPY ||
                            loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || loss == BP_LOSS_KULLBACK_LEIBLER;
        char message[160];
        subject s;
        subject_make(&s, BP_OPTIMIZER_SGD);
        s.config.loss = (bp_loss_kind)loss;
        s.activations[LAYERS - 1].kind = BP_ACTIVATION_SIGMOID;
        snprintf(message, sizeof message,
                 "config.activations[2].kind is sigmoid, and must be identity: the loss %s takes logits",
                 bp_loss_name((bp_loss_kind)loss));
        bp_network *network;
        if (logits)
            expect(&s, BP_ERROR_VALUE, message);
        else
            assert_int_equal(bp_network_create(&s.config, &network), BP_OK);
        if (!logits)
            bp_network_destroy(network);

        subject_make(&s, BP_OPTIMIZER_SGD);
        s.config.loss = (bp_loss_kind)loss;
        s.loss_options.label_smoothing = 0.5f;
        snprintf(message, sizeof message,
                 "config.loss_options.label_smoothing is 0.5, and must be 0: the loss %s does not smooth labels",
                 bp_loss_name((bp_loss_kind)loss));
        if (loss != BP_LOSS_SOFTMAX_CROSS_ENTROPY)
            expect(&s, BP_ERROR_VALUE, message);
    }
}

/* ---- Arguments and surroundings ---------------------------------------------------------------------------------- */

static void arguments(void **state) {
    (void)state;
    subject s;
    subject_make(&s, BP_OPTIMIZER_SGD);
    bp_network *network = (bp_network *)&s;
    size_t bytes;
    assert_int_equal(bp_network_create(&s.config, NULL), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "network is null");
    assert_int_equal(bp_network_create(NULL, &network), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "config is null");
    assert_null(network);
    assert_int_equal(bp_network_memory(&s.config, NULL), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "bytes is null");
    assert_int_equal(bp_network_memory(NULL, &bytes), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "config is null");
    assert_int_equal(bp_network_initialize(NULL, 1), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "network is null");
}

static void memory_that_is_not_given(void **state) {
    (void)state;
    subject s;
    subject_make(&s, BP_OPTIMIZER_SGD);
    bp_network *network;
    size_t bytes;
    char message[120];
    assert_int_equal(bp_network_memory(&s.config, &bytes), BP_OK);
    snprintf(message, sizeof message, "the network needs %zu bytes, which config.allocator did not give", bytes);
    refuses = true;
    assert_int_equal(bp_network_create(&s.config, &network), BP_ERROR_MEMORY);
    refuses = false;
    assert_null(network);
    assert_string_equal(bp_error_message(), message);
}

static void threads_of_the_environment(void **state) {
    (void)state;
    static const char *const bad[] = {"0", "abc", "-1", "1.5", "2 ", "99999999999999999999999"};
    subject s;
    subject_make(&s, BP_OPTIMIZER_SGD);
    s.config.pool = NULL;
    for (size_t k = 0; k < COUNT(bad); k++) {
        char message[120];
        snprintf(message, sizeof message, "BACKPROP_THREADS is \"%s\", and must be a whole number, at least 1", bad[k]);
        setenv("BACKPROP_THREADS", bad[k], 1);
        expect(&s, BP_ERROR_THREADS, message);
    }
    unsetenv("BACKPROP_THREADS");
}

static void initializers(void **state) {
    (void)state;
    static const struct {
        bp_initializer initializer;
        const char *message;
    } bad[] = {
        {{INITIALIZER_COUNT, 1}, "initializers[1].kind is 7, and must be one of bp_initializer_kind"},
        {{BP_INITIALIZER_HE_NORMAL, -1}, "initializers[1].gain is -1, and must be finite, 0 or more"},
        {{BP_INITIALIZER_HE_NORMAL, NAN}, "initializers[1].gain is NaN, and must be finite, 0 or more"},
    };
    subject s;
    subject_make(&s, BP_OPTIMIZER_SGD);
    bp_network *network;
    assert_int_equal(bp_network_create(&s.config, &network), BP_OK);
    assert_int_equal(bp_network_initialize_with(network, NULL, 1), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "initializers is null");
    const uint64_t hash = bp_network_hash(network);
    for (size_t k = 0; k < COUNT(bad); k++) {
        bp_initializer all[LAYERS] = {{BP_INITIALIZER_XAVIER_UNIFORM, 1}};
        all[1] = bad[k].initializer;
        assert_int_equal(bp_network_initialize_with(network, all, 1), BP_ERROR_VALUE);
        assert_string_equal(bp_error_message(), bad[k].message);
    }
    assert_true(bp_network_hash(network) == hash);
    bp_network_destroy(network);
}

/* ---- Steps of the kernels ---------------------------------------------------------------------------------------- */

static void steps_of_arrays(void **state) {
    (void)state;
    float w = 1, m = 0, v = 0, g = 1;
    const bp_parameters p = {&w, {&m, &v}, NULL};
    bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    adam.beta2 = 1;
    assert_int_equal(bp_optimizer_step(&p, &g, 1, &adam, 1, 0.5f), BP_ERROR_VALUE);
    assert_string_equal(bp_error_message(), "optimizer.beta2 is 1, and must be from 0 to below 1");
    adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    adam.clip_norm = 2;
    assert_int_equal(bp_optimizer_step(&p, &g, 1, &adam, 1, 0.5f), BP_ERROR_VALUE);
    assert_string_equal(bp_error_message(), "optimizer.clip_norm is 2, and must be 0: the norm of all gradients is "
                                            "clipped in networks alone");
    adam = (bp_optimizer){.kind = BP_OPTIMIZER_ADAM};
    assert_int_equal(bp_optimizer_step(&p, &g, 1, &adam, 1, 0.5f), BP_ERROR_VALUE);
    assert_string_equal(bp_error_message(), "optimizer.struct_size is 0: make it with bp_optimizer_defaults(kind)");
    assert_true(w == 1 && m == 0 && v == 0);
}

/* ---- Defaults ---------------------------------------------------------------------------------------------------- */

static void defaults_are_the_documented(void **state) {
    (void)state;
    const bp_network_config c = bp_network_config_defaults();
    const bp_network_config expected = {.struct_size = sizeof c, .max_batch_size = 256};
    assert_memory_equal(&c, &expected, sizeof c);
    const bp_loss_options o = bp_loss_options_defaults();
    assert_true(o.struct_size == sizeof o && o.huber_threshold == 1 && o.label_smoothing == 0 &&
                o.reduction == BP_REDUCTION_MEAN);
    static const bp_optimizer usual[OPTIMIZER_COUNT] = {
        [BP_OPTIMIZER_MOMENTUM] = {.momentum = 0.9f},
        [BP_OPTIMIZER_NESTEROV] = {.momentum = 0.9f},
        [BP_OPTIMIZER_ADAGRAD] = {.epsilon = 1e-10f},
        [BP_OPTIMIZER_RMSPROP] = {.beta2 = 0.99f, .epsilon = 1e-8f},
        [BP_OPTIMIZER_ADAM] = {.beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f},
        [BP_OPTIMIZER_ADAMW] = {.beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .decoupled = true},
        [BP_OPTIMIZER_LION] = {.beta1 = 0.9f, .beta2 = 0.99f, .decoupled = true},
        [BP_OPTIMIZER_RPROP] = {.shrink = 0.5f, .grow = 1.2f, .step_min = 1e-6f, .step_max = 50},
    };
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++) {
        const bp_optimizer d = bp_optimizer_defaults((bp_optimizer_kind)kind), *u = &usual[kind];
        assert_true(d.struct_size == sizeof d && (int)d.kind == kind);
        assert_true(d.momentum == u->momentum && d.beta1 == u->beta1 && d.beta2 == u->beta2);
        assert_true(d.epsilon == u->epsilon && d.shrink == u->shrink && d.grow == u->grow);
        assert_true(d.step_min == u->step_min && d.step_max == u->step_max && d.decoupled == u->decoupled);
        assert_true(d.weight_decay == 0 && d.decay_scope == BP_DECAY_SCOPE_ALL && d.clip == 0 && d.clip_norm == 0 &&
                    d.ema_decay == 0);
    }
    bp_network_config_init(NULL, sizeof c);
    bp_loss_options_init(NULL, sizeof o);
    bp_optimizer_init(NULL, sizeof(bp_optimizer), BP_OPTIMIZER_ADAM);
}

/* The hash of a network after three steps, each on the same batch. */
static uint64_t trained(const bp_network_config *config) {
    static const float inputs[8] = {1, -0.5f, 0.25f, 2, -1, 0.75f, 0.5f, -2}, targets[4] = {1, 0, 0.5f, -1};
    const bp_batch batch = {.rows = 2, .inputs = inputs, .targets = targets};
    bp_network *network;
    assert_int_equal(bp_network_create(config, &network), BP_OK);
    for (int step = 0; step < 3; step++)
        assert_int_equal(bp_network_train_step(network, &batch, 0.125f, NULL), BP_OK);
    const uint64_t hash = bp_network_hash(network);
    bp_network_destroy(network);
    return hash;
}

/* A configuration of nothing but the widths is the same as one that spells the defaults out; and all is drawn. */
static void null_pointers_are_the_defaults(void **state) {
    (void)state;
    static const size_t sizes[] = {4, 9, 7, 2};
    static const bp_activation activations[] = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_RELU, 0}, {0}};
    const bp_loss_options options = bp_loss_options_defaults();
    const bp_optimizer sgd = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    bp_network_config little = bp_network_config_defaults();
    little.layers = 3;
    little.sizes = sizes;
    little.seed = 17;
    bp_network_config all = little;
    all.activations = activations;
    all.loss_options = &options;
    all.optimizer = &sgd;
    assert_true(trained(&little) == trained(&all));

    bp_network *network;
    assert_int_equal(bp_network_create(&little, &network), BP_OK);
    const uint64_t created = bp_network_hash(network);
    assert_int_equal(bp_network_initialize(network, 18), BP_OK);
    assert_true(bp_network_hash(network) != created);
    assert_true(bp_network_seed(network) == 17); /* of the masks */
    assert_int_equal(bp_network_initialize(network, 17), BP_OK);
    assert_true(bp_network_hash(network) == created);
    for (size_t l = 0; l < 3; l++) {
        bp_layer layer;
        assert_int_equal(bp_network_layer(network, l, &layer), BP_OK);
        assert_int_equal(layer.activation.kind, activations[l].kind);
    }
    bp_network_destroy(network);
}

/* ---- Structs of other versions ----------------------------------------------------------------------------------- */

typedef struct later_config {
    bp_network_config now;
    size_t more[3];
} later_config;

typedef struct later_optimizer {
    bp_optimizer now;
    size_t more[2];
} later_optimizer;

static void structs_of_a_later_version(void **state) {
    (void)state;
    later_config config;
    later_optimizer adam;
    memset(&config, 0xa5, sizeof config);
    memset(&adam, 0xa5, sizeof adam);
    bp_network_config_init(&config.now, sizeof config);
    bp_optimizer_init(&adam.now, sizeof adam, BP_OPTIMIZER_ADAM);
    assert_true(config.now.struct_size == sizeof config && adam.now.struct_size == sizeof adam);
    assert_true(config.more[0] == 0 && config.more[2] == 0 && adam.more[0] == 0 && adam.more[1] == 0);
    static const size_t sizes[] = {4, 3, 2};
    config.now.layers = 2;
    config.now.sizes = sizes;
    config.now.optimizer = &adam.now;
    const uint64_t hash = trained(&config.now);

    const bp_optimizer now = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    bp_network_config plain = bp_network_config_defaults();
    plain.layers = 2;
    plain.sizes = sizes;
    plain.optimizer = &now;
    assert_true(trained(&plain) == hash);

    bp_network *network;
    adam.more[1] = 1;
    assert_int_equal(bp_network_create(&config.now, &network), BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "config.optimizer.struct_size is "));
    assert_non_null(strstr(bp_error_message(), "must be zero"));
    adam.more[1] = 0, config.more[0] = 1;
    assert_int_equal(bp_network_create(&config.now, &network), BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "config.struct_size is "));
    assert_non_null(strstr(bp_error_message(), "must be zero"));

    assert_int_equal(bp_network_create(&plain, &network), BP_OK);
    memset(&adam, 0xa5, sizeof adam);
    assert_int_equal(bp_network_get_optimizer(network, &adam.now, sizeof adam), BP_OK);
    assert_true(adam.now.struct_size == sizeof adam && adam.now.beta2 == 0.999f && adam.more[1] == 0);
    assert_int_equal(bp_network_get_optimizer(network, &adam.now, 0), BP_ERROR_VALUE);
    assert_string_equal(bp_error_message(), "struct_size is 0, and must be sizeof(bp_optimizer)");
    bp_network_destroy(network);
}

/* Not a byte more than a smaller struct has is written. */
static void structs_of_an_earlier_version(void **state) {
    (void)state;
    unsigned char bytes[sizeof(bp_optimizer)], expected[sizeof bytes];
    const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    for (size_t size = 0; size < sizeof bytes; size += sizeof(size_t)) {
        memset(bytes, 0xa5, sizeof bytes);
        memset(expected, 0xa5, sizeof expected);
        memcpy(expected, &adam, size);
        if (size > 0)
            memcpy(expected, &size, sizeof size);
        bp_optimizer *optimizer = malloc(sizeof *optimizer);
        assert_non_null(optimizer);
        memcpy(optimizer, bytes, sizeof bytes);
        bp_optimizer_init(optimizer, size, BP_OPTIMIZER_ADAM);
        /* The padding after a bool holds anything. */
        const size_t padding = offsetof(bp_optimizer, decoupled) + sizeof(bool);
        if (size > padding)
            memcpy(expected + padding, (unsigned char *)optimizer + padding,
                   offsetof(bp_optimizer, decay_scope) - padding);
        assert_memory_equal(optimizer, expected, sizeof expected);
        free(optimizer);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_is_refused_with_its_name),
        cmocka_unit_test(parameters_of_activations),
        cmocka_unit_test(combinations_of_the_loss),
        cmocka_unit_test(arguments),
        cmocka_unit_test(memory_that_is_not_given),
        cmocka_unit_test(threads_of_the_environment),
        cmocka_unit_test(initializers),
        cmocka_unit_test(steps_of_arrays),
        cmocka_unit_test(defaults_are_the_documented),
        cmocka_unit_test(null_pointers_are_the_defaults),
        cmocka_unit_test(structs_of_a_later_version),
        cmocka_unit_test(structs_of_an_earlier_version),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
