/* SPDX-License-Identifier: MIT */
/* test_gone.c - a handler learns that its client has gone. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bide/future.h>
#include <bide/loop.h>
#include <bide/server.h>
#include <bide/stream.h>
#include <bide/task.h>
#include <bide/tls.h>

#include "server/wire_pair.h"

static int running, gone, cancelled, ended, in_time;

/* /gone: waits for it; /look: is it gone within 30 ms?; /body: reads first; /sleep: does not ask. */
static int watch(bide_exchange *x, void *arg)
{
    const char *path = bide_exchange_path(x);
    bide_future *f = strcmp(path, "/sleep") == 0 ? NULL : bide_exchange_gone(x);
    (void)arg;
    running++;
    if (!f) {
        int code = bide_sleep_ms(bide_error_code() ? 0 : 2000);
        cancelled += code == BIDE_ECANCELED;
        ended++;
        return code < 0 ? code : bide_respond_text(x, 200, "slept");
    }
    EXPECT_TRUE(f == bide_exchange_gone(x));
    if (strcmp(path, "/body") == 0)
        EXPECT_EQ(bide_exchange_body(x).len, 100000);
    if (strcmp(path, "/look") == 0)
        in_time = bide_wait(&f, 1, .timeout_ms = 30);
    gone = bide_await(f);
    ended++;
    return gone < 0 ? gone : bide_respond_text(x, 200, "gone");
}

static void wait_for(const int *n)
{
    while (*n == 0)
        BIDE_IGNORE(bide_sleep_ms(1));
}

/* A socket of the test's own, so that its end is what the test wants. */
static int connect_plain(const bide_server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bide_server_port(s)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT_EQ(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    EXPECT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};

    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

TEST(gone_client_that_closes_is_noticed, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch);
    int fd = connect_plain(s);
    say(fd, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    EXPECT_EQ(gone, 0);
    close(fd);
    wait_for(&ended);
    EXPECT_EQ(gone, BIDE_CLIENT_CLOSED);
}

TEST(gone_client_that_resets_is_lost, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch);
    int fd = connect_plain(s);
    say(fd, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    reset(fd);
    wait_for(&ended);
    EXPECT_EQ(gone, BIDE_CLIENT_LOST);
}

TEST(gone_client_that_half_closes_still_reads_the_answer, .real_time = true)
{
    char text[512];
    bide_auto bide_server *s = bide_server_start(watch);
    int fd = connect_plain(s);
    say(fd, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    shutdown(fd, SHUT_WR);
    wait_for(&ended);
    EXPECT_EQ(gone, BIDE_CLIENT_CLOSED);
    ssize_t n = read(fd, text, sizeof text - 1);
    EXPECT_LT(0, n);
    text[n] = 0;
    EXPECT_CONTAINS(text, "HTTP/1.1 200 OK");
    close(fd);
}

TEST(gone_client_that_went_before_anybody_asked_is_noticed_at_once, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch);
    int fd = connect_plain(s);
    say(fd, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(fd, SHUT_WR);
    wait_for(&ended);
    EXPECT_EQ(gone, BIDE_CLIENT_CLOSED);
    close(fd);
}

TEST(gone_client_is_noticed_behind_pipelined_bytes_which_are_no_end, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch);
    int fd = connect_plain(s);
    say(fd, "GET /look HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    for (int i = 0; i < 5; i++) {
        say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        BIDE_IGNORE(bide_sleep_ms(2));
    }
    BIDE_IGNORE(bide_sleep_ms(40));
    EXPECT_EQ(in_time, 0);
    close(fd);
    wait_for(&ended);
    EXPECT_LT(0, gone);
}

TEST(gone_is_asked_beside_a_body_that_comes, .real_time = true)
{
    static char body[100001];
    memset(body, 'b', 100000);
    bide_auto bide_server *s = bide_server_start(watch);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        EXPECT_EQ(bide_write(c, body + i * 10000, 10000), 0);
        EXPECT_EQ(bide_drain(c), 0);
        BIDE_IGNORE(bide_sleep_ms(1));
    }
    BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(gone, 0);
    EXPECT_EQ(bide_stream_shutdown(c), 0);
    EXPECT_CONTAINS(read_all(c), "gone");
}

TEST(gone_over_tls_is_noticed, .real_time = true)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    bide_auto bide_server *s = bide_server_start(watch, .cert_file = cert, .key_file = key);
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert);
    bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s), .tls = tls);
    EXPECT_NOT_NULL(c);
    send_text(c, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    bide_release(c);
    wait_for(&ended);
    EXPECT_LT(0, gone);
}

/* ---- cancelled ---- */

TEST(gone_cancel_on_disconnect_cancels_the_handler, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch, .cancel_on_disconnect = true);
    for (int i = 0; i < 2; i++) {
        running = ended = cancelled = 0;
        int fd = connect_plain(s);
        say(fd, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
        wait_for(&running);
        i == 0 ? (void)close(fd) : reset(fd);
        wait_for(&ended);
        EXPECT_EQ(cancelled, 1);
    }
}

TEST(gone_cancel_on_disconnect_leaves_those_that_stay_alone, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch, .cancel_on_disconnect = true, .idle_timeout_ms = 100);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\nGET /sleep HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_CONTAINS(read_all(c), "slept");
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(cancelled, 0);
}

TEST(gone_handler_that_is_not_to_be_cancelled_goes_on, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(watch);
    int fd = connect_plain(s);
    say(fd, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    close(fd);
    wait_for(&ended);
    EXPECT_EQ(cancelled, 0);
}

TEST(gone_server_that_is_released_cancels_who_waits_for_it, .real_time = true)
{
    bide_server *s = bide_server_start(watch);
    bide_auto bide_stream *c = dial(s);
    send_text(c, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&running);
    bide_release(s);
    EXPECT_ERR(gone, BIDE_ECANCELED);
    EXPECT_NULL(bide_exchange_gone(NULL));
    EXPECT_ERR(bide_error_code(), -EINVAL);
}
