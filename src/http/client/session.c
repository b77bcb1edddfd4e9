/* SPDX-License-Identifier: MIT */
/*
 * session.c - what requests share: options, fields that go with all of them, connections, memory to use again.
 *
 * Responses and connection buffers are recycled, so that a steady stream of requests does not allocate.  A session
 * belongs to one loop from its first request on; if that one is closed, it may move to another.
 */
#include "http/client/client.h"

#define SPARE_RESPONSES 256
#define SPARE_ARENA_MAX 16384 /* what is larger is given back to the heap */
#define SPARE_BODY_MAX 65536  /* the same of a body */

/* ---- making ---- */

static void session_destroy(void *object);
static void session_release(void *object);

static const struct object_type session_type = {
    .name = "session", .destroy = session_destroy, .release = session_release, .is_held_by_its_own = true};

static int session_init(bide_session *s, const bide_session_args *args)
{
    int code = bide__connector_init(&s->connector);
    s->pool = &s->connector;
    if (code >= 0)
        code = bide__session_set_options(s, args);
    if (code >= 0 && s->has_tls_options && !bide__session_tls(s))
        code = bide_error_code(); /* now, not at the first request */
    return code;
}

bide_session *bide_session_new_with(const bide_session_args *options)
{
    bide_session_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_session_new") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_session_new") < 0)
        return NULL;
    bide_session *s = bide__object_alloc(sizeof *s); /* most of it needs no zeros */
    if (!s) {
        bide__fail_nomem("a session");
        return NULL;
    }
    memset(s, 0, offsetof(bide_session, h1.own_fields));
    bide__object_init(s, &session_type);
    bide__list_init(&s->spare_responses);
    bide__arena_init(&s->strings, 1 << 20);
    bide__auth_spaces_init(&s->credentials.spaces);
    if (session_init(s, &args) < 0) {
        session_destroy(s);
        return NULL;
    }
    return s;
}

/* What the session says in one way or the other. */
static bide_tls_args tls_args(const bide_session *s)
{
    bide_tls_args args = s->tls_options;

    args.size = sizeof args;
    args.alpn = "http/1.1";
    return args;
}

bide_tls *bide__session_tls(bide_session *s)
{
    bide_tls_args args;
    if (!s->tls) {
        args = tls_args(s);
        s->tls = bide__tls_shared(&args);
    }
    return s->tls;
}

/* Who we are, and what the server's key must be, is nothing to a proxy. */
bide_tls *bide__session_proxy_tls(void *session)
{
    bide_session *s = session;
    bide_tls_args args;

    if (!s->proxy_tls) {
        args = tls_args(s);
        args.cert_file = args.key_file = args.key_password = args.pins = args.server_name = NULL;
        s->proxy_tls = bide__tls_shared(&args);
    }
    return s->proxy_tls;
}

/* ---- its loop ---- */

int bide__session_bind(bide_session *s)
{
    bide_loop *loop = bide__loop_here;
    if (likely(s->loop == loop && s->pool->loop == loop))
        return 0;
    int code = s->owner ? bide__session_bind(s->owner) : 0;
    if (code == 0)
        code = s->loop ? bide__loop_check(s->loop, "bide_request") : 0;
    if (code < 0 || !loop || s->loop == loop) /* what is missing then is a task */
        return code;

    bide__connector_close_idle(&s->connector);
    if (s->connector.open > 0)
        return bide_fail(BIDE_ESTATE, "the session is in use on another event loop");
    if (s->loop)
        bide__object_unref(s->loop);
    s->loop = s->connector.loop = bide_retain(loop);
    return 0;
}

/* ---- the end ---- */

/* What is idle has nobody who could ask for it. */
static void close_pool(bide_session *s)
{
    s->connector.is_closing = true;
    bide__connector_close_idle(&s->connector);
}

/* Those who share the connections are owners of them, until nobody but responses holds them in turn. */
static void leave_owner(bide_session *s)
{
    bide_session *owner = s->owner;

    s->has_left = true;
    owner->nresponses++;
    owner->nleft++;
    if (owner->object.refs == owner->nresponses)
        close_pool(owner);
}

static void forget_owner(bide_session *s)
{
    if (s->has_left) {
        s->owner->nleft--;
        bide__session_leave(s->owner);
    } else {
        bide_release(s->owner);
    }
}

static void session_destroy(void *object)
{
    bide_session *s = object;

    forget_owner(s);
    bide__connector_free(&s->connector);
    while (!bide__list_is_empty(&s->spare_responses)) {
        bide_response *r = container_of(s->spare_responses.next, bide_response, spare);
        bide__list_remove(&r->spare);
        bide__arena_free(&r->arena);
        bide__object_free(r);
    }
    bide__decoders_free(&s->decoders);
    while (s->nspare_bodies > 0)
        bide__free(s->spare_bodies[--s->nspare_bodies].data);
    bide_release(s->tls);
    bide_release(s->proxy_tls);
    bide_release(s->jar);
    bide_release(s->hsts);
    bide_release(s->transport);
    bide__session_free_credentials(s);
    if (s->loop)
        bide__object_unref(s->loop);
    bide__arena_free(&s->strings);
    bide__h1_context_free(&s->h1);
    bide__object_free(s);
}

/* ---- responses that are left ---- */

#define LEFT_SHOWN 5

struct left {
    const bide_session *session;
    const bide_response *first[LEFT_SHOWN];
    size_t n;
};

static void take_if_left(void *arg, void *object)
{
    struct left *l = arg;
    const struct object *o = object;
    const bide_response *r = container_of(o, bide_response, object);

    if (o->word != OBJECT_LIVE || !bide__object_is(o, &bide__response_type) || r->session != l->session)
        return;
    if (l->n < LEFT_SHOWN)
        l->first[l->n] = r;
    l->n++;
}

/* They are to be released before the session: who forgets them keeps their connections open. */
static __attribute__((noinline)) void report_left(const bide_session *s)
{
    struct left l = {.session = s};
    char label[128], place[PLACE_TEXT_MAX];

    bide__ledger_each(s->loop, take_if_left, &l);
    if (l.n > 0)
        bide__loop_warn(s->loop, "a session is released before %zu of its responses", l.n);
    for (size_t i = 0; i < l.n && i < LEFT_SHOWN; i++) {
        bide__response_type.describe(l.first[i], label, sizeof label);
        bide__ledger_made_at(l.first[i], place, sizeof place);
        bide__loop_warn(s->loop, "not released: response %s, made at %s", label, place);
    }
    if (l.n > LEFT_SHOWN)
        bide__loop_warn(s->loop, "not released: ... and %zu more of them", l.n - LEFT_SHOWN);
}

/* Responses still in use keep what they need; nothing else stays open. */
static void session_release(void *object)
{
    bide_session *s = object;
    if (s->loop && bide__release_is_refused(s->loop, "bide_release of a session"))
        return;

    if (s->object.refs == 1 + s->nresponses) { /* the last owner */
        if (unlikely(bide__ledger_is_kept && s->nresponses > 0))
            report_left(s);
        close_pool(s);
        if (s->owner && !s->has_left)
            leave_owner(s);
    }
    bide__object_unref(s);
}

static bide_session_stats stats_of(const bide_session *s)
{
    const struct connector *k = s->pool;

    return (bide_session_stats){.requests = s->requests,
                                .reused = s->reused,
                                .connections = k->connections,
                                .open = k->open,
                                .idle = k->nidle,
                                .waiting = k->nwaiting,
                                .responses = (int)(s->nresponses - s->nleft),
                                .bytes_in = k->bytes_in,
                                .bytes_out = k->bytes_out};
}

void bide_session_get_stats_into(const bide_session *s, bide_session_stats *out, size_t size)
{
    static const char function[] = "bide_session_get_stats";
    bool is_ours = !bide__is_null(s, function, "the session") && (!s->loop || bide__loop_check(s->loop, function) == 0);
    bide_session_stats stats = is_ours ? stats_of(s) : (bide_session_stats){0};

    bide__options_give(out, size, &stats, sizeof stats);
}

int bide_session_close_idle(bide_session *s)
{
    if (bide__is_null(s, __func__, "the session"))
        return -EINVAL;
    int code = s->loop ? bide__loop_check(s->loop, __func__) : 0, n = s->pool->nidle;
    if (code < 0)
        return code;
    bide__connector_close_idle(s->pool);
    return n;
}

bide_cookie_jar *bide_session_cookies(bide_session *s)
{
    static const char function[] = "bide_session_cookies";
    if (bide__is_null(s, function, "the session") || (s->loop && bide__loop_check(s->loop, function) < 0))
        return NULL;
    if (s->jar_kind != JAR_OF_SESSION)
        return s->args.cookies;
    if (!s->jar)
        s->jar = bide_cookie_jar_new();
    return s->jar;
}

/* ---- memory to use again ---- */

bide_response *bide__session_take_response(bide_session *s)
{
    bide_response *r;

    if (likely(!bide__list_is_empty(&s->spare_responses))) {
        r = container_of(s->spare_responses.next, bide_response, spare);
        bide__list_remove(&r->spare);
        s->nspare_responses--;
    } else {
        r = bide__object_alloc(sizeof *r);
        if (!r) {
            bide__fail_nomem("a response");
            return NULL;
        }
        bide__list_init(&r->spare);
        bide__arena_init(&r->arena, SIZE_MAX); /* what goes into it has limits of its own */
    }
    r->session = bide_retain(s);
    s->nresponses++;
    return r;
}

void bide__session_give_response(bide_session *s, bide_response *r)
{
    if (r->arena.total > SPARE_ARENA_MAX)
        bide__arena_free(&r->arena);
    else
        bide__arena_reset(&r->arena);
    if (s && s->nspare_responses < SPARE_RESPONSES && !s->connector.is_closing && !bide__no_recycling) {
        bide__list_prepend(&s->spare_responses, &r->spare);
        s->nspare_responses++;
    } else {
        bide__arena_free(&r->arena);
        bide__object_free(r);
    }
    if (s)
        bide__session_leave(s);
}

void bide__session_take_memory(bide_session *s, struct buf *b, size_t need)
{
    if (s->nspare_bodies == 0 || need > SPARE_BODY_MAX || s->spare_bodies[s->nspare_bodies - 1].cap > b->max)
        return;
    const struct spare_memory *spare = &s->spare_bodies[--s->nspare_bodies];
    b->data = spare->data;
    b->cap = spare->cap;
}

void bide__session_give_memory(bide_session *s, struct buf *b)
{
    if (b->cap > SPARE_BODY_MAX || s->nspare_bodies == SPARE_BODIES || bide__no_recycling)
        return;
    s->spare_bodies[s->nspare_bodies++] = (struct spare_memory){b->data, b->cap};
    b->data = NULL;
}

void bide__session_leave(bide_session *s)
{
    s->nresponses--;
    bide__object_unref(s);
}
