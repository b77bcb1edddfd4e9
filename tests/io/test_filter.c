/* SPDX-License-Identifier: MIT */
/* test_filter.c - filters of the user's: over a socket, under TLS and over it, and what they may not say. */
#include <bide/tls.h>

#include "net.h"

/* Every byte with a bit turned round, in each direction; keeps no bytes. */
struct turner {
    char turned[100];
    int destroyed;
    ssize_t says; /* instead of doing so; 0: it does */
};

static void turn(char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] ^= 1;
}

static ssize_t turn_read(bide_stream_below *below, void *out, size_t cap, void *arg)
{
    struct turner *t = arg;
    ssize_t n = t->says ? t->says : bide_below_read(below, out, cap);

    if (n > 0 && !t->says)
        turn(out, (size_t)n);
    return n;
}

static ssize_t turn_write(bide_stream_below *below, const void *data, size_t len, void *arg)
{
    struct turner *t = arg;
    size_t n = len < sizeof t->turned ? len : sizeof t->turned;

    memcpy(t->turned, data, n);
    turn(t->turned, n);
    return t->says ? t->says : bide_below_write(below, t->turned, n);
}

static int say_bye(bide_stream_below *below, void *arg)
{
    ssize_t n = bide_below_write(below, "!", 1);

    (void)arg;
    return n < 0 ? (int)n : 0;
}

static void note_end(void *arg)
{
    ((struct turner *)arg)->destroyed++;
}

static int push_turner(bide_stream *s, struct turner *t)
{
    return bide_stream_push(s, .read = turn_read, .write = turn_write, .shutdown = say_bye, .destroy = note_end, .arg = t);
}

/* Two ends of one connection: ours on the loop, the peer's as a bare descriptor. */
static bide_stream *one_end(int *peer)
{
    int fds[2];

    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    *peer = fds[1];
    bide_stream *s = bide__stream_from_socket(fds[0], "peer", 0);
    EXPECT_NOT_NULL(s);
    return s;
}

static int say_later(int peer, const char *text, int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    EXPECT_EQ(write(peer, text, strlen(text)), strlen(text));
    return 0;
}

TEST(filter_turns_what_is_read_and_written, .real_time = true)
{
    int peer;
    struct turner t = {.destroyed = 0};
    char got[10] = "";
    bide_stream *s = one_end(&peer);
    bide_auto bide_task *task = bide_create_task(bide_coro(say_later, peer, "ihii", (int64_t)20));

    EXPECT_EQ(push_turner(s, &t), 0);
    EXPECT_EQ(bide_read_exactly(s, got, 4), 4); /* waits first */
    EXPECT_STR(got, "hihh");
    EXPECT_EQ(bide_write(s, "hello", 5), 0);
    EXPECT_EQ(bide_stream_shutdown(s), 0);
    EXPECT_EQ(read(peer, got, sizeof got), 6);
    EXPECT_MEM(got, "idmmn!", 6);
    EXPECT_EQ(read(peer, got, sizeof got), 0);
    EXPECT_EQ(bide_await(task), 0);
    EXPECT_EQ(t.destroyed, 0);
    bide_release(s);
    EXPECT_EQ(t.destroyed, 1);
    close(peer);
}

/* More than the socket takes at once: the same bytes are written again after each wait. */
static int drain_peer(int peer, size_t total, bool *right)
{
    char got[4096];

    *right = true;
    for (size_t done = 0; done < total;) {
        ssize_t n = read(peer, got, sizeof got);
        if (n <= 0) {
            BIDE_TRY(bide_sleep_ms(1));
            continue;
        }
        for (ssize_t i = 0; i < n; i++)
            *right = *right && got[i] == (char)((char)((done + (size_t)i) % 251) ^ 1);
        done += (size_t)n;
    }
    return 0;
}

TEST(filter_of_a_slow_peer_sends_each_byte_once, .real_time = true)
{
    enum { TOTAL = 1000000 };
    int peer;
    bool right = false;
    struct turner t = {.destroyed = 0};
    bide_auto bide_stream *s = one_end(&peer);
    char *bytes = malloc(TOTAL);
    bide_auto bide_task *task = bide_create_task(bide_coro(drain_peer, peer, (size_t)TOTAL, &right));

    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (char)(i % 251);
    EXPECT_EQ(push_turner(s, &t), 0);
    EXPECT_EQ(bide_write(s, bytes, TOTAL), 0);
    EXPECT_EQ(bide_drain(s), 0);
    EXPECT_EQ(bide_await(task), 0);
    EXPECT_TRUE(right);
    free(bytes);
    close(peer);
}

static int read_some(bide_stream *s)
{
    char byte;

    return (int)bide_read(s, &byte, 1);
}

TEST(filter_reader_that_waits_is_cancelled_and_loses_nothing, .real_time = true)
{
    int peer;
    char got[4] = "";
    struct turner t = {.destroyed = 0};
    bide_auto bide_stream *s = one_end(&peer);
    EXPECT_EQ(push_turner(s, &t), 0);
    bide_auto bide_task *task = bide_create_task(bide_coro(read_some, s));

    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_task_cancel(task);
    EXPECT_ERR(bide_await(task), BIDE_ECANCELED);
    bide_error_clear();
    EXPECT_EQ(say_later(peer, "abc", 0), 0);
    EXPECT_EQ(bide_read_exactly(s, got, 3), 3);
    EXPECT_STR(got, "`cb");
    close(peer);
}

/* ---- what it may not say ---- */

static void expect_read_fails(ssize_t says, int code, const char *text)
{
    int peer;
    char got[4];
    struct turner t = {.says = says};
    bide_auto bide_stream *s = one_end(&peer);

    EXPECT_EQ(push_turner(s, &t), 0);
    EXPECT_EQ(say_later(peer, "abcd", 1), 0); /* else it would not be asked */
    EXPECT_ERR(bide_read(s, got, sizeof got), code);
    EXPECT_CONTAINS(bide_error_text(), text);
    EXPECT_EQ(bide_write(s, "x", 1), 0);
    EXPECT_ERR(bide_drain(s), code);
    bide_error_clear();
    close(peer);
}

TEST(filter_answers_that_cannot_be_are_errors, .real_time = true)
{
    expect_read_fails(-EAGAIN, BIDE_ESTATE, ".read of the filter of peer: -EAGAIN, but the layer below did not say so");
    expect_read_fails(100000, BIDE_ESTATE, ".read of the filter of peer: 100000 bytes of ");
    expect_read_fails(-EPROTO, -EPROTO, ".read of the filter of peer: Protocol error");
}

TEST(filter_end_of_the_connection_is_told_as_without, .real_time = true)
{
    int peer;
    char got[4];
    struct turner t = {.destroyed = 0};
    bide_auto bide_stream *s = one_end(&peer);

    EXPECT_EQ(push_turner(s, &t), 0);
    close(peer);
    EXPECT_EQ(bide_read(s, got, sizeof got), 0);
    EXPECT_EQ(bide_write(s, "x", 1), 0);
    EXPECT_ERR(bide_drain(s), -EPIPE);
    EXPECT_CONTAINS(bide_error_text(), "writing to peer: Broken pipe");
}

TEST(filter_push_on_a_stream_in_use_is_refused_and_destroyed, .real_time = true)
{
    int peer;
    struct turner t = {.destroyed = 0};
    bide_auto bide_stream *s = one_end(&peer);

    EXPECT_EQ(bide_write(s, "x", 1), 0);
    EXPECT_ERR(push_turner(s, &t), BIDE_ESTATE);
    EXPECT_EQ(t.destroyed, 1);
    EXPECT_EQ(bide_drain(s), 0);
    bide__alloc_fail_at(0);
    EXPECT_ERR(push_turner(s, &t), BIDE_ENOMEM);
    bide__alloc_fail_at(-1);
    EXPECT_EQ(t.destroyed, 2);
    EXPECT_ERR(push_turner(NULL, &t), -EINVAL);
    EXPECT_EQ(t.destroyed, 3);
    bide_error_clear();
    close(peer);
}

/* ---- with TLS ---- */

static struct turner under, theirs; /* handlers return before their stream is closed */

/* Both sides have the filter at the same place. */
static int echo(bide_stream *s, void *over_tls)
{
    char got[6];

    if (over_tls)
        BIDE_TRY(push_turner(s, &theirs));
    while (bide_read_exactly(s, got, 5) == 5) {
        BIDE_TRY(bide_write(s, got, 5));
        BIDE_TRY(bide_drain(s));
    }
    return 0;
}

static bide_stream *dial_turned(const char *host, int port, void *arg)
{
    bide_auto bide_stream *s = bide_connect("127.0.0.1", port);

    (void)host;
    (void)arg;
    return s && push_turner(s, &under) == 0 ? bide_take(s) : NULL;
}

static void expect_echo(bide_stream *s)
{
    char got[6] = "";
    if (!s)
        FAIL("%s", bide_error_text());

    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(bide_write(s, "hello", 5), 0);
        EXPECT_EQ(bide_read_exactly(s, got, 5), 5);
        EXPECT_STR(got, "hello");
    }
}

TEST(filter_over_tls, .real_time = true)
{
    certs_make();
    struct turner over = {.destroyed = 0};
    bide_auto bide_tls *server = bide_tls_new(.server = true, .cert_file = cert_path("good"));
    bide_auto bide_tls *client = bide_tls_new(.ca_file = cert_path("ca"));
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0, .tls = server);
    bide_auto bide_task *task = bide_create_task(bide_coro(bide_serve, l, echo, (void *)"over"));
    bide_stream *s = bide_connect("127.0.0.1", bide_listener_port(l), .tls = client, .server_name = "good.test");

    EXPECT_NOT_NULL(s);
    EXPECT_EQ(push_turner(s, &over), 0);
    expect_echo(s);
    bide_release(s);
    EXPECT_EQ(over.destroyed, 1);
}

/* The turned bytes are turned back by one in between. */
static int relay(bide_stream *from, bide_stream *to)
{
    char got[4096];
    ssize_t n;

    while ((n = bide_read(from, got, sizeof got)) > 0) {
        BIDE_TRY(bide_write(to, got, (size_t)n));
        BIDE_TRY(bide_drain(to));
    }
    return (int)n;
}

static int turn_back(bide_stream *s, void *arg)
{
    bide_auto bide_stream *to = bide_connect("127.0.0.1", *(int *)arg);

    BIDE_TRY(push_turner(s, &theirs));
    if (!to)
        return bide_raise();
    bide_auto bide_task *back = bide_create_task(bide_coro(relay, to, s));
    return relay(s, to);
}

TEST(filter_under_tls, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *server = bide_tls_new(.server = true, .cert_file = cert_path("good"));
    bide_auto bide_tls *client = bide_tls_new(.ca_file = cert_path("ca"));
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0, .tls = server), *between = bide_listen("127.0.0.1", 0);
    int port = bide_listener_port(l);
    bide_auto bide_task *task = bide_create_task(bide_coro(bide_serve, l, echo, NULL));
    bide_auto bide_task *middle = bide_create_task(bide_coro(bide_serve, between, turn_back, &port));
    bide_stream *s = bide_connect("good.test", bide_listener_port(between), .tls = client, .dial = dial_turned);

    expect_echo(s);
    bide_release(s);
    EXPECT_EQ(under.destroyed, 1);
}
