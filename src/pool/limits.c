/* SPDX-License-Identifier: MIT */
/* limits.c - how many processors may be used here, and did the kernel run out of memory? */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "pool/pool.h"

/* The contents of a small file; false if there is none. */
static bool read_small(const char *dir, const char *name, char *out, size_t cap)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    fclose(f);
    return true;
}

bool bide__own_cgroup(char *out, size_t cap)
{
    char text[1024], *path, *end;
    if (!read_small("/proc/self", "cgroup", text, sizeof text))
        return false;
    path = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!path)
        return false;
    path = strchr(path, '/');
    if (!path || !(end = strchr(path, '\n')))
        return false;
    *end = '\0';
    return snprintf(out, cap, "/sys/fs/cgroup%s", path) < (int)cap;
}

int bide__cpu_quota(const char *cgroup_dir)
{
    char text[128];
    long long quota, period;
    if (!read_small(cgroup_dir, "cpu.max", text, sizeof text) || sscanf(text, "%lld %lld", &quota, &period) != 2 || period <= 0)
        return 0;
    return quota > 0 ? (int)((quota + period - 1) / period) : 0;
}

long bide__oom_kills(const char *cgroup_dir)
{
    char text[1024];
    long n = -1;
    if (!read_small(cgroup_dir, "memory.events", text, sizeof text))
        return -1;
    const char *at = strstr(text, "oom_kill ");
    return at && sscanf(at, "oom_kill %ld", &n) == 1 ? n : -1;
}

int bide__cpus_usable(void)
{
    cpu_set_t set;
    char dir[512];
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int quota = bide__own_cgroup(dir, sizeof dir) ? bide__cpu_quota(dir) : 0;

    if (quota > 0 && quota < n)
        n = quota;
    return n > 0 ? n : 1;
}

int bide_pool_default_workers(void)
{
    const char *wish = getenv("BIDE_WORKERS");
    int n = wish ? atoi(wish) : 0;
    if (n > 0)
        return n;

    struct worker *w = bide__worker_here;
    n = bide__cpus_usable();
    if (w && w->birth.outer_workers > 1)
        n /= w->birth.outer_workers;
    return n > 0 ? n : 1;
}

bool bide__has_threads(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) < 0 || st.st_nlink > 3; /* itself, its parent, one for each thread */
}
