/* The default number of threads: the CPU quotas of control groups, in trees of files that stand for machines. */
#define _GNU_SOURCE 1 /* mkdtemp, nftw, sched_getaffinity */
#include <ftw.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/harness.h"

#include "network/workers.h"
#include "platform/cpus.h"

enum { FILES_MAX = 6 };

typedef struct machine {
    const char *what;
    size_t quota;
    struct {
        const char *path, *text;
    } files[FILES_MAX];
} machine;

#define CGROUP "proc/self/cgroup"
#define SYS "sys/fs/cgroup/"

static const machine machines[] = {
    {"nothing at all", SIZE_MAX, {{0}}},
    {"version 2, no quota", SIZE_MAX, {{CGROUP, "0::/a\n"}, {SYS "a/cpu.max", "max 100000\n"}}},
    {"version 2, in a container", 2, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "200000 100000\n"}}},
    {"version 2, rounded up", 3, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "200001 100000\n"}}},
    {"version 2, less than one", 1, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "1000 100000\n"}}},
    {"version 2, another period", 5, {{CGROUP, "0::/a/b\n"}, {SYS "a/b/cpu.max", "250000 50000\n"}}},
    {"version 2, the upper group has less",
     2,
     {{CGROUP, "0::/a/b\n"}, {SYS "a/b/cpu.max", "400000 100000\n"}, {SYS "a/cpu.max", "150000 100000\n"}}},
    {"version 2, the lower group has less",
     1,
     {{CGROUP, "0::/a/b\n"}, {SYS "a/b/cpu.max", "100000 100000\n"}, {SYS "a/cpu.max", "300000 100000\n"}}},
    {"version 2, another group", SIZE_MAX, {{CGROUP, "0::/a\n"}, {SYS "b/cpu.max", "100000 100000\n"}}},
    {"version 2, the host's path", 4, {{CGROUP, "0::/docker/1f\n"}, {SYS "cpu.max", "400000 100000\n"}}},
    {"version 2, a group outside", 4, {{CGROUP, "0::/../1f\n"}, {SYS "cpu.max", "400000 100000\n"}}},
    {"version 1",
     2,
     {{CGROUP, "5:memory:/m\n4:cpu,cpuacct:/a\n"},
      {SYS "cpu/a/cpu.cfs_quota_us", "150000\n"},
      {SYS "cpu/a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, controllers the other way round",
     7,
     {{CGROUP, "4:cpuacct,cpu:/a\n"},
      {SYS "cpu/a/cpu.cfs_quota_us", "700000\n"},
      {SYS "cpu/a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, mounted by its long name",
     1,
     {{CGROUP, "4:cpu,cpuacct:/a/b\n"},
      {SYS "cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n"},
      {SYS "cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, no quota",
     SIZE_MAX,
     {{CGROUP, "4:cpu:/\n"}, {SYS "cpu/cpu.cfs_quota_us", "-1\n"}, {SYS "cpu/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, no period", SIZE_MAX, {{CGROUP, "4:cpu:/\n"}, {SYS "cpu/cpu.cfs_quota_us", "100000\n"}}},
    {"version 1, of another controller",
     SIZE_MAX,
     {{CGROUP, "4:cpuset,cpuacct:/\n"},
      {SYS "cpu/cpu.cfs_quota_us", "100000\n"},
      {SYS "cpu/cpu.cfs_period_us", "100000\n"}}},
    {"both versions",
     3,
     {{CGROUP, "1:cpu:/a\n0::/a\n"},
      {SYS "cpu/a/cpu.cfs_quota_us", "600000\n"},
      {SYS "cpu/a/cpu.cfs_period_us", "100000\n"},
      {SYS "unified/a/cpu.max", "300000 100000\n"}}},
    {"rubbish",
     SIZE_MAX,
     {{CGROUP, "\n0\n0:\n::\n0::a\n0::/\n"}, {SYS "cpu.max", "a few\n"}, {SYS "cpu.cfs_quota_us", "x"}}},
    {"rubbish behind a number", SIZE_MAX, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "100000x 100000\n"}}},
    {"zeros", SIZE_MAX, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "100000 0\n"}}},
    {"minus", SIZE_MAX, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "-100000 100000\n"}}},
    {"half a line", SIZE_MAX, {{CGROUP, "0::/\n"}, {SYS "cpu.max", "100000"}}},
    {"nothing in it", SIZE_MAX, {{CGROUP, "0::/\n"}, {SYS "cpu.max", ""}}},
    {"a folder", SIZE_MAX, {{CGROUP "/x", ""}}},
};

static char root[] = "/tmp/backprop-quota-XXXXXX";

static void write_file(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status, (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

static void quotas_of_machines(void **state) {
    (void)state;
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        for (size_t f = 0; f < FILES_MAX && machines[m].files[f].path; f++)
            write_file(machines[m].files[f].path, machines[m].files[f].text);
        const size_t quota = bp_cpu_quota(root);
        if (quota != machines[m].quota)
            fail_msg("%s: %zu, not %zu", machines[m].what, quota, machines[m].quota);
        assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
}

/* Paths as long as they may be, and longer. */
static void long_paths(void **state) {
    (void)state;
    static char line[10000];
    for (size_t length = 3990; length < 9000; length += length < 4110 ? 1 : 499) {
        strcpy(line, "0::");
        memset(line + 3, 'x', length);
        for (size_t k = 0; k < length; k += 200)
            line[3 + k] = '/';
        strcpy(line + 3 + length, "\n");
        write_file(CGROUP, line);
        write_file(SYS "cpu.max", "100000 100000\n");
        const size_t quota = bp_cpu_quota(root);
        assert_true(quota == 1 || quota == SIZE_MAX);
    }
    assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void the_default_is_the_least(void **state) {
    (void)state;
    size_t threads = 0;
    cpu_set_t cpus;
    unsetenv("BACKPROP_THREADS");
    assert_int_equal(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    const size_t affinity = (size_t)CPU_COUNT(&cpus), quota = bp_cpu_quota("");
    assert_int_equal(bp_default_threads(&threads), BP_OK);
    assert_int_equal(threads, affinity < quota ? affinity : quota);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_of_machines),
        cmocka_unit_test(long_paths),
        cmocka_unit_test(the_default_is_the_least),
    };
    if (!mkdtemp(root))
        return 1;
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(root);
    return failures;
}
