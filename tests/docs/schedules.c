/*
 * The schedules in docs/architecture.md, printed by bp_network_summary for networks on a backend with AVX2's sizes.
 *
 * Usage: schedules          prints them
 *        schedules PAGE     fails unless the page has them, line by line, in one block
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/backprop.h>

#include "network/create.h"

enum { LAYERS_MAX = 8, TEXT = 16384 };

typedef struct example {
    size_t threads, rows, layers, sizes[LAYERS_MAX + 1];
} example;

static const example examples[] = {
    {2, 8, 3, {64, 64, 64, 64}},
    {2, 4096, 5, {32, 64, 64, 64, 64, 16}},
    {2, 32, 2, {1024, 1024, 1024}},
};

/* Never runs: a schedule only plans. */
static void small_step(const bp_small_step *step) {
    (void)step;
}

static void run(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    for (size_t k = 0; k < count; k++)
        task(argument, k);
}

/* The summary's first step, without what it says of memory. */
static void add(char *text, const bp_backend *backend, const example *e) {
    static char summary[TEXT];
    const bp_thread_pool pool = {run, NULL, e->threads};
    bp_network_config config = bp_network_config_defaults();
    config.layers = e->layers;
    config.sizes = e->sizes;
    config.max_batch_size = e->rows;
    config.threads = e->threads;
    config.pool = &pool;
    bp_network *network;
    if (bp_network_create_on(backend, &config, &network) != BP_OK) {
        fprintf(stderr, "%s\n", bp_error_message());
        exit(1);
    }
    bp_network_summary(network, summary, sizeof summary);
    bp_network_destroy(network);
    const char *step = strstr(summary, "a step of "), *name_end = strchr(summary, ':');
    const char *end = strstr(step + 1, "a step of ");
    char *at = text + strlen(text);
    snprintf(at, TEXT - strlen(text), "%.*s, %zu thread%s: %.*s\n", (int)(name_end - summary), summary, e->threads,
             e->threads == 1 ? "" : "s", (int)(end ? end - step : (ptrdiff_t)strlen(step)), step);
}

int main(int argc, char **argv) {
    static char text[TEXT], page[1 << 20];
    bp_backend backend = bp_backend_scalar;
    backend.panel_width = backend.column_unit = 16;
    backend.in_place = false;
    backend.small_step = small_step;
    for (size_t k = 0; k < sizeof examples / sizeof *examples; k++)
        add(text, &backend, &examples[k]);
    text[strlen(text) - 1] = '\0';
    if (argc < 2) {
        printf("%s", text);
        return 0;
    }
    FILE *file = fopen(argv[1], "rb");
    if (!file || fread(page, 1, sizeof page - 1, file) == 0) {
        perror(argv[1]);
        return 1;
    }
    fclose(file);
    if (strstr(page, text))
        return 0;
    fprintf(stderr, "%s lacks these lines, or has others:\n%s", argv[1], text);
    return 1;
}
