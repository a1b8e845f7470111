/*
 * The list of a network's tensors: PyTorch's names in their order, every stride on every backend against pages without
 * access, what writing does to the rest of the state, and the words of each refusal.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "harness/array.h"
#include "harness/bits.h"
#include "harness/random.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { LAYERS = 4, BATCH = 9, FLOATS = 48 * 48 };

static const net shape = {.layers = LAYERS,
                          .sizes = {5, 33, 7, 4, 2},
                          .activations = {{BP_ACTIVATION_RELU, 0},
                                          {BP_ACTIVATION_IDENTITY, 0},
                                          {BP_ACTIVATION_TANH, 0},
                                          {BP_ACTIVATION_IDENTITY, 0}},
                          .loss = BP_LOSS_MSE,
                          .gradients = true};

/* As nn.Sequential(Linear, LayerNorm, ReLU, Dropout, Linear, LayerNorm, Linear, Tanh, Linear) has them. */
static const struct {
    const char *name;
    size_t layer;
    bp_tensor_part part;
    size_t dimensions, shape[2];
} listed[] = {
    {"0.weight", 0, BP_TENSOR_PART_WEIGHT, 2, {5, 33}}, {"0.bias", 0, BP_TENSOR_PART_BIAS, 1, {33, 1}},
    {"1.weight", 0, BP_TENSOR_PART_GAMMA, 1, {33, 1}},  {"1.bias", 0, BP_TENSOR_PART_BETA, 1, {33, 1}},
    {"4.weight", 1, BP_TENSOR_PART_WEIGHT, 2, {33, 7}}, {"4.bias", 1, BP_TENSOR_PART_BIAS, 1, {7, 1}},
    {"5.weight", 1, BP_TENSOR_PART_GAMMA, 1, {7, 1}},   {"5.bias", 1, BP_TENSOR_PART_BETA, 1, {7, 1}},
    {"6.weight", 2, BP_TENSOR_PART_WEIGHT, 2, {7, 4}},  {"6.bias", 2, BP_TENSOR_PART_BIAS, 1, {4, 1}},
    {"8.weight", 3, BP_TENSOR_PART_WEIGHT, 2, {4, 2}},  {"8.bias", 3, BP_TENSOR_PART_BIAS, 1, {2, 1}},
};
enum { IN_SET = COUNT(listed) };

static bp_network_config config_of(bp_optimizer_kind kind, float ema_decay) {
    static const float dropout[LAYERS] = {0.25f, 0, 0, 0};
    static const bool normalize[LAYERS] = {true, true, false, false};
    bp_network_config config = net_config(&shape, BATCH);
    config.dropout = dropout;
    config.normalize = normalize;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = kind, .ema_decay = ema_decay});
    return config;
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static void expect_set(const bp_network *network, size_t *index, const char *prefix, bp_tensor_role role,
                       size_t state) {
    for (size_t k = 0; k < IN_SET; k++, ++*index) {
        bp_tensor_info info;
        char name[64];
        snprintf(name, sizeof name, "%s%s", prefix, listed[k].name);
        assert_int_equal(bp_network_tensor_info(network, *index, &info), BP_OK);
        assert_string_equal(info.name, name);
        assert_int_equal(info.role, role);
        assert_int_equal(info.state, state);
        assert_int_equal(info.part, listed[k].part);
        assert_int_equal(info.layer, listed[k].layer);
        assert_int_equal(info.dimensions, listed[k].dimensions);
        assert_memory_equal(info.shape, listed[k].shape, sizeof info.shape);
        size_t found = SIZE_MAX; /* so no name stands twice */
        assert_int_equal(bp_network_tensor_find(network, name, &found), BP_OK);
        assert_int_equal(found, *index);
    }
}

static void names_and_order(void **state) {
    (void)state;
    static const struct {
        bp_optimizer_kind kind;
        float ema_decay;
        bool gradients;
        const char *states[3];
    } cases[] = {
        {BP_OPTIMIZER_SGD, 0, false, {NULL}},
        {BP_OPTIMIZER_SGD, 0, true, {NULL}},
        {BP_OPTIMIZER_SGD, 0.5f, false, {NULL}},
        {BP_OPTIMIZER_MOMENTUM, 0, false, {"momentum."}},
        {BP_OPTIMIZER_ADAM, 0.5f, true, {"momentum.", "squares."}},
        {BP_OPTIMIZER_RPROP, 0.5f, true, {"previous_gradient.", "step_size."}}, /* not the gradient's names */
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        bp_network_config config = config_of(cases[c].kind, cases[c].ema_decay);
        config.gradients = cases[c].gradients;
        bp_network *network = net_create(&config, 1);
        size_t index = 0, states = 0;
        expect_set(network, &index, "", BP_TENSOR_ROLE_PARAMETER, 0);
        if (cases[c].gradients)
            expect_set(network, &index, "gradient.", BP_TENSOR_ROLE_GRADIENT, 0);
        for (; cases[c].states[states]; states++)
            expect_set(network, &index, cases[c].states[states], BP_TENSOR_ROLE_STATE, states);
        if (cases[c].ema_decay > 0)
            expect_set(network, &index, "ema.", BP_TENSOR_ROLE_EMA, 0);
        assert_int_equal(bp_network_tensor_count(network), index);
        bp_network_destroy(network);
    }
    assert_int_equal(bp_network_tensor_count(NULL), 0);
}

/* ---- Copies ----------------------------------------------------------------------------------------------------- */

static test_array from, to;

static void map_arrays(void) {
    if (!from.memory) {
        test_array_create(&from, FLOATS * sizeof(float));
        test_array_create(&to, FLOATS * sizeof(float));
    }
}

/* Where elements may be: rows, columns as rows, each with any room between, and one dimension with steps. */
typedef enum order { ROWS, WIDE_ROWS, COLUMNS, WIDE_COLUMNS, ORDERS } order;

/* Lays an array out for a tensor; gives the strides, null for packed rows. */
static const size_t *lay_out(test_array *array, const bp_tensor_info *info, order o, test_side side,
                             size_t strides[2]) {
    const size_t first = info->shape[0], second = info->shape[1], room = o == WIDE_ROWS || o == WIDE_COLUMNS ? 3 : 0;
    if (info->dimensions == 1) { /* a column of an array */
        strides[0] = 1 + room;
        test_array_place(array, first, 1, strides[0], 0, side);
    } else if (o == ROWS || o == WIDE_ROWS) {
        strides[0] = second + room;
        strides[1] = 1;
        test_array_place(array, first, second, strides[0], 0, side);
    } else {
        strides[0] = 1;
        strides[1] = first + room;
        test_array_place(array, second, first, strides[1], 0, side);
    }
    return o == ROWS ? NULL : strides;
}

static float *element(const test_array *array, const bp_tensor_info *info, const size_t *strides, size_t i, size_t j) {
    return &array->data[i * strides[0] + (info->dimensions == 2 ? j * strides[1] : 0)];
}

static uint32_t bits_of(const float *at) {
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    return bits;
}

/* In by one order, out by another: all bits, and none beside them. */
static void round_trip(bp_network *network, size_t index, order in, order out, test_side side, test_random *random) {
    bp_tensor_info info;
    size_t in_strides[2], out_strides[2];
    assert_int_equal(bp_network_tensor_info(network, index, &info), BP_OK);
    const size_t *given = lay_out(&from, &info, in, side, in_strides),
                 *wanted = lay_out(&to, &info, out, side, out_strides);
    for (size_t i = 0; i < info.shape[0]; i++)
        for (size_t j = 0; j < info.shape[1]; j++) {
            const uint32_t bits = (uint32_t)test_random_next(random); /* NaNs of every kind among them */
            memcpy(element(&from, &info, in_strides, i, j), &bits, sizeof bits);
        }
    test_array_protect(&from, true);
    assert_int_equal(bp_network_tensor_write(network, index, from.data, given), BP_OK);
    test_array_protect(&from, false);
    assert_int_equal(bp_network_tensor_read(network, index, to.data, wanted), BP_OK);
    assert_true(test_array_intact(&from, "what is written", stderr) && test_array_intact(&to, "what is read", stderr));
    for (size_t i = 0; i < info.shape[0]; i++)
        for (size_t j = 0; j < info.shape[1]; j++)
            if (bits_of(element(&from, &info, in_strides, i, j)) != bits_of(element(&to, &info, out_strides, i, j)))
                fail_msg("%s, orders %d and %d: element %zu, %zu", info.name, (int)in, (int)out, i, j);
}

/* All tensors, packed, one after the other; the caller frees them. */
static float *read_all(const bp_network *network, size_t *count) {
    bp_tensor_info info;
    *count = 0;
    for (size_t k = 0; bp_network_tensor_info(network, k, &info) == BP_OK; k++)
        *count += info.shape[0] * info.shape[1];
    float *all = allocate(*count, sizeof *all), *at = all;
    for (size_t k = 0; bp_network_tensor_info(network, k, &info) == BP_OK; k++) {
        const bp_status status = bp_network_tensor_read(network, k, at, NULL);
        assert_true(status == BP_OK || (status == BP_ERROR_VALUE && info.role == BP_TENSOR_ROLE_GRADIENT));
        at += info.shape[0] * info.shape[1];
    }
    return all;
}

static void expect_same(const bp_network *a, const bp_network *b) {
    size_t count, other;
    float *of_a = read_all(a, &count), *of_b = read_all(b, &other);
    assert_int_equal(count, other);
    assert_memory_equal(of_a, of_b, count * sizeof *of_a);
    assert_int_equal(bp_network_steps(a), bp_network_steps(b));
    free(of_a);
    free(of_b);
}

static bp_network *network_on(test_table *table, samples *s, const bp_network_config *config) {
    bp_network *network = net_create_on(table, config, 3);
    const bp_backward_options store = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    *s = samples_create(&shape, BATCH, 0, 5);
    assert_int_equal(bp_network_train_step(network, &s->batch, 0.01f, NULL), BP_OK);
    assert_int_equal(bp_network_backward(network, &s->batch, &store), BP_OK);
    return network;
}

static void copies_on(test_table *table) {
    const bp_network_config config = config_of(BP_OPTIMIZER_ADAM, 0.5f);
    test_random random = test_random_for(test_seed(), table->name);
    samples s;
    bp_network *network = network_on(table, &s, &config), *twin = net_create_on(table, &config, 4);
    const bp_backward_options store = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    map_arrays();
    const size_t count = bp_network_tensor_count(network);
    for (size_t k = 0; k < count; k++)
        for (unsigned o = 0; o < ORDERS * ORDERS; o++) {
            if (k >= IN_SET && k < 2 * IN_SET) /* other tensors' writes have forgotten the gradient */
                assert_int_equal(bp_network_backward(network, &s.batch, &store), BP_OK);
            round_trip(network, k, (order)(o % ORDERS), (order)(o / ORDERS), o % 3 ? TEST_END : TEST_START, &random);
        }

    /* Each has its own memory, and nothing beside the tensors decides on the next steps. */
    bp_network *const both[] = {network, twin};
    for (size_t n = 0; n < 2; n++) {
        assert_int_equal(bp_network_set_steps(both[n], 7, 8), BP_OK);
        for (size_t k = 0; k < count; k++) {
            bp_tensor_info info;
            size_t strides[2];
            assert_int_equal(bp_network_tensor_info(both[n], k, &info), BP_OK);
            if (info.role == BP_TENSOR_ROLE_GRADIENT)
                continue;
            const size_t *given = lay_out(&from, &info, n ? WIDE_COLUMNS : ROWS, TEST_END, strides);
            for (size_t e = 0; e < info.shape[0] * info.shape[1]; e++)
                *element(&from, &info, strides, e / info.shape[1], e % info.shape[1]) =
                    0.01f * (float)(1 + (k * 7 + e) % 50);
            assert_int_equal(bp_network_tensor_write(both[n], k, from.data, given), BP_OK);
        }
    }
    expect_same(network, twin);
    for (size_t step = 0; step < 3; step++) {
        for (size_t n = 0; n < 2; n++)
            assert_int_equal(bp_network_train_step(both[n], &s.batch, 0.01f, NULL), BP_OK);
        expect_same(network, twin);
    }
    samples_destroy(&s);
    bp_network_destroy(network);
    bp_network_destroy(twin);
    table->cases++;
}

static void copies_are_exact(void **state) {
    (void)state;
    test_each_table(copies_on);
}

/* A stride of a dimension with one element means nothing, and rows may interleave. */
static void odd_strides(void **state) {
    (void)state;
    const net line = {.layers = 2, .sizes = {1, 6, 1}};
    const bp_network_config config = net_config(&line, 1);
    bp_network *network = net_create(&config, 3);
    float values[64] = {0}, packed[6];
    static const size_t unused[] = {0, 2}, also[] = {2, 0}, far[] = {SIZE_MAX, 2};
    for (size_t k = 0; k < 6; k++)
        values[2 * k] = (float)(k + 1);
    assert_int_equal(bp_network_tensor_write(network, 0, values, unused), BP_OK); /* [1 x 6] */
    assert_int_equal(bp_network_tensor_read(network, 0, packed, NULL), BP_OK);
    for (size_t k = 0; k < 6; k++)
        assert_true(packed[k] == (float)(k + 1));
    memset(packed, 0, sizeof packed);
    assert_int_equal(bp_network_tensor_write(network, 0, values, far), BP_OK);
    assert_int_equal(bp_network_tensor_write(network, 2, values, also), BP_OK); /* [6 x 1] */
    assert_int_equal(bp_network_tensor_read(network, 2, packed, NULL), BP_OK);
    for (size_t k = 0; k < 6; k++)
        assert_true(packed[k] == (float)(k + 1));
    bp_network_destroy(network);

    const net wide = {.layers = 1, .sizes = {3, 2}};
    const bp_network_config other = net_config(&wide, 1);
    network = net_create(&other, 3);
    static const size_t interleaved[] = {2, 5}; /* 0 2 4 and 5 7 9 */
    for (size_t k = 0; k < 10; k++)
        values[k] = (float)k;
    assert_int_equal(bp_network_tensor_write(network, 0, values, interleaved), BP_OK);
    assert_int_equal(bp_network_tensor_read(network, 0, packed, NULL), BP_OK);
    static const float expected[] = {0, 5, 2, 7, 4, 9};
    assert_memory_equal(packed, expected, sizeof expected);
    bp_network_destroy(network);
}

/* ---- What writing does ------------------------------------------------------------------------------------------ */

static size_t index_of(const bp_network *network, const char *name) {
    size_t index = SIZE_MAX;
    assert_int_equal(bp_network_tensor_find(network, name, &index), BP_OK);
    return index;
}

static bool same_bias(const bp_network *network, const char *name, const float *expected) {
    float values[33];
    assert_int_equal(bp_network_tensor_read(network, index_of(network, name), values, NULL), BP_OK);
    return memcmp(values, expected, sizeof values) == 0;
}

static void writing_and_the_rest(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool sets_average, forgets;
    } cases[] = {{"0.bias", true, true},
                 {"1.weight", true, true},
                 {"momentum.0.bias", false, true},
                 {"ema.0.bias", false, true},
                 {"gradient.0.bias", false, false}};
    float values[33], gradient[33];
    for (size_t k = 0; k < 33; k++)
        values[k] = (float)k;
    for (size_t c = 0; c < COUNT(cases); c++) {
        const bp_network_config config = config_of(BP_OPTIMIZER_ADAM, 0.5f);
        samples s = samples_create(&shape, BATCH, 0, 5);
        bp_network *network = net_create(&config, 3), *twin = net_create(&config, 3);
        bp_network *const both[] = {network, twin};
        for (size_t n = 0; n < 2; n++) {
            assert_int_equal(bp_network_train_step(both[n], &s.batch, 0.01f, NULL), BP_OK);
            assert_int_equal(bp_network_accumulate(both[n], &s.batch, BATCH, NULL), BP_OK);
            assert_int_equal(bp_network_swap_ema(both[n]), BP_OK);
        }
        const size_t index = index_of(network, cases[c].name), written = strncmp(cases[c].name, "ema.", 4) == 0;
        assert_int_equal(bp_network_tensor_write(network, index, values, NULL), BP_OK);
        assert_int_equal(bp_network_ema_swapped(network), !cases[c].forgets);
        if (cases[c].forgets)
            assert_int_equal(bp_network_swap_ema(twin), BP_OK);
        assert_true(same_bias(network, cases[c].name, values));
        const bp_status status = bp_network_tensor_read(network, index_of(network, "gradient.0.bias"), gradient, NULL);
        assert_int_equal(status, cases[c].forgets ? BP_ERROR_VALUE : BP_OK);

        /* Nothing else has changed. */
        bp_tensor_info info;
        float of_network[FLOATS], of_twin[FLOATS];
        for (size_t k = 0; bp_network_tensor_info(network, k, &info) == BP_OK; k++) {
            if (info.role == BP_TENSOR_ROLE_GRADIENT && cases[c].forgets)
                continue;
            const size_t bytes = info.shape[0] * info.shape[1] * sizeof(float);
            const bool average = strcmp(info.name + (strncmp(info.name, "ema.", 4) ? 0 : 4), cases[c].name) == 0;
            assert_int_equal(bp_network_tensor_read(network, k, of_network, NULL), BP_OK);
            assert_int_equal(bp_network_tensor_read(twin, k, of_twin, NULL), BP_OK);
            const bool set = k == index || (cases[c].sets_average && average && !written);
            assert_int_equal(memcmp(of_network, of_twin, bytes) == 0, !set);
            assert_true(!set || memcmp(of_network, values, bytes) == 0);
        }
        samples_destroy(&s);
        for (size_t n = 0; n < 2; n++)
            bp_network_destroy(both[n]);
    }
}

/* ---- Gradients between a backward pass and an update ------------------------------------------------------------ */

/* A gradient that is stored, written back as it is, and used has the bits of a training step. */
static void stored_updates_on(test_table *table) {
    static const bp_optimizer optimizers[] = {
        {.kind = BP_OPTIMIZER_SGD},
        {.kind = BP_OPTIMIZER_SGD, .clip_norm = 0.05f, .weight_decay = 0.01f},
        {.kind = BP_OPTIMIZER_ADAM, .ema_decay = 0.5f},
        {.kind = BP_OPTIMIZER_ADAM, .clip_norm = 0.05f},
    };
    samples s = samples_create(&shape, BATCH, 0, 5);
    const bp_backward_options store = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    for (size_t o = 0; o < COUNT(optimizers); o++) {
        bp_network_config config = config_of(optimizers[o].kind, 0);
        config.optimizer = stored_optimizer(optimizers[o]);
        bp_network *network = net_create_on(table, &config, 3), *twin = net_create_on(table, &config, 3);
        float values[FLOATS];
        for (size_t step = 0; step < 3; step++) {
            assert_int_equal(bp_network_train_step(twin, &s.batch, 0.1f, NULL), BP_OK);
            assert_int_equal(bp_network_backward(network, &s.batch, &store), BP_OK);
            for (size_t k = IN_SET; k < 2 * IN_SET; k++) {
                assert_int_equal(bp_network_tensor_read(network, k, values, NULL), BP_OK);
                assert_int_equal(bp_network_tensor_write(network, k, values, NULL), BP_OK);
            }
            assert_int_equal(bp_network_update(network, 0.1f), BP_OK);
            assert_int_equal(bp_network_update(network, 0.1f), BP_ERROR_VALUE);
            expect_same(network, twin);
            assert_true(bp_network_gradient_norm(network) == bp_network_gradient_norm(twin));
        }
        bp_network_destroy(network);
        bp_network_destroy(twin);
    }
    samples_destroy(&s);
    table->cases++;
}

static void stored_gradients_update(void **state) {
    (void)state;
    test_each_table(stored_updates_on);
}

/* What is written is what updates, and what later micro-batches are added to. */
static void written_gradients_update(void **state) {
    (void)state;
    const bp_network_config config = config_of(BP_OPTIMIZER_SGD, 0);
    samples s = samples_create(&shape, BATCH, 0, 5);
    bp_network *network = net_create(&config, 3);
    float before[33], after[33], gradient[33], sum[33];
    assert_int_equal(bp_network_accumulate(network, &s.batch, 2 * BATCH, NULL), BP_OK);
    const size_t of_bias = index_of(network, "gradient.0.bias"), bias = index_of(network, "0.bias");
    for (size_t k = 0; k < 33; k++)
        gradient[k] = (float)k - 16;
    assert_int_equal(bp_network_tensor_write(network, of_bias, gradient, NULL), BP_OK);
    assert_int_equal(bp_network_accumulate(network, &s.batch, 2 * BATCH, NULL), BP_OK);
    assert_int_equal(bp_network_tensor_read(network, of_bias, sum, NULL), BP_OK);
    bool any = false;
    for (size_t k = 0; k < 33; k++) {
        assert_true(fabsf(sum[k] - gradient[k]) < 1);
        any = any || sum[k] != gradient[k];
    }
    assert_true(any);
    assert_int_equal(bp_network_tensor_write(network, of_bias, gradient, NULL), BP_OK);
    assert_int_equal(bp_network_tensor_read(network, bias, before, NULL), BP_OK);
    assert_int_equal(bp_network_update(network, 0.25f), BP_OK);
    assert_int_equal(bp_network_tensor_read(network, bias, after, NULL), BP_OK);
    for (size_t k = 0; k < 33; k++)
        assert_true(after[k] == fmaf(-0.25f, gradient[k], before[k]));
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* ---- Refusals --------------------------------------------------------------------------------------------------- */

static void expect_words(bp_status status, bp_status expected, const char *words, int line) {
    if (status != expected || !strstr(bp_error_message(), words))
        fail_msg("line %d: '%s', '%s'; expected '%s', '%s'", line, bp_status_string(status), bp_error_message(),
                 bp_status_string(expected), words);
}

#define REFUSED(call, expected, words) expect_words(call, expected, words, __LINE__)

/* Reading and writing alike. */
static void expect_refusal(bp_network *network, size_t index, float *values, const size_t *strides, bp_status expected,
                           const char *words, int line) {
    expect_words(bp_network_tensor_read(network, index, values, strides), expected, words, line);
    expect_words(bp_network_tensor_write(network, index, values, strides), expected, words, line);
}

#define REFUSED_COPY(network, index, values, strides, expected, words)                                                 \
    expect_refusal(network, index, values, strides, expected, words, __LINE__)

static void refusals_say_why(void **state) {
    (void)state;
    bp_network_config config = config_of(BP_OPTIMIZER_ADAM, 0.5f);
    bp_network *network = net_create(&config, 3);
    config.gradients = false;
    bp_network *without = net_create(&config, 3);
    float values[33 * 7];
    for (size_t k = 0; k < COUNT(values); k++)
        values[k] = (float)k;
    bp_tensor_info info = {.name = "untouched"};
    size_t index = 4711, count;
    float *before = read_all(network, &count);

    REFUSED(bp_network_tensor_info(NULL, 0, &info), BP_ERROR_NULL, "network is null");
    REFUSED(bp_network_tensor_info(network, 0, NULL), BP_ERROR_NULL, "info is null");
    REFUSED(bp_network_tensor_info(network, 60, &info), BP_ERROR_VALUE, "index is 60, and must be below");
    REFUSED(bp_network_tensor_find(NULL, "0.bias", &index), BP_ERROR_NULL, "network is null");
    REFUSED(bp_network_tensor_find(network, NULL, &index), BP_ERROR_NULL, "name is null");
    REFUSED(bp_network_tensor_find(network, "0.bias", NULL), BP_ERROR_NULL, "index is null");
    REFUSED(bp_network_tensor_find(network, "2.weight", &index), BP_ERROR_VALUE,
            "name is '2.weight', and the network has no such tensor: it has 60, from 0.weight to ema.8.bias");
    REFUSED(bp_network_tensor_find(network, "", &index), BP_ERROR_VALUE, "name is ''");
    REFUSED(bp_network_tensor_find(without, "gradient.0.bias", &index), BP_ERROR_VALUE, "without `gradients`");
    assert_string_equal(info.name, "untouched");
    assert_int_equal(index, 4711);

    REFUSED_COPY(NULL, 0, values, NULL, BP_ERROR_NULL, "network is null");
    REFUSED_COPY(network, 0, NULL, NULL, BP_ERROR_NULL, "values is null");
    REFUSED_COPY(network, 60, values, NULL, BP_ERROR_VALUE, "index is 60, and must be below the network's");
    REFUSED_COPY(network, SIZE_MAX, values, NULL, BP_ERROR_VALUE, "must be below");
    REFUSED_COPY(network, IN_SET, values, NULL, BP_ERROR_VALUE, "no gradient, 'gradient.0.weight', now");
    REFUSED_COPY(network, 2 * IN_SET - 1, values, NULL, BP_ERROR_VALUE, "BP_GRADIENT_MODE_STORE");
    REFUSED_COPY(network, 0, (float *)(void *)((char *)values + 1), NULL, BP_ERROR_ALIGNMENT, "values is not aligned");
    REFUSED_COPY(network, 1, (float *)(void *)((char *)values + 2), NULL, BP_ERROR_ALIGNMENT, "values is not aligned");

    static const size_t zeros[] = {0, 0}, flat[] = {33, 0}, thin[] = {0, 5}, tight[] = {32, 1}, tall[] = {1, 4},
                        equal[] = {2, 2}, far[] = {SIZE_MAX / 4, 1}, wide[] = {1, SIZE_MAX}, steep[] = {SIZE_MAX, 1};
    REFUSED_COPY(network, 0, values, zeros, BP_ERROR_SIZE, "strides[1] is 0, and must be at least 1");
    REFUSED_COPY(network, 0, values, flat, BP_ERROR_SIZE, "strides[1] is 0");
    REFUSED_COPY(network, 0, values, thin, BP_ERROR_SIZE, "strides[0] is 0");
    REFUSED_COPY(network, 0, values, tight, BP_ERROR_SIZE, "strides[0] is 32, and must be above 32");
    REFUSED_COPY(network, 0, values, tall, BP_ERROR_SIZE, "strides[1] is 4, and must be above 4");
    REFUSED_COPY(network, 0, values, equal, BP_ERROR_SIZE, "strides[0] is 2, and must be above 64");
    REFUSED_COPY(network, 1, values, zeros, BP_ERROR_SIZE, "strides[0] is 0");
    REFUSED_COPY(network, 0, values, far, BP_ERROR_OVERFLOW, "strides[0] is");
    REFUSED_COPY(network, 0, values, wide, BP_ERROR_OVERFLOW, "strides[1] is");
    REFUSED_COPY(network, 0, values, steep, BP_ERROR_OVERFLOW, "beyond the address space");
    REFUSED_COPY(network, 1, values, steep, BP_ERROR_OVERFLOW, "strides[0] is");
    REFUSED_COPY(network, 0, (float *)(UINTPTR_MAX - 15), NULL, BP_ERROR_OVERFLOW, "values reaches beyond");

    /* The network's own memory, up to the byte. */
    char *block = (char *)network;
    const size_t own = network->bytes - BP_ALIGNMENT;
    REFUSED_COPY(network, 0, network->layers[1].weights.data, NULL, BP_ERROR_OVERLAP, "the network's own memory");
    REFUSED_COPY(network, 1, (float *)(void *)(block + own) - 1, NULL, BP_ERROR_OVERLAP, "the network's own memory");
    REFUSED_COPY(network, 1, (float *)(void *)block - 32, NULL, BP_ERROR_OVERLAP, "the network's own memory");

    size_t after_count;
    float *after = read_all(network, &after_count);
    assert_memory_equal(after, before, count * sizeof *before);
    for (size_t k = 0; k < COUNT(values); k++)
        assert_true(values[k] == (float)k);
    REFUSED(bp_network_update(NULL, 0.1f), BP_ERROR_NULL, "network is null");
    REFUSED(bp_network_update(network, 0.1f), BP_ERROR_VALUE, "no gradient");
    free(before);
    free(after);
    bp_network_destroy(network);
    bp_network_destroy(without);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_order),
        cmocka_unit_test(copies_are_exact),
        cmocka_unit_test(odd_strides),
        cmocka_unit_test(writing_and_the_rest),
        cmocka_unit_test(stored_gradients_update),
        cmocka_unit_test(written_gradients_update),
        cmocka_unit_test(refusals_say_why),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
