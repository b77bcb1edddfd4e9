/* SPDX-License-Identifier: MIT */
/* no_uring.h - a kernel that refuses a system call, as those of containers do; and whether this one has io_uring. */
#ifndef TESTS_IO_FILE_NO_URING_H
#define TESTS_IO_FILE_NO_URING_H

#include "harness/harness.h"

#include <errno.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From now on, in this thread and those it makes, the call gives that error. */
static inline void refuse_syscall(int number, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        SKIP("no seccomp here");
}

static inline bool kernel_has_uring(void)
{
    struct io_uring ring;
    bool has = io_uring_queue_init(1, &ring, 0) == 0;

    if (has)
        io_uring_queue_exit(&ring);
    return has;
}

#endif
