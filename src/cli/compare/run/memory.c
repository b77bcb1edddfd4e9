/* SPDX-License-Identifier: MIT */
/*
 * memory.c - the most memory that a run held, its workers included.
 *
 * Adding up what each process holds would count the pages that they share many times: the program, its libraries, what
 * fork left in common.  So the run's own process counts in full, and each worker adds what it has to itself:
 *
 *     own peak + for each child: its private pages + what its peak was above what it holds now
 *
 * The work of finding this out is taken off the run's time.
 */
#include "cli/compare/run/run.h"
#include "cli/progress/progress.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 4096

static int64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static bool read_file(int pid, const char *name, char *out)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;

    size_t n = fread(out, 1, FILE_MAX - 1, f);
    out[n] = '\0';
    fclose(f);
    return n > 0;
}

/* The number behind "\nName:" in a file of such lines; -1 if it is not there. */
static int64_t number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* A child whose memory cannot be read makes the whole unknown. */
static int64_t memory_of_child(int pid, const char *status)
{
    char rollup[FILE_MAX];
    int64_t peak = number_of(status, "\nVmHWM:"), now = number_of(status, "\nVmRSS:");
    if (peak < 0)
        return 0; /* it has ended */
    if (!read_file(pid, "smaps_rollup", rollup))
        return -1;

    int64_t clean = number_of(rollup, "\nPrivate_Clean:"), dirty = number_of(rollup, "\nPrivate_Dirty:");
    if (now < 0 || clean < 0 || dirty < 0)
        return -1;
    return clean + dirty + (peak > now ? peak - now : 0);
}

static int64_t memory_of_children(void)
{
    char status[FILE_MAX];
    int64_t sum = 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return -1;

    for (struct dirent *e; (e = readdir(proc)) && sum >= 0;) {
        int pid = (int)strtol(e->d_name, NULL, 10);
        if (pid <= 0 || !read_file(pid, "status", status) || number_of(status, "\nPPid:") != getpid())
            continue;
        int64_t kb = memory_of_child(pid, status);
        sum = kb < 0 ? -1 : sum + kb;
    }
    closedir(proc);
    return sum;
}

void compare_measure_memory(struct compare *c)
{
    struct compare_shared *s = c->shared;
    char status[FILE_MAX];
    int64_t began = clock_us(), cpu_before = cpu_us();
    int64_t own = read_file(getpid(), "status", status) ? number_of(status, "\nVmHWM:") : -1;
    int64_t others = own < 0 ? -1 : memory_of_children();

    s->memory_kb = own < 0 || others < 0 ? -1 : own + others;
    s->own_cpu_us += cpu_us() - cpu_before;
    s->own_wall_us += clock_us() - began;
}
