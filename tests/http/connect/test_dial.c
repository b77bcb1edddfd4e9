/* SPDX-License-Identifier: MIT */
/* test_dial.c - .dial of a session: connections that a function of the user's opens, and all the ways in which it may not. */
#include <bide/stream.h>

#include "base/base.h"
#include "client.h"

struct dialler {
    int port; /* where it leads in truth */
    int calls, asked_port;
    char asked_host[64];
    int64_t delay_ms;
    int ended; /* its wait ended with */
};

static bide_stream *dial(const char *host, int port, void *arg)
{
    struct dialler *d = arg;

    d->calls++;
    d->asked_port = port;
    snprintf(d->asked_host, sizeof d->asked_host, "%s", host);
    if (d->delay_ms > 0 && (d->ended = bide_sleep_ms(d->delay_ms)) < 0)
        return NULL;
    return bide_connect("127.0.0.1", d->port);
}

static int hello(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond_text(x, 200, "hello");
}

static int get_status(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);

    return r ? bide_status(r) : bide_raise();
}

TEST(session_dial_opens_each_connection_once_and_it_is_used_again, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    struct dialler d = {.port = bide_server_port(server)};
    bide_auto bide_session *s = bide_session_new(.dial = dial, .dial_arg = &d);

    expect_get(s, "http://nowhere.invalid:81/", "hello");
    expect_get(s, "http://nowhere.invalid:81/", "hello");
    EXPECT_EQ(d.calls, 1);
    EXPECT_STR(d.asked_host, "nowhere.invalid");
    EXPECT_EQ(d.asked_port, 81);
    bide_auto bide_response *r = bide_get(s, "http://[::7]/");
    EXPECT_STR(d.asked_host, "::7");
    EXPECT_STR(bide_response_peer(r), "127.0.0.1");
    EXPECT_LE(0, bide_response_timing(r).connect);
    EXPECT_EQ(bide_response_timing(r).proxy, -1);
}

TEST(session_dial_under_tls_checks_the_name_of_the_url, .real_time = true)
{
    certs_make();
    bide_auto bide_server *server = bide_server_start(hello, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    struct dialler d = {.port = bide_server_port(server)};
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .dial = dial, .dial_arg = &d);

    expect_get(s, "https://good.test/", "hello");
    EXPECT_FAILED(bide_get(s, "https://other.test/"), BIDE_ECERT, "GET https://", "other.test");
    EXPECT_EQ(d.calls, 2);
    EXPECT_EQ(bide_session_get_stats(s).open, 1);
}

/* ---- what it may give ---- */

static bide_stream *refuse(const char *host, int port, void *arg)
{
    (void)port;
    if (arg)
        bide_fail(-EHOSTUNREACH, "no way to %s", host);
    return NULL;
}

TEST(session_dial_error_is_that_of_the_request, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new(.dial = refuse, .dial_arg = &s, .limit = 1);

    EXPECT_FAILED(bide_get(s, "http://a.test/"), -EHOSTUNREACH, "GET http://a.test/", "no way to a.test");
    EXPECT_FAILED(bide_get(s, "http://a.test/"), -EHOSTUNREACH, "GET http://a.test/", "no way to a.test");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

TEST(session_dial_without_stream_and_error_is_reported, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new(.dial = refuse);

    bide_fail(-EIO, "from before");
    EXPECT_FAILED(bide_get(s, "http://a.test/"), -EINVAL, "connect a.test", "gave no stream");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

/* A proxy's greeting, read with the bytes behind it. */
static bide_stream *read_ahead(const char *host, int port, void *arg)
{
    const struct dialler *d = arg;
    const char *line;
    bide_auto bide_stream *s = bide_connect("127.0.0.1", d->port);

    (void)host;
    (void)port;
    if (!s || bide_sleep_ms(50) < 0 || bide_read_until(s, "\n", &line) < 0)
        return NULL;
    return bide_take(s);
}

TEST(session_dial_stream_with_bytes_read_ahead_is_refused, .real_time = true)
{
    struct peer p = PEER("hello\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" STALL);
    peer_start(&p);
    struct dialler d = {.port = p.port};
    bide_auto bide_session *s = bide_session_new(.dial = read_ahead, .dial_arg = &d);

    EXPECT_FAILED(bide_get(s, "http://a.test/"), BIDE_ESTATE, "connect a.test", "38 bytes that were read ahead");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    peer_stop(&p);
}

/* A proxy that wants to know the target first: the line is not sent yet when the stream is given back. */
static bide_stream *say_target(const char *host, int port, void *arg)
{
    const struct dialler *d = arg;
    char line[80];
    bide_auto bide_stream *s = bide_connect("127.0.0.1", d->port);

    snprintf(line, sizeof line, "TO %s %d\n", host, port);
    return s && bide_write(s, line, strlen(line)) == 0 ? bide_take(s) : NULL;
}

TEST(session_dial_what_was_written_goes_before_the_request, .real_time = true)
{
    struct peer p = PEER(ASK OK("2") "ok" STALL);
    peer_start(&p);
    struct dialler d = {.port = p.port};
    bide_auto bide_session *s = bide_session_new(.dial = say_target, .dial_arg = &d);

    expect_get(s, "http://a.test/x", "ok");
    bide_release(bide_take(s));
    peer_stop(&p);
    EXPECT_MEM(p.seen, "TO a.test 80\nGET /x HTTP/1.1\r\n", 30);
}

/* ---- when it takes too long ---- */

TEST(session_dial_that_waits_ends_at_the_limit_of_connecting)
{
    struct dialler d = {.delay_ms = 100000};
    bide_auto bide_session *s = bide_session_new(.dial = dial, .dial_arg = &d, .connect_timeout_ms = 700);

    EXPECT_FAILED(bide_get(s, "http://a.test/"), BIDE_ETIMEDOUT, "GET http://a.test/", "not connected within 700 ms");
    EXPECT_ERR(d.ended, BIDE_ETIMEDOUT);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

TEST(session_dial_that_waits_is_cancelled_with_its_task)
{
    struct dialler d = {.delay_ms = 100000};
    bide_auto bide_session *s = bide_session_new(.dial = dial, .dial_arg = &d, .limit = 1);
    bide_auto bide_task *first = bide_create_task(bide_coro(get_status, s, "http://a.test/"));
    bide_auto bide_task *second = bide_create_task(bide_coro(get_status, s, "http://a.test/"));

    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_EQ(d.calls, 1); /* the other waits for the slot, and gets it */
    bide_task_cancel(first);
    EXPECT_ERR(bide_await(first), BIDE_ECANCELED);
    EXPECT_EQ(bide_sleep_ms(10), 0);
    EXPECT_EQ(d.calls, 2);
    bide_task_cancel(second);
    EXPECT_ERR(bide_await(second), BIDE_ECANCELED);
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    bide_error_clear();
}

TEST(session_dial_fails_the_nth_allocation, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(hello);
    struct dialler d = {.port = bide_server_port(server)};
    bool done = false;

    for (long n = 0; !done; n++) {
        EXPECT_LT(n, 200);
        bide_auto bide_session *s = bide_session_new(.dial = dial, .dial_arg = &d);
        EXPECT_NOT_NULL(s);
        bide__alloc_fail_at(n);
        int status = get_status(s, "http://a.test/");
        done = bide__alloc_fail_at(-1);
        if (status < 0)
            EXPECT_EQ(bide_session_get_stats(s).open, 0);
        bide_error_clear();
    }
    EXPECT_LT(0, d.calls);
}
