/*
 * Signal handlers that interrupt steps, fits and the writing of files at a high rate: the bits are those of an
 * undisturbed run. The handlers compute in all vector registers, and leave another rounding mode behind, which the
 * system takes back as they return.
 */
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "fit_support.h"
#include "harness/mode.h"
#include "storage/files.h"

enum { ROWS = 70, MICROSECONDS = 40 };

static const net nets[] = {
    {.layers = 2,
     .sizes = {2, 5, 2},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 3,
     .sizes = {30, 70, 50, 10},
     .activations = {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
};

/* ---- The handler ------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t signals;
static volatile float seen;

/* More vectors than a processor has registers, all live at once. */
enum { LIVE = 40 };
typedef float wide __attribute__((vector_size(64)));

static inline __attribute__((always_inline)) void work(void) {
    wide live[LIVE];
    for (int k = 0; k < LIVE; k++)
        live[k] = (wide){0} + ((float)k + seen);
    for (int round = 0; round < 4; round++)
        for (int k = 0; k < LIVE; k++)
            live[k] = live[k] * live[(k + 7) % LIVE] + 0.5f;
    for (int k = 1; k < LIVE; k++)
        live[0] += live[k];
    seen = live[0][3] > 0 ? 0.25f : 0.5f;
}

static void work_plainly(void) {
    work();
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static void work_avx2(void) {
    work();
}

__attribute__((target("avx512f"))) static void work_avx512(void) {
    work();
}
#endif

/* One signal; 0: none any more. */
static void set_timer(suseconds_t microseconds) {
    const struct itimerval once = {{0, 0}, {0, microseconds}};
    setitimer(ITIMER_REAL, &once, NULL);
}

static volatile sig_atomic_t goes_on;

/* The next signal comes some time after this one is done, so that what it interrupts gets on, on slow machines too. */
static void handle(int signal) {
    (void)signal;
    signals++;
    fesetround(FE_UPWARD);
    work_plainly();
#ifdef __x86_64__
    if (bp_cpu_supports(BP_ISA_AVX512))
        work_avx512();
    else if (bp_cpu_supports(BP_ISA_AVX2))
        work_avx2();
#endif
    if (goes_on)
        set_timer(MICROSECONDS);
}

static void start_signals(void) {
    signals = 0;
    goes_on = 1;
    set_timer(MICROSECONDS);
}

static void stop_signals(void) {
    goes_on = 0;
    set_timer(0);
}

static size_t wanted(void) {
    return test_quick() ? 20 : 500;
}

/* ---- What is interrupted ----------------------------------------------------------------------------------------- */

/* Trains until so many signals have come, in rounds of some steps, and an undisturbed network by as many steps. */
static void interrupt_steps(const test_table *table, const net *shape, size_t threads) {
    bp_network_config config = net_config(shape, ROWS);
    config.threads = threads;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM});
    bp_network *disturbed = net_create_on(table, &config, 3), *twin = net_create_on(table, &config, 3);
    samples s = samples_create(shape, ROWS, 0, 4);
    size_t steps = 0;
    float loss = 0, twins_loss = 0;
    bp_status status = BP_OK;
    start_signals();
    for (; (size_t)signals < wanted() && status == BP_OK; steps++) {
        bp_batch batch = s.batch;
        batch.rows = steps % 3 == 0 ? 1 : ROWS;
        status = bp_network_train_step(disturbed, &batch, 0.001f, &loss);
    }
    stop_signals();
    assert_int_equal(status, BP_OK);
    for (size_t k = 0; k < steps; k++) {
        bp_batch batch = s.batch;
        batch.rows = k % 3 == 0 ? 1 : ROWS;
        assert_int_equal(bp_network_train_step(twin, &batch, 0.001f, &twins_loss), BP_OK);
    }
    if (bp_network_hash(disturbed) != bp_network_hash(twin) || test_bits(loss) != test_bits(twins_loss))
        fail_msg("%s, %zu threads: other bits after %zu steps", table->name, threads, steps);
    samples_destroy(&s);
    bp_network_destroy(disturbed);
    bp_network_destroy(twin);
}

static void interrupt_table(test_table *table) {
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
        for (size_t threads = 1; threads <= (k == 0 ? 1 : 2); threads++)
            interrupt_steps(table, &nets[k], threads);
}

static void steps_have_the_same_bits(void **state) {
    (void)state;
    test_each_table(interrupt_table);
    assert_true(test_mode() == test_host_modes[0].mode);
}

/* Without SA_RESTART system calls end early, again and again. */
static void files_are_written(void **state) {
    (void)state;
    const bp_network_config config = net_config(&nets[1], 1);
    bp_network *network = net_create(&config, 3), *other = net_create(&config, 4);
    char path[512];
    strcpy(path, files_path("net"));
    bp_status status = BP_OK;
    start_signals();
    for (size_t k = 0; (k < 5 || (size_t)signals < wanted() / 5) && status == BP_OK; k++) {
        status = bp_checkpoint_save(network, path, NULL, 0, NULL);
        if (status == BP_OK)
            status = bp_checkpoint_load(other, path, NULL);
    }
    stop_signals();
    assert_int_equal(status, BP_OK);
    assert_true(bp_network_hash(other) == bp_network_hash(network));
    assert_string_equal(files_list(), "net ");
    bp_network_destroy(network);
    bp_network_destroy(other);
}

static volatile sig_atomic_t taken;

static void take(int signal) {
    (void)signal;
    taken++;
}

/* Workers are not the host's: what its own threads block waits for them. */
static void workers_take_no_signals(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = take};
    sigset_t set, before, after;
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    bp_network_config config = net_config(&nets[1], ROWS);
    config.threads = 3;
    bp_network *network = net_create(&config, 3);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
    assert_true(bp_network_threads(network) > 1);
    samples s = samples_create(&nets[1], ROWS, 0, 4);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    for (size_t step = 0; step < 20; step++) {
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.001f, NULL), BP_OK);
        usleep(500);
    }
    assert_int_equal(taken, 0);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    assert_int_equal(taken, 1);
    samples_destroy(&s);
    bp_network_destroy(network);
}

static int set_up(void **state) {
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGALRM, &action, NULL);
    return files_set_up(state);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_have_the_same_bits),
        cmocka_unit_test(files_are_written),
        cmocka_unit_test(workers_take_no_signals),
    };
    return cmocka_run_group_tests(tests, set_up, files_tear_down);
}
