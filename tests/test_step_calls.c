/*
 * What a step on one thread asks of others: nothing. Once a network exists, no call on it allocates, locks, waits,
 * reads the environment or enters the system.
 *
 * The first half is seen from inside: the program defines these functions itself, and its definitions are found before
 * the C library's by every library that it loads. The other half is seen from outside: with the argument
 * --between-marks the program trains between marks that test_step_calls.bash finds in the list of its system calls,
 * with --call it makes one there, to check the checker.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include <backprop/backward.h>
#include <backprop/update.h>

#include "defaults.h"
#include "enum_counts.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const net seed = {.layers = 2,
                         .sizes = {2, 2, 2},
                         .activations = {{BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                         .loss = BP_LOSS_MSE};
static const net digits = {.layers = 2,
                           .sizes = {784, 128, 10},
                           .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                           .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY};
/* Larger than any block of the kernels. */
static const net wide = {.layers = 2,
                         .sizes = {530, 520, 3},
                         .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.01f}},
                         .loss = BP_LOSS_MSE};

static const float dropped[] = {0.5f, 0.0f};
static const bool normalized[] = {true, false};

static const struct {
    const char *name;
    const net *shape;
    size_t rows, steps;
    bool regularized; /* with dropout and layer normalization */
    bp_optimizer optimizer;
} cases[] = {
    {"seed", &seed, 1, 1000},
    {"digits, one row", &digits, 1, 1000},
    {"digits", &digits, 32, 100},
    {"wide", &wide, 300, 3},
    {"digits, regularized", &digits, 32, 100, .regularized = true},
    {"seed, adam", &seed, 1, 1000, .optimizer = {.kind = BP_OPTIMIZER_ADAM}},
    {"digits, rprop", &digits, 32, 20, .optimizer = {.kind = BP_OPTIMIZER_RPROP, .ema_decay = 0.5f}},
    {"digits, adamw", &digits, 32, 20, true, {.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.01f, .clip_norm = 0.5f}}};

static size_t rows_of(size_t k) {
    return test_quick() && cases[k].rows > 4 ? 4 : cases[k].rows;
}

/* ---- Networks ------------------------------------------------------------------------------------------------- */

typedef struct trainee {
    bp_network *network;
    samples s;
    float *outputs;
    float *input_gradient;
    bp_network *follower; /* a target network */
    void *workspace;
    size_t workspace_bytes;
} trainee;

static trainee trainee_create(size_t k) {
    const net *shape = cases[k].shape;
    bp_network_config config = net_config(shape, rows_of(k));
    config.threads = 1;
    config.dropout = cases[k].regularized ? dropped : NULL;
    config.normalize = cases[k].regularized ? normalized : NULL;
    config.gradients = true;
    config.optimizer = stored_optimizer(cases[k].optimizer);
    bp_network *network = net_create(&config, 1), *follower;
    assert_int_equal(bp_network_clone(network, &follower), BP_OK);
    const size_t bytes = bp_network_workspace_bytes(network, rows_of(k));
    return (trainee){.network = network,
                     .follower = follower,
                     .workspace = aligned_alloc(BP_ALIGNMENT, bytes),
                     .workspace_bytes = bytes,
                     .s = samples_create(shape, rows_of(k), 0, 2),
                     .outputs = allocate(rows_of(k) * shape->sizes[shape->layers], sizeof(float)),
                     .input_gradient = allocate(rows_of(k) * shape->sizes[0], sizeof(float))};
}

static void trainee_destroy(trainee *t) {
    bp_network_destroy(t->network);
    bp_network_destroy(t->follower);
    free(t->workspace);
    samples_destroy(&t->s);
    free(t->outputs);
    free(t->input_gradient);
}

/* A loss of the caller's: half the squares of the outputs. */
static void squares(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride, float *delta,
                    size_t delta_stride) {
    (void)first;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < *(const size_t *)context; j++)
            delta[n * delta_stride + j] = 1e-3f * outputs[n * output_stride + j];
}

/* The backward pass in all its forms: by the network's loss, by deltas, by a function. */
static bp_status trainee_go_back(trainee *t) {
    size_t out = bp_last_layer(t->network)->out;
    for (int use = 0; use < GRADIENT_MODE_COUNT; use++) {
        const bp_backward_options hows[] = {
            BACKWARD_OPTIONS(.gradient = (bp_gradient_mode)use, .input_gradient = t->input_gradient),
            BACKWARD_OPTIONS(.gradient = (bp_gradient_mode)use, .input_gradient = t->input_gradient,
                             .delta = t->outputs),
            BACKWARD_OPTIONS(.gradient = (bp_gradient_mode)use, .input_gradient = t->input_gradient,
                             .loss_callback = squares, .loss_context = &out),
            BACKWARD_OPTIONS(.loss_callback = squares, .loss_context = &out),
        };
        for (size_t k = 0; k < COUNT(hows); k++) {
            const bp_status status = bp_network_backward(t->network, &t->s.batch, &hows[k]);
            if (status != BP_OK)
                return status;
        }
    }
    return BP_OK;
}

/* A step by two halves of a batch; averages and frozen layers. */
static bp_status trainee_accumulate(trainee *t) {
    bp_status status = bp_network_accumulate(t->network, &t->s.batch, 2 * t->s.batch.rows, NULL);
    if (status == BP_OK)
        status = bp_network_accumulate(t->network, &t->s.batch, 2 * t->s.batch.rows, NULL);
    if (status == BP_OK)
        status = bp_network_freeze(t->network, 0, true);
    if (status == BP_OK)
        status = bp_network_update(t->network, 0.001f);
    if (status == BP_OK)
        status = bp_network_freeze(t->network, 0, false);
    for (int k = 0; k < 2 && status == BP_OK && t->network->optimizer.settings.ema_decay > 0; k++)
        status = bp_network_swap_ema(t->network); /* in, and out again */
    return status;
}

/* What a target network's owner calls. */
static bp_status trainee_follow(trainee *t) {
    bp_status status = bp_network_soft_update(t->follower, t->network, 0.01f);
    if (status == BP_OK)
        status = bp_network_copy_parameters(t->follower, t->network);
    if (status == BP_OK)
        status = bp_network_copy_state(t->follower, t->network);
    return status;
}

/* Everything that a training loop calls. */
static bp_status trainee_run(trainee *t, size_t steps) {
    bp_status status = BP_OK;
    float loss;
    for (size_t step = 0; step < steps && status == BP_OK; step++) {
        status = bp_network_train_step(t->network, &t->s.batch, 0.001f, &loss);
        if (status == BP_OK)
            status = bp_network_loss(t->network, &t->s.batch, &loss);
        if (status == BP_OK)
            status = bp_network_forward(t->network, &t->s.batch, t->outputs, 0);
        if (status == BP_OK)
            status = bp_network_infer(t->network, &t->s.batch, t->outputs, 0, t->workspace, t->workspace_bytes);
        if (status == BP_OK)
            status = trainee_follow(t);
        if (status == BP_OK)
            status = trainee_go_back(t);
        if (status == BP_OK)
            status = trainee_accumulate(t);
    }
    return status;
}

/* ---- Between marks, for strace -------------------------------------------------------------------------------- */

/* A system call that fails, and shows its text to a tracer. */
static void mark(const char *text) {
    const ssize_t ignored = write(-1, text, strlen(text));
    (void)ignored;
}

static int between_marks(bool call) {
    for (size_t k = 0; k < COUNT(cases); k++) {
        trainee t = trainee_create(k);
        mark("steps begin");
        const bp_status status = trainee_run(&t, cases[k].steps);
        if (call)
            (void)getppid();
        mark("steps end");
        trainee_destroy(&t);
        if (status != BP_OK) {
            fprintf(stderr, "%s: %s\n", cases[k].name, bp_status_string(status));
            return 1;
        }
    }
    return 0;
}

/* ---- Calls of the C library ----------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

/* All calls so far, and the last one's function. */
static atomic_size_t calls;
static _Atomic(const char *) last_call;

static void note_call(const char *name) {
    atomic_fetch_add(&calls, 1);
    atomic_store(&last_call, name);
}

/* Definitions that note the call and hand it on. They are weak because a static C library brings its own along. */
#define HAND_ON(result, name, parameters, arguments, original)                                                         \
    __attribute__((weak)) result name parameters {                                                                     \
        note_call(#name);                                                                                              \
        return original arguments;                                                                                     \
    }

/* The allocator's originals have names of their own, and need them: dlsym may allocate. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static int memalign_posix(void **memory, size_t alignment, size_t bytes) {
    void *made = __libc_memalign(alignment, bytes);
    if (!made)
        return ENOMEM;
    *memory = made;
    return 0;
}

HAND_ON(void *, malloc, (size_t bytes), (bytes), __libc_malloc)
HAND_ON(void *, calloc, (size_t count, size_t bytes), (count, bytes), __libc_calloc)
HAND_ON(void *, realloc, (void *memory, size_t bytes), (memory, bytes), __libc_realloc)
HAND_ON(void *, memalign, (size_t alignment, size_t bytes), (alignment, bytes), __libc_memalign)
HAND_ON(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes), __libc_memalign)
HAND_ON(int, posix_memalign, (void **memory, size_t alignment, size_t bytes), (memory, alignment, bytes),
        memalign_posix)

__attribute__((weak)) void free(void *memory) {
    note_call("free");
    __libc_free(memory);
}

/* The others' are looked up. Waiting for a condition takes a lock before. */
#define LOOK_UP(result, name, parameters, arguments)                                                                   \
    static result original_##name parameters {                                                                         \
        static result(*original) parameters;                                                                           \
        if (!original)                                                                                                 \
            *(void **)&original = dlsym(RTLD_NEXT, #name);                                                             \
        return original arguments;                                                                                     \
    }                                                                                                                  \
    HAND_ON(result, name, parameters, arguments, original_##name)

LOOK_UP(void *, mmap, (void *at, size_t bytes, int protection, int flags, int file, off_t offset),
        (at, bytes, protection, flags, file, offset))
LOOK_UP(int, munmap, (void *at, size_t bytes), (at, bytes))
LOOK_UP(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
LOOK_UP(int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
LOOK_UP(int, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
LOOK_UP(int, pthread_cond_signal, (pthread_cond_t * condition), (condition))
LOOK_UP(int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition))
LOOK_UP(int, sched_yield, (void), ())
LOOK_UP(char *, getenv, (const char *name), (name))

/* The way to futex, for which there is no function. */
__attribute__((weak)) long syscall(long number, ...) {
    static long (*original)(long number, ...);
    if (!original)
        *(void **)&original = dlsym(RTLD_NEXT, "syscall");
    note_call("syscall");
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (int k = 0; k < 6; k++)
        arguments[k] = va_arg(list, long);
    va_end(list);
    return original(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void expect_call(size_t *before, const char *name) {
    if (calls != *before + 1 || strcmp(last_call, name) != 0)
        fail_msg("a call of %s was not counted", name);
    *before = calls;
}

/* The check of the checker: every function that is counted is called once. */
static void calls_are_counted(void **state) {
    (void)state;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    void *volatile memory; /* keeps the compiler from leaving calls out */
    void *made = NULL;
    size_t before = calls;

    memory = malloc(1);
    expect_call(&before, "malloc");
    memory = realloc(memory, 2);
    expect_call(&before, "realloc");
    free(memory);
    expect_call(&before, "free");
    memory = calloc(1, 1);
    expect_call(&before, "calloc");
    __libc_free(memory);
    memory = memalign(64, 64);
    expect_call(&before, "memalign");
    __libc_free(memory);
    memory = aligned_alloc(64, 64);
    expect_call(&before, "aligned_alloc");
    __libc_free(memory);
    assert_int_equal(posix_memalign(&made, 64, 64), 0);
    expect_call(&before, "posix_memalign");
    __libc_free(made);

    memory = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect_call(&before, "mmap");
    assert_int_equal(munmap(memory, 1), 0);
    expect_call(&before, "munmap");
    pthread_mutex_lock(&mutex);
    expect_call(&before, "pthread_mutex_lock");
    pthread_mutex_unlock(&mutex);
    expect_call(&before, "pthread_mutex_unlock");
    pthread_mutex_trylock(&mutex);
    expect_call(&before, "pthread_mutex_trylock");
    pthread_mutex_unlock(&mutex);
    before = calls;
    pthread_cond_signal(&condition);
    expect_call(&before, "pthread_cond_signal");
    pthread_cond_broadcast(&condition);
    expect_call(&before, "pthread_cond_broadcast");
    sched_yield();
    expect_call(&before, "sched_yield");
    memory = getenv("BACKPROP_ISA");
    expect_call(&before, "getenv");
    assert_int_equal(syscall(SYS_getppid), getppid());
    expect_call(&before, "syscall");
}

static void nothing_is_called(void **state) {
    (void)state;
    bp_isa chosen;
    assert_int_equal(bp_cpu_active(&chosen), BP_OK);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (bp_cpu_set((bp_isa)isa) != BP_OK)
            continue; /* not on this machine */
        for (size_t k = 0; k < COUNT(cases); k++) {
            const size_t before_creation = calls;
            trainee t = trainee_create(k);
            assert_true(calls > before_creation);
            assert_int_equal(bp_network_isa(t.network), isa);
            const size_t before = calls;
            const bp_status status = trainee_run(&t, 2); /* the first step is like all others */
            const size_t made = calls - before;
            if (made > 0)
                fail_msg("%s on %s: %zu calls, the last of %s", cases[k].name, bp_isa_name((bp_isa)isa), made,
                         (const char *)last_call);
            assert_int_equal(status, BP_OK);
            trainee_destroy(&t);
        }
    }
    assert_int_equal(bp_cpu_set(chosen), BP_OK);
}

#else

/* A sanitizer owns malloc, or there is no way to its original. */
static void calls_are_counted(void **state) {
    (void)state;
    skip();
}

static void nothing_is_called(void **state) {
    (void)state;
    skip();
}

#endif

int main(int argc, char **argv) {
    test_start(argv[0]);
    if (argc > 1)
        return between_marks(strcmp(argv[1], "--call") == 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted),
        cmocka_unit_test(nothing_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
