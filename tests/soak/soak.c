/*
 * Usage: soak SECONDS [SEED]
 *
 * Trains networks that are killed at random moments and go on from their last checkpoint, each time on another
 * instruction set and number of threads: the weights must end with the bits of a run that nobody disturbed. For a
 * quarter of the time a process that nobody kills must not take one page of memory more than after its warm-up.
 */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "training.h"

/* An undisturbed run's seconds, about; and kills in that time. */
#define RUN_SECONDS 1.0
#define KILLS_A_RUN 10

static char folder[256];

static struct { size_t rounds, kills, early, while_writing, reloads; } counts;

static const char *file_in(const char *name) {
    static char path[sizeof folder + 300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Removes the folder's files; how many of them were half written. */
static size_t clear_folder(void) {
    size_t half = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        half += strncmp(entry->d_name, ".backprop-", 10) == 0;
        remove(file_in(entry->d_name));
    }
    if (entries)
        closedir(entries);
    return half;
}

/* A run in a process of its own, whose hash comes through a pipe. */
typedef struct child {
    pid_t process;
    int result;
} child;

static child start(const soak_plan *plan, soak_way way, const char *path) {
    int ends[2];
    child c = {-1, -1};
    if (pipe(ends) != 0 || (c.process = fork()) < 0) {
        perror("soak: a process");
        exit(2);
    }
    if (c.process == 0) {
        uint64_t hash;
        const bool good = soak_run(plan, way, path, &hash) && write(ends[1], &hash, sizeof hash) == sizeof hash;
        _exit(good ? 0 : 1);
    }
    close(ends[1]);
    c.result = ends[0];
    return c;
}

typedef enum outcome { FINISHED, KILLED, FAILED } outcome;

static outcome finish(child *c, uint64_t *hash) {
    int status = 0;
    const bool whole = read(c->result, hash, sizeof *hash) == sizeof *hash;
    close(c->result);
    waitpid(c->process, &status, 0);
    if (whole && (WIFSIGNALED(status) || WEXITSTATUS(status) == 0))
        return FINISHED;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? KILLED : FAILED;
}

static void wait_seconds(double seconds) {
    const struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&time, NULL);
}

/* Runs, kills and resumes a training until it has come to its end. */
static bool disturb(const soak_plan *plan, double longest_wait, uint64_t *hash) {
    for (uint64_t attempt = 0;; attempt++) {
        const double share = bp_random_u32(plan->seed, plan->round, 5000 + attempt) * 0x1p-32;
        counts.reloads += access(file_in("checkpoint"), F_OK) == 0;
        child c = start(plan, soak_way_draw(plan->seed, plan->round, 3000 + attempt), file_in("checkpoint"));
        wait_seconds(share * longest_wait);
        kill(c.process, SIGKILL);
        const outcome end = finish(&c, hash);
        if (end != KILLED)
            return end == FINISHED;
        counts.kills++;
        counts.early += access(file_in("checkpoint"), F_OK) != 0;
    }
}

/* How many steps of a round's plan fill RUN_SECONDS, about. */
static uint64_t steps_for(uint64_t seed, uint64_t round) {
    enum { TRIED = 50 };
    uint64_t hash;
    const soak_plan plan = soak_plan_draw(seed, round, TRIED);
    const double begin = seconds_now();
    child c = start(&plan, soak_way_draw(seed, round, 2000), NULL);
    if (finish(&c, &hash) != FINISHED)
        return TRIED;
    const double steps = TRIED * RUN_SECONDS / (seconds_now() - begin);
    return steps < TRIED ? TRIED : steps > 20000 ? 20000 : (uint64_t)steps;
}

static bool round_of(uint64_t seed, uint64_t round) {
    const soak_plan plan = soak_plan_draw(seed, round, steps_for(seed, round));
    char text[200];
    uint64_t expected = 0, hash = 0;
    soak_plan_describe(&plan, text, sizeof text);
    const double begin = seconds_now();
    child c = start(&plan, soak_way_draw(seed, round, 2000), NULL);
    if (finish(&c, &expected) != FINISHED)
        return false;
    const double taken = seconds_now() - begin;
    const size_t kills = counts.kills;
    const bool finished = disturb(&plan, 2 * taken / KILLS_A_RUN, &hash);
    const size_t half = clear_folder();
    counts.while_writing += half;
    counts.rounds++;
    printf("round %" PRIu64 ": %s, %" PRIu64 " steps, killed %zu times, %zu of them while writing: %016" PRIx64 "%s\n",
           round, text, plan.steps, counts.kills - kills, half, hash, finished && hash == expected ? "" : " DIFFERS");
    if (finished && hash != expected)
        fprintf(stderr, "soak: the undisturbed run gives %016" PRIx64 "\n", expected);
    return finished && hash == expected;
}

static bool watch_memory(uint64_t seed, double seconds) {
    int status;
    const pid_t process = fork();
    if (process == 0) {
        const bool good = soak_watch_memory(seed, seconds, file_in("checkpoint"));
        fflush(stdout);
        _exit(good ? 0 : 1);
    }
    const bool good =
        process > 0 && waitpid(process, &status, 0) == process && WIFEXITED(status) && !WEXITSTATUS(status);
    clear_folder();
    return good;
}

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 0;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
    const char *root = getenv("TMPDIR");
    if (!(seconds > 0) || argc > 3) {
        fprintf(stderr, "Usage: soak SECONDS [SEED]\n");
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/backprop-soak-XXXXXX", root && *root ? root : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 2;
    }
    printf("seed %" PRIu64 "\n", seed);
    fflush(stdout);
    const double begin = seconds_now();
    bool good = watch_memory(seed, seconds / 4);
    while (good && (counts.rounds == 0 || seconds_now() - begin < seconds)) {
        good = round_of(seed, counts.rounds);
        fflush(stdout);
    }
    clear_folder();
    rmdir(folder);
    printf("%zu trainings, killed %zu times (%zu of them before their first checkpoint, %zu while writing one), "
           "resumed %zu times: %s\n",
           counts.rounds, counts.kills, counts.early, counts.while_writing, counts.reloads,
           good ? "all ended with the bits of undisturbed runs" : "FAILED");
    return good && counts.kills > 0 ? 0 : 1;
}
