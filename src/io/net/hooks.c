/* SPDX-License-Identifier: MIT */
/*
 * hooks.c - functions of the user's that do a part of connecting: what they may give, checked.
 *
 * They run in the task that connects, and may do there what it may do.
 */
#include "io/net/connect.h"

/* The user's function failed: is there an error of its own on record?  Ends the mark. */
static bool has_said_why(struct error_mark *mark)
{
    bool is_changed = mark->is_changed;

    bide__error_end(mark, -1);
    return is_changed && bide_error_code() < 0;
}

/* Of our loop, with nothing under way in its buffers that what comes next would leave behind, or overtake. */
static int check_dialled(bide_stream *s, const struct connect_options *o)
{
    if (s->loop != bide__loop_here)
        return bide_fail(BIDE_ESTATE, "connect %s: .dial gave a stream of another event loop", o->host);
    if ((o->tls || o->unbuffered) && bide__buf_len(&s->in) > 0)
        return bide_fail(BIDE_ESTATE, "connect %s: .dial gave a stream with %zu bytes that were read ahead", o->host,
                         bide__buf_len(&s->in));
    return bide_drain(s);
}

bide_stream *bide__dial(const struct connect_options *o)
{
    if (!bide__task_required("bide_connect"))
        return NULL;
    struct error_mark mark;
    bide__error_mark(&mark);
    bide_stream *s = o->hooks->dial(o->host, o->port, o->hooks->dial_arg);

    if (!s) {
        if (!has_said_why(&mark))
            bide_fail(-EINVAL, "connect %s: .dial gave no stream, and put no error on record", o->host);
        return NULL;
    }
    bide__error_end(&mark, 0);
    if (check_dialled(s, o) == 0)
        return s;
    bide_release(s);
    return NULL;
}
