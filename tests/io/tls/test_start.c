/* SPDX-License-Identifier: MIT */
/* test_start.c - TLS that begins on an open stream: after words in plain text, and never with some that were not read. */
#include <bide/bide.h>

#include "tls_pair.h"

#include <bide/transfer.h>

/* A server that speaks as mail does.  What arg is put behind "go" is for the client to find, or "". */
struct plan {
    bide_tls *tls;
    const char *extra;
    int result;
};

static int mail_server(bide_stream *s, void *arg)
{
    struct plan *p = arg;
    const char *line;

    BIDE_TRY(bide_read_until(s, "\n", &line));
    BIDE_TRY(bide_write(s, "go\n", 3));
    BIDE_TRY(bide_write(s, p->extra, strlen(p->extra)));
    p->result = bide_stream_start_tls(s, .tls = p->tls);
    return p->result < 0 ? p->result : pong(s, NULL);
}

static struct served serve_mail(struct plan *p)
{
    struct served s = {.listener = bide_listen("127.0.0.1", 0)};

    s.port = bide_listener_port(s.listener);
    s.task = bide_create_task(bide_coro(bide_serve, s.listener, mail_server, p));
    EXPECT_NOT_NULL(s.task);
    return s;
}

static bide_stream *say_starttls(const struct served *server)
{
    const char *line;
    bide_stream *s = bide_connect("127.0.0.1", server->port);

    EXPECT_EQ(bide_write(s, "STARTTLS\n", 9), 0);
    EXPECT_EQ(bide_read_until(s, "\n", &line), 3);
    return s;
}

TEST(start_tls_on_an_open_stream_at_both_ends, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = server_tls("good"), *client = client_tls();
    struct plan plan = {.tls = tls, .extra = "", .result = 1};
    struct served server = serve_mail(&plan);
    bide_auto bide_stream *s = say_starttls(&server);

    EXPECT_EQ(bide_stream_start_tls(s, .tls = client, .server_name = "good.test"), 0);
    ping(s);
    EXPECT_EQ(plan.result, 0);
    EXPECT_STR(bide_stream_alpn(s), "http/1.1");
    bide_release(bide_take(s));
    stop(&server);
}

/* CVE-2011-0411. */
TEST(start_tls_with_plain_bytes_in_the_buffer_does_not_begin, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = server_tls("good"), *client = client_tls();
    struct plan plan = {.tls = tls, .extra = "250 injected\n"};
    struct served server = serve_mail(&plan);
    bide_auto bide_stream *s = say_starttls(&server);

    EXPECT_ERR(bide_stream_start_tls(s, .tls = client, .server_name = "good.test"), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "13 bytes have come in plain text");
    bide_release(bide_take(s));
    stop(&server);
}

TEST(start_tls_checks_the_name, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *tls = server_tls("good"), *client = client_tls();
    struct plan plan = {.tls = tls, .extra = ""};
    struct served server = serve_mail(&plan);
    bide_auto bide_stream *s = say_starttls(&server);

    EXPECT_ERR(bide_stream_start_tls(s, .tls = client, .server_name = "bad.test"), BIDE_ECERT);
    bide_release(bide_take(s));
    stop(&server);
}

static int read_one(bide_stream *s)
{
    char c;

    return (int)bide_read(s, &c, 1);
}

static int start_client(bide_stream *s, bide_tls *tls)
{
    return bide_stream_start_tls(s, .tls = tls, .server_name = "good.test");
}

TEST(start_tls_bad_use_cancel_and_time, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *client = client_tls();
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *s = bide_connect("127.0.0.1", bide_listener_port(l)), *silent = bide_accept(l);
    EXPECT_TRUE(s && silent);

    EXPECT_ERR(bide_stream_start_tls(s, .tls = NULL), -EINVAL);
    EXPECT_ERR(bide_stream_start_tls(NULL, .tls = client), -EINVAL);
    EXPECT_ERR(bide_stream_start_tls(s, .tls = client), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "server_name");
    bide_auto bide_task *reader = bide_create_task(bide_coro(read_one, s));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    EXPECT_ERR(start_client(s, client), BIDE_ESTATE);
    bide_task_cancel(reader);
    EXPECT_ERR(bide_await(reader), BIDE_ECANCELED);
    bide_auto bide_task *t = bide_create_task(bide_coro(start_client, s, client));
    EXPECT_EQ(bide_sleep_ms(2), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    int code = 0;
    bide_auto bide_stream *s2 = bide_connect("127.0.0.1", bide_listener_port(l));
    bide_timeout(5)
        code = start_client(s2, client);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
}
