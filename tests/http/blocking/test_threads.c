/* SPDX-License-Identifier: MIT */
/* test_threads.c - blocking sessions: many threads, one session; what is kept between calls; who may call what. */
#include <pthread.h>
#include <stdatomic.h>

#include <bide/blocking.h>
#include <bide/http.h>
#include <bide/loop.h>
#include <bide/server.h>
#include <bide/task.h>
#include <bide/transport.h>

#include "harness/harness.h"

/* ---- a server in a thread ---- */

static struct {
    pthread_t thread;
    char url[64];
    bide_loop *loop;
    bide_future *stop;
    atomic_int connections;
    pthread_barrier_t ready;
} server;

static int answer(bide_exchange *x, void *arg)
{
    (void)arg;
    bide_bytes body = bide_exchange_body(x);
    const char *cookie = bide_exchange_header(x, "Cookie");
    BIDE_TRY(bide_respond_header(x, "X-Cookie", cookie ? cookie : "none"));
    BIDE_TRY(bide_respond_header(x, "Set-Cookie", "seen=1; Path=/"));
    BIDE_TRY(bide_respond_header(x, "X-Method", bide_exchange_method(x)));
    if (strcmp(bide_exchange_path(x), "/cut") == 0)
        return bide_fail(-EIO, "closed");
    return body.len > 0 ? bide_respond(x, 200, "text/plain", body.data, body.len) : bide_respond_text(x, 200, bide_exchange_target(x));
}

static int serve(void)
{
    bide_auto bide_server *s = bide_server_start(answer);
    bide_auto bide_future *stop = bide_future_new();

    snprintf(server.url, sizeof server.url, "%s", bide_server_url(s));
    server.loop = bide_get_event_loop();
    server.stop = stop;
    pthread_barrier_wait(&server.ready);
    int code = bide_await(stop);
    server.connections = (int)bide_server_get_stats(s).connections;
    return code;
}

static void *server_main(void *arg)
{
    (void)arg;
    if (bide_run(bide_coro(serve)) < 0)
        bide_error_print(stderr);
    return NULL;
}

static void server_begin(void)
{
    pthread_barrier_init(&server.ready, NULL, 2);
    EXPECT_EQ(pthread_create(&server.thread, NULL, server_main, NULL), 0);
    pthread_barrier_wait(&server.ready);
}

static void set_stop(void *arg)
{
    (void)arg;
    BIDE_IGNORE(bide_future_set_result(server.stop, 0));
}

static void server_end(void)
{
    EXPECT_EQ(bide_loop_call_soon_threadsafe(server.loop, set_stop, NULL), 0);
    pthread_join(server.thread, NULL);
    pthread_barrier_destroy(&server.ready);
}

/* ---- many threads ---- */

#define THREADS 8
#define CALLS 40

struct caller {
    pthread_t thread;
    bide_blocking *b;
    int number, good;
};

static void *call_often(void *arg)
{
    struct caller *c = arg;
    char path[40], want[48];

    for (int i = 0; i < CALLS; i++) {
        snprintf(path, sizeof path, "t%d/%d", c->number, i);
        snprintf(want, sizeof want, "/%s", path);
        bide_response *r = i % 2 ? bide_blocking_post(c->b, path, .text = want) : bide_blocking_get(c->b, path);
        c->good += r && bide_status(r) == 200 && strcmp(bide_text(r), want) == 0 && strcmp(bide_response_peer(r), "127.0.0.1") == 0;
        bide_release(r);
    }
    bide_response *bad = bide_blocking_get(c->b, "ftp://x/");
    c->good += !bad && bide_error_code() == BIDE_EURL;
    return NULL;
}

static void call_in_threads(bide_blocking *of[THREADS])
{
    struct caller callers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){.b = of[i], .number = i};
        EXPECT_EQ(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        EXPECT_EQ(callers[i].good, CALLS + 1);
    }
}

UNIT(blocking_session_is_shared_by_many_threads_and_keeps_connections, .seconds = 60)
{
    bide_blocking *of[THREADS];
    server_begin();
    bide_blocking *b = bide_blocking_new(.base_url = server.url);
    EXPECT_NOT_NULL(b);

    for (int i = 0; i < THREADS; i++)
        of[i] = b;
    call_in_threads(of);
    bide_response *r = bide_blocking_get(b, "last");
    bide_release(b);
    EXPECT_STR(bide_text(r), "/last"); /* it stands alone */
    EXPECT_STR(bide_header(r, "X-Cookie"), "seen=1");
    bide_release(r);
    server_end();
    EXPECT_LE(server.connections, THREADS);
}

UNIT(blocking_sessions_of_several_threads_do_not_meet, .seconds = 60)
{
    bide_blocking *of[THREADS];
    server_begin();

    for (int i = 0; i < THREADS; i++)
        EXPECT_NOT_NULL(of[i] = bide_blocking_new(.base_url = server.url));
    call_in_threads(of);
    for (int i = 0; i < THREADS; i++)
        bide_release(of[i]);
    server_end();
    EXPECT_EQ(server.connections, THREADS);
}

/* ---- calls ---- */

UNIT(blocking_calls_have_every_method_option_and_error)
{
    server_begin();
    bide_auto bide_blocking *b = bide_blocking_new(.base_url = server.url, .raise_for_status = true);
    const char *const methods[] = {"PUT", "PATCH", "DELETE", "HEAD", "PURGE"};
    bide_response *all[] = {bide_blocking_put(b, "/", .json = "1"), bide_blocking_patch(b, "/", .form = BIDE_PAIRS({"a", "b"})),
                            bide_blocking_delete(b, "/"), bide_blocking_head(b, "/"), bide_blocking_request(b, "PURGE", "/")};

    for (int i = 0; i < 5; i++) {
        EXPECT_STR(bide_header(all[i], "X-Method"), methods[i]);
        bide_release(all[i]);
    }
    EXPECT_NULL(bide_blocking_get(b, "/cut"));
    EXPECT_ERR(bide_error_code(), BIDE_ESTATUS);
    EXPECT_CONTAINS(bide_error_text(), "/cut: 500");
    EXPECT_NULL(bide_blocking_post(b, "/", .text = "longer than that", .max_body_bytes = 4));
    EXPECT_ERR(bide_error_code(), BIDE_ETOOBIG);
    EXPECT_NULL(bide_blocking_get(NULL, "/"));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    server_end();
}

UNIT(blocking_session_with_bad_options_is_none)
{
    EXPECT_NULL(bide_blocking_new(.limit = -5));
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "limit");
    EXPECT_NULL(bide_blocking_new(.ca_file = "/nowhere"));
    EXPECT_ERR(bide_error_code(), BIDE_ETLS);
}

static int ask_itself(bide_attempt *a, void *arg)
{
    bide_blocking *b = *(bide_blocking **)arg;
    (void)a;

    EXPECT_NULL(bide_blocking_get(b, "http://a/"));
    return bide_error_code() == BIDE_EDEADLOCK ? 0 : -EIO;
}

UNIT(blocking_call_in_its_own_thread_is_refused)
{
    bide_blocking *b = NULL;
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a/", BIDE_ANSWER(200, .text = "ok")}));
    b = bide_blocking_new(.transport = t, .around = BIDE_AROUND({.before = ask_itself, .arg = &b}));
    bide_response *r = bide_blocking_get(b, "http://a/");

    EXPECT_STR(bide_text(r), "ok");
    EXPECT_EQ(bide_transport_request_count(t), 1);
    bide_release(r);
    bide_release(b);
}

static int call_inside(bide_blocking *b)
{
    bide_auto bide_response *r = bide_blocking_get(b, "http://a/");

    return r ? bide_status(r) : bide_error_code();
}

UNIT(blocking_call_inside_a_task_works_and_is_reported)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a/", NULL}));
    bide_auto bide_blocking *b = bide_blocking_new(.transport = t);

    EXPECT_EQ(bide_run(bide_coro(call_inside, b)), 200);
}
