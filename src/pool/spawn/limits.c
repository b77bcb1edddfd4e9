/* SPDX-License-Identifier: MIT */
/* limits.c - how many processors may be used here, and did the kernel run out of memory? */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "pool/spawn/spawn.h"

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

/* The path behind "N:CONTROLLER:" (the old hierarchies) or "0::" (the unified one). */
static bool find_path(const char *lines, const char *prefix, char *out, size_t cap, const char *root)
{
    const char *at = lines, *end;
    size_t len = strlen(prefix);

    for (; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        const char *name = strchr(at, ':');
        if (!name || strncmp(name, prefix, len) != 0 || !(end = strchr(name + len, '\n')))
            continue;
        return snprintf(out, cap, "%s%.*s", root, (int)(end - name - (ptrdiff_t)len), name + len) < (int)cap;
    }
    return false;
}

bool bide__own_cgroup(const char *controller, char *out, size_t cap)
{
    char lines[4096], prefix[64], root[96];
    if (!read_small("/proc/self", "cgroup", lines, sizeof lines))
        return false;

    snprintf(prefix, sizeof prefix, ":%s:", controller);
    snprintf(root, sizeof root, "/sys/fs/cgroup/%s", controller);
    return find_path(lines, prefix, out, cap, root) || find_path(lines, "::", out, cap, "/sys/fs/cgroup");
}

static long long read_number(const char *dir, const char *name, const char *before)
{
    char text[1024];
    long long n = -1;
    if (!read_small(dir, name, text, sizeof text))
        return -1;
    const char *at = strstr(text, before);

    return at && sscanf(at + strlen(before), "%lld", &n) == 1 ? n : -1;
}

int bide__cpu_quota(const char *cgroup_dir)
{
    char text[128];
    long long quota = 0, period = 0;
    if (!read_small(cgroup_dir, "cpu.max", text, sizeof text)) {
        quota = read_number(cgroup_dir, "cpu.cfs_quota_us", "");
        period = read_number(cgroup_dir, "cpu.cfs_period_us", "");
    } else if (sscanf(text, "%lld %lld", &quota, &period) != 2) {
        return 0; /* "max" */
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

long bide__oom_kills(const char *cgroup_dir)
{
    long n = (long)read_number(cgroup_dir, "memory.events", "oom_kill ");

    return n >= 0 ? n : (long)read_number(cgroup_dir, "memory.oom_control", "oom_kill ");
}

int bide__cpus_usable(void)
{
    cpu_set_t set;
    char dir[512];
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int quota = bide__own_cgroup("cpu", dir, sizeof dir) ? bide__cpu_quota(dir) : 0;

    if (quota > 0 && quota < n)
        n = quota;
    return n > 0 ? n : 1;
}

int bide_pool_default_workers(void)
{
    const char *wanted = getenv("BIDE_WORKERS");
    int n = wanted ? atoi(wanted) : 0;
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
