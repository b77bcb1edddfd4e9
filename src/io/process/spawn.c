/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - a new process: what it is to have is made ready here, then it is cloned and becomes its program (child.c).
 *
 * The clone shares our memory and the calling thread stands still until the program runs (CLONE_VM, CLONE_VFORK): no page table
 * is copied, so it takes as long in a program of many GiB as in a small one.  It is done in one of the loop's threads, for a
 * program on a slow disk takes its time to begin.  A pidfd comes with it, so there is no moment in which the number could be
 * that of another process.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/process/spawn.h"

#define SIGNAL_SET_BYTES 8 /* the kernel's sigset_t */
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

const char *bide__spawn_name(const bide_process_args *args)
{
    if (args->args && args->args[0])
        return args->args[0];
    return args->program ? args->program : "/bin/sh";
}

/* ---- the environment ---- */

static size_t name_len(const char *entry)
{
    return strcspn(entry, "=");
}

static bool is_in(const bide_pair *pairs, const char *entry)
{
    size_t len = name_len(entry);

    for (; pairs && pairs->name; pairs++)
        if (strlen(pairs->name) == len && memcmp(pairs->name, entry, len) == 0)
            return true;
    return false;
}

static int check_env(const bide_pair *pairs)
{
    for (; pairs && pairs->name; pairs++)
        if (pairs->name[0] == '\0' || strchr(pairs->name, '='))
            return bide_fail(-EINVAL, "bide_process_spawn: env: \"%s\" is no name of a variable", pairs->name);
    return 0;
}

/* Ours without what .env names, then those; one block: the pointers, and the texts that are made here.  A name that stands in
   .env twice is there twice, and programs take the first. */
static const char **make_env(const bide_process_args *a)
{
    size_t n = 1, bytes = 0;
    for (char **e = environ; e && *e; e++)
        n++;
    for (const bide_pair *p = a->env; p && p->name; p++, n++)
        bytes += p->value ? strlen(p->name) + strlen(p->value) + 2 : 0;
    const char **env = bide__malloc(n * sizeof *env + bytes), **to = env;
    if (!env)
        return NULL;

    for (char **e = a->clear_env ? NULL : environ; e && *e; e++)
        if (!is_in(a->env, *e))
            *to++ = *e;
    char *text = (char *)(env + n);
    for (const bide_pair *p = a->env; p && p->name; p++) {
        if (!p->value)
            continue;
        *to++ = text;
        text = stpcpy(stpcpy(stpcpy(text, p->name), "="), p->value) + 1;
    }
    *to = NULL;
    return env;
}

static const char *path_of(const char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return DEFAULT_PATH;
}

/* ---- its standard descriptors ---- */

static const bide_redirect *redirect_of(const bide_process_args *a, int i)
{
    return i == STDIN_FILENO ? &a->stdin_from : i == STDOUT_FILENO ? &a->stdout_to : &a->stderr_to;
}

static int open_pipe(struct spawn *sp, int i)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) < 0 || bide__fds_above_standard(pair) < 0)
        return -errno;
    sp->theirs[i] = pair[i == STDIN_FILENO ? 0 : 1];
    sp->ours[i] = pair[i == STDIN_FILENO ? 1 : 0];
    return 0;
}

static int open_path(struct spawn *sp, int i, const char *path, int how)
{
    int flags = i == STDIN_FILENO ? O_RDONLY : O_WRONLY | O_CREAT | how;
    int fd = bide__fd_above_standard(open(path, flags | O_CLOEXEC | O_NOCTTY, 0666));

    sp->theirs[i] = fd;
    return fd < 0 ? -errno : 0;
}

static int open_one(struct spawn *sp, int i)
{
    const bide_redirect *to = redirect_of(sp->args, i);

    switch (to->kind) {
    case BIDE_REDIRECT_PIPE:
        return open_pipe(sp, i);
    case BIDE_REDIRECT_NULL:
        return open_path(sp, i, "/dev/null", 0);
    case BIDE_REDIRECT_PATH:
        return open_path(sp, i, to->path, O_TRUNC);
    case BIDE_REDIRECT_APPEND:
        return open_path(sp, i, to->path, O_APPEND);
    default:
        return 0;
    }
}

int bide__set_window(int fd, int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* Both ends of a pseudo-terminal, the other one without going through its name. */
static int open_terminal(struct spawn *sp)
{
    const bide_process_args *a = sp->args;
    int ours = bide__fd_above_standard(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), unlock = 0;
    if (ours < 0)
        return -errno;

    sp->ours[3] = ours;
    if (ioctl(ours, TIOCSPTLCK, &unlock) < 0)
        return -errno;
    sp->terminal = bide__fd_above_standard(ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    return sp->terminal < 0 ? -errno : bide__set_window(ours, a->rows ? a->rows : 24, a->columns ? a->columns : 80);
}

static int open_all(struct spawn *sp)
{
    int terminal = sp->args->terminal ? open_terminal(sp) : 0;
    if (terminal < 0) {
        sp->failed_step = STEP_TERMINAL;
        return terminal;
    }
    for (int i = 0; i < 3; i++) {
        int code = open_one(sp, i);
        if (code < 0) {
            sp->failed_step = STEP_STDIN + (unsigned)i;
            return code;
        }
    }
    return 0;
}

static void add_move(struct spawn *sp, int from, int target)
{
    sp->moves[sp->moves_len++] = (struct spawn_move){from, target};
}

static void plan_moves(struct spawn *sp)
{
    const bide_process_args *a = sp->args;

    sp->moves_len = 0;
    for (int i = 0; i < 3; i++) {
        const bide_redirect *to = redirect_of(a, i);
        if (sp->theirs[i] >= 0)
            add_move(sp, sp->theirs[i], i);
        else if (to->kind == BIDE_REDIRECT_FD)
            add_move(sp, to->fd, i);
        else if (sp->terminal >= 0 && to->kind == BIDE_REDIRECT_INHERIT)
            add_move(sp, sp->terminal, i);
    }
    for (size_t i = 0; i < a->fds_len; i++)
        add_move(sp, a->fds[i].ours, a->fds[i].theirs);
}

static void close_all(int *fds, int n)
{
    for (int i = 0; i < n; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

/* ---- the clone ---- */

/* Clone has shared the memory once: then it always does, and the child needs no pipe to say what failed.  (An emulator copies it.) */
static atomic_bool memory_is_shared;

static int open_report(struct spawn *sp)
{
    sp->report[0] = sp->report[1] = -1;
    if (atomic_load(&memory_is_shared))
        return 0;
    return pipe2(sp->report, O_CLOEXEC) < 0 || bide__fds_above_standard(sp->report) < 0 ? -errno : 0;
}

static void read_report(struct spawn *sp)
{
    int words[2];
    ssize_t n = -1;

    if (sp->report[1] >= 0)
        close(sp->report[1]);
    if (sp->shares_memory)
        atomic_store(&memory_is_shared, true);
    bide__block_begin();
    if (!sp->shares_memory && sp->report[0] >= 0 && sp->pid > 0)
        do
            n = read(sp->report[0], words, sizeof words);
        while (n < 0 && errno == EINTR);
    bide__block_end();
    if (n == sizeof words) {
        sp->failed_step = (enum spawn_step)words[0];
        sp->failed_code = words[1];
    }
    if (sp->report[0] >= 0)
        close(sp->report[0]);
}

/* No signal while the child has our memory: it would run a handler of ours there. */
static pid_t clone_child(struct spawn *sp)
{
    const int how = CLONE_VM | CLONE_VFORK | SIGCHLD;
    uint64_t all = ~(uint64_t)0, before = 0;
    char *top = sp->stack + sizeof sp->stack;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_BYTES);
    bide__block_begin(); /* for the child, which would be this task */
    int pid = clone(bide__spawn_child, top, how | CLONE_PIDFD, sp, &sp->pidfd);
    if (pid < 0 && errno == EINVAL) /* an emulator that does not know it */
        pid = clone(bide__spawn_child, top, how, sp);
    int code = pid < 0 ? -errno : pid;
    bide__block_end();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_BYTES);
    return code;
}

static void reap_failed(struct spawn *sp)
{
    siginfo_t info;

    bide__block_begin();
    while (waitid(P_PID, (id_t)sp->pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
    bide__block_end();
    if (sp->pidfd >= 0)
        close(sp->pidfd);
    sp->pidfd = -1;
}

static int start(struct spawn *sp)
{
    int code = open_report(sp);
    if (code < 0)
        return code;

    sp->pid = clone_child(sp);
    read_report(sp);
    if (sp->pid < 0)
        return sp->pid;
    if (sp->failed_code == 0 && sp->pidfd < 0)
        sp->pidfd = (int)syscall(SYS_pidfd_open, sp->pid, 0);
    if (sp->failed_code == 0 && sp->pidfd < 0) {
        sp->failed_code = -errno;
        kill(sp->pid, SIGKILL);
    }
    if (sp->failed_code < 0)
        reap_failed(sp);
    return sp->failed_code;
}

static ssize_t spawn_run(struct file_op *op)
{
    struct spawn *sp = container_of(op, struct spawn, op);

    sp->failed_step = STEP_NONE;
    sp->failed_code = 0;
    sp->shares_memory = false;
    int code = open_all(sp);
    if (code == 0) {
        plan_moves(sp);
        code = start(sp);
    }
    close_all(sp->theirs, 3);
    close_all(&sp->terminal, 1);
    if (code < 0)
        close_all(sp->ours, 4);
    return code;
}

/* ---- from the outside ---- */

static int fail_spawn(const struct spawn *sp, int code)
{
    static const char *const names[] = {"input", "output", "error"};
    const char *name = bide__spawn_name(sp->args), *why = bide_strerror(code);

    switch (sp->failed_step) {
    case STEP_STDIN:
    case STEP_STDOUT:
    case STEP_STDERR: {
        int i = (int)(sp->failed_step - STEP_STDIN);
        const char *path = redirect_of(sp->args, i)->path;
        return bide_fail(code, "spawn %s: its standard %s, %s: %s", name, names[i], path ? path : "a pipe", why);
    }
    case STEP_TERMINAL:
        return bide_fail(code, "spawn %s: a terminal for it: %s", name, why);
    case STEP_PASS:
        return bide_fail(code, "spawn %s: a descriptor for it: %s", name, why);
    case STEP_DIRECTORY:
        return bide_fail(code, "spawn %s: directory %s: %s", name, sp->args->directory, why);
    case STEP_USER:
        return bide_fail(code, "spawn %s as user %u, group %u: %s", name, sp->args->uid, sp->args->gid, why);
    default:
        return bide_fail(code, "spawn %s: %s", sp->program, why);
    }
}

static int prepare(struct spawn *sp)
{
    static const char *const nothing[] = {NULL};
    const bide_process_args *a = sp->args;
    int code = check_env(a->env);
    if (code < 0)
        return code;

    sp->env = make_env(a);
    sp->moves = bide__malloc((3 + a->fds_len) * sizeof *sp->moves);
    if (!sp->env || !sp->moves)
        return bide__fail_nomem("bide_process_spawn");
    sp->argv = a->args ? a->args : nothing;
    sp->program = a->program ? a->program : bide__spawn_name(a);
    sp->search = strchr(sp->program, '/') ? NULL : path_of(sp->env);
    return 0;
}

int bide__spawn(struct spawn *sp, const bide_process_args *args, bool has_group)
{
    *sp = (struct spawn){.op = {.run = spawn_run}, .args = args, .has_group = has_group, .terminal = -1, .pidfd = -1,
                         .theirs = {-1, -1, -1}, .ours = {-1, -1, -1, -1}};
    int code = prepare(sp);

    if (code == 0)
        code = bide__file_run_with_descriptor(&sp->op);
    if (code == 0 && sp->op.result < 0)
        code = fail_spawn(sp, (int)sp->op.result);
    bide__free(sp->env);
    bide__free(sp->moves);
    return code;
}
