/* SPDX-License-Identifier: MIT */
/*
 * process.c - the memory of a running process: process_vm_readv, many pieces in a call.
 */
#include "cli/remote/memory.h"

#include <errno.h>
#include <sys/uio.h>

#define AT_ONCE 512 /* pieces; the kernel takes at most IOV_MAX, 1024 */

/* How many pieces from the first on were copied; the next one was not. */
static size_t read_some(struct process_memory *p, struct piece *pieces, size_t n)
{
    struct iovec to[AT_ONCE], from[AT_ONCE];
    size_t wanted = 0, came = 0;

    for (size_t i = 0; i < n; i++) {
        to[i] = (struct iovec){pieces[i].to, pieces[i].len};
        from[i] = (struct iovec){(void *)(uintptr_t)pieces[i].at, pieces[i].len};
        wanted += pieces[i].len;
    }
    ssize_t got = process_vm_readv(p->pid, to, n, from, n, 0);
    if (got < 0 && errno != EFAULT)
        p->error = errno;
    for (size_t sum = 0; got > 0 && came < n && sum + pieces[came].len <= (size_t)got; came++) {
        sum += pieces[came].len;
        pieces[came].came = true;
    }
    return got == (ssize_t)wanted ? n : came;
}

static void read_all(struct memory *m, struct piece *pieces, size_t n)
{
    struct process_memory *p = (struct process_memory *)m;

    for (size_t i = 0; i < n; i++)
        pieces[i].came = false;
    for (size_t done = 0; done < n && p->error == 0;) {
        size_t some = n - done < AT_ONCE ? n - done : AT_ONCE, came = read_some(p, pieces + done, some);
        done += came < some ? came + 1 : some;
    }
}

void process_memory_open(struct process_memory *p, int pid)
{
    *p = (struct process_memory){.memory.read = read_all, .pid = pid};
}

bool process_memory_write(struct process_memory *p, uint64_t at, const void *from, size_t len)
{
    struct iovec ours = {(void *)(uintptr_t)from, len}, theirs = {(void *)(uintptr_t)at, len};
    ssize_t n = p->error == 0 ? process_vm_writev(p->pid, &ours, 1, &theirs, 1, 0) : -1;

    if (n < 0 && p->error == 0 && errno != EFAULT)
        p->error = errno;
    return n == (ssize_t)len;
}
