/* SPDX-License-Identifier: MIT */
/* test_parked.c - the server: connections that are silent for a while have no task, and go on with the next byte. */
#include <sys/resource.h>
#include <unistd.h>

#include <bide/loop.h>
#include <bide/server.h>
#include <bide/stream.h>

#include "http/server/server.h"
#include "server/wire_pair.h"

#define LONG_MS 3000 /* longer than a silent connection keeps its task */

/* Virtual time may jump while bytes are on their way: nothing but silence is to end here by time. */
#define PATIENT .idle_timeout_ms = BIDE_FOREVER, .head_timeout_ms = BIDE_FOREVER

static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/* Ask, and read the answer, of which nothing is left. */
static void expect_answer(bide_stream *c)
{
    const char *line;

    send_text(c, request);
    EXPECT_LT(0, bide_read_until(c, "\r\n\r\n", &line));
    EXPECT_CONTAINS(line, "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(bide_read_exactly(c, reply, 5), 5);
    EXPECT_EQ(memcmp(reply, "hello", 5), 0);
}

static void be_silent(void)
{
    EXPECT_EQ(bide_sleep_ms(LONG_MS), 0);
}

TEST(server_parks_silent_connections_and_answers_them_again)
{
    START(PATIENT);
    size_t tasks = bide__tasks_live();
    bide_auto bide_stream *before = dial(s), *between = dial(s);
    for (int i = 0; i < 3; i++) {
        expect_answer(between);
        EXPECT_LT(tasks, bide__tasks_live());
        be_silent();
        EXPECT_EQ(bide__tasks_live(), tasks);
    }
    expect_answer(before);
    EXPECT_EQ(bide_server_get_stats(s).connections, 2);
    EXPECT_EQ(bide_server_get_stats(s).requests, 4);
}

/* Its task is the one of a head that comes in pieces. */
TEST(server_parked_connection_takes_a_head_byte_by_byte)
{
    START(PATIENT);
    bide_auto bide_stream *c = dial(s);
    be_silent();
    for (size_t i = 0; i < sizeof request - 1; i++) {
        EXPECT_EQ(bide_write(c, request + i, 1), 0);
        EXPECT_EQ(bide_drain(c), 0);
        BIDE_IGNORE(bide_sleep_ms(1));
    }
    EXPECT_LT(0, bide_read(c, reply, sizeof reply));
}

TEST(server_parked_connection_ends_with_the_idle_timeout)
{
    START(.idle_timeout_ms = 2 * LONG_MS);
    bide_auto bide_stream *c = dial(s);
    int64_t begin = bide_loop_time_ms(bide_get_event_loop());
    EXPECT_STR(read_all(c), "");
    int64_t ms = bide_loop_time_ms(bide_get_event_loop()) - begin;
    EXPECT_LE(2 * LONG_MS, ms);
    EXPECT_LT(ms, 2 * LONG_MS + 100);
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
}

TEST(server_parked_connection_ends_when_its_client_goes)
{
    START(PATIENT);
    bide_stream *c = dial(s);
    be_silent();
    EXPECT_EQ(bide_server_get_stats(s).open, 1);
    bide_release(c);
    BIDE_IGNORE(bide_sleep_ms(10));
    EXPECT_EQ(bide_server_get_stats(s).open, 0);
}

TEST(server_stop_ends_parked_connections)
{
    START();
    bide_auto bide_stream *c = dial(s);
    be_silent();
    EXPECT_EQ(bide_server_stop(s, 0), 0);
    EXPECT_STR(read_all(c), "");
}

TEST(server_release_ends_parked_connections)
{
    bide_server *s = bide_server_start(route);
    EXPECT_NOT_NULL(s);
    bide_auto bide_stream *c = dial(s);
    be_silent();
    bide_release(s);
    EXPECT_STR(read_all(c), "");
}

/* A byte has come and its task is not there yet. */
TEST(server_release_ends_a_parked_connection_that_is_about_to_go_on)
{
    bide_server *s = bide_server_start(route);
    EXPECT_NOT_NULL(s);
    bide_auto bide_stream *c = dial(s);
    be_silent();
    send_text(c, request);
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_release(s);
}

static int leave_parked(bide_server **s, bide_stream **c)
{
    *s = bide_server_start(route, PATIENT);
    *c = dial(*s);
    be_silent();
    send_text(*c, request); /* its task is due when the loop stops */
    return 0;
}

UNIT(server_release_after_its_loop_ends_a_parked_connection)
{
    bide_server *s = NULL;
    bide_stream *c = NULL;
    bide_loop *loop = bide_loop_new();
    EXPECT_NOT_NULL(loop);
    bide__loop_set_virtual_time(loop, true);
    EXPECT_EQ(bide_run_until_complete(loop, bide_coro(leave_parked, &s, &c)), 0);
    EXPECT_EQ(bide_loop_close(loop), 0);
    bide_release(s);
    bide_release(c);
    bide_release(loop);
}

/* One more may be opened. */
static void leave_one_descriptor(struct rlimit *before)
{
    struct rlimit limit;
    int next = dup(0);

    close(next);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, before), 0);
    limit = *before;
    limit.rlim_cur = (rlim_t)next + 1;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(server_parked_connection_gives_way_when_descriptors_run_out)
{
    struct rlimit old;
    if (bide__memcheck_runs())
        SKIP("valgrind has a limit of its own, which ends connections that are accepted beyond it");
    START(PATIENT);
    bide_auto bide_stream *c = dial(s);
    be_silent();
    leave_one_descriptor(&old); /* for the next client alone */
    bide_auto bide_stream *next = dial(s);
    expect_answer(next);
    EXPECT_STR(read_all(c), "");
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
}

TEST(server_parked_connection_survives_any_failing_allocation)
{
    START(PATIENT);
    for (long n = 0; n < 12; n++) {
        bide_auto bide_stream *c = dial(s);
        if (n % 2 == 0)
            be_silent();
        bide__alloc_fail_at(n / 2);
        if (n % 2 == 1)
            be_silent();
        if (bide_write(c, request, sizeof request - 1) == 0 && bide_drain(c) == 0)
            BIDE_IGNORE((int)bide_read(c, reply, 256));
        bide__alloc_fail_at(-1);
        bide_error_clear();
        be_silent();
        bide_auto bide_stream *again = dial(s);
        expect_answer(again);
    }
}

/* Over TLS its handshake is not made again. */
TEST(server_parks_silent_connections_of_tls)
{
    char cert[128], key[128];
    make_certificate(cert, key, sizeof cert);
    START(PATIENT, .cert_file = cert, .key_file = key);
    size_t tasks = bide__tasks_live();
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert);
    EXPECT_NOT_NULL(tls);
    bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s), .tls = tls, .timeout_ms = BIDE_FOREVER);
    EXPECT_NOT_NULL(c);
    for (int i = 0; i < 3; i++) {
        expect_answer(c);
        be_silent();
        EXPECT_EQ(bide__tasks_live(), tasks);
    }
    EXPECT_EQ(bide_server_get_stats(s).connections, 1);
}
