#define _GNU_SOURCE 1 /* sched_getaffinity */
#include "platform/cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, TEXT_SIZE = 64 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The first line of a file in a folder; empty if it cannot be read. */
static void read_line(char *text, const char *folder, const char *name) {
    char path[PATH_SIZE];
    *text = '\0';
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length > 0 && length < PATH_SIZE ? fopen(path, "re") : NULL;
    if (!file)
        return;
    if (!fgets(text, TEXT_SIZE, file))
        *text = '\0';
    fclose(file);
}

/* Reads a positive integer and advances. Else 0, as for "max" and "-1", which mean no quota. */
static unsigned long number(const char **text) {
    char *end;
    const unsigned long value = **text >= '0' && **text <= '9' ? strtoul(*text, &end, 10) : 0;
    if (value == 0 || (*end != ' ' && *end != '\n' && *end != '\0'))
        return 0;
    *text = *end ? end + 1 : end;
    return value;
}

/* Microseconds of CPU time per period, in CPUs, rounded up. */
static size_t in_cpus(unsigned long quota, unsigned long period) {
    return quota == 0 || period == 0 ? SIZE_MAX : quota / period + (quota % period != 0);
}

/* The quota of one group: "50000 100000" in one file in version 2, in two files in version 1. */
static size_t group_quota(const char *folder) {
    char max[TEXT_SIZE], quota[TEXT_SIZE], period[TEXT_SIZE];
    read_line(max, folder, "cpu.max");
    read_line(quota, folder, "cpu.cfs_quota_us");
    read_line(period, folder, "cpu.cfs_period_us");
    const char *m = max, *q = quota, *p = period;
    const unsigned long max_quota = number(&m);
    return least(in_cpus(max_quota, number(&m)), in_cpus(number(&q), number(&p)));
}

/*
 * The smallest quota of a group and its parents up to the mount point. In a container the upper part of the path may be
 * the host's: missing folders have no quota, and the mount point is the container's group.
 */
static size_t path_quota(const char *root, const char *mount, const char *group) {
    char folder[PATH_SIZE];
    const int top = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, mount);
    if (top < 0 || (size_t)top + strlen(group) >= sizeof folder)
        return SIZE_MAX;
    if (!strstr(group, "/..")) /* else the group lies outside of the mount */
        memcpy(folder + top, group, strlen(group) + 1);
    size_t quota = group_quota(folder);
    while (strlen(folder) > (size_t)top) {
        *strrchr(folder, '/') = '\0';
        quota = least(quota, group_quota(folder));
    }
    return quota;
}

/* Whether a comma-separated list contains "cpu". */
static bool has_cpu(const char *list) {
    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, "cpu", 3) == 0 && (list[3] == ',' || list[3] == '\0'))
            return true;
    }
    return false;
}

size_t bp_cpu_quota(const char *root) {
    char line[PATH_SIZE];
    const int length = snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = length > 0 && length < PATH_SIZE ? fopen(line, "re") : NULL;
    size_t quota = SIZE_MAX;
    /* Lines like "0::/group" (version 2) and "4:cpu,cpuacct:/group" (version 1). */
    while (file && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || group[1] != '/')
            continue;
        *controllers++ = *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (*controllers == '\0')
            quota = least(quota, least(path_quota(root, "", group), path_quota(root, "/unified", group)));
        else if (has_cpu(controllers))
            quota = least(quota, least(path_quota(root, "/cpu", group), path_quota(root, "/cpu,cpuacct", group)));
    }
    if (file)
        fclose(file);
    return quota;
}

static size_t granted_cpus(void) {
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        return (size_t)CPU_COUNT(&cpus);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t bp_process_cpus(void) {
    const size_t granted = granted_cpus(), quota = bp_cpu_quota("");
    return least(granted, quota);
}
