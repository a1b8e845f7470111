/* The optimizer's state in checkpoints: its tensors, whatever does not fit it, and trainings that go on by every kind.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "faults.h"
#include "files.h"
#include "network_support.h"

enum { ROWS = 40, STEPS = 8 };

/* One that runs in one call where its optimizer lets it, and one that does not and is normalized. */
static const net nets[] = {
    {.layers = 2,
     .sizes = {4, 6, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 3,
     .sizes = {5, 70, 33, 3},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
};

static bp_network *create(const net *shape, bp_optimizer optimizer, size_t threads, uint64_t seed) {
    bp_network_config config = net_config(shape, ROWS);
    static const bool normalize[] = {true, false, false};
    config.optimizer = stored_optimizer(optimizer);
    config.threads = threads;
    config.normalize = shape == &nets[1] ? normalize : NULL;
    return net_create(&config, seed);
}

static void train(bp_network *network, const samples *s, size_t from, size_t to) {
    for (size_t step = from; step < to; step++)
        assert_int_equal(bp_network_train_step(network, &s->batch, 0.01f / (float)(1 + step % 3), NULL), BP_OK);
}

/* Hash of all arrays of the optimizer's state. */
static uint64_t state_hash(const bp_network *network, const net *shape) {
    static float weights[70 * 33], biases[70];
    uint64_t hash = TEST_HASH_START;
    for (size_t state = 0; state < layer_states(network); state++)
        for (size_t l = 0; l < shape->layers; l++) {
            const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
            assert_int_equal(layer_read(network, OF_STATE + state, l, weights, 0, biases), BP_OK);
            for (size_t k = 0; k < in * out; k++)
                hash = test_hash(hash, test_bits(weights[k]));
            for (size_t k = 0; k < out; k++)
                hash = test_hash(hash, test_bits(biases[k]));
            if (norm_read(network, OF_STATE + state, l, weights, biases) == BP_OK)
                for (size_t k = 0; k < out; k++)
                    hash = test_hash(test_hash(hash, test_bits(weights[k])), test_bits(biases[k]));
        }
    return hash;
}

static void tensors_of_the_state(void **state) {
    (void)state;
    const char *path = files_path("net");
    const bp_optimizer adam = {.kind = BP_OPTIMIZER_ADAM, .ema_decay = 0.9f};
    bp_network *network = create(&nets[0], adam, 1, 3);
    samples s = samples_create(&nets[0], ROWS, 0, 5);
    train(network, &s, 0, 2);
    bp_safetensors *file;
    EXPECT_SUCCESS(bp_checkpoint_save(network, path, NULL, 0, &error));
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    assert_string_equal(bp_safetensors_metadata(file, "backprop.optimizer"), "adam");
    assert_int_equal(bp_safetensors_count(file), 4 * 4 + 2);
    for (size_t k = 0; k < 3; k++)
        for (size_t l = 0; l < 2; l++) {
            char name[64];
            float in_file[24], in_network[24];
            const size_t in = nets[0].sizes[l], out = nets[0].sizes[l + 1];
            snprintf(name, sizeof name, "training.%s.%zu.weight",
                     (const char *const[]){"momentum", "squares", "ema"}[k], 2 * l);
            const bp_tensor *tensor = bp_safetensors_find(file, name);
            assert_non_null(tensor);
            assert_true(tensor->shape[0] == out && tensor->shape[1] == in);
            EXPECT_SUCCESS(bp_safetensors_read(file, tensor, in_file, NULL, &error));
            assert_int_equal(layer_read(network, OF_STATE + k, l, in_network, 0, NULL), BP_OK);
            for (size_t i = 0; i < in; i++)
                for (size_t j = 0; j < out; j++)
                    assert_true(in_file[j * in + i] == in_network[i * out + j]);
        }
    uint64_t steps;
    EXPECT_SUCCESS(bp_safetensors_read_bytes(file, bp_safetensors_find(file, "training.steps"), &steps, 8, &error));
    assert_int_equal(steps, 2);
    bp_safetensors_close(file);

    /* Its parameters alone: for a network with any optimizer, which keeps its own state. */
    bp_network *other = create(&nets[0], (bp_optimizer){.kind = BP_OPTIMIZER_MOMENTUM}, 1, 4);
    train(other, &s, 0, 1);
    const uint64_t hash = state_hash(other, &nets[0]);
    EXPECT_SUCCESS(bp_network_load(other, path, &error));
    assert_true(bp_network_hash(other) == bp_network_hash(network));
    assert_true(state_hash(other, &nets[0]) == hash);
    samples_destroy(&s);
    bp_network_destroy(other);
    bp_network_destroy(network);
}

static void other_optimizers(void **state) {
    (void)state;
    const char *path = files_path("net");
    static const struct {
        bp_optimizer from, to;
        const char *part;
    } pairs[] = {
        {{.kind = BP_OPTIMIZER_SGD},
         {.kind = BP_OPTIMIZER_ADAM},
         "backprop.optimizer is 'sgd' in the file and 'adam' in the network"},
        {{.kind = BP_OPTIMIZER_MOMENTUM},
         {.kind = BP_OPTIMIZER_NESTEROV},
         "'momentum' in the file and 'nesterov' in the network"},
        {{.kind = BP_OPTIMIZER_ADAM},
         {.kind = BP_OPTIMIZER_ADAM, .ema_decay = 0.5f},
         "the file has no tensor 'training.ema.0.weight'"},
        {{.kind = BP_OPTIMIZER_ADAM, .ema_decay = 0.5f},
         {.kind = BP_OPTIMIZER_ADAM},
         "the network has no tensor training.ema."},
        {{.kind = BP_OPTIMIZER_ADAMW, .decay_scope = BP_DECAY_SCOPE_WEIGHTS},
         {.kind = BP_OPTIMIZER_ADAMW},
         "backprop.weight_decay_of is 'weights' in the file and 'all' in the network"},
    };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        bp_network *from = create(&nets[0], pairs[k].from, 1, 3), *to = create(&nets[0], pairs[k].to, 1, 4);
        const uint64_t hash = bp_network_hash(to);
        EXPECT_SUCCESS(bp_checkpoint_save(from, path, NULL, 0, &error));
        EXPECT_FAILURE(BP_ERROR_MISMATCH, pairs[k].part, bp_checkpoint_load(to, path, &error));
        assert_true(bp_network_hash(to) == hash);
        bp_network_destroy(from);
        bp_network_destroy(to);
    }
}

/* Steps that no network can have taken: the network stays as it was. */
static void too_many_steps(void **state) {
    (void)state;
    const char *path = files_path("net");
    bp_network *from = create(&nets[0], (bp_optimizer){.kind = BP_OPTIMIZER_SGD}, 1, 3);
    bp_network *to = create(&nets[0], (bp_optimizer){.kind = BP_OPTIMIZER_SGD}, 1, 4);
    assert_int_equal(bp_network_set_steps(from, 1, (UINT64_C(1) << 48) - 1), BP_OK);
    EXPECT_SUCCESS(bp_checkpoint_save(from, path, NULL, 0, &error));
    EXPECT_SUCCESS(bp_checkpoint_load(to, path, &error));
    assert_true(bp_network_steps(to) == (UINT64_C(1) << 48) - 1);

    static unsigned char bytes[1 << 13];
    FILE *file = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    static const unsigned char most[8] = {255, 255, 255, 255, 255, 255, 0, 0};
    size_t at = 0;
    while (at + sizeof most < size && memcmp(bytes + at, most, sizeof most) != 0)
        at++;
    bytes[at + 6] = 1;
    files_write(path, bytes, size);
    assert_int_equal(bp_network_set_steps(to, 5, 6), BP_OK);
    assert_int_equal(bp_network_initialize(to, 8), BP_OK);
    const uint64_t hash = bp_network_hash(to), before = bp_network_steps(to);
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "'training.steps' is out of range", bp_checkpoint_load(to, path, &error));
    assert_true(bp_network_hash(to) == hash && bp_network_steps(to) == before && bp_network_seed(to) == 5);
    bp_network_destroy(from);
    bp_network_destroy(to);
}

/* Every allocation and transfer fails once: network and state stay as they were. */
static void every_failure(void **state) {
    (void)state;
    const char *path = files_path("net");
    const bp_optimizer optimizer = {.kind = BP_OPTIMIZER_ADAMW, .ema_decay = 0.9f};
    static const char *const calls[] = {"malloc", "calloc", "realloc", "newlocale", "pread"};
    samples s = samples_create(&nets[0], ROWS, 0, 5);
    bp_network *from = create(&nets[0], optimizer, 1, 3);
    train(from, &s, 0, 3);
    EXPECT_SUCCESS(bp_checkpoint_save(from, path, NULL, 0, &error));
    size_t failures = 0;
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        bp_network *to = create(&nets[0], optimizer, 1, 4);
        train(to, &s, 0, 1);
        const uint64_t hash = bp_network_hash(to), hash_of_state = state_hash(to, &nets[0]);
        for (size_t nth = 0;; nth++) {
            assert_true(nth < 100);
            faults_at(calls[k], nth, EIO);
            const bp_status status = bp_checkpoint_load(to, path, NULL);
            faults_none();
            if (status == BP_OK)
                break;
            assert_true(bp_network_hash(to) == hash && state_hash(to, &nets[0]) == hash_of_state);
            assert_int_equal(bp_network_steps(to), 1);
            failures++;
        }
        assert_true(bp_network_hash(to) == bp_network_hash(from));
        assert_true(state_hash(to, &nets[0]) == state_hash(from, &nets[0]));
        bp_network_destroy(to);
    }
    assert_true(failures > 20);
    bp_network_destroy(from);
    samples_destroy(&s);
}

/* Stopped after any number of steps, and gone on with in a network of another instruction set and number of threads. */
static void resumed_steps(const net *shape, bp_optimizer optimizer) {
    bp_isa before;
    assert_int_equal(bp_cpu_active(&before), BP_OK);
    const char *path = files_path("net");
    samples s = samples_create(shape, ROWS, 0, 5);
    bp_network *whole = create(shape, optimizer, 1, 3);
    train(whole, &s, 0, STEPS);
    for (size_t stop = 0; stop <= STEPS; stop += 4)
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            if (bp_cpu_set((bp_isa)isa) != BP_OK)
                continue; /* not on this machine */
            bp_network *first = create(shape, optimizer, 1, 3);
            bp_cpu_set(before);
            bp_network *second = create(shape, optimizer, 2, 99);
            train(first, &s, 0, stop);
            train(second, &s, 0, 2); /* what is left of it must not tell */
            EXPECT_SUCCESS(bp_checkpoint_save(first, path, NULL, 0, &error));
            EXPECT_SUCCESS(bp_checkpoint_load(second, path, &error));
            train(second, &s, stop, STEPS);
            if (bp_network_hash(second) != bp_network_hash(whole) ||
                state_hash(second, shape) != state_hash(whole, shape) || bp_network_steps(second) != STEPS)
                fail_msg("%s, stopped after %zu steps on %s", bp_optimizer_name(optimizer.kind), stop,
                         bp_isa_name((bp_isa)isa));
            bp_network_destroy(first);
            bp_network_destroy(second);
        }
    bp_network_destroy(whole);
    samples_destroy(&s);
}

static void every_optimizer_goes_on(void **state) {
    (void)state;
    for (size_t n = 0; n < 2; n++)
        for (int kind = 0; kind < OPTIMIZER_COUNT; kind++) {
            resumed_steps(&nets[n], (bp_optimizer){.kind = (bp_optimizer_kind)kind});
            resumed_steps(&nets[n], (bp_optimizer){.kind = (bp_optimizer_kind)kind,
                                                   .weight_decay = 0.1f,
                                                   .clip_norm = 0.5f,
                                                   .ema_decay = 0.75f});
        }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_of_the_state),    cmocka_unit_test(other_optimizers),
        cmocka_unit_test(too_many_steps),          cmocka_unit_test(every_failure),
        cmocka_unit_test(every_optimizer_goes_on),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
