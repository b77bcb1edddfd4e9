/* SPDX-License-Identifier: MIT */
/*
 * communicate.c - a process's input written and its output collected, at the same time.
 *
 * One after the other would not do: a process that is blocked because nobody reads what it writes does not read, either.
 */
#include "io/process/spawn.h"

/* It need not read all of it, and its standard input may have been closed before. */
static int feed(bide_stream *s, const bide_bytes *input)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    bide_retain(s);
    int code = input->len > 0 ? bide_write(s, input->data, input->len) : 0;
    if (code == 0)
        code = bide_stream_shutdown(s);
    bide__stream_abort(s); /* whatever became of it, no more will come */
    bide__object_unref(s);
    if (code == -EPIPE || (code == BIDE_ECLOSED && input->len == 0))
        code = 0;
    bide__error_end(&mark, code);
    return code;
}

static int collect(bide_process *p, bide_stream *s, struct buf *to)
{
    ssize_t n = 1;

    bide_retain(s);
    while (n > 0) {
        char *room = bide__buf_reserve(to, STREAM_READ_SIZE + 1);
        n = room ? bide_read(s, room, STREAM_READ_SIZE) : bide_error_code();
        if (n >= 0) {
            room[n] = '\0';
            bide__buf_commit(to, (size_t)n);
        }
        if (bide__buf_len(to) > p->max_output)
            n = bide_fail(BIDE_ELIMIT, "%s wrote more than %zu bytes", p->name, p->max_output);
    }
    bide__object_unref(s);
    return (int)n;
}

/* All that has to be done; one thing alone needs no task. */
static int exchange(bide_process *p, const bide_bytes *input)
{
    bide_awaitable parts[4];
    size_t n = 0;

    if (p->pipes[0])
        parts[n++] = BIDE_AW(bide_coro(feed, p->pipes[0], input));
    for (int i = 1; i < 3; i++)
        if (p->pipes[i])
            parts[n++] = BIDE_AW(bide_coro(collect, p, p->pipes[i], &p->collected[i - 1]));
    if (p->pipes[3] && !p->pipes[1])
        parts[n++] = BIDE_AW(bide_coro(collect, p, p->pipes[3], &p->collected[0]));
    if (n == 0)
        return 0;
    int code = n == 1 ? bide_await(parts[0]) : bide_gather_n(parts, n);
    return code < 0 ? code : 0;
}

static bide_bytes bytes_of(const struct buf *b)
{
    return bide__buf_len(b) > 0 ? (bide_bytes){bide__buf_head(b), bide__buf_len(b)} : (bide_bytes){"", 0};
}

int bide_process_communicate(bide_process *p, bide_bytes input, bide_bytes *out, bide_bytes *err)
{
    int code = bide__process_enter(p, __func__);
    if (code < 0)
        return code;
    if (input.len > 0 && !p->pipes[0])
        code = bide_fail(BIDE_ESTATE, "bide_process_communicate: the standard input of %s is no pipe", p->name);

    if (code == 0)
        code = exchange(p, &input);
    if (code == 0 || p->timed_out)
        code = bide_process_wait(p);
    if (code >= 0 && out)
        *out = bytes_of(&p->collected[0]);
    if (code >= 0 && err)
        *err = bytes_of(&p->collected[1]);
    bide__process_leave(p);
    return code;
}

bide_process *bide_process_run_with(const bide_process_args *options)
{
    bide_process_args a;
    if (bide__options_take(&a, sizeof a, options, "bide_process_run") < 0)
        return NULL;
    bide_bytes input = a.input;

    a.size = sizeof a;
    a.input = (bide_bytes){NULL, 0};
    if (input.data)
        a.stdin_from = BIDE_PIPE;
    if (a.stdout_to.kind == BIDE_REDIRECT_INHERIT && !a.terminal)
        a.stdout_to = BIDE_PIPE;
    bide_process *p = bide_process_spawn_with(&a);
    int code = p ? bide_process_communicate(p, input, NULL, NULL) : 0;
    if (!p || code >= 0)
        return p;
    (bide_release)(p);
    return NULL;
}

bide_bytes bide_process_output(const bide_process *p)
{
    return bide__is_null(p, __func__, "the process") ? (bide_bytes){"", 0} : bytes_of(&p->collected[0]);
}

bide_bytes bide_process_error_output(const bide_process *p)
{
    return bide__is_null(p, __func__, "the process") ? (bide_bytes){"", 0} : bytes_of(&p->collected[1]);
}
