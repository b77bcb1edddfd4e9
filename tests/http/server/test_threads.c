/* SPDX-License-Identifier: MIT */
/* test_threads.c - one server in several threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/http.h>
#include <bide/loop.h>
#include <bide/server.h>
#include <bide/stream.h>
#include <bide/thread.h>
#include <bide/tls.h>

#include "server/wire_pair.h"

enum { THREADS = 3 };

static struct {
    atomic_int requests[THREADS], running, cancelled, high;
    bide_loop *starter;
    bide_server *server;
} seen;

static int nap_there(int ms)
{
    return bide_sleep_ms(ms);
}

/* /: which thread; /sleep: until it is cancelled; /call: asks the starter's loop; /stats: how many requests so far; /fail. */
static int answer(bide_exchange *x, void *arg)
{
    int index = bide_thread_index();
    const char *path = bide_exchange_path(x);
    (void)arg;
    if (index < 0 || index >= THREADS)
        return bide_fail(-EDOM, "thread %d", index);
    atomic_fetch_add(&seen.requests[index], 1);
    if (strcmp(path, "/sleep") == 0) {
        atomic_fetch_add(&seen.running, 1);
        int code = bide_sleep_ms(60000);
        atomic_fetch_add(&seen.cancelled, code == BIDE_ECANCELED);
        return code;
    }
    if (strcmp(path, "/end") == 0) { /* its cleanup needs the starter's loop */
        atomic_fetch_add(&seen.running, 1);
        BIDE_IGNORE(bide_sleep_ms(60000));
        int code = bide_call_in_loop(seen.starter, bide_coro(nap_there, 5));
        atomic_fetch_add(&seen.cancelled, code == 0);
        return code;
    }
    if (strcmp(path, "/short") == 0) {
        atomic_fetch_add(&seen.running, 1);
        BIDE_TRY(bide_sleep_ms(80));
    }
    if (strcmp(path, "/call") == 0)
        BIDE_TRY(bide_call_in_loop(seen.starter, bide_coro(nap_there, 1)));
    if (strcmp(path, "/fail") == 0)
        return bide_fail(-EXDEV, "the handler of thread %d has failed", index);
    if (strcmp(path, "/stats") == 0)
        return bide_respond_json(x, 200, "%d", bide_server_get_stats(seen.server).requests > 0);
    return bide_respond_json(x, 200, "%d", index);
}

static bide_server *start(int max_connections)
{
    seen.starter = bide_get_event_loop();
    seen.server = bide_server_start(answer, .threads = THREADS, .max_connections = max_connections);
    EXPECT_NOT_NULL(seen.server);
    return seen.server;
}

static bide_stream *begin(bide_server *s, const char *path)
{
    char text[128];
    bide_stream *c = dial(s);

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
    send_text(c, text);
    return c;
}

static void get(bide_server *s, const char *path)
{
    bide_auto bide_stream *c = begin(s, path);

    EXPECT_CONTAINS(read_all(c), "HTTP/1.1 200 OK\r\n");
}

/* The kernel deals out connections by a hash of their ports. */
static int ask_until_all_threads_have_answered(bide_server *s, const char *path)
{
    int n = 0;

    for (int i = 0; i < THREADS; i++)
        for (; atomic_load(&seen.requests[i]) == 0; n++) {
            EXPECT_LT(n, 2000);
            get(s, path);
        }
    return n;
}

TEST(server_threads_all_answer_and_count_together, .real_time = true, .seconds = 30)
{
    bide_auto bide_server *s = start(0);
    int n = ask_until_all_threads_have_answered(s, "/");
    get(s, "/stats");
    bide_server_stats stats = bide_server_get_stats(s);
    EXPECT_EQ(stats.requests, n + 1);
    EXPECT_EQ(stats.connections, n + 1);
    EXPECT_EQ(bide_server_count(s, 200), n + 1);
    EXPECT_LE((uint64_t)n * 50, stats.bytes_in);
    EXPECT_LE((uint64_t)n * 50, stats.bytes_out);
    EXPECT_EQ(bide_thread_index(), 0);
}

TEST(server_threads_handlers_reach_the_starters_loop, .real_time = true, .seconds = 30)
{
    bide_auto bide_server *s = start(0);
    ask_until_all_threads_have_answered(s, "/call");
}

static void wait_until_running(int n)
{
    while (atomic_load(&seen.running) < n)
        BIDE_IGNORE(bide_sleep_ms(1));
}

TEST(server_threads_stop_lets_requests_of_all_threads_end, .real_time = true, .seconds = 30)
{
    enum { N = 12 };
    bide_stream *c[N];
    bide_auto bide_server *s = start(0);
    int port = bide_server_port(s);
    bide_auto bide_stream *idle = dial(s);
    for (int i = 0; i < N; i++)
        c[i] = begin(s, "/short");
    wait_until_running(N);
    EXPECT_EQ(bide_server_stop(s, 5000), 0);
    for (int i = 0; i < N; i++) {
        EXPECT_CONTAINS(read_all(c[i]), "HTTP/1.1 200 OK\r\n");
        bide_release(c[i]);
    }
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
    EXPECT_NULL(bide_connect("127.0.0.1", port));
    EXPECT_ERR(bide_error_code(), -ECONNREFUSED);
    (void)idle;
}

TEST(server_threads_stop_gives_up_after_the_grace_and_release_cancels_all, .real_time = true, .seconds = 30)
{
    enum { N = 12 };
    bide_stream *c[N];
    bide_server *s = start(0);
    for (int i = 0; i < N; i++)
        c[i] = begin(s, "/sleep");
    wait_until_running(N);
    EXPECT_ERR(bide_server_stop(s, 20), BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_server_get_stats(s).open, N);
    bide_release(s);
    EXPECT_EQ(atomic_load(&seen.cancelled), N);
    EXPECT_EQ(bide_thread_index(), -1);
    for (int i = 0; i < N; i++)
        bide_release(c[i]);
}

static int stop(bide_server *s)
{
    return bide_server_stop(s, 60000);
}

TEST(server_threads_stop_can_be_cancelled, .real_time = true, .seconds = 30)
{
    enum { N = 6 };
    bide_stream *c[N];
    bide_auto bide_server *s = start(0);
    for (int i = 0; i < N; i++)
        c[i] = begin(s, "/sleep");
    wait_until_running(N);
    bide_auto bide_task *t = bide_create_task(bide_coro(stop, s));
    BIDE_IGNORE(bide_sleep_ms(10));
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    for (int i = 0; i < N; i++)
        bide_release(c[i]);
}

TEST(server_threads_release_waits_for_handlers_that_need_the_starters_loop, .real_time = true, .seconds = 30)
{
    enum { N = 8 };
    bide_stream *c[N];
    bide_server *s = start(0);
    for (int i = 0; i < N; i++)
        c[i] = begin(s, "/end");
    wait_until_running(N);
    bide_release(s);
    EXPECT_EQ(atomic_load(&seen.cancelled), N);
    for (int i = 0; i < N; i++)
        bide_release(c[i]);
}

/* Those that wait in one thread go on when a connection of another ends. */
TEST(server_threads_share_the_limit_of_connections, .real_time = true, .seconds = 30)
{
    enum { N = 24, MAX = 2 };
    bide_stream *c[N];
    bide_auto bide_server *s = start(MAX);
    for (int i = 0; i < N; i++)
        c[i] = begin(s, "/short");
    for (int i = 0; i < N; i++) {
        int open = bide_server_get_stats(s).open;
        EXPECT_LE(open, MAX);
        EXPECT_CONTAINS(read_all(c[i]), "HTTP/1.1 200 OK\r\n");
        bide_release(c[i]);
    }
    EXPECT_EQ(bide_server_get_stats(s).requests, N);
}

TEST(server_threads_do_not_share_their_port_with_another_server, .real_time = true, .seconds = 30)
{
    bide_auto bide_server *s = start(0);
    EXPECT_NULL(bide_server_start(answer, .threads = 2, .port = bide_server_port(s)));
    EXPECT_ERR(bide_error_code(), -EADDRINUSE);
    EXPECT_NULL(bide_server_start(answer, .port = bide_server_port(s)));
    EXPECT_ERR(bide_error_code(), -EADDRINUSE);
    get(s, "/");
}

TEST(server_reuse_port_lets_two_servers_share_one, .real_time = true)
{
    bide_auto bide_server *a = bide_server_start(answer, .reuse_port = true);
    bide_auto bide_server *b = bide_server_start(answer, .reuse_port = true, .port = bide_server_port(a));
    EXPECT_NOT_NULL(b);
    EXPECT_EQ(bide_server_port(a), bide_server_port(b));
}

TEST(server_threads_bad_options_are_refused, .real_time = true)
{
    EXPECT_NULL(bide_server_start(answer, .threads = 257));
    EXPECT_STR(bide_error_text(), "bide_server_start: threads = 257: 1 to 256, or 0 for the default");
    EXPECT_NULL(bide_server_start(answer, .threads = BIDE_NONE));
    EXPECT_NULL(bide_server_start(answer, .host = "unix:/tmp/none", .threads = 2));
    EXPECT_CONTAINS(bide_error_text(), "a Unix socket is served by one");
}

TEST(server_threads_of_all_processors_start_and_end, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(answer, .threads = BIDE_ALL_PROCESSORS);
    EXPECT_NOT_NULL(s);
    get(s, "/");
}

TEST(server_threads_that_cannot_be_made_are_an_error, .real_time = true)
{
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    EXPECT_NULL(bide_server_start(answer, .threads = 2));
    EXPECT_ERR(bide_error_code(), -EAGAIN);
    EXPECT_CONTAINS(bide_error_text(), "bide_server_start: no thread could be made");
}

/* Also those that the other threads make when they begin. */
TEST(server_threads_fail_the_nth_allocation, .real_time = true, .seconds = 60)
{
    int in_a_row = 0, failed = 0;
    for (long n = 0; in_a_row < 5; n++) {
        EXPECT_LT(n, 500);
        bide__alloc_fail_at(n);
        bide_server *s = bide_server_start(answer, .threads = THREADS);
        bool enough = bide__alloc_fail_at(-1);
        if (s) {
            get(s, "/"); /* all of it is there */
        } else {
            EXPECT_ERR(bide_error_code(), BIDE_ENOMEM);
            EXPECT_CONTAINS(bide_error_text(), "emory");
            failed++;
        }
        bide_release(s);
        bide_error_clear();
        in_a_row = s && enough ? in_a_row + 1 : 0;
    }
    EXPECT_LT(5, failed);
}

/* ---- errors of handlers ---- */

static int reports;

static void note(bide_loop *loop, const char *message, void *arg)
{
    (void)loop;
    (void)arg;
    EXPECT_CONTAINS(message, "has failed");
    reports++;
}

TEST(server_threads_report_to_the_starters_exception_handler, .real_time = true, .seconds = 30)
{
    int n = 0;
    bide_loop_set_exception_handler(bide_get_event_loop(), note, NULL);
    bide_auto bide_server *s = start(0);
    for (int i = 0; i < THREADS; i++)
        for (; atomic_load(&seen.requests[i]) == 0; n++) {
            bide_auto bide_stream *c = begin(s, "/fail");
            EXPECT_CONTAINS(read_all(c), "HTTP/1.1 500 ");
        }
    while (reports < n)
        BIDE_IGNORE(bide_sleep_ms(1));
    EXPECT_EQ(reports, n);
}

/* ---- TLS ---- */

static int64_t resumes(bide_server *server, bide_session *s)
{
    char url[64];
    snprintf(url, sizeof url, "%s/", bide_server_url(server));
    bide_auto bide_response *r = bide_get(s, url, .headers = BIDE_PAIRS({"Connection", "close"}));
    EXPECT_NOT_NULL(r);
    EXPECT_EQ(bide_status(r), 200);
    EXPECT_NOT_NULL(bide_body(r).data);
    return bide_response_connection(r).tls_resumed;
}

TEST(server_threads_resume_each_others_tls_sessions, .real_time = true, .seconds = 30)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    bide_auto bide_server *server = bide_server_start(answer, .threads = THREADS, .cert_file = cert, .key_file = key);
    EXPECT_NOT_NULL(server);
    bide_auto bide_session *s = bide_session_new(.ca_file = cert);
    EXPECT_EQ(resumes(server, s), 0);
    for (int i = 0; i < 2 || !seen.requests[0] || !seen.requests[1] || !seen.requests[2]; i++)
        EXPECT_EQ(resumes(server, s), 1);
}

TEST(server_threads_released_before_they_took_connections_end, .real_time = true)
{
    for (int i = 0; i < 5; i++) {
        bide_auto bide_server *s = start(0);
        (void)s;
    }
}

/* ---- a child ---- */

TEST(server_threads_of_a_parent_end_with_a_child_that_releases_them, .real_time = true)
{
    bide_auto bide_server *s = start(0);
    get(s, "/");
    pid_t child = fork();
    if (child == 0) {
        bide_release(s);
        _exit(bide_server_count(s, 200) == 0 ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    get(s, "/");
}
