/* SPDX-License-Identifier: MIT */
/* process.h - what the tests of processes share. */
#ifndef TESTS_IO_PROCESS_H
#define TESTS_IO_PROCESS_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/bide.h>

#include "harness/harness.h"

/* How many descriptors this process has. */
static inline int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    EXPECT_NOT_NULL(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* It has no child, not even one that has ended. */
static inline bool has_no_child(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static inline bool is_there(int pid)
{
    return kill(pid, 0) == 0;
}

#endif
