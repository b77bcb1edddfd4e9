/* SPDX-License-Identifier: MIT */
/*
 * server.c - a server: it listens, accepts connections until it is stopped, and ends with all that it has begun.
 *
 * The acceptor takes connections until it is cancelled; what becomes of them: connections.c.  Releasing the server cancels the
 * acceptor and the connections and waits for them, so a handler may use what the server's owner has in its frame.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http/server/server.h"

/* Of several threads, the one that was started by the program. */
static bool is_starter(const bide_server *s)
{
    return s->group && s->counts == &s->own_counts;
}

/* ---- accepting ---- */

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
        code = bide__wait_in_for(&s->has_room, WAIT_NAMED, "the end of a connection");
    atomic_fetch_sub(&s->shared->waiting, 1);
    return code;
}

/* One more connection, or none if another thread has taken the last place; or an error that ends the accepting. */
static int accept_one(bide_server *s)
{
    int code = is_full(s) ? wait_for_room(s) : 0;
    if (code < 0)
        return code;
    bide_stream *stream;
    code = bide__accept_next(s->listener, &stream);
    if (code == 0 && (!stream || bide__connection_start(s, stream) == 0))
        return 0;

    if (stream)
        bide__server_give_place(s);
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
    bide__server_free_if_orphaned(s);
    return 0;
}

/* ---- starting ---- */

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
    bide__listener_on_shortage(s->listener, bide__server_end_idle, s);
    bide__listener_set_gate(s->listener, (struct accept_gate){bide__server_take_place, bide__server_give_place, s});
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
    bide__server_fill_defaults(&s->args);
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
    bide__server_free(s);
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
    if (!bide__task_required("bide_server_start") || bide__server_check_args(&args) < 0)
        return NULL;
    bide_server *s = server_new(&args, NULL);
    if (s && begin_accepting(s) < 0)
        bide_release(bide_take(s));
    return s;
}

/* ---- stopping ---- */

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
    int own = bide__server_runs_caller(s);
    bide__timeout(grace_ms) {
        while (s->open > own && code == 0)
            code = bide__wait_in_for(&s->emptied, WAIT_NAMED, "the end of its connections");
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
        bide__server_end_connections(s);
        if (is_starter(s))
            bide__shards_end(bide_take(s->group), bide__server_can_wait(s));
    }
    bide__object_unref(s);
}

static void server_destroy(void *object)
{
    bide_server *s = object;

    s->orphaned = true;
    bide__server_free_if_orphaned(s);
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
