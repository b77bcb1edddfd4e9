/* SPDX-License-Identifier: MIT */
/*
 * wire.h - a server that is a script in memory, for tests of the client on virtual time.
 *
 * A wire is the lowest layer of a stream: what the script says comes when the loop's clock is there, and no system call
 * is made.  A session gets its connections from a list of wires, one after the other:
 *
 *     struct wire w = WIRE(ON_REQUEST, AFTER(700, OK("2")), AFTER(300, "ok"), END_AFTER(5000));
 *     wires_plant(s, &w, 1);
 *     ... bide_get(s, "http://a/") ...     returns after 1000 ms of virtual time, at once
 */
#ifndef TESTS_HTTP_WIRE_H
#define TESTS_HTTP_WIRE_H

#include <bide/loop.h>
#include <bide/task.h>

#include "harness/harness.h"
#include "http/client/client.h"

#define UNUSED __attribute__((unused))

struct wire_step {
    bool on_request;   /* not before another request has come */
    int after_ms;      /* since the step before */
    const char *say;   /* NULL: nothing */
    size_t len;        /* of that; 0: it is a string */
    bool end, reset;
    size_t take;       /* so many more bytes may be sent to it */
};

#define ON_REQUEST      {.on_request = true}
#define AFTER(ms, text) {.after_ms = ms, .say = text}
#define SAY(text)       {.say = text}
#define SAY_BYTES(m)    {.say = (m).data, .len = (m).len}
#define TAKE_AFTER(ms, n) {.after_ms = ms, .take = n}
#define END_AFTER(ms)   {.after_ms = ms, .end = true}
#define RESET_AFTER(ms) {.after_ms = ms, .reset = true}
#define WIRE(...)       {.dial_ms = 5, .room = SIZE_MAX, .steps = {__VA_ARGS__}}

struct wire {
    int dial_ms; /* how long connecting takes */
    size_t room; /* bytes that it takes before a step lets it take more */
    size_t gives; /* bytes at most each time; 0: any number */
    struct wire_step steps[48];

    struct filter filter;
    struct fd ends; /* no descriptor: what is ready, and who waits; the script keeps it */
    struct timer timer;
    int at;         /* the next step */
    bool has_waited; /* for the time of that step */
    const char *in; /* said and not received; steps follow one another, so one text at a time is enough */
    size_t in_len;
    char buffer[4096];
    bool ended, reset, closed; /* reset: it has ended so */
    char seen[4096]; /* what was sent to it */
    size_t nseen;
    int requests, answered; /* heads that came; those that a step has taken note of */
};

#define WIRE_FD (1 << 20) /* open, as far as struct fd is concerned, and no descriptor of this process */

static struct wire *wire_of(const struct filter *f)
{
    return container_of(f, struct wire, filter);
}

/* ---- the script ---- */

static void wire_is_readable(struct wire *w)
{
    w->ends.readable = true;
    bide__wake_all(w->ends.loop, &w->ends.readers);
}

static void wire_do(struct wire *w, const struct wire_step *step)
{
    if (step->say) {
        size_t len = step->len ? step->len : strlen(step->say);
        EXPECT_LE(w->in_len + len, sizeof w->buffer);
        if (w->in_len > 0)
            memmove(w->buffer, w->in, w->in_len);
        memcpy(w->buffer + w->in_len, step->say, len);
        w->in = w->buffer;
        w->in_len += len;
        wire_is_readable(w);
    }
    if (step->end || step->reset) {
        w->ended = w->ends.hangup = true;
        w->reset = step->reset;
        wire_is_readable(w);
        w->ends.writable = true; /* to see it */
        bide__wake_all(w->ends.loop, &w->ends.writers);
    }
    if (step->take > 0) {
        w->room += step->take;
        w->ends.writable = true;
        bide__wake_all(w->ends.loop, &w->ends.writers);
    }
}

static void wire_go_on(struct wire *w)
{
    for (; w->at < (int)array_len(w->steps); w->at++, w->has_waited = false) {
        const struct wire_step *step = &w->steps[w->at];
        if (step->on_request && w->answered == w->requests)
            return;
        w->answered += step->on_request;
        if (step->after_ms > 0 && !w->has_waited) {
            bide__timer_arm(w->ends.loop, &w->timer, step->after_ms);
            return;
        }
        wire_do(w, step);
    }
}

static void wire_fired(struct timer *t)
{
    struct wire *w = container_of(t, struct wire, timer);

    w->has_waited = true;
    wire_go_on(w);
}

/* ---- the layer ---- */

static ssize_t wire_recv(struct filter *f, void *out, size_t cap)
{
    struct wire *w = wire_of(f);
    size_t n = w->in_len < cap ? w->in_len : cap;
    if (n == 0) {
        w->ends.readable = w->ended;
        return w->reset ? -ECONNRESET : w->ended ? 0 : -EAGAIN;
    }
    if (w->gives > 0 && n > w->gives)
        n = w->gives;

    memcpy(out, w->in, n);
    w->in += n;
    w->in_len -= n;
    w->ends.readable = w->in_len > 0 || w->ended;
    return (ssize_t)n;
}

static size_t wire_take(struct wire *w, const struct iovec *iov)
{
    size_t n = iov->iov_len < w->room ? iov->iov_len : w->room;
    size_t kept = n < sizeof w->seen - 1 - w->nseen ? n : sizeof w->seen - 1 - w->nseen;

    memcpy(w->seen + w->nseen, iov->iov_base, kept);
    w->nseen += kept;
    w->room -= n;
    return n;
}

static ssize_t wire_send(struct filter *f, const struct iovec *iov, int n)
{
    struct wire *w = wire_of(f);
    size_t sent = 0;
    if (w->ended)
        return -EPIPE;

    for (int i = 0; i < n; i++)
        sent += wire_take(w, &iov[i]);
    if (w->room == 0)
        w->ends.writable = false;
    w->requests = 0;
    for (const char *at = w->seen; (at = memmem(at, w->nseen - (size_t)(at - w->seen), "\r\n\r\n", 4)); at += 4)
        w->requests++;
    if (!bide__timer_is_armed(&w->timer))
        wire_go_on(w);
    return sent > 0 ? (ssize_t)sent : -EAGAIN;
}

static bool wire_may_recv(const struct filter *f)
{
    return wire_of(f)->ends.readable;
}

static int wire_shutdown(struct filter *f)
{
    (void)f;
    return 0;
}

static void wire_close(struct filter *f)
{
    struct wire *w = wire_of(f);
    if (w->closed)
        return;

    bide__timer_disarm(w->ends.loop, &w->timer);
    w->closed = true;
    w->ends.fd = -1;
    bide__wake_all(w->ends.loop, &w->ends.readers);
    bide__wake_all(w->ends.loop, &w->ends.writers);
}

static int wire_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    struct wire *w = wire_of(f);

    if (flow)
        return bide__fd_wait_flow(&w->ends, sides, flow);
    return sides == FLOW_OUT ? bide__fd_wait_writable(&w->ends) : bide__fd_wait_readable(&w->ends);
}

static int wire_yield(struct filter *f)
{
    (void)f;
    return 0;
}

static void wire_watch(struct filter *f, struct clause *c)
{
    bide__list_append(&wire_of(f)->ends.readers, &c->node);
}

static bool wire_is_alive(const struct filter *f, bool probe)
{
    (void)probe;
    return !wire_of(f)->ended && !wire_of(f)->closed;
}

static size_t wire_queued(const struct filter *f)
{
    (void)f;
    return 0;
}

static const struct filter_ops wire_ops = {.try_recv = wire_recv,
                                           .try_send = wire_send,
                                           .may_recv = wire_may_recv,
                                           .shutdown = wire_shutdown,
                                           .close = wire_close,
                                           .wait = wire_wait,
                                           .yield = wire_yield,
                                           .watch = wire_watch,
                                           .is_alive = wire_is_alive,
                                           .queued = wire_queued,
                                           .abort = wire_close};

/* ---- where the session gets them ---- */

static struct {
    struct wire *all;
    int n, next;
} wires;

static bide_stream *wire_open(struct wire *w)
{
    w->filter.ops = &wire_ops;
    w->in = w->buffer;
    w->ends = (struct fd){.fd = WIRE_FD, .writable = w->room > 0, .loop = bide__loop_here};
    bide__list_init(&w->ends.readers);
    bide__list_init(&w->ends.writers);
    bide__timer_init(&w->timer, wire_fired);
    bide_stream *s = bide__stream_over(&w->filter, "wire:80", 0);
    if (s)
        wire_go_on(w);
    return s;
}

/* struct connector's dial: the next wire, with TLS on it if that is asked for. */
static bide_stream *wire_dial(const struct connect_options *o)
{
    EXPECT_LT(wires.next, wires.n);
    struct wire *w = &wires.all[wires.next++];
    bide_stream *s = bide_sleep_ms(w->dial_ms) < 0 ? NULL : wire_open(w);

    if (s && o->tls && bide__tls_start_client(s, o->tls, o->server_name, o->port) < 0) {
        bide_release(s);
        return NULL;
    }
    return s;
}

/* The connector's connections come from these, in order. */
UNUSED static void wires_plant_in(struct connector *k, struct wire *all, int n)
{
    wires.all = all;
    wires.n = n;
    wires.next = 0;
    k->dial = wire_dial;
}

UNUSED static void wires_plant(bide_session *s, struct wire *all, int n)
{
    wires_plant_in(&s->connector, all, n);
}

#endif
