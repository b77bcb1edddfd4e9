/* SPDX-License-Identifier: MIT */
/*
 * peer.c - a peer that follows a script, as the user has it: made, connected to, asked how it went.
 */
#include <stdio.h>
#include <string.h>

#include "io/testing/script.h"

#define DEFAULT_CONNECTIONS 1000
#define DEFAULT_WINDOW ((size_t)64 << 10)
#define STEPS_BYTES_MAX ((size_t)64 << 20)

/* ---- life ---- */

static void peer_destroy(void *object)
{
    bide_test_peer *p = object;

    while (!bide__list_is_empty(&p->scripts))
        bide__script_free(container_of(p->scripts.next, struct script, node));
    bide__arena_free(&p->arena);
    bide__object_unref(p->loop);
    bide__object_free(p);
}

static void peer_release(void *object)
{
    bide_test_peer *p = object;

    if (!bide__release_is_refused(p->loop, "bide_release of a test peer"))
        bide__object_unref(p);
}

static const struct object_type peer_type = {.name = "test peer", .destroy = peer_destroy, .release = peer_release};

static bool is_set(const bide_test_step *s)
{
    return s->expect || s->expect_data.len > 0 || s->until || s->expect_end || s->after_ms || s->send || s->send_data.len > 0 ||
           s->error || s->end;
}

static int check_step(const bide_test_step *s, size_t i)
{
    int waits = (s->expect != NULL) + (s->expect_data.len > 0) + (s->until != NULL) + s->expect_end;

    if (waits > 1)
        return bide_fail(-EINVAL, "bide_test_peer_new: step %zu: .expect, .expect_data, .until, .expect_end: one of them", i + 1);
    if (s->send && s->send_data.len > 0)
        return bide_fail(-EINVAL, "bide_test_peer_new: step %zu: .send, .send_data: one of them", i + 1);
    if ((s->expect && !*s->expect) || (s->until && !*s->until))
        return bide_fail(-EINVAL, "bide_test_peer_new: step %zu: it waits for an empty text", i + 1);
    if (s->error > 0 || (s->error && s->end))
        return bide_fail(-EINVAL, "bide_test_peer_new: step %zu: .error is %d: a negative code, without .end", i + 1, s->error);
    return bide__check_time("bide_test_peer_new", "after_ms", s->after_ms, false);
}

/* A text or bytes, copied: {NULL, 0} for none.  False: no memory. */
static bool copy_bytes(struct arena *a, bide_bytes *to, const char *text, bide_bytes bytes)
{
    if (text)
        bytes = (bide_bytes){text, strlen(text)};
    if (bytes.len == 0)
        return true;

    char *copy = bide__arena_alloc(a, bytes.len);
    if (!copy)
        return false;
    memcpy(copy, bytes.data, bytes.len);
    *to = (bide_bytes){copy, bytes.len};
    return true;
}

static int copy_step(struct arena *a, bide_test_step *to, const bide_test_step *from)
{
    *to = (bide_test_step){.expect_end = from->expect_end, .after_ms = from->after_ms, .error = from->error, .end = from->end};
    if (from->until && !(to->until = bide__arena_strndup(a, from->until, strlen(from->until))))
        return bide_error_code();
    bool is_copied = copy_bytes(a, &to->expect_data, from->expect, from->expect_data) &&
                     copy_bytes(a, &to->send_data, from->send, from->send_data);

    return is_copied ? 0 : bide_error_code();
}

static int copy_steps(bide_test_peer *p, const bide_test_step *steps)
{
    while (steps && is_set(&steps[p->nsteps]))
        p->nsteps++;
    if (p->nsteps == 0)
        return 0;
    p->steps = bide__arena_alloc(&p->arena, p->nsteps * sizeof *p->steps);
    if (!p->steps)
        return bide_error_code();

    for (size_t i = 0; i < p->nsteps; i++) {
        BIDE_TRY(check_step(&steps[i], i));
        BIDE_TRY(copy_step(&p->arena, &p->steps[i], &steps[i]));
    }
    return 0;
}

static int check_args(const bide_test_peer_args *a)
{
    BIDE_TRY(bide__check_named(a->guard_, "bide_test_peer_new"));
    BIDE_TRY(bide__check_time("bide_test_peer_new", "connect_ms", a->connect_ms, false));
    BIDE_TRY(bide__check_number("bide_test_peer_new", "max_connections", a->max_connections, 0));
    BIDE_TRY(bide__check_size("bide_test_peer_new", "piece", a->piece, 0));
    BIDE_TRY(bide__check_size("bide_test_peer_new", "window", a->window, 0));
    return a->connect_error <= 0 ? 0 : bide_fail(-EINVAL, "bide_test_peer_new: connect_error is %d, no error code", a->connect_error);
}

bide_test_peer *bide_test_peer_new_with(const bide_test_peer_args *options)
{
    bide_test_peer_args a;
    if (bide__options_take(&a, sizeof a, options, "bide_test_peer_new") < 0 || check_args(&a) < 0)
        return NULL;
    if (!bide__loop_here) {
        bide_fail(BIDE_ENOLOOP, "bide_test_peer_new: no event loop is running in this thread");
        return NULL;
    }
    bide_test_peer *p = bide__object_zalloc(sizeof *p);
    if (!p) {
        bide__fail_nomem("a test peer");
        return NULL;
    }
    bide__object_init(p, &peer_type);
    p->loop = bide_retain(bide__loop_here);
    bide__list_init(&p->scripts);
    bide__arena_init(&p->arena, STEPS_BYTES_MAX);
    p->connect_ms = a.connect_ms;
    p->connect_error = a.connect_error;
    p->max_connections = a.max_connections ? a.max_connections : DEFAULT_CONNECTIONS;
    p->piece = a.piece ? a.piece : SIZE_MAX;
    p->window = a.window ? a.window : DEFAULT_WINDOW;
    if (copy_steps(p, a.steps) == 0)
        return p;
    bide__object_unref(p);
    return NULL;
}

/* ---- connecting ---- */

/* The peer may be released while the task waits. */
static bide_stream *connect_to(bide_test_peer *p)
{
    if (p->connect_ms > 0 && bide_sleep_ms(p->connect_ms) < 0)
        return NULL;
    if (p->connect_error || p->nscripts == p->max_connections) {
        int code = p->connect_error ? p->connect_error : -ECONNREFUSED;
        bide_fail(code, "connecting to a test peer: %s", bide_strerror(code));
        return NULL;
    }
    struct script *s = bide__script_new(p);
    if (!s)
        return NULL;
    bide_stream *stream = bide__stream_over(&s->filter, "test peer", 0);
    if (stream)
        bide__script_go_on(s);
    else
        s->filter.ops->close(&s->filter);
    return stream;
}

bide_stream *bide_test_peer_connect(bide_test_peer *p)
{
    if (bide__is_null(p, __func__, "the peer") || bide__check_waiter(p->loop, __func__) < 0)
        return NULL;
    bide_retain(p);
    bide_stream *stream = connect_to(p);

    bide__object_unref(p);
    return stream;
}

bide_stream *bide_test_peer_dial(const char *host, int port, void *arg)
{
    (void)host;
    (void)port;
    return bide_test_peer_connect(arg);
}

/* ---- how it went ---- */

static int check_script(const struct script *s, int number)
{
    char came[80];

    if (s->failure[0])
        return bide_fail(BIDE_ESTATE, "connection %d, %s", number, s->failure);
    if (s->at < s->peer->nsteps)
        return bide_fail(BIDE_ESTATE, "connection %d, step %zu of %zu was not done", number, s->at + 1, s->peer->nsteps);
    size_t rest = bide__buf_len(&s->pending);
    bide__escaped(came, bide__buf_head(&s->pending), rest < 32 ? rest : 32);
    return rest == 0 ? 0 : bide_fail(BIDE_ESTATE, "connection %d: no step expected \"%s\"", number, came);
}

int bide_test_peer_check(const bide_test_peer *p)
{
    int number = 0;
    if (bide__is_null(p, __func__, "the peer"))
        return -EINVAL;
    BIDE_TRY(bide__loop_check(p->loop, __func__));

    for (const struct list_node *n = p->scripts.next; n != &p->scripts; n = n->next)
        BIDE_TRY(check_script(container_of(n, struct script, node), ++number));
    return number > 0 ? 0 : bide_fail(BIDE_ESTATE, "nobody has connected to the test peer");
}

int bide_test_peer_connections(const bide_test_peer *p)
{
    if (bide__is_null(p, __func__, "the peer"))
        return -EINVAL;
    int code = bide__loop_check(p->loop, __func__);
    return code < 0 ? code : p->nscripts;
}

bide_bytes bide_test_peer_received(const bide_test_peer *p, int i)
{
    if (bide__is_null(p, __func__, "the peer") || bide__loop_check(p->loop, __func__) < 0)
        return (bide_bytes){NULL, 0};

    for (struct list_node *n = p->scripts.next; n != &p->scripts; n = n->next, i--) {
        struct script *s = container_of(n, struct script, node);
        size_t len = bide__buf_len(&s->received);
        if (i == 0 && bide__buf_reserve(&s->received, 1)) {
            bide__buf_head(&s->received)[len] = 0;
            return (bide_bytes){bide__buf_head(&s->received), len};
        }
    }
    return (bide_bytes){NULL, 0};
}
