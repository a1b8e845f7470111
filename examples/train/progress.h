/* What is shown while an epoch runs, and the clock. */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/** Seconds of a clock that never jumps. */
double seconds_now(void);

/** Whether standard output is a terminal that can redraw a line. */
bool output_is_terminal(void);

/** A bar on the last line of a terminal, redrawn a few times a second. */
typedef struct progress {
    bool shown; /* false: the functions below do nothing */
    size_t epoch, epochs, samples;
    double started, drawn;
} progress;

progress progress_begin(bool shown, size_t epoch, size_t epochs, size_t samples);

/** `done` samples of the epoch have been trained on, with this mean loss. */
void progress_update(progress *bar, size_t done, double loss);

/** Removes the bar; the next output starts where it was. */
void progress_end(const progress *bar);

#endif
