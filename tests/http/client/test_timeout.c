/* SPDX-License-Identifier: MIT */
/* test_timeout.c - time limits and cancellation, in every phase of a request. */
#include <time.h>

#include "client.h"

enum { MUCH = 8 << 20 };
static char much[MUCH];

/* A port whose queue is full, so that a connect to it gets no answer. */
struct hole {
    int listener, filler[3];
    char url[64];
};

static void hole_open(struct hole *h)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(h->listener, (struct sockaddr *)&a, len), 0);
    EXPECT_EQ(listen(h->listener, 0), 0);
    EXPECT_EQ(getsockname(h->listener, (struct sockaddr *)&a, &len), 0);
    for (int i = 0; i < 3; i++) {
        h->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(h->filler[i], (struct sockaddr *)&a, len);
    }
    snprintf(h->url, sizeof h->url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    usleep(20000);
}

static void hole_close(struct hole *h)
{
    close(h->listener);
    for (int i = 0; i < 3; i++)
        close(h->filler[i]);
}

/* ---- limits ---- */

TEST(client_timeout_while_connecting_names_the_limit_and_how_far_it_got, .real_time = true)
{
    struct hole h;
    hole_open(&h);
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 50);

    EXPECT_FAILED(bide_get(s, h.url), BIDE_ETIMEDOUT, h.url,
                  "timed out: not connected within 50 ms: connect 127.0.0.1:");
    EXPECT_FAILED(bide_get(s, h.url, .connect_timeout_ms = 30), BIDE_ETIMEDOUT, h.url, "not connected within 30 ms");
    EXPECT_FAILED(bide_get(s, h.url, .timeout_ms = 30), BIDE_ETIMEDOUT, h.url, "not done within 30 ms (not connected)");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    hole_close(&h);
}

TEST(client_timeout_in_the_tls_handshake_says_so, .real_time = true)
{
    struct peer p = PEER(STALL);
    char url[64];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 50);

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", p.port);
    EXPECT_FAILED(bide_get(s, url), BIDE_ETIMEDOUT, "not connected within 50 ms", "TLS handshake with 127.0.0.1:");
    peer_stop(&p);
}

TEST(client_timeout_of_the_tls_handshake_has_its_own_limit, .real_time = true)
{
    struct peer p = PEER(STALL);
    bide_error_info e;
    char url[64];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.connect_timeout_ms = 60000, .tls_timeout_ms = 50);

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", p.port);
    EXPECT_NULL(bide_get(s, url));
    EXPECT_ERR(bide_error_get(&e), BIDE_ETIMEDOUT);
    EXPECT_EQ(e.phase, BIDE_PHASE_TLS);
    EXPECT_CONTAINS(e.text, "not connected within 50 ms: TLS handshake with 127.0.0.1:");
    peer_stop(&p);
}

TEST(client_timeout_while_sending_names_the_limit, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE PAUSE PAUSE PAUSE PAUSE PAUSE);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 50);

    EXPECT_FAILED(bide_post(s, peer_url(&p, "/"), .data = {much, MUCH}), BIDE_ETIMEDOUT, "POST http://",
                  "timed out: the server took nothing within 50 ms");
    peer_stop(&p);
}

TEST(client_timeout_before_the_answer_names_the_limit, .real_time = true)
{
    struct peer p = PEER(ASK STALL, ASK "HTTP/1.1 200 OK\r\n" STALL, ASK STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 50);

    EXPECT_FAILED(bide_get(s, peer_url(&p, "/")), BIDE_ETIMEDOUT, "GET http://", "timed out: no answer within 50 ms");
    EXPECT_FAILED(bide_get(s, peer_url(&p, "/")), BIDE_ETIMEDOUT, "GET http://", "timed out: no answer within 50 ms");
    EXPECT_FAILED(bide_get(s, peer_url(&p, "/"), .timeout_ms = 30), BIDE_ETIMEDOUT, "GET http://",
                  "timed out: not done within 30 ms (no answer)");
    peer_stop(&p);
}

TEST(client_timeout_in_the_body_names_the_limit, .real_time = true)
{
    struct peer p = PEER(ASK OK("5") "he" STALL, ASK OK("5") "he" PAUSE "l" STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    bide_auto bide_response *stalls = bide_get(s, peer_url(&p, "/"), .read_timeout_ms = 300);
    EXPECT_FAILED(bide_text(stalls), BIDE_ETIMEDOUT, "GET http://", "timed out: nothing more of the body within 300 ms");
    EXPECT_FAILED(bide_text(stalls), BIDE_ETIMEDOUT, "GET http://", "");
    bide_auto bide_response *drips = bide_get(s, peer_url(&p, "/"), .read_timeout_ms = 1000, .timeout_ms = 300);
    EXPECT_FAILED(bide_text(drips), BIDE_ETIMEDOUT, "GET http://",
                  "timed out: not done within 300 ms (nothing more of the body)");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    peer_stop(&p);
}

TEST(client_read_timeout_is_between_bytes_not_of_all, .real_time = true)
{
    struct peer p =
        PEER(ASK PAUSE "HTTP/1.1 200 OK\r\n" PAUSE "Content-Length: 12\r\n\r\na" PAUSE "b" PAUSE "c" PAUSE "d" PAUSE "e" PAUSE "f" PAUSE "g" PAUSE "h" PAUSE "i" PAUSE "j" PAUSE "k" PAUSE "l");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 300, .timeout_ms = BIDE_FOREVER);

    expect_get(s, peer_url(&p, "/"), "abcdefghijkl");
    peer_stop(&p);
}

TEST(client_limits_may_be_switched_off, .real_time = true)
{
    struct peer p = PEER(ASK PAUSE OK("2") PAUSE "ok");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.timeout_ms = BIDE_FOREVER, .read_timeout_ms = BIDE_FOREVER,
                                                 .connect_timeout_ms = BIDE_FOREVER, .keepalive_ms = BIDE_FOREVER);

    expect_get(s, peer_url(&p, "/"), "ok");
    peer_stop(&p);
}

TEST(client_a_timeout_block_of_the_user_is_his, .real_time = true)
{
    struct peer p = PEER(ASK STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();
    bool was_his = false;

    bide_timeout(50)
    {
        EXPECT_NULL(bide_get(s, peer_url(&p, "/")));
        was_his = bide_timeout_expired();
    }
    EXPECT_TRUE(was_his);
    EXPECT_ERR(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "GET http://127.0.0.1:");
    EXPECT_NULL(strstr(bide_error_text(), "within"));
    bide_error_clear();
    peer_stop(&p);
}

static void compute_for_ms(int64_t ms)
{
    struct timespec begun, now;

    clock_gettime(CLOCK_MONOTONIC, &begun);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000 < ms);
}

TEST(client_time_before_the_request_does_not_count, .real_time = true)
{
    struct peer p = PEER(ASK PAUSE OK("2") "ok" ASK OK("2") "ok");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    compute_for_ms(300); /* the loop's clock stands still meanwhile */
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"), .timeout_ms = 250);
    expect_body(r, "ok");
    peer_stop(&p);
}

/* ---- cancelling ---- */

struct job {
    bide_session *s;
    const char *url;
    bide_bytes data;
    bool body; /* reach the body */
};

static int ask(struct job *job)
{
    bide_auto bide_response *r = bide_request(job->s, job->data.data ? "POST" : "GET", job->url, .data = job->data);
    if (!r)
        return bide_raise();
    return bide_body(r).data ? 0 : bide_raise();
}

/* Start, let it get where it gets stuck, cancel. */
static void expect_cancelled(struct job job)
{
    bide_task *t = bide_create_task(bide_coro(ask, &job));

    EXPECT_EQ(bide_sleep_ms(40), 0);
    EXPECT_FALSE(bide_task_done(t));
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
    bide_release(t);
    bide_error_clear();
}

/* R56 */
TEST(client_cancelled_while_connecting, .real_time = true)
{
    struct hole h;
    hole_open(&h);
    bide_auto bide_session *s = bide_session_new();

    expect_cancelled((struct job){.s = s, .url = h.url});
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    hole_close(&h);
}

/* R56 */
TEST(client_cancelled_in_the_tls_handshake, .real_time = true)
{
    struct peer p = PEER(STALL);
    char url[64];
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", p.port);
    expect_cancelled((struct job){.s = s, .url = url});
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    peer_stop(&p);
}

/* R56 */
TEST(client_cancelled_while_sending_waiting_or_reading, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE PAUSE PAUSE, ASK STALL, ASK "HTTP/1.1 200 OK\r\n" STALL, ASK OK("5") "he" STALL,
                         ASK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe" STALL);
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new();

    expect_cancelled((struct job){.s = s, .url = peer_url(&p, "/"), .data = {much, MUCH}});
    for (int i = 0; i < 4; i++) {
        expect_cancelled((struct job){.s = s, .url = peer_url(&p, "/")});
        EXPECT_EQ(bide_session_get_stats(s).open, 0);
    }
    peer_stop(&p);
}

/* R56 */
TEST(client_cancelled_before_it_began, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();
    struct job job = {.s = s, .url = "http://127.0.0.1:1/"};
    bide_auto bide_task *t = bide_create_task(bide_coro(ask, &job));

    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_EQ(bide_session_get_stats(s).requests, 0);
}
