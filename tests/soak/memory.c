#define _XOPEN_SOURCE 700

#include "memory.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"
#include "training.h"

/* Networks in a turn, turns until all that is kept for later use is there, and steps between two checkpoints. */
enum { NETWORKS = 6, WARM_UP = 30, STEPS = 10 };

typedef struct footprint {
    size_t mapped, resident, files;
} footprint;

static size_t number_after(const char *path, const char *key) {
    char line[256];
    size_t number = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return number;
}

static size_t open_files(void) {
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

/*
 * In pages. What is resident comes from a walk over the page table, since some kernels' counters of statm are
 * estimates; pages of program files, which come and go, are no part of it.
 */
static footprint measure(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    footprint f = {.resident = number_after("/proc/self/smaps_rollup", "Anonymous:") * 1024 / page,
                   .files = open_files()};
    FILE *statm = fopen("/proc/self/statm", "r");
    size_t counted = 0;
    if (statm && fscanf(statm, "%zu %zu", &f.mapped, &counted) != 2)
        f.mapped = 0;
    if (statm)
        fclose(statm);
    f.resident = f.resident ? f.resident : counted;
    return f;
}

/*
 * The life of a network, on each instruction set in turn. How deep a worker's stack gets, and when, is the scheduler's
 * choice: threads are made and ended here, but the work is the calling thread's.
 */
static bool live(const soak_plan *plan, uint64_t turn, const char *path) {
    soak_way way = soak_way_draw(plan->seed, plan->round, 1000 + turn % 8);
    bp_network *idle = soak_network(plan, way);
    way.in_order = true;
    bp_network *network = idle ? soak_network(plan, way) : NULL;
    bool good = network;
    for (uint64_t k = 1; k <= 3 && good; k++)
        good = soak_train(network, plan, k * STEPS) && soak_save(network, path) && soak_load(network, path);
    bp_network_destroy(network);
    bp_network_destroy(idle);
    return good;
}

static bool grew(const footprint *now, const footprint *before) {
    return now->mapped > before->mapped || now->resident > before->resident || now->files > before->files;
}

static void raise_to(footprint *most, const footprint *now) {
    most->mapped = now->mapped > most->mapped ? now->mapped : most->mapped;
    most->resident = now->resident > most->resident ? now->resident : most->resident;
    most->files = now->files > most->files ? now->files : most->files;
}

bool soak_watch_memory(uint64_t seed, double seconds, const char *path) {
    /* The kernel must not make large pages of small ones behind the scenes. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    soak_plan plans[NETWORKS];
    for (uint64_t k = 0; k < NETWORKS; k++)
        plans[k] = soak_plan_draw(seed, k, 3 * STEPS);
    footprint most = measure();
    if (most.mapped == 0 || most.resident == 0) {
        fprintf(stderr, "soak: /proc does not tell how much memory the process has\n");
        return false;
    }
    const double begin = seconds_now();
    uint64_t turn = 0, lives = 0;
    for (; turn <= WARM_UP || seconds_now() < begin + seconds; turn++) {
        for (size_t k = 0; k < NETWORKS; k++, lives++)
            if (!live(&plans[k], turn, path))
                return false;
        const footprint now = measure();
        const bool warm = turn >= WARM_UP && seconds_now() >= begin + seconds / 4;
        if (warm && grew(&now, &most)) {
            fprintf(stderr,
                    "soak: in turn %" PRIu64 " memory grew from %zu to %zu pages mapped, from %zu to %zu resident, "
                    "open files from %zu to %zu\n",
                    turn, most.mapped, now.mapped, most.resident, now.resident, most.files, now.files);
            return false;
        }
        raise_to(&most, &now);
    }
    printf("memory: %" PRIu64 " networks made and destroyed, %" PRIu64 " steps, %" PRIu64
           " checkpoints saved and loaded: "
           "never above the %zu pages mapped, %zu resident of the warm-up\n",
           lives, lives * 3 * STEPS, lives * 3, most.mapped, most.resident);
    return true;
}
