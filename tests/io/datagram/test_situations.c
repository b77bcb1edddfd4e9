/* SPDX-License-Identifier: MIT */
/* test_situations.c - UDP: what each function gives in each situation (harness/situations.h). */
#include <bide/datagram.h>

#include "harness/situations.h"

/* Of the loop of the test; a datagram waits at the first. */
static bide_datagram *d, *empty;
static bide_address here;
static char byte[4];

static int open_(void)
{
    bide_auto bide_datagram *made = bide_datagram_open("127.0.0.1", 0);

    return made ? 0 : bide_error_code();
}

static int receive(void) { return (int)bide_datagram_receive(empty, byte, 1, NULL) < 0 ? bide_error_code() : 0; }
static int receive_ready(void) { return (int)bide_datagram_receive(d, byte, 1, NULL) < 0 ? bide_error_code() : 0; }
static int receive_many(void)
{
    bide_message m = {.data = byte, .cap = 1};
    return bide_datagram_receive_many(d, &m, 1);
}
static int send_(void) { return bide_datagram_send(d, "x", 1, &here); }
static int send_many(void)
{
    bide_message m = {.data = byte, .len = 1, .address = here};
    return bide_datagram_send_many(d, &m, 1);
}
static int port(void) { return bide_datagram_port(d); }
static int local(void) { bide_address a; return bide_datagram_local(d, &a); }
static int multicast(void) { return bide_datagram_multicast(d, .ttl = 2); }
static int leave(void) { int code = bide_datagram_leave(d, "239.255.17.43", "lo"); return code == -EADDRNOTAVAIL ? 0 : code; }
static int join(void)
{
    int code = bide_datagram_join(d, "239.255.17.43", "lo");
    return code == 0 ? leave() : code;
}

static const struct situation_row rows[] = {
    {"bide_datagram_open", open_, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_datagram_receive", receive, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_datagram_receive of what is there", receive_ready,
     {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_datagram_receive_many", receive_many, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_datagram_send", send_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_datagram_send_many", send_many, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_datagram_port", port, {NEVER, W, W, W, W, W}},
    {"bide_datagram_local", local, {NEVER, W, W, W, W, W}},
    {"bide_datagram_join", join, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_datagram_leave", leave, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_datagram_multicast", multicast, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

static int make(void)
{
    d = bide_datagram_open("127.0.0.1", 0);
    empty = bide_datagram_open("127.0.0.1", 0);
    EXPECT_TRUE(d && empty);
    EXPECT_EQ(bide_datagram_local(d, &here), 0);
    return bide_datagram_send(d, "a", 1, &here);
}

static void end(void)
{
    bide_release(d);
    bide_release(empty);
}

UNIT(datagram_situation_without_a_loop)
{
    check_all(NO_LOOP);
}

TEST(datagram_situation_in_a_callback, .real_time = true)
{
    EXPECT_EQ(make(), 0);
    situation_check_in_callback(check_all);
    end();
}

UNIT(datagram_situation_after_the_loop_was_closed)
{
    EXPECT_EQ(bide_run(bide_coro(make)), 0);
    check_all(CLOSED);
    end();
}

UNIT(datagram_situation_in_a_task_of_another_loop)
{
    EXPECT_EQ(bide_run(bide_coro(make)), 0);
    situation_check_in_second_loop(check_all);
    end();
}

TEST(datagram_situation_in_another_thread, .real_time = true)
{
    EXPECT_EQ(make(), 0);
    situation_check_in_thread(check_all);
    end();
}

TEST(datagram_situation_in_a_forked_child, .real_time = true)
{
    EXPECT_EQ(make(), 0);
    situation_check_in_child(check_all);
    end();
}
