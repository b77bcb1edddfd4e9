/* SPDX-License-Identifier: MIT */
/*
 * child.c - what a new process does before it becomes another program.
 *
 * It runs on a stack of its own in the memory of ours, while the thread that made it stands still: as after vfork().  So it makes
 * bare system calls: what the C library or a sanitizer remembers of a call would be remembered in our process.  Nor may the compiler
 * add anything that is written to memory of ours: hence UNINSTRUMENTED.
 *
 * Its own are its descriptors, its signal handlers, mask and directory.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util/uninstrumented.h"
#include "io/process/spawn.h"

#define RANGE_CLOEXEC 4u /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
#define SIGNALS_END 65
#define SIGNAL_SET_BYTES 8 /* the kernel's sigset_t */

UNINSTRUMENTED static _Noreturn void fail(struct spawn *sp, enum spawn_step step, int code)
{
    int words[2] = {(int)step, code};

    sp->failed_step = step;
    sp->failed_code = code;
    if (sp->report[1] >= 0)
        syscall(SYS_write, sp->report[1], words, sizeof words);
    for (;;)
        syscall(SYS_exit_group, 127);
}

/*
 * A handler of ours is no function of the other program.  What is ignored stays so (nohup), but for SIGPIPE, which programs like
 * ours ignore and others rely on, and SIGCHLD, without which they lose their children.
 */
UNINSTRUMENTED static void reset_signals(void)
{
    /* The kernel's struct sigaction: the handler comes first, and zeros are SIG_DFL. */
    uintptr_t now[8], normal[8] = {0};

    for (int i = 1; i < SIGNALS_END; i++) {
        if (syscall(SYS_rt_sigaction, i, NULL, now, SIGNAL_SET_BYTES) != 0 || now[0] == (uintptr_t)SIG_DFL)
            continue;
        if (now[0] != (uintptr_t)SIG_IGN || i == SIGPIPE || i == SIGXFSZ || i == SIGCHLD)
            syscall(SYS_rt_sigaction, i, normal, NULL, SIGNAL_SET_BYTES);
    }
}

UNINSTRUMENTED static void join_group(struct spawn *sp)
{
    if (sp->args->new_session || sp->terminal >= 0)
        syscall(SYS_setsid);
    else if (sp->has_group)
        syscall(SYS_setpgid, 0, 0);
    if (sp->terminal >= 0 && syscall(SYS_ioctl, sp->terminal, TIOCSCTTY, 0) < 0)
        fail(sp, STEP_TERMINAL, -errno);
}

/* First out of the way of all targets, then each to its own: so one may stand where another one goes. */
UNINSTRUMENTED static void move_descriptors(struct spawn *sp)
{
    int above = STDERR_FILENO + 1;

    for (size_t i = 0; i < sp->moves_len; i++)
        above = sp->moves[i].target >= above ? sp->moves[i].target + 1 : above;
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, RANGE_CLOEXEC);
    for (size_t i = 0; i < sp->moves_len; i++) {
        long high = syscall(SYS_fcntl, sp->moves[i].from, F_DUPFD_CLOEXEC, above);
        if (high < 0)
            fail(sp, STEP_PASS, -errno);
        sp->moves[i].from = (int)high;
    }
    for (size_t i = 0; i < sp->moves_len; i++)
        if (syscall(SYS_dup3, sp->moves[i].from, sp->moves[i].target, 0) < 0)
            fail(sp, STEP_PASS, -errno);
    if (sp->args->stderr_to.kind == BIDE_REDIRECT_STDOUT && syscall(SYS_dup3, STDOUT_FILENO, STDERR_FILENO, 0) < 0)
        fail(sp, STEP_STDERR, -errno);
}

/* Of this thread alone, as the kernel has it: the C library's functions would change all threads of our process. */
UNINSTRUMENTED static void become_user(struct spawn *sp)
{
    const bide_process_args *a = sp->args;

    if ((a->uid || a->gid) && syscall(SYS_setgroups, 0, NULL) < 0)
        fail(sp, STEP_USER, -errno);
    if (a->gid && syscall(SYS_setresgid, a->gid, a->gid, a->gid) < 0)
        fail(sp, STEP_USER, -errno);
    if (a->uid && syscall(SYS_setresuid, a->uid, a->uid, a->uid) < 0)
        fail(sp, STEP_USER, -errno);
}

/* The next directory of PATH with the program in it; NULL: there is none.  An empty one is where we are. */
UNINSTRUMENTED static const char *next_path(struct spawn *sp, const char **search)
{
    const char *from = *search;
    size_t n = 0;
    if (!from)
        return NULL;

    for (; *from && *from != ':'; from++)
        if (n < SPAWN_PATH_MAX)
            sp->path[n++] = *from;
    *search = *from ? from + 1 : NULL;
    if (n > 0 && n < SPAWN_PATH_MAX)
        sp->path[n++] = '/';
    for (const char *p = sp->program; *p && n < SPAWN_PATH_MAX; p++)
        sp->path[n++] = *p;
    if (n >= SPAWN_PATH_MAX)
        n = 0; /* too long to be there */
    sp->path[n] = '\0';
    return sp->path;
}

/* A directory in which we may not look, or a file that we may not run, is said only if no other has it. */
UNINSTRUMENTED static _Noreturn void run_program(struct spawn *sp)
{
    const char *search = sp->search, *path = search ? next_path(sp, &search) : sp->program;
    int code = -ENOENT;

    for (; path; path = next_path(sp, &search)) {
        syscall(SYS_execve, path, sp->argv, sp->env);
        bool is_elsewhere = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
        if (errno == EACCES || !is_elsewhere || !sp->search)
            code = -errno;
        if (!is_elsewhere || !sp->search)
            break;
    }
    fail(sp, STEP_EXEC, code);
}

UNINSTRUMENTED int bide__spawn_child(void *spawn)
{
    struct spawn *sp = spawn;
    const bide_process_args *a = sp->args;
    uint64_t no_signals = 0;

    sp->shares_memory = true;
    reset_signals();
    join_group(sp);
    if (a->umask)
        syscall(SYS_umask, a->umask == BIDE_NONE ? 0 : a->umask);
    move_descriptors(sp);
    if (a->directory && syscall(SYS_chdir, a->directory) < 0)
        fail(sp, STEP_DIRECTORY, -errno);
    become_user(sp);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, SIGNAL_SET_BYTES);
    run_program(sp);
}
