/* Networks in files: names and shapes, whatever is refused, and trainings that go on as if they had never stopped. */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "faults.h"
#include "files.h"
#include "network_support.h"

/* A net with all that a layer can have. */
typedef struct whole_net {
    net shape;
    float dropout[NET_LAYERS_MAX];
    bool normalize[NET_LAYERS_MAX];
} whole_net;

static const whole_net nets[] = {
    {{2, {4, 3, 2}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     {0},
     {false}},
    {{2, {4, 3, 2}, {{BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_TANH, 0}}, BP_LOSS_MSE}, {0}, {false}},
    {{1, {1, 1}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, {0}, {false}},
    {{4,
      {5, 70, 33, 17, 3},
      {{BP_ACTIVATION_LEAKY_RELU, 0.01f},
       {BP_ACTIVATION_IDENTITY, 0},
       {BP_ACTIVATION_SIGMOID, 0},
       {BP_ACTIVATION_IDENTITY, 0}},
      BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     {0.25f, 0, 0.5f, 0},
     {true, true, false, false}},
};
enum { NETS = sizeof nets / sizeof *nets, ROWS = 40 };

static bp_network *create(const whole_net *n, size_t threads, uint64_t seed) {
    bp_network_config config = net_config(&n->shape, ROWS);
    config.dropout = n->dropout;
    config.normalize = n->normalize;
    config.seed = 17;
    config.threads = threads;
    bp_network *network = net_create(&config, seed);
    float gamma[100], beta[100];
    for (size_t l = 0; l < n->shape.layers; l++)
        for (size_t j = 0; j < n->shape.sizes[l + 1] && n->normalize[l]; j++) {
            gamma[j] = 1.0f + bp_random_symmetric(seed, 100 + l, j);
            beta[j] = bp_random_symmetric(seed, 200 + l, j);
            if (j + 1 == n->shape.sizes[l + 1])
                assert_int_equal(norm_write(network, OF_PARAMETERS, l, gamma, beta), BP_OK);
        }
    return network;
}

/* ---- Names and shapes ------------------------------------------------------------------------------------------ */

static const struct {
    const char *tensors; /* names with shapes, in the order of the file */
    const char *layers, *activations, *loss;
} expected[NETS] = {
    {"0.weight[3,4] 0.bias[3] 2.weight[2,3] 2.bias[2] ", "4-3-2", "relu,identity", "softmax-cross-entropy"},
    {"0.weight[3,4] 0.bias[3] 1.weight[2,3] 1.bias[2] ", "4-3-2", "identity,tanh", "mse"},
    {"0.weight[1,1] 0.bias[1] ", "1-1", "identity", "mse"},
    {"0.weight[70,5] 0.bias[70] 1.weight[70] 1.bias[70] 4.weight[33,70] 4.bias[33] 5.weight[33] 5.bias[33] "
     "6.weight[17,33] 6.bias[17] 9.weight[3,17] 9.bias[3] ",
     "5-70-33-17-3", "leaky-relu:0.00999999978,identity,sigmoid,identity", "softmax-cross-entropy"},
};

static void names_and_shapes(void **state) {
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        const char *path = files_path("net");
        bp_network *network = create(&nets[n], 1, 3);
        bp_safetensors *file;
        EXPECT_SUCCESS(bp_network_save(network, path, NULL, 0, &error));
        EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
        char list[512] = "";
        for (size_t k = 0; k < bp_safetensors_count(file); k++) {
            const bp_tensor *t = bp_safetensors_tensor(file, k);
            assert_int_equal(t->dtype, BP_DTYPE_F32);
            sprintf(list + strlen(list), "%s[%zu", t->name, t->shape[0]);
            sprintf(list + strlen(list), t->dimensions == 2 ? ",%zu] " : "] ", t->shape[1]);
        }
        assert_string_equal(list, expected[n].tensors);
        assert_string_equal(bp_safetensors_metadata(file, "format"), "pt");
        assert_string_equal(bp_safetensors_metadata(file, "backprop.version"), bp_version());
        assert_string_equal(bp_safetensors_metadata(file, "backprop.layers"), expected[n].layers);
        assert_string_equal(bp_safetensors_metadata(file, "backprop.activations"), expected[n].activations);
        assert_string_equal(bp_safetensors_metadata(file, "backprop.loss"), expected[n].loss);

        /* The first matrix is the network's, transposed. */
        float in_file[70 * 5], in_network[5 * 70];
        const size_t in = nets[n].shape.sizes[0], out = nets[n].shape.sizes[1];
        EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_tensor(file, 0), in_file, NULL, &error));
        assert_int_equal(layer_read(network, OF_PARAMETERS, 0, in_network, 0, NULL), BP_OK);
        for (size_t i = 0; i < in; i++)
            for (size_t j = 0; j < out; j++)
                assert_true(in_file[j * in + i] == in_network[i * out + j]);
        bp_safetensors_close(file);
        bp_network_destroy(network);
    }
}

static void round_trips(void **state) {
    (void)state;
    for (size_t n = 0; n < NETS; n++)
        for (int whole = 0; whole < 2; whole++) {
            const char *path = files_path("net");
            bp_network *from = create(&nets[n], 1, 3), *to = create(&nets[n], 2, 4);
            assert_int_equal(bp_network_set_steps(from, 77, 123456789), BP_OK);
            assert_true(bp_network_hash(from) != bp_network_hash(to));
            if (whole)
                EXPECT_SUCCESS(bp_checkpoint_save(from, path, NULL, 0, &error));
            else
                EXPECT_SUCCESS(bp_network_save(from, path, NULL, 0, &error));
            EXPECT_SUCCESS(bp_network_load(to, path, &error));
            assert_true(bp_network_hash(from) == bp_network_hash(to));
            assert_int_equal(bp_network_steps(to), 0);
            assert_int_equal(bp_network_seed(to), 17);
            if (whole) {
                EXPECT_SUCCESS(bp_checkpoint_load(to, path, &error));
                assert_int_equal(bp_network_steps(to), 123456789);
                assert_int_equal(bp_network_seed(to), 77);
            } else {
                EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor 'training.steps'", bp_checkpoint_load(to, path, &error));
            }
            bp_network_destroy(from);
            bp_network_destroy(to);
        }
}

static void notes(void **state) {
    (void)state;
    const char *path = files_path("net");
    bp_network *network = create(&nets[0], 1, 3);
    const bp_metadata good[] = {{"epoch", "12"}, {"", "\xc3\xa9"}};
    bp_safetensors *file;
    EXPECT_SUCCESS(bp_network_save(network, path, good, 2, &error));
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    assert_string_equal(bp_safetensors_metadata(file, "epoch"), "12");
    assert_string_equal(bp_safetensors_metadata(file, ""), "\xc3\xa9");
    bp_safetensors_close(file);
    EXPECT_SUCCESS(bp_network_load(network, path, &error));

    static const bp_metadata taken[] = {{"format", "np"}, {"backprop.loss", "none"}, {"backprop.layers", ""}};
    for (size_t k = 0; k < 3; k++)
        EXPECT_FAILURE(BP_ERROR_VALUE, "is not free for notes", bp_network_save(network, path, &taken[k], 1, &error));
    const bp_metadata twins[] = {{"a", "1"}, {"a", "2"}}, no_key = {NULL, ""}, no_text = {"", NULL},
                      bad = {"a", "\xff"};
    EXPECT_FAILURE(BP_ERROR_VALUE, "two keys 'a'", bp_checkpoint_save(network, path, twins, 2, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "UTF-8", bp_checkpoint_save(network, path, &bad, 1, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_save(network, path, &no_key, 1, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_save(network, path, &no_text, 1, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_save(network, path, NULL, 1, &error));
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range",
                   bp_checkpoint_save(network, path, good, SIZE_MAX / sizeof *good, &error));
    bp_network_destroy(network);
}

/* ---- Files of others -------------------------------------------------------------------------------------------- */

static const size_t shapes[][2] = {{3, 4}, {3, 0}, {2, 3}, {2, 0}};
static float ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* The tensors of nets[0], as another program would write them. */
static void tensors_of_others(bp_tensor tensors[6]) {
    static const char *const names[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    memset(tensors, 0, 6 * sizeof *tensors);
    for (size_t k = 0; k < 4; k++)
        tensors[k] = (bp_tensor){
            .name = names[k], .dtype = BP_DTYPE_F32, .dimensions = k % 2 ? 1 : 2, .shape = shapes[k], .data = ones};
}

static void other_types(void **state) {
    (void)state;
    const char *path = files_path("net");
    bp_network *network = create(&nets[0], 1, 3);
    static const double doubles[12] = {1.5, 1e300, 0.1};
    static const uint16_t halves[12] = {0x3c00, 0xc000, 1};
    bp_tensor tensors[6];
    tensors_of_others(tensors);
    tensors[0].dtype = BP_DTYPE_F64;
    tensors[0].data = doubles;
    tensors[1].dtype = BP_DTYPE_F16;
    tensors[1].data = halves;
    EXPECT_SUCCESS(bp_safetensors_write(path, tensors, 4, NULL, 0, &error));
    EXPECT_SUCCESS(bp_network_load(network, path, &error));
    float weights[12], biases[3];
    assert_int_equal(layer_read(network, OF_PARAMETERS, 0, weights, 0, biases), BP_OK);
    assert_true(weights[0] == 1.5f && isinf(weights[3]) && weights[6] == 0.1f);
    assert_true(biases[0] == 1.0f && biases[1] == -2.0f && biases[2] == 0x1p-24f);

    /* A checkpoint is taken as it was written, or not at all. */
    const uint64_t number = 1;
    tensors[4] = (bp_tensor){.name = "training.steps", .dtype = BP_DTYPE_U64, .data = &number};
    tensors[5] = (bp_tensor){.name = "training.seed", .dtype = BP_DTYPE_U64, .data = &number};
    EXPECT_SUCCESS(bp_safetensors_write(path, tensors, 6, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH,
                   "tensor '0.weight' is F64 in the file and must be F32; the file has 0.weight F64 [3 x 4], ",
                   bp_checkpoint_load(network, path, &error));
    bp_network_destroy(network);
}

/* Files that are refused: what is changed in those of the others, and what is said. */
static void mismatches(void **state) {
    (void)state;
    const char *path = files_path("net");
    bp_network *network = create(&nets[0], 1, 3);
    const uint64_t hash = bp_network_hash(network);
    const size_t one[] = {3}, wide[] = {4, 3}, many[] = {1, 1, 1, 1, 1, 1, 1, 3}, none[] = {0};
    const uint64_t number = 1, huge = UINT64_MAX;
    const int64_t integers[12] = {0};
    const bp_tensor extra = {.name = "4.weight", .dtype = BP_DTYPE_F32, .dimensions = 1, .shape = one, .data = ones};
    bp_tensor t[6];
    for (int which = 0; which < 9; which++) {
        bp_metadata activations = {"backprop.activations", "relu,identity"};
        const char *part = "";
        size_t count = 4;
        tensors_of_others(t);
        switch (which) {
        case 0:
            count = 3;
            part = "the file has no tensor '2.bias'; the file has 0.weight [3 x 4], 0.bias [3], 2.weight [2 x 3]";
            break;
        case 1:
            t[count++] = extra;
            part = "the network has no tensor 4.weight [3]";
            break;
        case 2:
            t[0].shape = wide;
            part = "tensor '0.weight' is [4 x 3] in the file and [3 x 4] in the network; the file has 0.weight [4 x "
                   "3], 0.bias [3]";
            break;
        case 3:
            t[2].dimensions = 1;
            t[2].shape = one;
            part = "tensor '2.weight' is [3] in the file and [2 x 3] in the network";
            break;
        case 4:
            t[1].dimensions = 8;
            t[1].shape = many;
            part = "tensor '0.bias' is [1 x 1 x 1 x 1 x 1 x 1 x 1 x 3] in the file and [3] in the network";
            break;
        case 5:
            t[1].shape = none;
            part = "tensor '0.bias' is [0] in the file";
            break;
        case 6:
            t[0].dtype = BP_DTYPE_I64;
            t[0].data = integers;
            part = "tensor '0.weight' is I64 in the file and must be F16, BF16, F32 or F64; the file has 0.weight I64 "
                   "[3 x 4], ";
            break;
        case 7:
            t[2].name = "1.weight";
            part = "the file has no tensor '2.weight'";
            break;
        default:
            activations.text = "tanh,identity";
            part = "backprop.activations is 'tanh,identity' in the file and 'relu,identity' in the network";
        }
        EXPECT_SUCCESS(bp_safetensors_write(path, t, count, &activations, 1, &error));
        EXPECT_FAILURE(BP_ERROR_MISMATCH, part, bp_network_load(network, path, &error));
        assert_true(bp_network_hash(network) == hash);
    }

    tensors_of_others(t);
    t[4] = (bp_tensor){.name = "training.steps", .dtype = BP_DTYPE_U64, .data = &huge};
    t[5] = (bp_tensor){.name = "training.seed", .dtype = BP_DTYPE_U64, .data = &number};
    EXPECT_SUCCESS(bp_safetensors_write(path, t, 6, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "'training.steps' is out of range", bp_checkpoint_load(network, path, &error));
    t[4].data = &number;
    t[5].name = "training.speed";
    EXPECT_SUCCESS(bp_safetensors_write(path, t, 6, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no tensor 'training.seed'", bp_checkpoint_load(network, path, &error));
    t[5].name = "training.seed";
    t[5].dimensions = 1;
    t[5].shape = (const size_t[]){1};
    EXPECT_SUCCESS(bp_safetensors_write(path, t, 6, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "'training.seed' is [1] in the file and [] in the network",
                   bp_checkpoint_load(network, path, &error));
    assert_true(bp_network_hash(network) == hash);
    assert_int_equal(bp_network_steps(network), 0);
    bp_network_destroy(network);
}

/* ---- Bad calls and failures -------------------------------------------------------------------------------------- */

static void bad_calls(void **state) {
    (void)state;
    const char *path = files_path("net");
    bp_network *network = create(&nets[3], 1, 3);
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_network_save(NULL, path, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_network_save(network, NULL, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_save(NULL, path, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_save(network, NULL, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "network is null", bp_network_load(NULL, path, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "path is null", bp_network_load(network, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_load(NULL, path, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_checkpoint_load(network, NULL, &error));
    static const bp_metadata halves[] = {{"key", NULL}, {NULL, "text"}};
    for (size_t k = 0; k < 2; k++)
        EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_network_save(network, path, &halves[k], 1, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open", bp_network_load(network, files_path("none"), &error));
    files_write(path, "What is this?", 13);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "not a safetensors file", bp_network_load(network, path, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "not a safetensors file", bp_checkpoint_load(network, path, &error));
    bp_network_destroy(network);
}

/* Every allocation and every transfer fails once: files and networks stay as they were. */
static void every_failure(void **state) {
    (void)state;
    const char *path = files_path("net");
    bp_network *from = create(&nets[3], 1, 3);
    static const char *const calls[] = {"malloc", "calloc", "realloc", "newlocale", "pread", "write"};
    size_t failures = 0;
    for (int load = 0; load < 2; load++)
        for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
            bp_network *to = create(&nets[3], 1, 4);
            const uint64_t hash = bp_network_hash(to);
            for (size_t nth = 0;; nth++) {
                assert_true(nth < 100);
                if (!load)
                    files_write(path, "old", 3);
                faults_at(calls[k], nth, EIO);
                const bp_status status =
                    load ? bp_checkpoint_load(to, path, NULL) : bp_checkpoint_save(from, path, NULL, 0, NULL);
                faults_none();
                if (status == BP_OK)
                    break;
                assert_int_equal(status, k < 4 ? BP_ERROR_MEMORY : BP_ERROR_FILE);
                assert_true(load ? bp_network_hash(to) == hash : files_equal(path, "old", 3));
                failures++;
            }
            assert_true(!load || bp_network_hash(to) == bp_network_hash(from));
            bp_network_destroy(to);
        }
    assert_true(failures > 30);
    bp_network_destroy(from);
}

/* ---- Trainings that go on ------------------------------------------------------------------------------------------
 */

static void train(bp_network *network, const samples *s, size_t from, size_t to) {
    for (size_t step = from; step < to; step++)
        assert_int_equal(bp_network_train_step(network, &s->batch, 0.05f / (float)(1 + step % 3), NULL), BP_OK);
}

/* Stopped after any number of steps, and gone on with in another network, on another instruction set, by other threads.
 */
static void resumed_steps(void **state) {
    (void)state;
    bp_isa before;
    assert_int_equal(bp_cpu_active(&before), BP_OK);
    for (size_t n = 0; n < NETS; n++) {
        samples s = samples_create(&nets[n].shape, ROWS, 0, 5);
        bp_network *whole = create(&nets[n], 1, 3);
        train(whole, &s, 0, 9);
        for (size_t stop = 0; stop <= 9; stop += 3)
            for (int isa = 0; isa < ISA_COUNT; isa++) {
                if (bp_cpu_set((bp_isa)isa) != BP_OK)
                    continue; /* not on this machine */
                const char *path = files_path("net");
                bp_network *first = create(&nets[n], 1, 3);
                bp_cpu_set(before);
                bp_network *second = create(&nets[n], 2, 99);
                train(first, &s, 0, stop);
                train(second, &s, 0, 2); /* what is left of it must not tell */
                EXPECT_SUCCESS(bp_checkpoint_save(first, path, NULL, 0, &error));
                EXPECT_SUCCESS(bp_checkpoint_load(second, path, &error));
                train(second, &s, stop, 9);
                if (bp_network_hash(second) != bp_network_hash(whole))
                    fail_msg("net %zu, stopped after %zu steps on %s", n, stop, bp_isa_name((bp_isa)isa));
                bp_network_destroy(first);
                bp_network_destroy(second);
            }
        bp_network_destroy(whole);
        samples_destroy(&s);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_shapes), cmocka_unit_test(round_trips),   cmocka_unit_test(notes),
        cmocka_unit_test(other_types),      cmocka_unit_test(mismatches),    cmocka_unit_test(bad_calls),
        cmocka_unit_test(every_failure),    cmocka_unit_test(resumed_steps),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
