/* SPDX-License-Identifier: MIT */
/*
 * wait.c - what is done with a process: waiting for its end, looking at it, sending it signals.
 */
#include <limits.h>

#include "io/process/spawn.h"

#define BY_SIGNAL 256 /* of the result of a wait */

/* ---- waiting ---- */

int bide__process_enter(bide_process *p, const char *function)
{
    int code = bide__is_null(p, function, "the process") ? -EINVAL : bide__check_waiter(p->loop, function);
    if (code < 0)
        return code;

    bide_retain(p);
    p->waiting++;
    return 0;
}

void bide__process_leave(bide_process *p)
{
    p->waiting--;
    bide__object_unref(p);
}

static int status_of(const bide_process *p)
{
    int status = p->signal ? BY_SIGNAL + p->signal : p->exit_code;

    if (p->lost)
        return bide_fail(p->lost, "%s (%d) has ended, but its status was taken by a wait() of this program, or SIGCHLD is ignored",
                         p->name, (int)p->pid);
    if (p->timed_out)
        return bide_fail(BIDE_ETIMEDOUT, "%s (%d) took too long, and was ended", p->name, (int)p->pid);
    if (!p->check || status == 0)
        return status;
    if (p->signal)
        return bide_fail(BIDE_EEXIT, "%s (%d): ended by signal %d (%s)", p->name, (int)p->pid, p->signal, strsignal(p->signal));
    return bide_fail(BIDE_EEXIT, "%s (%d): exit status %d", p->name, (int)p->pid, p->exit_code);
}

/* While a task waits the process has a share for it. */
static int wait_check(const bide_operation *op)
{
    const bide_process *p = op->object;

    return bide__is_null(p, "bide_process_wait", "the process") ? -EINVAL : bide__check_operable(p->loop, "bide_process_wait");
}

static int wait_attempt(const bide_operation *op, struct op_waiter *w)
{
    bide_process *p = op->object;
    int code = OPERATION_WAITS;

    if (p->was_abandoned)
        code = bide_fail(BIDE_ECLOSED, "%s (%d) was released", p->name, (int)p->pid);
    else if (p->has_ended)
        code = status_of(p);
    if (w)
        bide__process_leave(p);
    return code;
}

static void wait_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide_process *p = op->object;

    bide_retain(p);
    p->waiting++;
    bide__list_append(&p->waiters, &w->clause.node);
}

static void wait_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bide__list_remove(&w->clause.node);
    bide__process_leave(op->object);
}

static const struct bide_operation_ops wait_ops = {"bide_process_wait", wait_check, wait_attempt, wait_enlist, wait_withdraw,
                                                    .fd_at = offsetof(bide_process, fd.fd)};

bide_awaitable bide_process_awaitable(bide_process *p)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &wait_ops, .object = p}};
}

int bide_process_wait(bide_process *p)
{
    return bide__operation_await(&(bide_operation){.ops = &wait_ops, .object = p});
}

/* ---- looking, and signals ---- */

static int check_signal(const bide_process *p, const char *function)
{
    return bide__is_null(p, function, "the process") ? -EINVAL : bide__loop_check(p->loop, function);
}

static bide_stream *pipe_of(const bide_process *p, int i, const char *function)
{
    return bide__is_null(p, function, "the process") ? NULL : p->pipes[i];
}

bide_stream *bide_process_stdin(const bide_process *p)
{
    return pipe_of(p, 0, __func__);
}

bide_stream *bide_process_stdout(const bide_process *p)
{
    return pipe_of(p, 1, __func__);
}

bide_stream *bide_process_stderr(const bide_process *p)
{
    return pipe_of(p, 2, __func__);
}

bide_stream *bide_process_terminal(const bide_process *p)
{
    return pipe_of(p, 3, __func__);
}

int bide_process_resize(bide_process *p, int rows, int columns)
{
    int code = check_signal(p, __func__);
    if (code < 0)
        return code;
    if (rows <= 0 || rows > USHRT_MAX || columns <= 0 || columns > USHRT_MAX)
        return bide_fail(-EINVAL, "bide_process_resize: rows %d, columns %d", rows, columns);
    if (p->window < 0)
        return bide_fail(BIDE_ESTATE, "bide_process_resize: %s has no terminal", p->name);

    code = bide__set_window(p->window, rows, columns);
    return code < 0 ? bide_fail(code, "bide_process_resize: %s", bide_strerror(code)) : 0;
}

int bide_process_pid(const bide_process *p)
{
    return bide__is_null(p, __func__, "the process") ? -EINVAL : p->pid;
}

static int check_ended(const bide_process *p, const char *function)
{
    if (bide__is_null(p, function, "the process"))
        return -EINVAL;
    int code = bide__loop_check(p->loop, function);
    if (code == 0 && !p->has_ended)
        code = bide_fail(BIDE_ESTATE, "%s: %s (%d) runs", function, p->name, (int)p->pid);
    return code;
}

int bide_process_exit_code(const bide_process *p)
{
    int code = check_ended(p, __func__);

    return code < 0 ? code : p->exit_code;
}

int bide_process_exit_signal(const bide_process *p)
{
    int code = check_ended(p, __func__);

    return code < 0 ? code : p->signal;
}

static int fail_signal(const bide_process *p, int signal, int code)
{
    return bide_fail(code, "signal %d to %s (%d): %s", signal, p->name, (int)p->pid, bide_strerror(code));
}

int bide_process_send_signal(bide_process *p, int signal)
{
    int code = check_signal(p, __func__);
    if (code < 0)
        return code;

    code = bide__process_signal(p, signal);
    return code < 0 ? fail_signal(p, signal, code) : 0;
}

int bide_process_terminate(bide_process *p)
{
    int code = check_signal(p, __func__);
    if (code < 0)
        return code;
    if (p->has_ended)
        return fail_signal(p, SIGTERM, -ESRCH);

    bide__process_begin_end(p);
    return 0;
}
