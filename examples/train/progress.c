#define _POSIX_C_SOURCE 200809L

#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool output_is_terminal(void) {
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

progress progress_begin(bool shown, size_t epoch, size_t epochs, size_t samples) {
    const progress bar = {shown, epoch, epochs, samples, seconds_now(), 0.0};
    return bar;
}

void progress_update(progress *bar, size_t done, double loss) {
    enum { BAR_LEAST = 4, BAR_MOST = 40 };
    const double interval = 0.1;
    if (!bar->shown)
        return;
    const double now = seconds_now();
    if (now - bar->drawn < interval && done < bar->samples)
        return;
    bar->drawn = now;

    char before[64], after[96], cells[BAR_MOST + 1];
    const double learning_rate = now > bar->started ? (double)done / (now - bar->started) : 0.0;
    const int left = snprintf(before, sizeof before, "epoch %zu/%zu ", bar->epoch, bar->epochs);
    const int right = snprintf(after, sizeof after, " %3.0f %%  loss %.4f  %.0f samples/s",
                               100.0 * (double)done / (double)bar->samples, loss, learning_rate);
    int width = terminal_columns() - 1 - left - right - 2; /* 2: the brackets; the last column stays free */
    if (width < BAR_LEAST) {                               /* a narrow terminal: text alone, or nothing */
        if (width + 2 >= 0)
            printf("\r\033[K%s%s", before, after);
    } else {
        width = width < BAR_MOST ? width : BAR_MOST;
        const int full = (int)((double)width * (double)done / (double)bar->samples);
        memset(cells, '=', (size_t)full);
        memset(cells + full, ' ', (size_t)(width - full));
        cells[width] = '\0';
        printf("\r\033[K%s[%s]%s", before, cells, after);
    }
    fflush(stdout);
}

void progress_end(const progress *bar) {
    if (bar->shown)
        printf("\r\033[K");
}
