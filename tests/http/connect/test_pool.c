/* SPDX-License-Identifier: MIT */
/* test_pool.c - who gets which connection, in which order, and what becomes of those that nobody uses. */
#include <sys/resource.h>

#include "client.h"

/* ---- a server that takes its time and remembers ---- */

struct seen {
    int running, most;
    char order[256]; /* the last letter of each path */
    int delay_ms;
};

static int slow(bide_exchange *x, void *arg)
{
    struct seen *seen = arg;
    const char *path = bide_exchange_path(x);
    size_t n = strlen(seen->order);

    seen->running++;
    seen->most = seen->running > seen->most ? seen->running : seen->most;
    if (n < sizeof seen->order - 1)
        seen->order[n] = path[strlen(path) - 1];
    int code = bide_sleep_ms(seen->delay_ms);
    seen->running--;
    return code < 0 ? code : bide_respond_text(x, 200, path);
}

static int get(bide_session *s, const char *base, const char *path)
{
    char url[160];

    snprintf(url, sizeof url, "%s%s", base, path);
    bide_auto bide_response *r = bide_get(s, url);
    if (!r)
        return bide_raise();
    EXPECT_STR(bide_text(r), path);
    return 0;
}

/* Requests for /0, /1, ... at once, in that order. */
static void get_many(bide_session *s, const char *base, int n)
{
    static const char *const paths[] = {"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"};
    bide_task *tasks[10];

    for (int i = 0; i < n; i++)
        tasks[i] = bide_create_task(bide_coro(get, s, base, paths[i]));
    for (int i = 0; i < n; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
}

/* ---- reuse and limits ---- */

/* R48 */
TEST(client_connections_are_used_again, .real_time = true)
{
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < 5; i++)
        EXPECT_EQ(get(s, bide_server_url(server), "/x"), 0);

    bide_session_stats stats = bide_session_get_stats(s);
    EXPECT_EQ(stats.requests, 5);
    EXPECT_EQ(stats.connections, 1);
    EXPECT_EQ(stats.reused, 4);
    EXPECT_EQ(stats.open, 1);
    EXPECT_EQ(stats.idle, 1);
    EXPECT_EQ(stats.waiting, 0);
    EXPECT_EQ(stats.bytes_out, bide_server_get_stats(server).bytes_in);
    EXPECT_EQ(stats.bytes_in, bide_server_get_stats(server).bytes_out);
}

/* R55 */
TEST(client_limit_per_host_is_kept_and_served_in_order, .real_time = true)
{
    struct seen seen = {.delay_ms = 10};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *two = bide_session_new(.limit_per_host = 2);
    bide_auto bide_session *one = bide_session_new(.limit_per_host = 1);

    get_many(two, bide_server_url(server), 10);
    EXPECT_EQ(seen.most, 2);
    EXPECT_EQ(bide_session_get_stats(two).connections, 2);
    seen = (struct seen){.delay_ms = 5};
    get_many(one, bide_server_url(server), 10);
    EXPECT_STR(seen.order, "0123456789");
    EXPECT_EQ(bide_session_get_stats(one).connections, 1);
}

TEST(client_limit_of_all_hosts_is_kept_and_idle_ones_give_way, .real_time = true)
{
    struct seen a = {.delay_ms = 10}, b = {.delay_ms = 10};
    bide_auto bide_server *sa = bide_server_start(slow, .arg = &a);
    bide_auto bide_server *sb = bide_server_start(slow, .arg = &b);
    bide_auto bide_session *s = bide_session_new(.limit = 2);

    get_many(s, bide_server_url(sa), 10);
    EXPECT_EQ(a.most, 2);
    EXPECT_EQ(bide_session_get_stats(s).idle, 2);
    get_many(s, bide_server_url(sb), 10);
    EXPECT_EQ(b.most, 2);
    EXPECT_EQ(bide_session_get_stats(s).open, 2);
}

TEST(client_idle_connections_have_a_limit_of_their_own, .real_time = true)
{
    enum { HOSTS = 4 };
    struct seen seen = {.delay_ms = 5};
    bide_server *servers[HOSTS];
    bide_auto bide_session *s = bide_session_new(.limit = 2, .idle_limit = 3, .idle_limit_per_host = 1);

    for (int i = 0; i < HOSTS; i++) {
        servers[i] = bide_server_start(slow, .arg = &seen);
        get_many(s, bide_server_url(servers[i]), 10); /* two at once, of which one is kept */
    }
    EXPECT_EQ(seen.most, 2);
    EXPECT_EQ(bide_session_get_stats(s).idle, 3);
    EXPECT_EQ(bide_session_get_stats(s).connections, 2 * HOSTS);
    for (int i = 1; i < HOSTS; i++) /* the first one's is the one that has gone */
        EXPECT_EQ(get(s, bide_server_url(servers[i]), "/x"), 0);
    EXPECT_EQ(bide_session_get_stats(s).connections, 2 * HOSTS);
    EXPECT_EQ(get(s, bide_server_url(servers[0]), "/x"), 0);
    EXPECT_EQ(bide_session_get_stats(s).connections, 2 * HOSTS + 1);
    for (int i = 0; i < HOSTS; i++)
        bide_release(servers[i]);
}

/* All are idle, but as many are in use as may be: a request that waits gets an idle one of its own host. */
TEST(client_idle_limit_places_go_round_and_idle_ones_are_used, .real_time = true)
{
    enum { N = 60 };
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *a = bide_server_start(slow, .arg = &seen);
    bide_auto bide_server *b = bide_server_start(slow, .arg = &seen);
    bide_auto bide_server *c = bide_server_start(slow, .arg = &seen);
    const char *urls[] = {bide_server_url(a), bide_server_url(b), bide_server_url(c)};
    bide_auto bide_session *s = bide_session_new(.limit = 2, .limit_per_host = 2, .idle_limit = 8);
    bide_task *tasks[N];

    for (int i = 0; i < N; i++)
        tasks[i] = bide_create_task(bide_coro(get, s, urls[i * i % 3 + (i % 7 == 0)], "/x"));
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
    bide_session_stats stats = bide_session_get_stats(s);
    EXPECT_EQ(seen.most, 2);
    EXPECT_LE(stats.connections, 6);
    EXPECT_EQ(stats.idle, stats.open);
    EXPECT_EQ(stats.waiting, 0);
}

/* A host whose queue never empties must not starve another. */
TEST(client_hosts_take_turns_when_the_session_is_full, .real_time = true)
{
    struct seen seen = {.delay_ms = 5};
    bide_auto bide_server *a = bide_server_start(slow, .arg = &seen);
    bide_auto bide_server *b = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.limit = 1);
    static const char *const order[] = {"/1", "/2", "/3", "/a", "/b", "/4", "/5"};
    bide_task *tasks[7];

    for (int i = 0; i < 7; i++)
        tasks[i] = bide_create_task(bide_coro(get, s, bide_server_url(i == 3 || i == 4 ? b : a), order[i]));
    for (int i = 0; i < 7; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }

    /* The one that waited longest is next; then the place goes round. */
    EXPECT_TRUE(strncmp(seen.order, "123a", 4) == 0);
    EXPECT_EQ(strlen(seen.order), 7);
    EXPECT_EQ(seen.most, 1);
}

TEST(client_a_redirect_needs_no_second_place, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n" ASK OK("2") "ok");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.limit = 1);

    expect_get(s, peer_url(&p, "/a"), "ok");
    peer_stop(&p);
}

/* ---- leaving the queue ---- */

/* R56 */
TEST(client_a_waiter_that_is_cancelled_or_late_leaves_the_queue, .real_time = true)
{
    struct seen seen = {.delay_ms = 50};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.limit_per_host = 1);
    char url[128];
    bide_task *first = bide_create_task(bide_coro(get, s, bide_server_url(server), "/1"));
    bide_task *second = bide_create_task(bide_coro(get, s, bide_server_url(server), "/2"));
    bide_task *third = bide_create_task(bide_coro(get, s, bide_server_url(server), "/3"));

    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_EQ(bide_session_get_stats(s).waiting, 2);
    bide_task_cancel(second);
    snprintf(url, sizeof url, "%s/late", bide_server_url(server));
    EXPECT_FAILED(bide_get(s, url, .timeout_ms = 20), BIDE_ETIMEDOUT, url,
                  "not done within 20 ms (no connection was free)");
    EXPECT_EQ(bide_await(second), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_EQ(bide_session_get_stats(s).waiting, 1);
    EXPECT_EQ(bide_await(first), 0);
    EXPECT_EQ(bide_await(third), 0);

    EXPECT_STR(seen.order, "13");
    EXPECT_EQ(bide_session_get_stats(s).open, 1);
    bide_release(first);
    bide_release(second);
    bide_release(third);
}

/* R56: The grant and the cancellation come in the same turn: somebody else has to get what was granted. */
TEST(client_a_grant_that_comes_too_late_is_passed_on, .real_time = true)
{
    struct seen seen = {.delay_ms = 20};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.limit_per_host = 1);
    char url[128];
    snprintf(url, sizeof url, "%s/1", bide_server_url(server));
    bide_response *r = bide_get(s, url); /* holds nothing: its body came with the head */
    EXPECT_NOT_NULL(r);
    bide_auto bide_task *first = bide_create_task(bide_coro(get, s, bide_server_url(server), "/2"));
    bide_auto bide_task *second = bide_create_task(bide_coro(get, s, bide_server_url(server), "/3"));
    bide_auto bide_task *third = bide_create_task(bide_coro(get, s, bide_server_url(server), "/4"));

    while (!bide_task_done(first))
        EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_task_cancel(second); /* it was granted in the turn in which the first ended, or soon is */
    EXPECT_EQ(bide_await(third), 0);

    EXPECT_EQ(bide_session_get_stats(s).waiting, 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 1);
    bide_error_clear();
    bide_release(r);
}

TEST(client_a_place_whose_connection_failed_goes_to_the_next, .real_time = true)
{
    struct peer p = PEER("" RESET, ASK OK("2") "/2");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.limit = 1);
    char base[64];
    snprintf(base, sizeof base, "http://127.0.0.1:%d", p.port);
    bide_auto bide_task *fails = bide_create_task(bide_coro(get, s, "http://127.0.0.1:1", "/1"));
    bide_auto bide_task *resets = bide_create_task(bide_coro(get, s, base, "/1"));
    bide_auto bide_task *works = bide_create_task(bide_coro(get, s, base, "/2"));

    EXPECT_ERR(bide_await(fails), -ECONNREFUSED);
    bide_error_clear();
    EXPECT_LT(bide_await(resets), 0);
    bide_error_clear();
    EXPECT_EQ(bide_await(works), 0);
    peer_stop(&p);
}

/* ---- idle ---- */

/* R49, D6 */
TEST(client_idle_connections_that_stir_are_thrown_away, .real_time = true)
{
    struct peer p = PEER(ASK OK("1") "a" PAUSE, /* closes */
                         ASK OK("1") "b" PAUSE OK("4") "evil" STALL, ASK OK("1") "c" PAUSE RESET, ASK OK("1") "d");
    static const char *const want[] = {"a", "b", "c", "d"};
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < 4; i++) {
        expect_get(s, peer_url(&p, "/"), want[i]);
        for (int tries = 0; tries < 500 && bide_session_get_stats(s).idle > 0; tries++)
            EXPECT_EQ(bide_sleep_ms(2), 0);
        EXPECT_EQ(bide_session_get_stats(s).idle, 0);
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
    }
    EXPECT_EQ(peer_stop(&p), 4);
}

/* R50 */
TEST(client_idle_connections_are_closed_after_a_while, .real_time = true)
{
    struct peer p = PEER(ASK OK("1") "a" STALL, ASK OK("1") "b");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.keepalive_ms = 40);

    expect_get(s, peer_url(&p, "/"), "a");
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(100), 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    expect_get(s, peer_url(&p, "/"), "b");
    EXPECT_EQ(peer_stop(&p), 2);
}

#define HINT(text) "HTTP/1.1 200 OK\r\nKeep-Alive: " text "\r\nContent-Length: 1\r\n\r\n"

/* R50 */
TEST(client_the_servers_hint_shortens_the_wait_but_never_lengthens_it, .real_time = true)
{
    struct peer p = PEER(ASK HINT("timeout=2") "a" STALL, ASK HINT("max=5, Timeout=3") "b" STALL,
                         ASK HINT("timeout=900") "c" STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.keepalive_ms = 2000);

    expect_get(s, peer_url(&p, "/"), "a");
    EXPECT_EQ(bide_session_get_stats(s).open, 0); /* 2 s less the margin of 2 s */
    expect_get(s, peer_url(&p, "/"), "b");
    EXPECT_EQ(bide_sleep_ms(700), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(500), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 0); /* 3 s less the margin */
    expect_get(s, peer_url(&p, "/"), "c");
    EXPECT_EQ(bide_sleep_ms(1500), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    EXPECT_EQ(bide_sleep_ms(700), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 0);
    peer_stop(&p);
}

/* R50 */
TEST(client_the_connection_used_last_is_used_first, .real_time = true)
{
    struct seen seen = {.delay_ms = 10};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.keepalive_ms = 150);

    get_many(s, bide_server_url(server), 3);
    EXPECT_EQ(bide_session_get_stats(s).idle, 3);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(get(s, bide_server_url(server), "/x"), 0);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1); /* the others were left alone until their time was up */
}

/* ---- no descriptor left ---- */

/* So many may still be opened. */
static void leave_descriptors(int n)
{
    struct rlimit limit;
    int next = dup(0);

    close(next);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)(next + n);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(client_idle_connections_give_their_descriptors, .real_time = true)
{
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *a = bide_server_start(slow, .arg = &seen);
    bide_auto bide_server *b = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 2000);

    EXPECT_EQ(get(s, bide_server_url(a), "/1"), 0);
    leave_descriptors(0);
    EXPECT_EQ(get(s, bide_server_url(b), "/2"), 0);
    EXPECT_EQ(bide_session_get_stats(s).open, 1);
}

TEST(client_timeout_without_a_descriptor_says_so, .real_time = true)
{
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 60);

    leave_descriptors(0);
    EXPECT_FAILED(bide_get(s, bide_server_url(server)), BIDE_ETIMEDOUT, "not connected within 60 ms",
                  "Too many open files");
}

TEST(server_idle_connections_give_their_descriptors, .real_time = true)
{
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *first = bide_session_new(), *second = bide_session_new();
    bide_auto bide_session *third = bide_session_new(.timeout_ms = 2000);

    EXPECT_EQ(get(first, bide_server_url(server), "/1"), 0);
    EXPECT_EQ(get(second, bide_server_url(server), "/2"), 0);
    EXPECT_EQ(get(first, bide_server_url(server), "/1"), 0); /* now the second was idle for longer */
    leave_descriptors(1);
    EXPECT_EQ(get(third, bide_server_url(server), "/3"), 0);
    EXPECT_EQ(bide_session_get_stats(first).open, 1);
    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_EQ(bide_session_get_stats(second).open, 0);
}

/* ---- sessions ---- */

/* D17 */
TEST(client_a_session_may_be_released_while_requests_run, .real_time = true)
{
    struct seen seen = {.delay_ms = 20};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_session *s = bide_session_new(.limit_per_host = 1);
    bide_auto bide_task *runs = bide_create_task(bide_coro(get, s, bide_server_url(server), "/1"));
    bide_auto bide_task *waits = bide_create_task(bide_coro(get, s, bide_server_url(server), "/2"));

    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_release(s);
    EXPECT_EQ(bide_await(runs), 0);
    EXPECT_EQ(bide_await(waits), 0);
    EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_EQ(bide_server_get_stats(server).open, 0);
}

TEST(client_a_session_of_two_owners_stays_whole_when_one_lets_go, .real_time = true)
{
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new();
    bide_session *again = bide_retain(s);

    EXPECT_EQ(get(s, bide_server_url(server), "/1"), 0);
    bide_release(again);
    EXPECT_EQ(bide_session_get_stats(s).idle, 1);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(get(s, bide_server_url(server), "/2"), 0);
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
}

/* D17 */
TEST(client_a_response_may_outlive_its_session, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") "he" PAUSE "llo");
    peer_start(&p);
    bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));

    bide_release(s);
    expect_body(r, "hello");
    peer_stop(&p);
}

static bide_session *shared;

static int use_shared(struct peer *p)
{
    expect_get(shared, peer_url(p, "/"), "ok");
    return 0;
}

UNIT(client_a_session_moves_to_another_loop_when_it_is_not_in_use)
{
    struct peer p = PEER(ASK OK("2") "ok" STALL, ASK OK("2") "ok" STALL);
    peer_start(&p);
    shared = bide_session_new();

    EXPECT_EQ(bide_run(bide_coro(use_shared, &p)), 0);
    EXPECT_EQ(bide_run(bide_coro(use_shared, &p)), 0);

    bide_release(shared);
    EXPECT_EQ(peer_stop(&p), 2);
}

TEST(client_many_sessions_do_not_disturb_each_other, .real_time = true)
{
    enum { N = 200 };
    struct seen seen = {.delay_ms = 1};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_session *all[N];

    for (int i = 0; i < N; i++) {
        all[i] = bide_session_new();
        EXPECT_NOT_NULL(all[i]);
    }
    for (int i = 0; i < 2 * N; i++)
        EXPECT_EQ(get(all[i % N], bide_server_url(server), "/x"), 0);
    EXPECT_EQ(bide_server_get_stats(server).connections, N);
    for (int i = 0; i < N; i++)
        bide_release(all[i]);
}

TEST(client_hundreds_at_once_all_get_their_answer, .real_time = true, .seconds = 30)
{
    enum { N = 500 };
    static bide_task *tasks[N];
    struct seen seen = {.delay_ms = 30};
    bide_auto bide_server *server = bide_server_start(slow, .arg = &seen);
    bide_auto bide_session *s = bide_session_new(.limit_per_host = 50);

    for (int i = 0; i < N; i++)
        tasks[i] = bide_create_task(bide_coro(get, s, bide_server_url(server), "/x"));
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
    EXPECT_EQ(seen.most, 50);
    EXPECT_EQ(bide_session_get_stats(s).connections, 50);
}
