/*
 * Every allocation fails once, in every public function that takes memory: it returns its status, nothing leaks, what
 * it was to make was never made, and the network it was called on goes on with the bits of one that saw no trouble.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#include "defaults.h"
#include "enum_counts.h"
#include "fit_support.h"
#include "storage/faults.h"
#include "storage/files.h"

enum { ROWS = 40, BATCH = 16, EPOCHS = 2 };

/* Wide enough for a pool of two. */
static const net wide = {
    .layers = 3,
    .sizes = {60, 70, 50, 10},
    .activations = {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.1f}, {BP_ACTIVATION_IDENTITY, 0}},
    .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY,
    .options = {.label_smoothing = 0.1f},
    .weighted = true,
    .gradients = true};
static const net small = {.layers = 2,
                          .sizes = {3, 8, 2},
                          .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                          .loss = BP_LOSS_MSE};

/* One network with its data, and what calls on it make. */
typedef struct subject {
    bp_network_config config;
    const net *shape;
    bp_network *network;
    samples s;
    bp_dataset set;
    uint32_t index[ROWS];
    const char *path;
} subject;

static const float dropout[] = {0.25f, 0, 0};
static const bool normalize[] = {true, true, false};

/* Plain and small, or with everything that a network can have. */
static subject subject_create(bool everything) {
    subject t = {.shape = everything ? &wide : &small};
    t.config = net_config(t.shape, everything ? ROWS : BATCH);
    t.config.threads = 1;
    if (everything) {
        t.config.threads = 2;
        t.config.dropout = dropout;
        t.config.normalize = normalize;
        t.config.optimizer = stored_optimizer(
            (bp_optimizer){.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.01f, .clip_norm = 1, .ema_decay = 0.9f});
    }
    t.network = net_create(&t.config, 5);
    assert_int_equal(bp_network_threads(t.network), t.config.threads);
    t.s = samples_create(t.shape, ROWS, 0, 6);
    t.set = dataset_of(t.shape, &t.s);
    for (size_t n = 0; n < ROWS; n++)
        t.index[n] = (uint32_t)(ROWS - 1 - n);
    return t;
}

static void subject_destroy(subject *t) {
    bp_network_destroy(t->network);
    samples_destroy(&t->s);
}

static bp_batch batch_of(const subject *t) {
    bp_batch batch = t->s.batch;
    batch.rows = BATCH;
    return batch;
}

/* ---- Calls: each undoes what it has made, and sees that after an error there is nothing to undo ----------------- */

typedef bp_status call_fn(subject *t);

static bp_status create_network(subject *t) {
    bp_network *made = t->network;
    const bp_status status = bp_network_create(&t->config, &made);
    if (status != BP_OK)
        assert_null(made);
    bp_network_destroy(made);
    return status;
}

static bp_status cloned_by(const subject *t, bp_status (*make)(const bp_network *, bp_network **)) {
    bp_network *made = t->network;
    const bp_status status = make(t->network, &made);
    if (status != BP_OK)
        assert_null(made);
    bp_network_destroy(made);
    return status;
}

static bp_status clone_network(subject *t) {
    return cloned_by(t, bp_network_clone);
}

static bp_status clone_parameters(subject *t) {
    return cloned_by(t, bp_network_clone_parameters);
}

static bp_status create_pool(subject *t) {
    bp_thread_pool *made = (bp_thread_pool *)t;
    const bp_status status = bp_thread_pool_create(2, &made);
    if (status != BP_OK)
        assert_null(made);
    bp_thread_pool_destroy(made);
    return status;
}

static bp_status create_batches(subject *t) {
    bp_batches *made = (bp_batches *)t;
    t->set.index = t->index;
    const bp_status status = bp_batches_create(&t->set, 7, NULL, &made);
    if (status != BP_OK)
        assert_null(made);
    bp_batches_destroy(made);
    return status;
}

static bp_status predict(subject *t) {
    static float outputs[ROWS * 10];
    memset(outputs, 0x5a, sizeof outputs);
    t->set.index = t->index;
    const bp_status status = bp_network_predict(t->network, &t->set, outputs, 0);
    if (status != BP_OK)
        assert_int_equal(((unsigned char *)outputs)[0], 0x5a);
    return status;
}

static bp_status evaluate(subject *t) {
    double loss = -1;
    t->set.index = t->index;
    const bp_status status = bp_network_evaluate(t->network, &t->set, &loss);
    assert_int_equal(status != BP_OK, loss == -1);
    return status;
}

static bp_status find_nonfinite(subject *t) {
    bp_nonfinite found = {.quantity = QUANTITY_COUNT};
    const bp_batch batch = batch_of(t);
    const bp_status status = bp_network_find_nonfinite(t->network, &batch, &found);
    assert_int_equal(found.quantity, status == BP_OK ? BP_QUANTITY_NONE : QUANTITY_COUNT);
    return status;
}

static bp_status fit(subject *t) {
    bp_early_stopping stopping = EARLY_STOPPING(.patience = 9);
    const bp_dataset validation = dataset_of(t->shape, &t->s);
    const bp_fit_options options =
        FIT_OPTIONS(.epochs = EPOCHS, .batch_size = BATCH, .learning_rate = 0.01f, .seed = 3, .validation = &validation,
                    .stopping = &stopping, .restore_best = true, .nonfinite = BP_NONFINITE_POLICY_LOCATE);
    t->set.index = t->index;
    const bp_status status = bp_network_fit(t->network, &t->set, &options, NULL);
    assert_int_equal(stopping.seen, status == BP_OK ? EPOCHS : 0);
    return status;
}

/* What was at the path stays there. */
static bp_status saved(const subject *t, bp_status status, const bp_file_error *error) {
    if (status != BP_OK) {
        assert_string_equal(error->text, bp_status_string(status));
        assert_true(files_equal(t->path, "old", 3));
    }
    files_write(t->path, "old", 3);
    return status;
}

static bp_status save(subject *t) {
    const bp_metadata notes[] = {{"epoch", "12"}, {"who", "me"}};
    bp_file_error error;
    return saved(t, bp_network_save(t->network, t->path, notes, 2, &error), &error);
}

static bp_status save_checkpoint(subject *t) {
    bp_file_error error;
    return saved(t, bp_checkpoint_save(t->network, t->path, NULL, 0, &error), &error);
}

static bp_status save_new(subject *t) {
    remove(t->path);
    const bp_status status = bp_checkpoint_save(t->network, t->path, NULL, 0, NULL);
    if (status != BP_OK)
        assert_int_equal(access(t->path, F_OK), -1);
    return status;
}

static bp_status load(subject *t) {
    return bp_network_load(t->network, files_path("good"), NULL);
}

static bp_status load_named(subject *t) {
    const bp_load_options options = LOAD_OPTIONS(.pattern = "*", .strict = false, .zero_biases = true);
    return bp_network_load_with(t->network, files_path("good"), &options, NULL);
}

static bp_status load_checkpoint(subject *t) {
    return bp_checkpoint_load(t->network, files_path("good"), NULL);
}

static bp_status write_npy(subject *t) {
    const size_t shape[] = {ROWS};
    bp_file_error error;
    return saved(t, bp_npy_write(t->path, t->s.inputs, 1, shape, &error), &error);
}

static bp_status array_read(bp_status status, bp_array *array) {
    if (status != BP_OK)
        assert_int_equal(array->count, 12345);
    else
        bp_array_destroy(array);
    return status;
}

static bp_status read_npy(subject *t) {
    bp_array array = {.count = 12345};
    (void)t;
    return array_read(bp_npy_read(files_path("good.npy"), &array, NULL), &array);
}

static bp_status write_npz(subject *t) {
    const size_t shape[] = {ROWS};
    const bp_tensor arrays[] = {{"x", BP_DTYPE_F32, 1, shape, t->s.inputs, NULL}};
    bp_file_error error;
    return saved(t, bp_npz_write(t->path, arrays, 1, true, &error), &error);
}

/* Opens a file and reads an array of it, deflated. */
static bp_status read_npz(subject *t) {
    bp_npz *file = (bp_npz *)t;
    bp_array array = {.count = 12345};
    bp_status status = bp_npz_open(files_path("good.npz"), &file, NULL);
    if (status != BP_OK) {
        assert_null(file);
        return status;
    }
    status = array_read(bp_npz_read(file, "x", &array, NULL), &array);
    bp_npz_close(file);
    return status;
}

static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5};

static bp_status read_idx(subject *t) {
    bp_array array = {.count = 12345};
    size_t total;
    (void)t;
    return array_read(bp_idx_read_memory(idx, sizeof idx, 0, &array, &total, NULL), &array);
}

static bp_status read_idx_gz(subject *t) {
    static unsigned char packed[sizeof idx + 100];
    static size_t size;
    if (size == 0) {
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (Bytef *)(uintptr_t)idx;
        z.avail_in = sizeof idx;
        z.next_out = packed;
        z.avail_out = sizeof packed;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        size = z.total_out;
        deflateEnd(&z);
    }
    bp_array array = {.count = 12345};
    (void)t;
    return array_read(bp_idx_read_memory(packed, size, 0, &array, NULL, NULL), &array);
}

/* A whole table: the first step that fails says how. */
static bp_status read_csv(subject *t) {
    static const char text[] = "name,a,b\nx,1,2\n\"y\",3,4\nx,NA,6\nz,7,8\n";
    const bp_csv_options options = CSV_OPTIONS(.header = true, .missing = BP_CSV_MISSING_NAN, .missing_text = "NA");
    bp_csv *csv = (bp_csv *)t;
    float values[8];
    const char *names[3];
    size_t count = 0;
    uint32_t labels[4];
    bp_status status = bp_csv_open_memory(text, sizeof text - 1, &options, &csv, NULL);
    if (status != BP_OK) {
        assert_null(csv);
        return status;
    }
    status = bp_csv_numbers(csv, 1, 2, values, 0, NULL);
    if (status == BP_OK)
        status = bp_csv_classes(csv, 0, names, 3, &count, NULL);
    if (status == BP_OK)
        status = bp_csv_labels(csv, 0, names, count, labels, NULL);
    if (status == BP_OK)
        assert_true(values[1] == 2 && count == 3 && labels[3] == 2);
    bp_csv_close(csv);
    return status;
}

static bp_status read_csv_doubles(subject *t) {
    bp_csv *csv = (bp_csv *)t;
    const double offset = 1;
    double doubles[4];
    float values[4];
    bp_status status = bp_csv_open_memory("1,2\n3,4\n", 8, NULL, &csv, NULL);
    if (status == BP_OK)
        status = bp_csv_doubles(csv, 0, 2, doubles, 0, NULL);
    if (status == BP_OK)
        status = bp_csv_numbers_shifted(csv, 0, 2, &(bp_shift_scale){&offset, NULL, 1}, values, 0, NULL);
    if (status == BP_OK)
        assert_true(doubles[3] == 4 && values[3] == 3);
    bp_csv_close(csv);
    return status;
}

static bp_status impute(subject *t) {
    const float x[] = {1, NAN, 3, 5};
    float fill[] = {7};
    (void)t;
    const bp_status status = bp_impute_fit(fill, x, 0, NULL, 4, 1, BP_IMPUTE_MEDIAN, 0.0f);
    assert_true(fill[0] == (status == BP_OK ? 3 : 7));
    return status;
}

static bp_status read_csv_file(subject *t) {
    bp_csv *csv = (bp_csv *)t;
    files_write(t->path, "1,2\n3,4\n", 8);
    const bp_status status = bp_csv_open(t->path, NULL, &csv, NULL);
    if (status != BP_OK)
        assert_null(csv);
    bp_csv_close(csv);
    return status;
}

/* Opens a file and reads a tensor of it, by elements and by bytes. */
static bp_status read_safetensors(subject *t) {
    bp_safetensors *file = (bp_safetensors *)t;
    bp_status status = bp_safetensors_open(files_path("good"), &file, NULL);
    if (status != BP_OK) {
        assert_null(file);
        return status;
    }
    const bp_tensor *tensor = bp_safetensors_find(file, "0.bias");
    assert_non_null(tensor);
    static float values[100], again[100];
    status = bp_safetensors_read(file, tensor, values, NULL, NULL);
    if (status == BP_OK)
        status = bp_safetensors_read_bytes(file, tensor, again, tensor->shape[0] * sizeof(float), NULL);
    if (status == BP_OK)
        assert_memory_equal(values, again, tensor->shape[0] * sizeof(float));
    bp_safetensors_close(file);
    return status;
}

static bp_status write_safetensors(subject *t) {
    const size_t shape[] = {3, 4}, strides[] = {1, 3};
    const bp_tensor tensors[] = {
        {"b", BP_DTYPE_F32, 2, shape, t->s.inputs, strides},
        {"a", BP_DTYPE_U8, 1, shape, t->s.inputs, NULL},
    };
    const bp_metadata metadata[] = {{"k", "text \x01"}};
    bp_file_error error;
    return saved(t, bp_safetensors_write(t->path, tensors, 2, metadata, 1, &error), &error);
}

/* Functions of a network that take no memory, all in one. */
static bp_status steps(subject *t) {
    static float outputs[ROWS * 60], gradient[70 * 60];
    static char words[2000];
    const bp_batch batch = batch_of(t);
    const bp_backward_options options = BACKWARD_OPTIONS(.learning_rate = 0.01f, .input_gradient = outputs);
    float loss;
    static _Alignas(BP_ALIGNMENT) char workspace[1 << 18];
    bp_status status = bp_network_forward(t->network, &batch, outputs, 0);
    status |= bp_network_infer(t->network, &batch, outputs, 0, workspace, sizeof workspace);
    status |= bp_network_loss(t->network, &batch, &loss);
    status |= bp_network_backward(t->network, &batch, &options);
    status |= bp_network_tensor_read(t->network, 0, gradient, NULL);
    status |= bp_network_tensor_write(t->network, 0, gradient, NULL);
    bp_network_summary(t->network, words, sizeof words);
    return status;
}

/* ---- One allocation after the other ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    call_fn *call;
    size_t least; /* allocations that the call is known to make, for a network with everything */
} calls[] = {
    {"bp_network_create", create_network, 2},
    {"bp_network_clone", clone_network, 2},
    {"bp_network_clone_parameters", clone_parameters, 2},
    {"bp_thread_pool_create", create_pool, 2},
    {"bp_batches_create", create_batches, 1},
    {"bp_network_predict", predict, 1},
    {"bp_network_evaluate", evaluate, 1},
    {"bp_network_find_nonfinite", find_nonfinite, 1},
    {"bp_network_fit", fit, 3},
    {"bp_network_save", save, 5},
    {"bp_checkpoint_save", save_checkpoint, 5},
    {"bp_checkpoint_save, a new file", save_new, 5},
    {"bp_network_load", load, 5},
    {"bp_network_load_with", load_named, 8},
    {"bp_checkpoint_load", load_checkpoint, 5},
    {"bp_npy_write", write_npy, 3},
    {"bp_npy_read", read_npy, 1},
    {"bp_npz_write", write_npz, 5},
    {"bp_npz_open", read_npz, 9},
    {"bp_idx_read_memory", read_idx, 2},
    {"bp_idx_read_memory, compressed", read_idx_gz, 3},
    {"bp_csv_open_memory", read_csv, 8},
    {"bp_csv_doubles", read_csv_doubles, 8},
    {"bp_impute_fit", impute, 1},
    {"bp_csv_open", read_csv_file, 4},
    {"bp_safetensors_open", read_safetensors, 5},
    {"bp_safetensors_write", write_safetensors, 5},
    {"steps", steps, 0},
};
enum { CALLS = sizeof calls / sizeof *calls };

/* What an allocation's failure is called: a pool, whose memory is calloc's, has a status of its own. */
static bp_status expected_status(const subject *t, call_fn *call) {
    const bool networks = call == create_network || call == clone_network || call == clone_parameters;
    const bool pool = call == create_pool || (networks && t->config.threads > 1);
    return pool && strcmp(faults_failed(), "calloc") == 0 ? BP_ERROR_THREADS : BP_ERROR_MEMORY;
}

/* Both take the same step; the bits must be the same afterwards, of all that a step leaves. */
static void step_both(subject *t, subject *twin, const char *name, size_t nth) {
    const bp_batch batch = batch_of(t), twins = batch_of(twin);
    float loss = 0, twins_loss = 1;
    assert_int_equal(bp_network_train_step(t->network, &batch, 0.01f, &loss), BP_OK);
    assert_int_equal(bp_network_train_step(twin->network, &twins, 0.01f, &twins_loss), BP_OK);
    if (bp_network_hash(t->network) != bp_network_hash(twin->network) || test_bits(loss) != test_bits(twins_loss) ||
        bp_network_steps(t->network) != bp_network_steps(twin->network))
        fail_msg("%s: after allocation %zu failed the next step has other bits", name, nth);
}

static size_t fail_each(size_t k, subject *t, subject *twin) {
    for (size_t nth = 0;; nth++) {
        const size_t live = faults_live();
        faults_at_allocation(nth);
        const bp_status status = calls[k].call(t);
        const char *failed = faults_failed();
        const bp_status expected = failed ? expected_status(t, calls[k].call) : BP_OK;
        faults_none();
        if (status != expected)
            fail_msg("%s: '%s' after allocation %zu, %s, failed", calls[k].name, bp_status_string(status), nth,
                     failed ? failed : "none");
        if (faults_live() != live)
            fail_msg("%s: %zu allocations are left after allocation %zu, %s, failed", calls[k].name,
                     faults_live() - live, nth, failed ? failed : "none");
        if (!failed) {
            assert_int_equal(calls[k].call(twin), BP_OK);
            step_both(t, twin, calls[k].name, nth);
            return nth;
        }
        step_both(t, twin, calls[k].name, nth);
        assert_true(nth < 1000);
    }
}

static void fail_all(bool everything) {
    subject t = subject_create(everything), twin = subject_create(everything);
    const size_t shape[] = {ROWS};
    t.path = twin.path = files_path("file");
    size_t cases = 0;
    assert_int_equal(bp_checkpoint_save(t.network, files_path("good"), NULL, 0, NULL), BP_OK);
    assert_int_equal(bp_npy_write(files_path("good.npy"), t.s.inputs, 1, shape, NULL), BP_OK);
    const bp_tensor arrays[] = {{"x", BP_DTYPE_F32, 1, shape, t.s.inputs, NULL}};
    assert_int_equal(read_idx_gz(NULL), BP_OK); /* compressed once, by allocations that are not looked at */
    assert_int_equal(bp_npz_write(files_path("good.npz"), arrays, 1, true, NULL), BP_OK);
    for (size_t k = 0; k < CALLS; k++) {
        char path[512]; /* files_path keeps few */
        strcpy(path, files_path("file"));
        t.path = twin.path = path;
        files_write(path, "old", 3);
        const size_t failures = fail_each(k, &t, &twin);
        remove(path);
        if (everything && failures < calls[k].least)
            fail_msg("%s: only %zu allocations were seen", calls[k].name, failures);
        cases += failures;
    }
    print_message("%zu allocations failed\n", cases);
    assert_string_equal(files_list(), "good good.npy good.npz ");
    subject_destroy(&t);
    subject_destroy(&twin);
}

static void of_a_small_network(void **state) {
    (void)state;
    fail_all(false);
}

static void of_a_network_with_everything(void **state) {
    (void)state;
    fail_all(true);
}

/* zlib takes memory of its own at its first calls. */
static void of_zlib(void **state) {
    (void)state;
    const size_t live = faults_live();
    faults_at("inflate", 0, ENOMEM);
    assert_int_equal(read_idx_gz(NULL), BP_ERROR_MEMORY);
    faults_none();
    assert_int_equal(faults_live(), live);
    assert_int_equal(read_idx_gz(NULL), BP_OK);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

/* Threads of this process; 0 where the system does not say. */
static size_t threads_now(void) {
    DIR *tasks = opendir("/proc/self/task");
    size_t count = 0;
    for (struct dirent *task; tasks && (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

/* Each thread of a pool in turn, for want of anything: no network, and no thread that stays. */
static void threads_cannot_start(void **state) {
    (void)state;
    static const int errors[] = {EAGAIN, ENOMEM, EPERM};
    subject t = subject_create(true), twin = subject_create(true);
    t.config.max_batch_size *= 3; /* enough for all the threads */
    t.config.threads = 4;
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (size_t nth = 0; nth < t.config.threads - 1; nth++) {
            const size_t live = faults_live(), threads = threads_now();
            faults_at("pthread_create", nth, errors[e]);
            assert_int_equal(create_network(&t), BP_ERROR_THREADS);
            faults_none();
            assert_int_equal(faults_live(), live);
            for (int k = 0; k < 1000 && threads_now() != threads; k++)
                usleep(1000); /* the kernel's list is late */
            assert_int_equal(threads_now(), threads);
            step_both(&t, &twin, "bp_network_create without threads", nth);
        }
    faults_at("pthread_create", t.config.threads - 1, EAGAIN);
    assert_int_equal(create_network(&t), BP_OK);
    assert_null(faults_failed());
    faults_none();
    subject_destroy(&t);
    subject_destroy(&twin);
}

/* The same of clones, which make a pool like their source's, and of a pool alone. */
static void threads_of_copies_cannot_start(void **state) {
    (void)state;
    call_fn *const makers[] = {clone_network, clone_parameters, create_pool};
    subject t = subject_create(true);
    for (size_t k = 0; k < sizeof makers / sizeof *makers; k++) {
        const size_t live = faults_live();
        faults_at("pthread_create", 0, EAGAIN);
        assert_int_equal(makers[k](&t), BP_ERROR_THREADS);
        assert_non_null(strstr(bp_error_message(), "cannot be started"));
        faults_at("pthread_create", 1, EAGAIN); /* one is enough */
        assert_int_equal(makers[k](&t), BP_OK);
        faults_none();
        assert_int_equal(faults_live(), live);
    }
    subject_destroy(&t);
}

/* In a process that has had no pool yet. */
static void forks_cannot_be_watched(void **state) {
    (void)state;
    bp_network_config config = net_config(&wide, ROWS);
    bp_network *network = (bp_network *)&config;
    config.threads = 2;
    faults_at("pthread_atfork", 0, ENOMEM);
    const bp_status status = bp_network_create(&config, &network);
    assert_string_equal(faults_failed(), "pthread_atfork");
    faults_none();
    assert_int_equal(status, BP_ERROR_THREADS);
    assert_null(network);
    bp_network_destroy(net_create(&config, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_cannot_be_watched),      cmocka_unit_test(of_a_small_network),
        cmocka_unit_test(of_a_network_with_everything), cmocka_unit_test(of_zlib),
        cmocka_unit_test(threads_cannot_start),         cmocka_unit_test(threads_of_copies_cannot_start),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
