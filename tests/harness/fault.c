#include "fault.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

/* A trap that the compiler plants is SIGILL on x86 and SIGTRAP on ARM. */
static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
enum { SIGNALS = sizeof signals / sizeof *signals };

static sigjmp_buf back;
static test_fault caught;

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    caught = (test_fault){signal, info->si_addr};
    siglongjmp(back, 1);
}

bool test_survives(void (*call)(void *argument), void *argument, test_fault *fault) {
    /* Set anew each time: cmocka, or a sanitizer, has handlers of its own for everything else. SA_NODEFER, so that
     * no signal mask has to be saved and restored. */
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    action.sa_sigaction = on_signal;
    sigemptyset(&action.sa_mask);
    struct sigaction before[SIGNALS];
    for (size_t k = 0; k < SIGNALS; k++) {
        sigaction(signals[k], &action, &before[k]);
    }

    volatile bool survived = false;
    if (sigsetjmp(back, 0) == 0) {
        call(argument);
        survived = true;
    } else {
        *fault = caught;
    }

    for (size_t k = 0; k < SIGNALS; k++) {
        sigaction(signals[k], &before[k], NULL);
    }
    return survived;
}
