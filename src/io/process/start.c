/* SPDX-License-Identifier: MIT */
/*
 * start.c - bide_process_spawn: the options, the process and its pipes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/descriptor.h>

#include "io/process/spawn.h"

#define FDS_MAX 1024
#define DEFAULT_GRACE_MS 5000
#define DEFAULT_MAX_OUTPUT ((size_t)64 << 20)

/* ---- the options ---- */

static int check_args(const bide_process_args *a)
{
    static const char function[] = "bide_process_spawn";
    int code = bide__check_named(a->guard_, function);

    if (code == 0)
        code = bide__check_time(function, "timeout_ms", a->timeout_ms, true);
    if (code == 0)
        code = bide__check_time(function, "grace_ms", a->grace_ms, false);
    if (code == 0)
        code = bide__check_size(function, "max_output", a->max_output, BIDE_UNLIMITED);
    if (code < 0)
        return code;
    if (a->umask != BIDE_NONE && a->umask & ~0777)
        return bide_fail(-EINVAL, "%s: umask 0%o is not 0 to 0777", function, (unsigned)a->umask);
    if (a->rows < 0 || a->rows > USHRT_MAX || a->columns < 0 || a->columns > USHRT_MAX)
        return bide_fail(-EINVAL, "%s: rows %d, columns %d", function, a->rows, a->columns);
    if ((unsigned)a->group > BIDE_PROCESS_GROUP_SHARED)
        return bide_fail(-EINVAL, "%s: group %d is none", function, (int)a->group);
    if (!(a->args && a->args[0]) && !a->shell && !a->program)
        return bide_fail(-EINVAL, "%s: there is no program", function);
    if (!a->shell && !*bide__spawn_name(a))
        return bide_fail(-EINVAL, "%s: the name of the program is empty", function);
    if (a->program && !*a->program)
        return bide_fail(-EINVAL, "%s: .program is empty", function);
    if (a->shell && (a->args || a->program))
        return bide_fail(-EINVAL, "%s: .shell, and another program", function);
    if (a->input.data)
        return bide_fail(-EINVAL, "%s: .input is for bide_process_run", function);
    if (a->fds_len > FDS_MAX)
        return bide_fail(-EINVAL, "%s: fds_len %zu is more than %d", function, a->fds_len, FDS_MAX);
    if (a->fds_len > 0 && !a->fds)
        return bide_fail(-EINVAL, "%s: fds is NULL", function);
    for (size_t i = 0; i < a->fds_len; i++)
        if (a->fds[i].theirs < 0 || a->fds[i].ours < 0)
            return bide_fail(-EINVAL, "%s: fds: %d as %d", function, a->fds[i].ours, a->fds[i].theirs);
    return 0;
}

static int check_redirect(const bide_redirect *to, const char *name)
{
    bool needs_path = to->kind == BIDE_REDIRECT_PATH || to->kind == BIDE_REDIRECT_APPEND;

    if ((unsigned)to->kind > BIDE_REDIRECT_STDOUT || (needs_path && !to->path) || (to->kind == BIDE_REDIRECT_FD && to->fd < 0))
        return bide_fail(-EINVAL, "bide_process_spawn: %s leads nowhere", name);
    if (to->kind == BIDE_REDIRECT_STDOUT && strcmp(name, "stderr_to") != 0)
        return bide_fail(-EINVAL, "bide_process_spawn: %s: BIDE_STDOUT is for stderr_to", name);
    return 0;
}

static int check_redirects(const bide_process_args *a)
{
    int code = check_redirect(&a->stdin_from, "stdin_from");

    if (code == 0)
        code = check_redirect(&a->stdout_to, "stdout_to");
    if (code == 0)
        code = check_redirect(&a->stderr_to, "stderr_to");
    return code;
}

/* One that reads our terminal must be of our group: others are stopped when they do. */
static bool wants_group(const bide_process_args *a)
{
    bool has_our_input = a->stdin_from.kind == BIDE_REDIRECT_INHERIT;

    if (a->new_session || a->terminal || a->group == BIDE_PROCESS_GROUP_OWN)
        return true;
    return a->group == BIDE_PROCESS_GROUP_DEFAULT && !(has_our_input && isatty(STDIN_FILENO));
}

/* ---- the process ---- */

static bide_process *process_new(const bide_process_args *a)
{
    const char *name = bide__spawn_name(a);
    size_t len = strlen(name) + 1;
    bide_process *p = bide__object_zalloc(sizeof *p + len);
    if (!p) {
        bide__fail_nomem("bide_process_spawn");
        return NULL;
    }

    bide__object_init(p, &bide__process_type);
    memcpy(p->name, name, len);
    p->loop = bide_retain(bide__loop_here);
    p->fd.fd = -1;
    p->exit_code = p->window = -1;
    p->check = a->check;
    p->max_output = bide__size_or(a->max_output, DEFAULT_MAX_OUTPUT);
    p->grace_ms = a->grace_ms ? a->grace_ms : DEFAULT_GRACE_MS;
    for (size_t i = 0; i < array_len(p->collected); i++)
        bide__buf_init(&p->collected[i], SIZE_MAX / 2);
    bide__list_init(&p->waiters);
    bide__list_init(&p->all);
    bide__timer_init(&p->timer, bide__process_time_is_over);
    return p;
}

static int take_pipe(bide_process *p, int i, int fd)
{
    p->pipes[i] = bide_stream_from_fd(fd);
    if (!p->pipes[i]) {
        close(fd);
        return bide_error_code();
    }
    snprintf(p->pipes[i]->peer, sizeof p->pipes[i]->peer, "%s (%d)", p->name, (int)p->pid);
    return 0;
}

static int take_pipes(bide_process *p, const int ours[4])
{
    int code = 0;

    if (ours[3] >= 0 && (p->window = fcntl(ours[3], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
        code = bide_fail(-errno, "spawn %s: %s", p->name, bide_strerror(-errno));
    for (int i = 0; i < 4; i++) {
        int one = ours[i] >= 0 ? take_pipe(p, i, ours[i]) : 0;
        code = one < 0 ? one : code;
    }
    return code;
}

/* It runs, but what belongs to it could not be made. */
static int give_up(bide_process *p, int code)
{
    siginfo_t info;

    if (bide__fd_is_open(&p->fd)) {
        bide__process_kill_now(p);
        return code;
    }
    kill(p->pid, SIGKILL); /* not reaped yet */
    bide__block_begin();
    while (waitid(P_PID, (id_t)p->pid, &info, WEXITED) < 0 && errno == EINTR)
        ;
    bide__block_end();
    return code;
}

static int begin(bide_process *p, struct spawn *sp, const bide_process_args *a)
{
    int code = bide__process_registry(p->loop);
    if (code == 0)
        code = bide__spawn(sp, a, p->has_group);
    if (code < 0)
        return code;

    p->pid = sp->pid;
    code = take_pipes(p, sp->ours);
    int watched = bide__process_watch(p, sp->pidfd);
    code = watched < 0 ? watched : code;
    if (code < 0)
        return give_up(p, code);
    bide__process_list(p);
    if (a->timeout_ms && a->timeout_ms != BIDE_FOREVER)
        bide__timer_arm(p->loop, &p->timer, a->timeout_ms);
    return 0;
}

static bide_process *spawn(const bide_process_args *a)
{
    bide_process *p = process_new(a);
    struct spawn *sp = p ? bide__malloc(sizeof *sp) : NULL;
    if (!p)
        return NULL;

    p->has_group = wants_group(a);
    int code = sp ? begin(p, sp, a) : bide__fail_nomem("bide_process_spawn");
    bide__free(sp);
    if (code == 0)
        return p;
    bide__object_unref(p);
    return NULL;
}

bide_process *bide_process_spawn_with(const bide_process_args *options)
{
    bide_process_args a;
    if (bide__options_take(&a, sizeof a, options, "bide_process_spawn") < 0 || check_args(&a) < 0 || check_redirects(&a) < 0)
        return NULL;
    if (!bide__loop_here) {
        bide_fail(BIDE_ENOLOOP, "bide_process_spawn: no event loop is running in this thread");
        return NULL;
    }

    const char *const by_shell[] = {"/bin/sh", "-c", a.shell, NULL};
    if (a.shell)
        a.args = by_shell;
    return spawn(&a);
}
