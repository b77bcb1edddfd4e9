/* SPDX-License-Identifier: MIT */
/*
 * guard.c - guard pages under a stack: touching them is a fault, which overflow.c reports.
 *
 * Where the kernel has it (Linux 6.13), MADV_GUARD_INSTALL marks page-table entries: no memory, no new map, and any
 * number of them.  Elsewhere mprotect splits the mapping, two maps per stack, and vm.max_map_count is a wall; we stop
 * at 90 % of it, because at the wall itself malloc fails too.
 *
 * A frame larger than what is left of the stack and the whole guard steps over it, unless it was compiled with
 * -fstack-clash-protection, which touches every page (on aarch64 every sixteenth) on the way.  Not all code is, so the guard
 * is wide.  Its width costs addresses, and 8 bytes of page table for each page: see docs/design/runtime.md.
 *
 * BIDE_GUARD=madvise|mprotect|none overrides the choice (mprotect for gdb's gcore, which stumbles over the others).
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "core/stack/sanitize.h"
#include "core/stack/slab.h"

#define GUARD_BYTES ((size_t)256 << 10) /* pages of all sizes divide it */
#define ADVICE_GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, newer than our headers */
#define PIDFD_OF_MYSELF (-10000) /* PIDFD_SELF_THREAD, likewise; PIDFD_SELF_THREAD_GROUP has another number since Linux 6.17 */

enum guard { GUARD_MADVISE, GUARD_MPROTECT, GUARD_NONE };

static struct {
    pthread_once_t once;
    int result; /* of the probe */
    enum guard guard;
    size_t page;
    long max_maps;          /* vm.max_map_count */
    atomic_long mprotected; /* guards made with mprotect, process-wide */
} host = {.once = PTHREAD_ONCE_INIT};

/* ---- what this machine offers ---- */

static bool kernel_has_guards(void)
{
    void *page = mmap(NULL, host.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    /* Some emulators say yes to any advice: see whether a system call finds the page (a time of zero) unreadable. */
    bool has = madvise(page, host.page, ADVICE_GUARD_INSTALL) == 0 && nanosleep(page, NULL) < 0 && errno == EFAULT;
    munmap(page, host.page);
    return has;
}

static long read_max_maps(void)
{
    long n = 65530; /* the kernel's default */
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    if (!f)
        return n;
    if (fscanf(f, "%ld", &n) != 1)
        n = 65530;
    fclose(f);
    return n;
}

static int choose_guard(const char *wish, bool has_madvise)
{
    if (!wish || !*wish)
        host.guard = has_madvise ? GUARD_MADVISE : GUARD_MPROTECT;
    else if (strcmp(wish, "mprotect") == 0)
        host.guard = GUARD_MPROTECT;
    else if (strcmp(wish, "none") == 0)
        host.guard = GUARD_NONE;
    else if (strcmp(wish, "madvise") == 0 && has_madvise)
        host.guard = GUARD_MADVISE;
    else
        return strcmp(wish, "madvise") == 0 ? -ENOTSUP : -EINVAL;
    return 0;
}

static void probe_host(void)
{
    host.page = (size_t)sysconf(_SC_PAGESIZE);
    host.max_maps = read_max_maps();
    host.result = choose_guard(getenv("BIDE_GUARD"), kernel_has_guards());
}

int bide__guard_probe(void)
{
    pthread_once(&host.once, probe_host);
    if (host.result == -ENOTSUP)
        bide__stack_fail(ENOTSUP, "BIDE_GUARD=madvise: this kernel has no MADV_GUARD_INSTALL (Linux 6.13)");
    else if (host.result)
        bide__stack_fail(EINVAL, "BIDE_GUARD must be madvise, mprotect or none");
    return host.result;
}

size_t bide__guard_bytes(void)
{
    return GUARD_BYTES;
}

size_t bide__page_bytes(void)
{
    return host.page;
}

/* ---- installing them ---- */

/* For this process by the number that needs no descriptor (Linux 6.15), or by a pidfd, which is not kept: after a fork it would be wrong. */
static long advise_myself(const struct iovec *ranges, size_t n, int advice)
{
    long done = syscall(SYS_process_madvise, PIDFD_OF_MYSELF, ranges, n, advice, 0);
    if (done >= 0 || errno != EBADF)
        return done;
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (pidfd < 0)
        return -1;
    done = syscall(SYS_process_madvise, pidfd, ranges, n, advice, 0);
    close(pidfd);
    return done;
}

/* One system call for the whole batch. */
static bool install_vectored(const struct guards *g, uint32_t n)
{
    if (bide__valgrind_runs())
        return false; /* it does not know these system calls, and says so each time */
    struct iovec guards[GUARD_BATCH_MAX];
    for (uint32_t i = 0; i < n; i++)
        guards[i] = (struct iovec){g->first + i * g->stride, GUARD_BYTES};
    return advise_myself(guards, n, ADVICE_GUARD_INSTALL) == (long)(n * GUARD_BYTES);
}

static uint32_t install_with_madvise(const struct guards *g, uint32_t n)
{
    if (n > 1 && install_vectored(g, n))
        return n;
    for (uint32_t i = 0; i < n; i++)
        if (madvise(g->first + i * g->stride, GUARD_BYTES, ADVICE_GUARD_INSTALL))
            return i;
    return n;
}

/* Two maps per guard; leave a tenth of the maps to the rest of the process. */
static bool mprotect_budget_take(void)
{
    long limit = host.max_maps / 20 * 9;
    if (atomic_fetch_add(&host.mprotected, 1) < limit)
        return true;
    atomic_fetch_sub(&host.mprotected, 1);
    return false;
}

static uint32_t install_with_mprotect(struct guards *g, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!mprotect_budget_take())
            return i;
        if (mprotect(g->first + i * g->stride, GUARD_BYTES, PROT_NONE)) {
            atomic_fetch_sub(&host.mprotected, 1);
            return i;
        }
        g->mprotected++;
    }
    return n;
}

uint32_t bide__guard_install(struct guards *g, uint32_t n)
{
    uint32_t done = 0;
    if (host.guard == GUARD_NONE)
        return n;
    if (host.guard == GUARD_MADVISE && !g->mprotected)
        done = install_with_madvise(g, n);
    if (done > 0)
        return done;
    done = install_with_mprotect(g, n); /* asked for, or madvise refused: it does on locked memory (mlockall) */
    if (done == 0)
        bide__stack_fail(ENOMEM,
                         "no room for another stack guard: %ld guards take two memory maps each and "
                         "vm.max_map_count is %ld (raise it: sysctl -w vm.max_map_count=%ld)",
                         atomic_load(&host.mprotected), host.max_maps, host.max_maps * 4);
    return done;
}

void bide__guard_unmapped(const struct guards *g)
{
    atomic_fetch_sub(&host.mprotected, (long)g->mprotected);
}
