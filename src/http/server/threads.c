/* SPDX-License-Identifier: MIT */
/*
 * threads.c - one server in several threads: .threads of bide_server_start.
 *
 * The thread that starts it has its loop already; each of the others gets one, and in it a server of its own that listens on the same
 * port (SO_REUSEPORT), so the kernel deals out connections and no connection changes its thread.
 *
 *     the starter's loop                              another thread's loop
 *       bide_server -- group -- shards[i]  <--------    bide_server, in the frame of shard_task
 *         |              '- limits that all share           ^
 *         '- bide_server_stop, _release: stop, end ---------'   by bide_submit_to_loop and promises
 *
 * A shard listens before bide_server_start returns, and takes connections when the starter's own acceptor has begun: so a handler
 * may rely on what its program does right behind bide_server_start.
 *
 * Invariants:
 *   G1  a shard's server is touched in its thread alone; its counters are atomic, and the group's.
 *   G2  the group outlives the threads, and the starter's inbox has nothing of it when it is freed.
 */
#include <stdio.h>

#include "http/server/server.h"

enum { SHARD_STARTING, SHARD_LISTENS, SHARD_FAILED };

/* A call for an acceptor that waits because there are too many connections: there are fewer. */
struct room {
    struct inbox_item item;
    bide_server **server; /* in that thread alone; NULL: it is being released */
    bide_loop *loop;
    struct server_group *group;
    bool is_posted; /* under the group's lock */
};

struct shard {
    struct server_group *group;
    int index;
    pthread_t id;
    int state;                 /* under the group's lock, like the error */
    struct error_record error; /* why it failed */
    bide_loop *loop;           /* from SHARD_LISTENS on */
    bide_server *server;       /* NULL: it is being released */
    struct server_counts counts;
    struct room room;
    bide_promise *go, *end;     /* the starter's: take connections; end */
    bide_promise *over_promise; /* the shard's: its loop is closed */
    bide_future *over;          /* the starter's */
};

struct server_group {
    const struct server_ops *ops;
    const bide_server_args *args; /* the starter's, who waits */
    int port;
    const bide_tls *tls; /* likewise */
    struct server_shared shared;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bide_loop *loop; /* the starter's */
    bool reports;    /* that one has an exception handler */
    bool set_index;  /* the starter had no index of its own */
    bide_server *starter;
    struct room room; /* the starter's */
    struct inbox_item gone;
    int n;
    struct shard shards[];
};

/* ---- what it reports ---- */

static void say(void *message)
{
    bide__loop_report(bide__loop_here, "%s", (const char *)message);
}

static void free_message(void *message)
{
    bide__free(message);
}

static void forward(bide_loop *loop, const char *message, void *arg)
{
    const struct shard *s = arg;
    char *copy = bide__strdup(message);

    (void)loop;
    if (copy)
        BIDE_IGNORE(bide_loop_call_soon_threadsafe_taking(s->group->loop, say, copy, free_message)); /* full: it is lost */
}

/* ---- in a shard's thread ---- */

static void set_state(struct shard *s, int state)
{
    pthread_mutex_lock(&s->group->lock);
    s->state = state;
    if (state == SHARD_FAILED)
        s->error = *bide__error_current();
    pthread_cond_signal(&s->group->changed);
    pthread_mutex_unlock(&s->group->lock);
}

static int shard_task(struct shard *s)
{
    bide_auto bide_future *go = NULL, *end = NULL;
    const struct server_ops *ops = s->group->ops;
    struct server_in in = {s->group, &s->counts, &s->group->shared, s->group->port, s->group->tls};
    bide_auto bide_server *server = ops->open(s->group->args, &in);
    s->go = server ? bide_promise_new(&go) : NULL;
    s->end = s->go ? bide_promise_new(&end) : NULL;
    if (!s->end) {
        set_state(s, SHARD_FAILED);
        bide_release(bide_take(s->go));
        return 0;
    }

    if (s->group->reports)
        bide_loop_set_exception_handler(bide__loop_here, forward, s);
    s->loop = bide__loop_here;
    s->server = server;
    set_state(s, SHARD_LISTENS);
    if (bide_await(go) == 0 && ops->accept(server) < 0)
        bide__loop_report(s->loop, "a server's thread takes no connections: %s", bide_error_text());
    int code = bide_await(end);
    s->server = NULL;
    return code;
}

static void *shard_main(void *arg)
{
    struct shard *s = arg;
    char name[24]; /* 15 are shown */

    snprintf(name, sizeof name, "bide-serve-%u", (unsigned)s->index % 1000);
    pthread_setname_np(pthread_self(), name);
    bide__set_thread_index(s->index);
    int code = bide_run(bide_coro(shard_task, s));
    if (code < 0 && s->state == SHARD_STARTING) /* there was no loop: nobody else writes that */
        set_state(s, SHARD_FAILED);
    BIDE_IGNORE(bide_promise_set_result(s->over_promise, 0));
    return NULL;
}

/* ---- in the starter's thread ---- */

static int wait_until_it_listens(struct shard *s)
{
    bide__block_begin();
    pthread_mutex_lock(&s->group->lock);
    while (s->state == SHARD_STARTING)
        pthread_cond_wait(&s->group->changed, &s->group->lock);
    pthread_mutex_unlock(&s->group->lock);
    if (s->state != SHARD_LISTENS)
        pthread_join(s->id, NULL);
    bide__block_end();
    if (s->state == SHARD_LISTENS)
        return 0;
    bide__error_adopt(&s->error);
    return bide_error_code();
}

static void forget(struct shard *s)
{
    bide_release(bide_take(s->go));
    bide_release(bide_take(s->end));
    bide_release(bide_take(s->over_promise));
    bide_release(bide_take(s->over));
}

static void room_came(struct inbox_item *item)
{
    struct room *r = container_of(item, struct room, item);

    pthread_mutex_lock(&r->group->lock);
    r->is_posted = false;
    pthread_mutex_unlock(&r->group->lock);
    if (*r->server)
        bide__wake_one(r->loop, &(*r->server)->has_room);
}

static struct room room_of(struct server_group *g, bide_server **server, bide_loop *loop)
{
    return (struct room){.item.run = room_came, .server = server, .loop = loop, .group = g};
}

static int start_shard(struct server_group *g, int index)
{
    struct shard *s = &g->shards[g->n];
    *s = (struct shard){.group = g, .index = index};
    s->over_promise = bide_promise_new(&s->over);
    if (!s->over_promise)
        return bide_error_code();

    int code = bide__quiet_thread(&s->id, shard_main, s);
    if (code != 0)
        code = bide_fail(-code, "bide_server_start: no thread could be made: %s", bide_strerror(-code));
    else
        code = wait_until_it_listens(s);
    if (code < 0) {
        forget(s);
        return code;
    }
    pthread_mutex_lock(&g->lock); /* others may have begun: they look for who waits for room */
    s->room = room_of(g, &s->server, s->loop);
    bide__list_init(&s->room.item.node);
    g->n++;
    pthread_mutex_unlock(&g->lock);
    return 0;
}

static struct server_group *group_new(int threads)
{
    struct server_group *g = bide__calloc(1, sizeof *g + (size_t)(threads - 1) * sizeof *g->shards);
    if (!g) {
        bide__fail_nomem("bide_server_start");
        return NULL;
    }
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    g->loop = bide__loop_here;
    g->reports = g->loop->on_exception != NULL;
    return g;
}

int bide__shards_start(bide_server *s, const struct server_ops *ops, int threads, const bide_tls *tls)
{
    struct server_group *g = group_new(threads);
    if (!g)
        return BIDE_ENOMEM;

    g->ops = ops;
    s->group = g;
    s->shared = &g->shared;
    g->starter = s;
    g->room = room_of(g, &g->starter, g->loop);
    bide__list_init(&g->room.item.node);
    g->args = &s->args;
    g->port = bide_listener_port(s->listener);
    g->tls = tls;
    for (int i = 1; i < threads; i++)
        BIDE_TRY(start_shard(g, i));
    g->args = NULL;
    g->tls = NULL;
    g->set_index = bide_thread_index() < 0;
    if (g->set_index)
        bide__set_thread_index(0);
    return 0;
}

void bide__shards_go(struct server_group *g)
{
    for (int i = 0; i < g->n; i++)
        BIDE_IGNORE(bide_promise_set_result(g->shards[i].go, 0)); /* its loop does not end before it is told to */
}

/* ---- stopping ---- */

static int stop_shard(struct shard *s, int64_t grace_ms)
{
    return s->server ? s->group->ops->stop(s->server, grace_ms) : 0;
}

int bide__shards_stop_begin(struct server_group *g, int64_t grace_ms, bide_future ***all)
{
    *all = bide__calloc((size_t)g->n, sizeof **all);
    if (!*all)
        return bide__fail_nomem("bide_server_stop");
    for (int i = 0; i < g->n; i++)
        if (!((*all)[i] = bide_submit_to_loop(g->shards[i].loop, bide_coro(stop_shard, &g->shards[i], grace_ms)))) {
            int code = bide_error_code();
            return bide__shards_stop_end(g, *all, code);
        }
    return 0;
}

int bide__shards_stop_end(struct server_group *g, bide_future **all, int first)
{
    for (int i = 0; i < g->n && all[i]; i++) {
        if (first == BIDE_ECANCELED)
            bide_future_cancel(all[i]);
        int code = bide_await(all[i]);
        first = first < 0 || code >= 0 ? first : code;
        bide_release(all[i]);
    }
    bide__free(all);
    return first;
}

/* Its handlers may wait for tasks of this loop, so this thread goes on while they end, if it can. */
static void wait_for_end(struct shard *s, bool can_wait)
{
    if (can_wait && bide__loop_here)
        bide__drain(s->over);
    else if (can_wait && !bide_future_done(s->over))
        bide__loop_run_until(s->group->loop, s->over);
    bide__block_begin();
    pthread_join(s->id, NULL);
    bide__block_end();
}

static void group_free(struct inbox_item *item)
{
    struct server_group *g = container_of(item, struct server_group, gone);

    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    bide__free(g);
}

void bide__shards_end(struct server_group *g, bool can_wait)
{
    g->starter = NULL;
    for (int i = 0; i < g->n; i++) {
        bide_release(bide_take(g->shards[i].go)); /* not kept: it takes no connections any more */
        BIDE_IGNORE(bide_promise_set_result(g->shards[i].end, 0));
    }
    for (int i = 0; i < g->n; i++) {
        wait_for_end(&g->shards[i], can_wait);
        forget(&g->shards[i]);
    }
    if (g->set_index)
        bide__set_thread_index(-1);
    g->gone = (struct inbox_item){.run = group_free, .drop = group_free};
    bide__list_init(&g->gone.node);
    if (!bide__loop_post(g->loop, &g->gone)) /* behind a call for room that may be in the inbox still */
        group_free(&g->gone);
}

/* The threads are the parent's; of what this process has of them, the sockets that listen would hold the port. */
void bide__shards_close_inherited(struct server_group *g)
{
    for (int i = 0; i < g->n; i++)
        if (g->shards[i].server)
            bide_release(bide_take(g->shards[i].server->listener));
}

/* ---- room for connections ---- */

static void call_for(struct room *r, const bide_loop *but)
{
    if (r->is_posted || r->loop == but)
        return;
    r->is_posted = bide__loop_post(r->loop, &r->item);
}

void bide__shards_has_room(struct server_group *g, const bide_loop *here)
{
    pthread_mutex_lock(&g->lock);
    call_for(&g->room, here);
    for (int i = 0; i < g->n; i++)
        call_for(&g->shards[i].room, here);
    pthread_mutex_unlock(&g->lock);
}

/* ---- counting ---- */

uint64_t bide__shards_count(const struct server_group *g, int status)
{
    uint64_t n = 0;

    for (int i = 0; i < g->n; i++)
        n += bide__counted(&g->shards[i].counts.by_status[status]);
    return n;
}

void bide__shards_add_stats(const struct server_group *g, bide_server_stats *to)
{
    for (int i = 0; i < g->n; i++)
        bide__add_counts(&g->shards[i].counts, to);
}
