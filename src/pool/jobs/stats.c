/* SPDX-License-Identifier: MIT */
/*
 * stats.c - how a pool is doing, for itself and for others.
 *
 * Once a second while it works, the pool writes its figures into memory without a name, which /proc/PID/fd shows to those
 * who may look.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pool/jobs/backend.h"

#define PUBLISH_NS 1000000000
#define STATS_NAME "bide-pool-stats"

/* ---- figures ---- */

static void measure(const bide_pool *p, bide_pool_stats *out)
{
    *out = (bide_pool_stats){.done = p->done, .failed = p->failed, .cancelled = p->cancelled, .retried = p->retried, .moved = p->moved};
    out->wait_p50_ns = bide_histogram_quantile(&p->wait, 500);
    out->wait_p99_ns = bide_histogram_quantile(&p->wait, 990);
    out->run_p50_ns = bide_histogram_quantile(&p->run, 500);
    out->run_p99_ns = bide_histogram_quantile(&p->run, 990);
    if (p->backend->stats)
        p->backend->stats(p, out);
    out->queued = p->pending > out->running ? p->pending - out->running : 0;
}

int bide_pool_size(const bide_pool *p)
{
    BIDE_TRY(bide__pool_check_reader(p, __func__));
    return p->backend->size ? p->backend->size(p) : 0;
}

int bide_pool_pid(const bide_pool *p, int worker)
{
    BIDE_TRY(bide__pool_check_reader(p, __func__));
    return p->backend->pid ? p->backend->pid(p, worker) : 0;
}

/* A program with our headers has room for all of it; the struct is too large for a copy on a task's stack. */
void bide_pool_stats_get_into(const bide_pool *p, bide_pool_stats *out, size_t size)
{
    if (out)
        memset(out, 0, size);
    if (!bide__pool_allows(p, "bide_pool_stats_get") || !out)
        return;
    if (size >= sizeof *out) {
        measure(p, out);
        return;
    }
    bide_pool_stats *all = bide__malloc(sizeof *all);
    if (!all)
        return;
    measure(p, all);
    bide__options_give(out, size, all, sizeof *all);
    bide__free(all);
}

/* ---- for others ---- */

int bide__stats_open(bide_pool *p)
{
    p->published_fd = bide__fd_above_standard(memfd_create(STATS_NAME, MFD_CLOEXEC));
    if (p->published_fd < 0 || ftruncate(p->published_fd, sizeof *p->published) < 0)
        return bide_fail(-errno, "memory for a pool: %s", bide_strerror(-errno));
    void *m = mmap(NULL, sizeof *p->published, PROT_READ | PROT_WRITE, MAP_SHARED, p->published_fd, 0);
    if (m == MAP_FAILED)
        return bide_fail(-errno, "memory for a pool: %s", bide_strerror(-errno));
    p->published = m;
    return 0;
}

void bide__stats_publish(bide_pool *p)
{
    int64_t now = p->loop->now_ns;
    if (!p->published || now - p->published_ns < PUBLISH_NS)
        return;
    p->published_ns = now;
    measure(p, p->published);
}

void bide__stats_close(bide_pool *p)
{
    if (p->published)
        munmap(p->published, sizeof *p->published);
    if (p->published_fd >= 0)
        close(p->published_fd);
    p->published = NULL;
    p->published_fd = -1;
}

/* Is this descriptor of the other process the figures of a pool?  Reads them. */
static bool read_stats(const char *path, bide_pool_stats *out)
{
    char target[64];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    if (strncmp(target, "/memfd:" STATS_NAME, strlen("/memfd:" STATS_NAME)) != 0)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    memset(out, 0, sizeof *out);
    bool ok = pread(fd, out, sizeof *out, 0) > 0; /* less, if its bide is older */
    close(fd);
    return ok;
}

int bide_pool_inspect_into(int pid, bide_pool_stats *out, int max, size_t size)
{
    char path[320];
    int found = 0;
    if (pid <= 0 || max < 0 || (max > 0 && !out))
        return bide_fail(-EINVAL, "bide_pool_inspect: process %d, max = %d%s: not a process, or no place for the figures", pid, max,
                         out ? "" : ", out = NULL");

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return bide_fail(errno == ENOENT ? -ESRCH : -errno, "process %d: %s", pid, bide_strerror(errno == ENOENT ? -ESRCH : -errno));
    bide_pool_stats *one = bide__malloc(sizeof *one);
    for (struct dirent *e; one && (e = readdir(dir));) {
        snprintf(path, sizeof path, "/proc/%d/fd/%s", pid, e->d_name);
        if (!read_stats(path, one))
            continue;
        if (found < max)
            bide__options_give((char *)out + (size_t)found * size, size, one, sizeof *one);
        found++;
    }
    closedir(dir);
    if (!one)
        return bide__fail_nomem("bide_pool_inspect");
    bide__free(one);
    return found;
}
