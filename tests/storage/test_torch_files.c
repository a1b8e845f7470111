/*
 * Weights as PyTorch's users have them: modules by name, wrapped ones, without biases, with more than is wanted; what
 * does not fit is refused in words that name what the file has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "enum_counts.h"
#include "faults.h"
#include "files.h"
#include "network_support.h"

/* A 4-3-2-2 network; the second layer is normalized where that is asked for. */
enum { LAYERS = 3, IN = 4, TENSORS_MAX = 16 };
static const net shape = {
    LAYERS, {4, 3, 2, 2}, {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_SILU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE};

static bp_network *create(bool normalized) {
    static const bool normalize[LAYERS] = {false, true, false};
    bp_network_config config = net_config(&shape, 4);
    config.normalize = normalized ? normalize : NULL;
    return net_create(&config, 3);
}

/* A state_dict: a tensor's elements are its number times 100, and their place. */
typedef struct dict {
    char names[TENSORS_MAX][300];
    size_t shapes[TENSORS_MAX][2];
    float values[TENSORS_MAX][12];
    size_t count;
} dict;

static void add(dict *d, const char *prefix, const char *name, size_t rows, size_t columns) {
    const size_t k = d->count++;
    assert_true(k < TENSORS_MAX);
    snprintf(d->names[k], sizeof d->names[k], "%s%s", prefix, name);
    d->shapes[k][0] = rows;
    d->shapes[k][1] = columns;
    for (size_t e = 0; e < 12; e++)
        d->values[k][e] = (float)(100 * k + e);
}

/* A module of each name, with or without biases: tensors 0 and 1 are the first layer's, and so on. */
static dict dict_of(const char *prefix, const char *const names[LAYERS], bool biases) {
    dict d = {.count = 0};
    char name[300];
    for (size_t l = 0; l < LAYERS; l++) {
        snprintf(name, sizeof name, "%s.weight", names[l]);
        add(&d, prefix, name, shape.sizes[l + 1], shape.sizes[l]);
        snprintf(name, sizeof name, "%s.bias", names[l]);
        if (biases)
            add(&d, prefix, name, shape.sizes[l + 1], 0);
    }
    return d;
}

static const char *write(const dict *d) {
    const char *path = files_path("weights");
    bp_tensor tensors[TENSORS_MAX];
    for (size_t k = 0; k < d->count; k++)
        tensors[k] = (bp_tensor){.name = d->names[k],
                                 .dtype = BP_DTYPE_F32,
                                 .dimensions = d->shapes[k][1] ? 2 : 1,
                                 .shape = d->shapes[k],
                                 .data = d->values[k]};
    EXPECT_SUCCESS(bp_safetensors_write(path, tensors, d->count, NULL, 0, &error));
    return path;
}

/* Whether a layer has a tensor's elements, transposed, and biases from another one: zeros if there is none. */
static void expect_layer(const bp_network *network, size_t l, const float *weight, const float *bias) {
    const size_t in = shape.sizes[l], out = shape.sizes[l + 1];
    float weights[12], biases[3];
    assert_int_equal(layer_read(network, OF_PARAMETERS, l, weights, 0, biases), BP_OK);
    for (size_t j = 0; j < out; j++) {
        for (size_t i = 0; i < in; i++)
            assert_true(weights[i * out + j] == weight[j * in + i]);
        assert_true(biases[j] == (bias ? bias[j] : 0.0f));
    }
}

static void expect_dict(const bp_network *network, const dict *d, bool biases) {
    for (size_t l = 0; l < LAYERS; l++)
        expect_layer(network, l, d->values[l * (biases ? 2 : 1)], biases ? d->values[2 * l + 1] : NULL);
}

static const char *const sequential[LAYERS] = {"0", "2", "4"};
static const char *const fc[LAYERS] = {"fc1", "fc2", "fc3"};
static const bp_load_options fc_modules = LOAD_OPTIONS(.modules = fc, .module_count = LAYERS);

/* ---- What loads -------------------------------------------------------------------------------------------------- */

static void wrapped_modules(void **state) {
    (void)state;
    static const char *const prefixes[] = {
        "", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module._orig_mod.module."};
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
        bp_network *network = create(false), *named = create(false);
        const dict d = dict_of(prefixes[k], sequential, true), f = dict_of(prefixes[k], fc, true);
        EXPECT_SUCCESS(bp_network_load(network, write(&d), &error));
        expect_dict(network, &d, true);
        EXPECT_SUCCESS(bp_network_load_with(named, write(&f), &fc_modules, &error));
        expect_dict(named, &f, true);
        bp_network_destroy(network);
        bp_network_destroy(named);
    }
}

/* In the midst of names, in the names that the caller gives, and beside the name without it. */
static void wrapped_parts(void **state) {
    (void)state;
    static const char *const in_file[] = {"net._orig_mod.0", "net.module.2", "_orig_mod.net.4"};
    static const char *const given[] = {"net.0", "module.net.2", "net.4"};
    const bp_load_options options = LOAD_OPTIONS(.modules = given, .module_count = LAYERS);
    bp_network *network = create(false);
    dict d = dict_of("", in_file, true);
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
    expect_dict(network, &d, true);

    /* An average's file: both names are there, the one that was asked for is taken. */
    const bp_load_options lenient = LOAD_OPTIONS(.strict = false);
    dict both = dict_of("", sequential, true);
    add(&both, "", "module.0.weight", 3, 4);
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor module.0.weight [3 x 4]",
                   bp_network_load(network, write(&both), &error));
    EXPECT_SUCCESS(bp_network_load_with(network, write(&both), &lenient, &error));
    expect_dict(network, &both, true);

    strcpy(both.names[0], "_orig_mod.0.weight");
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "may both be '0.weight'",
                   bp_network_load_with(network, write(&both), &lenient, &error));
    /* A name that only begins like it is another. */
    const dict other = dict_of("modules.", sequential, true);
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor '0.weight'", bp_network_load(network, write(&other), &error));
    bp_network_destroy(network);
}

static void modules_by_name(void **state) {
    (void)state;
    static const char *const names[] = {"encoder.input", "hidden", "head.final.linear"};
    const bp_load_options options = LOAD_OPTIONS(.modules = names, .module_count = LAYERS);
    bp_network *network = create(false);
    const dict d = dict_of("", names, true);
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
    expect_dict(network, &d, true);
    bp_network_destroy(network);

    /* A Linear by itself has no name at all. */
    const net one = {1, {4, 3}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE};
    const bp_network_config config = net_config(&one, 4);
    static const char *const nameless[] = {""};
    const bp_load_options options_of_one[] = {LOAD_OPTIONS(.modules = nameless, .module_count = 1),
                                              LOAD_OPTIONS(.pattern = "*")};
    static const char *const prefixes[] = {"", "module."};
    for (size_t k = 0; k < 4; k++) {
        dict linear = {.count = 0};
        add(&linear, prefixes[k / 2], "weight", 3, 4);
        add(&linear, prefixes[k / 2], "bias", 3, 0);
        network = net_create(&config, 3);
        EXPECT_SUCCESS(bp_network_load_with(network, write(&linear), &options_of_one[k % 2], &error));
        expect_layer(network, 0, linear.values[0], linear.values[1]);
        bp_network_destroy(network);
    }
}

static const struct {
    const char *pattern;
    const char *names[LAYERS];
} patterns[] = {
    {"fc*", {"fc1", "fc2", "fc3"}},
    {"fc*", {"fc2", "fc9", "fc10"}},
    {"*", {"fc8", "fc9", "fc010"}},
    {"*", {"1", "3", "5"}}, /* behind a Flatten */
    {"*", {"linear_relu_stack.0", "linear_relu_stack.2", "linear_relu_stack.4"}},
    {"net.*.linear", {"net.0.linear", "net.5.linear", "net.11.linear"}},
    {"module.net.*.linear", {"net.0.linear", "net.5.linear", "net.11.linear"}},
    {"net.*.linear", {"module.net.0.linear", "net._orig_mod.5.linear", "_orig_mod.net.11.linear"}},
    {"blocks.*", {"blocks.0.1.lin", "blocks.1.0.lin", "blocks.1.2.lin"}},
    {"fc*", {"fc1", "fc99999999999999999999999998", "fc99999999999999999999999999"}},
};

static void modules_by_pattern(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
        const bp_load_options options = LOAD_OPTIONS(.pattern = patterns[k].pattern);
        bp_network *network = create(false);
        const dict d = dict_of("", patterns[k].names, true);
        EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
        expect_dict(network, &d, true);
        bp_network_destroy(network);
    }
}

/* LayerNorms are modules of their own: after their Linear, or by themselves among vectors. */
static void layer_norms(void **state) {
    (void)state;
    static const char *const names[] = {"fc1", "fc2", "ln", "fc3"};
    const bp_load_options options[] = {LOAD_OPTIONS(.modules = names, .module_count = 4), LOAD_OPTIONS(.pattern = "*")};
    dict d = dict_of("", fc, true);
    add(&d, "", "ln.weight", 2, 0);
    add(&d, "", "ln.bias", 2, 0);
    for (size_t k = 0; k < 2; k++) {
        bp_network *network = create(true);
        float gain[2], beta[2];
        EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options[k], &error));
        expect_dict(network, &d, true);
        assert_int_equal(norm_read(network, OF_PARAMETERS, 1, gain, beta), BP_OK);
        assert_memory_equal(gain, d.values[6], sizeof gain);
        assert_memory_equal(beta, d.values[7], sizeof beta);
        bp_network_destroy(network);
    }
    bp_network *network = create(true);
    const bp_load_options three = LOAD_OPTIONS(.modules = fc, .module_count = 3),
                          pattern = LOAD_OPTIONS(.pattern = "fc*");
    EXPECT_FAILURE(BP_ERROR_SIZE, "module_count is 3, and the network has 4 modules",
                   bp_network_load_with(network, write(&d), &three, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "'fc*' finds 0 LayerNorms and the network has 1; the file has fc1.weight",
                   bp_network_load_with(network, write(&d), &pattern, &error));
    bp_network_destroy(network);
}

/* ---- Not all, or more ------------------------------------------------------------------------------------------- */

typedef struct report {
    char text[2048];
} report;

static void keep(void *context, bp_load_event note, const char *name) {
    static const char *const notes[] = {"extra", "missing", "zeroed"};
    report *r = context;
    snprintf(r->text + strlen(r->text), sizeof r->text - strlen(r->text), "%s %s, ", notes[note], name);
}

static void no_biases(void **state) {
    (void)state;
    report r = {""};
    bp_network *network = create(false);
    bp_load_options options = fc_modules;
    dict d = dict_of("", fc, false);
    const uint64_t hash = bp_network_hash(network);
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "the file has no tensor 'fc1.bias'; the file has fc1.weight [3 x 4], fc2.weight",
                   bp_network_load_with(network, write(&d), &options, &error));
    assert_true(bp_network_hash(network) == hash);
    options.zero_biases = true;
    options.report = keep;
    options.context = &r;
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
    expect_dict(network, &d, false);
    assert_string_equal(r.text, "zeroed fc1.bias, zeroed fc2.bias, zeroed fc3.bias, ");

    /* A bias is taken where there is one; a weight is not made of zeros. */
    add(&d, "", "fc2.bias", 2, 0);
    r.text[0] = '\0';
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
    expect_layer(network, 1, d.values[1], d.values[3]);
    assert_string_equal(r.text, "zeroed fc1.bias, zeroed fc3.bias, ");
    strcpy(d.names[1], "fc4.weight");
    r.text[0] = '\0';
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor 'fc2.weight'",
                   bp_network_load_with(network, write(&d), &options, &error));
    assert_string_equal(r.text, "");
    bp_network_destroy(network);

    /* A shift is a bias. */
    const bp_load_options pattern = LOAD_OPTIONS(.pattern = "*", .zero_biases = true);
    d = dict_of("", fc, false);
    add(&d, "", "ln.weight", 2, 0);
    network = create(true);
    float gain[2], beta[2];
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &pattern, &error));
    assert_int_equal(norm_read(network, OF_PARAMETERS, 1, gain, beta), BP_OK);
    assert_true(gain[1] == d.values[3][1] && beta[0] == 0.0f && beta[1] == 0.0f);
    bp_network_destroy(network);
}

/* strict=False: what is there is taken, what is not stays, what is more is left out. */
static void not_strict(void **state) {
    (void)state;
    report r = {""};
    bp_network *network = create(false), *same = create(false);
    bp_load_options options = fc_modules;
    dict d = dict_of("module.", fc, true);
    add(&d, "", "bn.running_mean", 3, 0);
    add(&d, "", "n_averaged", 1, 0);
    strcpy(d.names[2], "conv.weight"); /* was fc2.weight */
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor 'fc2.weight'; the file has module.fc1.weight [3 x 4]",
                   bp_network_load_with(network, write(&d), &options, &error));
    options.strict = false;
    options.report = keep;
    options.context = &r;
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
    assert_string_equal(r.text, "extra conv.weight, extra bn.running_mean, extra n_averaged, missing fc2.weight, ");
    expect_layer(network, 0, d.values[0], d.values[1]);
    expect_layer(network, 2, d.values[4], d.values[5]);
    float kept[6], before[6], biases[2];
    assert_int_equal(layer_read(network, OF_PARAMETERS, 1, kept, 0, biases), BP_OK);
    assert_int_equal(layer_read(same, OF_PARAMETERS, 1, before, 0, NULL), BP_OK);
    assert_memory_equal(kept, before, sizeof kept);
    assert_memory_equal(biases, d.values[3], sizeof biases);

    /* Another shape is an error all the same, and so is a file that has nothing of the network. */
    const uint64_t hash = bp_network_hash(network);
    d.shapes[0][0] = 2;
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "'fc1.weight' is [2 x 4] in the file and [3 x 4]",
                   bp_network_load_with(network, write(&d), &options, &error));
    const bp_load_options numbers = LOAD_OPTIONS(.strict = false);
    EXPECT_FAILURE(BP_ERROR_MISMATCH,
                   "the network has none of the file's tensors; the file has module.fc1.weight [2 x 4]",
                   bp_network_load_with(network, write(&d), &numbers, &error));
    assert_true(bp_network_hash(network) == hash);
    bp_network_destroy(network);
    bp_network_destroy(same);
}

/* What the file has not stays the parameter, not its average, which is swapped in. */
static void not_strict_while_swapped(void **state) {
    (void)state;
    bp_network_config config = net_config(&shape, 8);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .ema_decay = 0.5f});
    bp_network *networks[2];
    const dict d = dict_of("", fc, true);
    bp_load_options options = fc_modules;
    options.strict = false;
    for (size_t k = 0; k < 2; k++) {
        networks[k] = net_create(&config, 3);
        samples s = samples_create(&shape, 8, 0, 5);
        for (size_t step = 0; step < 3; step++)
            assert_int_equal(bp_network_train_step(networks[k], &s.batch, 0.1f, NULL), BP_OK);
        samples_destroy(&s);
        if (k == 1)
            assert_int_equal(bp_network_swap_ema(networks[k]), BP_OK);
        dict less = d;
        strcpy(less.names[2], "conv.weight"); /* was fc2.weight */
        EXPECT_SUCCESS(bp_network_load_with(networks[k], write(&less), &options, &error));
        assert_false(bp_network_ema_swapped(networks[k]));
    }
    assert_true(bp_network_hash(networks[0]) == bp_network_hash(networks[1]));
    assert_int_equal(bp_network_swap_ema(networks[0]), BP_OK);
    assert_int_equal(bp_network_swap_ema(networks[1]), BP_OK);
    assert_true(bp_network_hash(networks[0]) == bp_network_hash(networks[1]));
    bp_network_destroy(networks[0]);
    bp_network_destroy(networks[1]);
}

/* A tensor that cannot be read does not close the file to the others. */
static void other_types(void **state) {
    (void)state;
    static const char header[] = "{\"__metadata__\":null,\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],"
                                 "\"data_offsets\":[0,4]},\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[1],"
                                 "\"data_offsets\":[4,8]},\"scale\":{\"dtype\":\"F8_E4M3\",\"shape\":[2,1],"
                                 "\"data_offsets\":[8,10]}}";
    unsigned char bytes[sizeof header + 17] = {sizeof header - 1, 0};
    memcpy(bytes + 8, header, sizeof header - 1);
    const net one = {1, {1, 1}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE};
    const bp_network_config config = net_config(&one, 4);
    bp_network *network = net_create(&config, 3);
    const char *path = files_path("types");
    files_write(path, bytes, sizeof bytes);
    bp_load_options options = LOAD_OPTIONS(.modules = fc, .module_count = 1);
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor scale F8_E4M3 [2 x 1]",
                   bp_network_load_with(network, path, &options, &error));
    options.strict = false;
    EXPECT_SUCCESS(bp_network_load_with(network, path, &options, &error));
    float weight = 7;
    assert_int_equal(layer_read(network, OF_PARAMETERS, 0, &weight, 0, NULL), BP_OK);
    assert_true(weight == 0.0f);

    /* One that is asked for is an error. */
    memcpy(strstr((char *)bytes + 8, "fc1.bias"), "fc9.bias", 8);
    memcpy(strstr((char *)bytes + 8, "\"scale\":{\"dtype\":\"F8_E4M3\""), "\"fc1.bias\":{\"dtype\":\"C128\"", 26);
    files_write(path, bytes, sizeof bytes);
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "'fc1.bias' is C128 in the file and must be F16, BF16, F32 or F64; the file has",
                   bp_network_load_with(network, path, &options, &error));
    bp_network_destroy(network);
}

/* ---- What is refused -------------------------------------------------------------------------------------------- */

static void bad_options(void **state) {
    (void)state;
    static const char *const null[] = {"fc1", NULL, "fc3"}, *const twins[] = {"fc1", "fc2", "module.fc1"};
    const struct {
        bp_load_options options;
        bp_status status;
        const char *part;
    } bad[] = {
        {LOAD_OPTIONS(.struct_size = 0), BP_ERROR_VALUE,
         "options.struct_size is 0: make it with bp_load_options_defaults()"},
        {LOAD_OPTIONS(.modules = fc, .module_count = 2), BP_ERROR_SIZE,
         "options.module_count is 2, and the network has 3 modules"},
        {LOAD_OPTIONS(.modules = fc), BP_ERROR_SIZE, "options.module_count is 0"},
        {LOAD_OPTIONS(.module_count = 3), BP_ERROR_NULL, "options.modules is null, and options.module_count 3"},
        {LOAD_OPTIONS(.modules = null, .module_count = 3), BP_ERROR_NULL, "options.modules[1] is null"},
        {LOAD_OPTIONS(.modules = twins, .module_count = 3), BP_ERROR_VALUE,
         "options.modules[2], 'module.fc1', is modules[0] too"},
        {LOAD_OPTIONS(.modules = fc, .module_count = 3, .pattern = "*"), BP_ERROR_VALUE, "both modules and pattern"},
        {LOAD_OPTIONS(.pattern = ""), BP_ERROR_VALUE, "options.pattern is '', and must have one '*'"},
        {LOAD_OPTIONS(.pattern = "fc"), BP_ERROR_VALUE, "options.pattern is 'fc', and must have one '*'"},
        {LOAD_OPTIONS(.pattern = "*.*"), BP_ERROR_VALUE, "must have one '*'"},
        {LOAD_OPTIONS(.pattern = "fc*.weight"), BP_ERROR_MISMATCH,
         "'fc*.weight' finds 0 Linears and the network has 3; the file"},
        {LOAD_OPTIONS(.pattern = "lin*"), BP_ERROR_MISMATCH,
         "finds 0 Linears and the network has 3; the file has fc1.weight"},
        {LOAD_OPTIONS(.pattern = "fc*1"), BP_ERROR_MISMATCH, "finds 1 Linears and the network has 3"},
    };
    bp_network *network = create(false);
    const dict d = dict_of("", fc, true);
    const uint64_t hash = bp_network_hash(network);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        EXPECT_FAILURE(bad[k].status, bad[k].part, bp_network_load_with(network, write(&d), &bad[k].options, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "network is null", bp_network_load_with(NULL, write(&d), NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "path is null", bp_network_load_with(network, NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor '0.weight'; the file has fc1.weight [3 x 4], fc1.bias [3], fc2",
                   bp_network_load_with(network, write(&d), NULL, &error));
    assert_true(bp_network_hash(network) == hash);
    bp_network_destroy(network);
}

/* Where the numbers of names tell no order, none is guessed. */
static void orders_that_are_no_numbers(void **state) {
    (void)state;
    static const char *const orders[][LAYERS] = {{"input", "hidden", "output"},
                                                 {"fc1", "fc2", "out"},
                                                 {"fc", "fc1", "fc2"},
                                                 {"encoder.0", "encoder.2", "decoder.0"},
                                                 {"fc1", "fc2", "fc02"}};
    const bp_load_options options = LOAD_OPTIONS(.pattern = "*");
    bp_network *network = create(false);
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        const dict d = dict_of("", orders[k], true);
        EXPECT_FAILURE(BP_ERROR_MISMATCH, "no numbers tell the order of '",
                       bp_network_load_with(network, write(&d), &options, &error));
    }
    bp_network_destroy(network);
}

/* Long names are cut, and what there is no room for is counted. */
static void long_lists(void **state) {
    (void)state;
    char names[LAYERS][200];
    const char *list[LAYERS];
    for (size_t l = 0; l < LAYERS; l++) {
        memset(names[l], 'a', sizeof names[l] - 1);
        names[l][sizeof names[l] - 1] = '\0';
        names[l][3] = (char)('1' + l);
        list[l] = names[l];
    }
    bp_network *network = create(false);
    const dict d = dict_of("", list, true);
    const bp_load_options options = LOAD_OPTIONS(.modules = list, .module_count = LAYERS),
                          pattern = LOAD_OPTIONS(.pattern = "aaa*");
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "aaa [3 x 4], aaa1aaa", bp_network_load(network, write(&d), &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, " and 4 more", bp_network_load(network, write(&d), &error));
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &options, &error));
    expect_dict(network, &d, true);
    EXPECT_SUCCESS(bp_network_load_with(network, write(&d), &pattern, &error));

    dict more = dict_of("", sequential, true);
    for (size_t k = 0; k < 10; k++) {
        char name[64];
        snprintf(name, sizeof name, "a.rather.long.name.of.a.module.%zu.weight", k);
        add(&more, "", name, 1, 12);
    }
    EXPECT_FAILURE(BP_ERROR_MISMATCH,
                   "no tensor a.rather.long.name.of.a.module.0.weight [1 x 12], "
                   "a.rather.long.name.of.a.module.1.weight [1 x 12], "
                   "a.rather.long.name.of.a.module.2.weight [1 x 12], "
                   "a.rather.long.name.of.a.module.3.weight [1 x 12] and 6 more",
                   bp_network_load(network, write(&more), &error));
    bp_network_destroy(network);
}

/* Every allocation and every transfer fails once; the network stays as it was. */
static void every_failure(void **state) {
    (void)state;
    static const char *const calls[] = {"malloc", "calloc", "realloc", "newlocale", "pread"};
    const bp_load_options options[] = {fc_modules,
                                       LOAD_OPTIONS(.pattern = "fc*", .strict = false, .zero_biases = true)};
    const dict d = dict_of("module.", fc, true);
    const char *path = write(&d);
    for (size_t o = 0; o < 2; o++)
        for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
            bp_network *network = create(false);
            const uint64_t hash = bp_network_hash(network);
            size_t nth = 0;
            for (;; nth++) {
                assert_true(nth < 100);
                faults_at(calls[k], nth, EIO);
                const bp_status status = bp_network_load_with(network, path, &options[o], NULL);
                faults_none();
                if (status == BP_OK)
                    break;
                assert_int_equal(status, k < 4 ? BP_ERROR_MEMORY : BP_ERROR_FILE);
                assert_true(bp_network_hash(network) == hash);
            }
            assert_true(nth > 0);
            expect_dict(network, &d, true);
            bp_network_destroy(network);
        }
}

/* ---- Activations in the metadata -------------------------------------------------------------------------------- */

static void every_activation(void **state) {
    (void)state;
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        const net one = {2, {4, 3, 2}, {{(bp_activation_kind)kind, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE};
        const net other = {
            2,
            {4, 3, 2},
            {{kind == BP_ACTIVATION_SILU ? BP_ACTIVATION_GELU : BP_ACTIVATION_SILU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
            BP_LOSS_MSE};
        const bp_network_config config = net_config(&one, 4), others = net_config(&other, 4);
        bp_network *network = net_create(&config, 3), *loaded = net_create(&config, 4), *wrong = net_create(&others, 4);
        const char *path = files_path("activation");
        char part[64];
        EXPECT_SUCCESS(bp_network_save(network, path, NULL, 0, &error));
        EXPECT_SUCCESS(bp_network_load(loaded, path, &error));
        assert_true(bp_network_hash(network) == bp_network_hash(loaded));
        snprintf(part, sizeof part, "is '%s,identity' in the file", bp_activation_name((bp_activation_kind)kind));
        if (kind != BP_ACTIVATION_IDENTITY) /* whose tensors have other names */
            EXPECT_FAILURE(BP_ERROR_MISMATCH, part, bp_network_load(wrong, path, &error));
        bp_network_destroy(network);
        bp_network_destroy(loaded);
        bp_network_destroy(wrong);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrapped_modules),
        cmocka_unit_test(wrapped_parts),
        cmocka_unit_test(modules_by_name),
        cmocka_unit_test(modules_by_pattern),
        cmocka_unit_test(layer_norms),
        cmocka_unit_test(no_biases),
        cmocka_unit_test(not_strict),
        cmocka_unit_test(not_strict_while_swapped),
        cmocka_unit_test(other_types),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(orders_that_are_no_numbers),
        cmocka_unit_test(long_lists),
        cmocka_unit_test(every_failure),
        cmocka_unit_test(every_activation),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
