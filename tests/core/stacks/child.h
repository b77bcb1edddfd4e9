/* SPDX-License-Identifier: MIT */
/* child.h - a child of the test, for what ends a process: its status, and what it has written to standard error. */
#ifndef TESTS_CORE_STACKS_CHILD_H
#define TESTS_CORE_STACKS_CHILD_H

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/harness.h"

static char child_text[65536];

/* Run body in a child; its stderr lands in child_text.  Returns its wait status. */
__attribute__((unused)) static int run_child(void (*body)(void))
{
    int out[2];
    EXPECT_EQ(pipe(out), 0);
    fflush(NULL);
    pid_t pid = fork();
    EXPECT_TRUE(pid >= 0);
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(60);
        dup2(out[1], STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        body();
        _exit(0);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(out[0], child_text + len, sizeof child_text - 1 - len)) > 0;)
        len += (size_t)n;
    child_text[len] = 0;
    close(out[0]);
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
}

__attribute__((unused)) static bool child_said(const char *text)
{
    if (strstr(child_text, text))
        return true;
    fprintf(stderr, "not said: %s\nbut: %s\n", text, child_text);
    return false;
}

#endif
