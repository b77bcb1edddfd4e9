/* SPDX-License-Identifier: MIT */
/*
 * server.c - listening, a task for each connection, and the end of it all.
 *
 * The acceptor takes connections until it is cancelled.  Each gets a task that removes the connection from the list when
 * it ends, unless that is parked (parked.c).  Releasing the server cancels the acceptor and the connections and waits for
 * them, so a handler may use what the server's owner has in its frame.
 *
 * Invariants:
 *   S1  `open` is the length of `connections`; each of them has a task that is not done, or never began, or is parked.
 *   S2  the server's memory outlives its connections.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/server/server.h"

#define MAX_CONNECTIONS 20000
#define MAX_HEAD_BYTES H1_HEAD_MAX
#define MAX_BODY_BYTES ((size_t)64 << 20)
#define MAX_BODIES_BYTES ((size_t)1 << 30)
#define IDLE_TIMEOUT_MS 75000
#define HEAD_TIMEOUT_MS 30000
#define BODY_TIMEOUT_MS 600000

/* Of several threads, the one that was started by the program. */
static bool is_starter(const bide_server *s)
{
    return s->group && s->counts == &s->own_counts;
}

/* ---- connections ---- */

static void server_free(bide_server *s)
{
    bide_release(s->listener);
    bide__object_unref(s->loop);
    bide__object_free(s);
}

static void free_if_orphaned(bide_server *s)
{
    if (s->orphaned && s->open == 0 && !s->accepting)
        server_free(s);
}

static void count_open(bide_server *s, int by)
{
    s->open += by;
    atomic_store_explicit(&s->counts->open, s->open, memory_order_relaxed);
    atomic_fetch_add(&s->shared->open, by);
}

void bide__connection_free(struct connection *c)
{
    bide_server *s = c->server;

    if (c->is_parked)
        bide__connection_unpark(c);
    bide__connection_count_bytes(c);
    count_open(s, -1);
    s->giving_way -= c->giving_way;
    bide_release(c->stream);
    bide__buf_free(&c->in);
    bide__buf_free(&c->out);
    bide__list_remove(&c->node);
    if (c->task)
        bide_detach(c->task);
    bide__free(c);
    bide__wake_one(s->loop, &s->has_room);
    if (s->group && atomic_load(&s->shared->waiting) > 0)
        bide__shards_has_room(s->group, s->loop);
    if (s->open > 0)
        return;
    bide__wake_all(s->loop, &s->emptied);
    free_if_orphaned(s);
}

static int connection_task(struct connection *c)
{
    int code = bide__connection_run(c);

    if (!c->is_silent || !bide__connection_park(c))
        bide__connection_free(c);
    return code;
}

int bide__connection_resume(struct connection *c)
{
    c->task = bide_create_task(bide_coro(connection_task, c));
    return c->task ? 0 : bide_error_code();
}

int bide__connection_start(bide_server *s, bide_stream *stream)
{
    struct connection *c = bide__malloc(sizeof *c);
    if (!c)
        return bide__fail_nomem("a connection");

    c->server = s;
    c->stream = stream;
    c->sent_before = c->counted_in = c->counted_out = 0;
    c->idle = false; /* its task has not begun: cancelling it now would leave all this behind */
    c->giving_way = c->is_silent = c->is_parked = false;
    bide__buf_init(&c->in, s->args.max_head_bytes + 2 * SERVER_SCRATCH);
    bide__buf_init(&c->out, 2 * ANSWER_HEAD_MAX);
    if (bide__connection_resume(c) < 0) {
        bide__free(c);
        return bide_error_code();
    }
    bide__list_append(&s->connections, &c->node);
    count_open(s, 1);
    bide__count(&s->counts->connections, 1);
    return 0;
}

/* ---- accepting ---- */

/* No descriptor is left for the next connection: the one that was idle for the longest time gives way. */
static bool end_idle(void *arg)
{
    bide_server *s = arg;
    if (s->giving_way > 0)
        return true; /* one is on its way */

    for (struct list_node *n = s->connections.next; n != &s->connections; n = n->next) {
        struct connection *c = container_of(n, struct connection, node);
        if (c->is_parked) {
            bide__connection_free(c);
            return true;
        }
        if (c->idle) {
            c->idle = false;
            c->giving_way = true;
            s->giving_way++;
            bide_task_cancel(c->task);
            return true;
        }
    }
    return false;
}

static bool is_full(const bide_server *s)
{
    return atomic_load(&s->shared->open) >= s->args.max_connections;
}

/* Sequentially consistent: who makes room sees that this waits, or this sees the room. */
static int wait_for_room(bide_server *s)
{
    int code = 0;

    atomic_fetch_add(&s->shared->waiting, 1);
    while (is_full(s) && code == 0)
        code = bide__wait_in(&s->has_room, NULL);
    atomic_fetch_sub(&s->shared->waiting, 1);
    return code;
}

/* One more connection, or an error that ends the accepting. */
static int accept_one(bide_server *s)
{
    int code = is_full(s) ? wait_for_room(s) : 0;
    if (code < 0)
        return code;
    bide_stream *stream = bide_accept(s->listener);
    if (stream && bide__connection_start(s, stream) == 0)
        return 0;

    code = bide_error_code();
    bide_release(stream);
    if (code == BIDE_ECANCELED || code == BIDE_ECLOSED)
        return code;
    /* That connection is lost; the next may do, when there is memory again. */
    bide__loop_report(s->loop, "%s: %s", s->url, bide_error_text());
    return bide__wait_for_descriptor();
}

static int accept_all(bide_server *s)
{
    int code;

    s->accepting = true;
    if (is_starter(s))
        bide__shards_go(s->group);
    do
        code = accept_one(s);
    while (code == 0);
    s->accepting = false;
    free_if_orphaned(s);
    return 0;
}

/* ---- starting ---- */

static void fill_defaults(bide_server_args *a)
{
    if (a->threads == BIDE_ALL_PROCESSORS)
        a->threads = bide_processors();
    if (!a->host)
        a->host = "127.0.0.1";
    a->max_connections = bide__count_or(a->max_connections, MAX_CONNECTIONS);
    if (a->max_head_bytes == 0)
        a->max_head_bytes = MAX_HEAD_BYTES;
    if (a->max_body_bytes == 0)
        a->max_body_bytes = MAX_BODY_BYTES;
    if (a->max_body_bytes > SIZE_MAX / 4)
        a->max_body_bytes = SIZE_MAX / 4;
    if (a->max_bodies_bytes == 0)
        a->max_bodies_bytes = MAX_BODIES_BYTES;
    if (a->idle_timeout_ms == 0)
        a->idle_timeout_ms = IDLE_TIMEOUT_MS;
    if (a->head_timeout_ms == 0)
        a->head_timeout_ms = HEAD_TIMEOUT_MS;
    if (a->body_timeout_ms == 0)
        a->body_timeout_ms = BODY_TIMEOUT_MS;
}

static int check_numbers(const bide_server_args *a)
{
    const struct {
        const char *name;
        int64_t n;
        int named;
    } numbers[] = {
        {"max_connections", a->max_connections, BIDE_UNLIMITED}, {"max_head_bytes", (ptrdiff_t)a->max_head_bytes, 0},
        {"max_body_bytes", (ptrdiff_t)a->max_body_bytes, 0}, {"max_bodies_bytes", (ptrdiff_t)a->max_bodies_bytes, 0},
    };
    const struct {
        const char *name;
        int64_t ms;
    } times[] = {
        {"idle_timeout_ms", a->idle_timeout_ms}, {"head_timeout_ms", a->head_timeout_ms},
        {"body_timeout_ms", a->body_timeout_ms},
    };

    for (size_t i = 0; i < array_len(numbers); i++)
        BIDE_TRY(bide__check_number("bide_server_start", numbers[i].name, numbers[i].n, numbers[i].named));
    for (size_t i = 0; i < array_len(times); i++)
        BIDE_TRY(bide__check_time("bide_server_start", times[i].name, times[i].ms, true));
    return 0;
}

static int check_args(const bide_server_args *a)
{
    if (!a->handler)
        return bide_fail(-EINVAL, "bide_server_start: there is no handler");
    if (!a->cert_file != !a->key_file)
        return bide_fail(-EINVAL, "bide_server_start: cert_file and key_file go together");
    BIDE_TRY(check_numbers(a));
    if (a->threads != BIDE_ALL_PROCESSORS)
        BIDE_TRY(bide__check_threads(a->threads, "bide_server_start"));
    if (a->threads != 0 && a->threads != 1 && a->host && strncmp(a->host, "unix:", 5) == 0)
        return bide_fail(-EINVAL, "bide_server_start: threads: a Unix socket is served by one: the kernel does not deal out its "
                                  "connections");
    if (a->max_head_bytes > UINT32_MAX / 2)
        return bide_fail(-EINVAL, "bide_server_start: max_head_bytes = %zu: at most %u", a->max_head_bytes, UINT32_MAX / 2);
    return 0;
}

/* Somebody else who shares the port would get a part of our connections: so first without SO_REUSEPORT, as one alone. */
static int check_port_is_free(const bide_server *s)
{
    bide_auto bide_listener *alone = s->args.port > 0 ? bide_listen(s->args.host, s->args.port, .backlog = 1) : NULL;

    return s->args.port > 0 && !alone ? bide_error_code() : 0;
}

static int listen_with(bide_server *s, bide_tls *tls, int port)
{
    bool shares = port > 0 || s->args.threads > 1 || s->args.reuse_port;
    if (shares && port == 0 && !s->args.reuse_port)
        BIDE_TRY(check_port_is_free(s));

    s->is_tls = tls != NULL;
    s->listener = bide_listen(s->args.host, port > 0 ? port : s->args.port, .reuse_port = shares, .tls = tls);
    if (!s->listener)
        return bide_error_code();
    bide__listener_on_shortage(s->listener, end_idle, s);
    return 0;
}

static bide_server *server_new(const bide_server_args *args, const struct server_in *in);
static int begin_accepting(bide_server *s);
static const struct server_ops ops = {server_new, begin_accepting, bide_server_stop};

static int start_listening(bide_server *s, const struct server_in *in)
{
    bide_auto bide_tls *tls = NULL;

    if (s->args.cert_file) {
        tls = bide_tls_new(.server = true, .cert_file = s->args.cert_file, .key_file = s->args.key_file,
                           .alpn = "http/1.1");
        if (!tls)
            return bide_error_code();
    }
    if (in && in->tls)
        bide__tls_share_tickets(tls, in->tls);
    BIDE_TRY(listen_with(s, tls, in ? in->port : 0));
    return !in && s->args.threads > 1 ? bide__shards_start(s, &ops, (int)s->args.threads, tls) : 0;
}

static void write_url(bide_server *s)
{
    const char *scheme = s->args.cert_file ? "https" : "http", *host = s->args.host;
    bool bare_ipv6 = strchr(host, ':') && *host != '[' && strncmp(host, "unix:", 5) != 0;

    snprintf(s->url, sizeof s->url, bare_ipv6 ? "%s://[%s]:%d" : "%s://%s:%d", scheme, host,
             bide_listener_port(s->listener));
}

static void server_destroy(void *object);
static void server_release(void *object);
static const struct object_type server_type = {
    .name = "server", .destroy = server_destroy, .release = server_release};

static void server_init(bide_server *s, const bide_server_args *args, const struct server_in *in)
{
    bide__object_init(s, &server_type);
    s->args = *args;
    fill_defaults(&s->args);
    s->loop = bide_retain(bide__loop_here);
    s->group = in ? in->group : NULL;
    s->counts = in ? in->counts : &s->own_counts;
    s->shared = in ? in->shared : &s->own_shared;
    bide__list_init(&s->connections);
    bide__list_init(&s->has_room);
    bide__list_init(&s->emptied);
}

static bide_server *server_new(const bide_server_args *args, const struct server_in *in)
{
    bide_server *s = bide__object_zalloc(sizeof *s);
    if (!s) {
        bide__fail_nomem("bide_server_start");
        return NULL;
    }

    server_init(s, args, in);
    int code = start_listening(s, in);
    if (code == 0)
        write_url(s);
    s->args.host = s->args.cert_file = s->args.key_file = NULL; /* the caller's; not needed any more */
    if (code == 0)
        return s;
    if (!in && s->group)
        bide__shards_end(s->group, true);
    server_free(s);
    return NULL;
}

static int begin_accepting(bide_server *s)
{
    s->acceptor = bide_create_task(bide_coro(accept_all, s), .name = "acceptor");
    return s->acceptor ? 0 : bide_error_code();
}

bide_server *bide_server_start_with(const bide_server_args *options)
{
    bide_server_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_server_start") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_server_start") < 0)
        return NULL;
    if (!bide__task_required("bide_server_start") || check_args(&args) < 0)
        return NULL;
    bide_server *s = server_new(&args, NULL);
    if (s && begin_accepting(s) < 0)
        bide_release(bide_take(s));
    return s;
}

/* ---- stopping ---- */

/* Can the caller wait until a task of this loop has ended? */
static bool can_wait(const bide_server *s)
{
    bide_task *self = bide__task_here();

    return !bide__loop_here || (self && !self->stackless && bide__loop_here == s->loop);
}

static void stop_accepting(bide_server *s)
{
    s->stopping = true;
    bide_release(s->acceptor); /* cancels it and waits for it */
    s->acceptor = NULL;
    if (!s->accepting) {
        bide_release(s->listener);
        s->listener = NULL;
    }
}

static int stop_here(bide_server *s, int64_t grace_ms)
{
    int code = 0;

    stop_accepting(s);
    for (struct list_node *n = s->connections.next, *after; n != &s->connections; n = after) {
        struct connection *c = container_of(n, struct connection, node);
        after = n->next;
        if (c->is_parked)
            bide__connection_free(c);
        else if (c->idle)
            bide_task_cancel(c->task);
    }
    bide__timeout(grace_ms) {
        while (s->open > 0 && code == 0)
            code = bide__wait_in(&s->emptied, NULL);
    }
    return code;
}

int bide_server_stop(bide_server *s, int64_t grace_ms)
{
    if (bide__is_null(s, __func__, "the server"))
        return -EINVAL;
    BIDE_TRY(bide__check_time("bide_server_stop", "grace_ms", grace_ms, true));
    int code = bide__check_waiter(s->loop, __func__);
    if (code < 0)
        return code;
    bide_future **others = NULL;
    if (is_starter(s))
        BIDE_TRY(bide__shards_stop_begin(s->group, grace_ms, &others));
    code = stop_here(s, grace_ms);
    return others ? bide__shards_stop_end(s->group, others, code) : code;
}

/* A cancelled task that never began has not cleaned up. */
static void end_connection(bide_server *s, struct connection *c)
{
    bide_task *t = bide_retain(c->task);

    if (bide__loop_here)
        bide__drain(bide_task_future(t));
    else if (!bide_task_done(t))
        bide__loop_run_until(s->loop, bide_task_future(t));
    if (s->connections.next == &c->node)
        bide__connection_free(c);
    bide__object_unref(t);
}

static void end_connections(bide_server *s)
{
    for (struct list_node *n = s->connections.next, *after; n != &s->connections; n = after) {
        struct connection *c = container_of(n, struct connection, node);
        after = n->next;
        if (c->is_parked)
            bide__connection_free(c);
        else
            bide_task_cancel(c->task);
    }
    while (can_wait(s) && s->open > 0)
        end_connection(s, container_of(s->connections.next, struct connection, node));
}

/* The server goes on in the parent: this process no longer has its sockets. */
static void close_inherited(bide_server *s)
{
    bide_release(bide_take(s->listener));
    if (is_starter(s))
        bide__shards_close_inherited(s->group);
    for (struct list_node *n = s->connections.next; n != &s->connections; n = n->next)
        bide__stream_abort(container_of(n, struct connection, node)->stream);
}

static void server_release(void *object)
{
    bide_server *s = object;
    if (bide__release_is_refused(s->loop, "bide_release of a server"))
        return;

    if (bide__loop_is_inherited(s->loop)) {
        close_inherited(s);
        return; /* its tasks point to it */
    }
    if (s->object.refs == 1) {
        stop_accepting(s);
        end_connections(s);
        if (is_starter(s))
            bide__shards_end(bide_take(s->group), can_wait(s));
    }
    bide__object_unref(s);
}

static void server_destroy(void *object)
{
    bide_server *s = object;

    s->orphaned = true;
    free_if_orphaned(s);
}

/* ---- asking ---- */

int bide_server_port(const bide_server *s)
{
    if (bide__is_null(s, __func__, "the server"))
        return -EINVAL;
    return s->listener ? bide_listener_port(s->listener) : 0;
}

const char *bide_server_url(const bide_server *s)
{
    if (bide__is_null(s, __func__, "the server"))
        return NULL;
    return s->url;
}

/* Its counters may be read here: the loop is that of the server, or it has several threads, whose handlers may ask, too. */
static bool may_count(const bide_server *s, const char *function)
{
    if (bide__is_null(s, function, "the server"))
        return false;
    return (s->group && !bide__loop_is_inherited(s->loop)) || bide__loop_check(s->loop, function) == 0;
}

uint64_t bide_server_count(const bide_server *s, int status)
{
    if (!may_count(s, __func__) || status < 0 || status >= 600)
        return 0;
    return bide__counted(&s->counts->by_status[status]) + (is_starter(s) ? bide__shards_count(s->group, status) : 0);
}

static bide_server_stats stats_of(const bide_server *s)
{
    bide_server_stats stats = {0};
    bool is_here = !s->group || s->loop == bide__loop_here;

    bide__add_counts(s->counts, &stats);
    for (const struct list_node *n = s->connections.next; is_here && n != &s->connections; n = n->next) {
        const struct connection *c = container_of(n, struct connection, node);
        stats.bytes_in += c->stream->bytes_in - c->counted_in;
        stats.bytes_out += c->stream->bytes_out - c->counted_out;
    }
    if (is_starter(s))
        bide__shards_add_stats(s->group, &stats);
    return stats;
}

void bide_server_get_stats_into(const bide_server *s, bide_server_stats *out, size_t size)
{
    bide_server_stats stats = may_count(s, "bide_server_get_stats") ? stats_of(s) : (bide_server_stats){0};

    bide__options_give(out, size, &stats, sizeof stats);
}
