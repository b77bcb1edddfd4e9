/* SPDX-License-Identifier: MIT */
/* test_datagram.c - UDP: there and back, cut ones, errors of ICMP, many at once, multicast, cancellation, release. */
#include "harness/points.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bide/bide.h>

#include "base/base.h"

static bide_address local_of(const bide_datagram *d)
{
    bide_address a;

    EXPECT_EQ(bide_datagram_local(d, &a), 0);
    return a;
}

static int send_text(bide_datagram *d, const char *text, const bide_address *to)
{
    return bide_datagram_send(d, text, strlen(text), to);
}

TEST(datagram_goes_there_and_back_with_its_address, .real_time = true)
{
    bide_auto bide_datagram *a = bide_datagram_open("127.0.0.1", 0), *b = bide_datagram_open("127.0.0.1", 0);
    bide_address at_a = local_of(a), at_b = local_of(b), from;
    char data[16] = "";
    EXPECT_EQ(bide_datagram_port(a), bide_address_port(&at_a));

    EXPECT_EQ(send_text(a, "ping", &at_b), 0);
    EXPECT_EQ(bide_datagram_receive(b, data, sizeof data, &from), 4);
    EXPECT_MEM(data, "ping", 4);
    EXPECT_TRUE(bide_address_equal(&from, &at_a));
    EXPECT_EQ(send_text(b, "", &from), 0); /* an empty one is one */
    EXPECT_EQ(bide_datagram_receive(a, data, sizeof data, &from), 0);
    EXPECT_TRUE(bide_address_equal(&from, &at_b));
    EXPECT_EQ(send_text(b, "more", &at_a), 0);
    EXPECT_EQ(bide_datagram_receive(a, data, sizeof data, NULL), 4);
}

TEST(datagram_over_ip6, .real_time = true)
{
    bide_auto bide_datagram *a = bide_datagram_open("::1", 0);
    if (!a)
        SKIP("there is no IPv6 here");
    bide_auto bide_datagram *b = bide_datagram_open(NULL, 0, .to_host = "::1", .to_port = bide_datagram_port(a));
    bide_address from;
    char data[8], text[BIDE_ADDRESS_TEXT];
    EXPECT_NOT_NULL(b);

    EXPECT_EQ(send_text(b, "six", NULL), 0);
    EXPECT_EQ(bide_datagram_receive(a, data, sizeof data, &from), 3);
    EXPECT_EQ(bide_address_family(&from), 6);
    EXPECT_CONTAINS(bide_address_text(&from, text, sizeof text), "[::1]:");
}

TEST(datagram_that_is_cut_says_how_long_it_was, .real_time = true)
{
    bide_auto bide_datagram *a = bide_datagram_open("127.0.0.1", 0);
    bide_address here = local_of(a);
    char data[4] = "";

    EXPECT_EQ(send_text(a, "too long", &here), 0);
    EXPECT_EQ(bide_datagram_receive(a, data, sizeof data, NULL), 8);
    EXPECT_MEM(data, "too ", 4);
    EXPECT_EQ(send_text(a, "next", &here), 0);
    EXPECT_EQ(bide_datagram_receive(a, data, sizeof data, NULL), 4); /* the rest is gone */
    EXPECT_MEM(data, "next", 4);
    EXPECT_EQ(send_text(a, "size", &here), 0);
    EXPECT_EQ(bide_datagram_receive(a, NULL, 0, NULL), 4);
}

static int receive_one(bide_datagram *d)
{
    char c[8];

    return (int)bide_datagram_receive(d, c, sizeof c, NULL);
}

TEST(datagram_receivers_get_one_each_and_a_cancelled_one_none, .real_time = true)
{
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    bide_address here = local_of(d);
    bide_auto bide_task *goes = bide_create_task(bide_coro(receive_one, d));
    bide_auto bide_task *first = bide_create_task(bide_coro(receive_one, d));
    bide_auto bide_task *second = bide_create_task(bide_coro(receive_one, d));
    EXPECT_EQ(bide_sleep_ms(1), 0);

    bide_task_cancel(goes);
    EXPECT_EQ(send_text(d, "a", &here), 0);
    EXPECT_EQ(send_text(d, "bc", &here), 0);
    EXPECT_ERR(bide_await(goes), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(first) + bide_await(second), 3);
    int code = 0;
    bide_timeout(2)
        code = receive_one(d);
    EXPECT_ERR(code, BIDE_ETIMEDOUT);
}

TEST(datagram_released_under_a_receiver_is_closed, .real_time = true)
{
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(receive_one, d));
    char c[8];
    EXPECT_EQ(bide_sleep_ms(1), 0);

    bide_release(bide_take(d));
    EXPECT_ERR(bide_await(t), BIDE_ECLOSED);

    bide_datagram *e = bide_datagram_open("127.0.0.1", 0);
    bide_awaitable receive = bide_datagram_receive_awaitable(e, c, sizeof c, NULL);
    bide_auto bide_future *f = bide_ensure_future(receive);
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_release(e);
    EXPECT_ERR(bide_await(f), BIDE_ECLOSED);
}

TEST(datagram_receive_is_chosen_and_nothing_is_lost_when_not, .real_time = true)
{
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    bide_address here = local_of(d), from;
    char data[8] = "";
    int n = 0;

    EXPECT_EQ(bide_select(&n, bide_datagram_receive_awaitable(d, data, sizeof data, &from), bide_sleep_awaitable(1)), 1);
    EXPECT_EQ(send_text(d, "abc", &here), 0);
    EXPECT_EQ(bide_select(&n, bide_sleep_awaitable(0), bide_datagram_receive_awaitable(d, data, sizeof data, &from)), 0);
    EXPECT_EQ(bide_select(&n, bide_datagram_receive_awaitable(d, data, sizeof data, &from), bide_sleep_awaitable(1000)), 0);
    EXPECT_EQ(n, 3);
    EXPECT_TRUE(bide_address_equal(&from, &here));
    EXPECT_MEM(data, "abc", 3);
}

/* ---- errors ---- */

static int closed_port(void)
{
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);

    return bide_datagram_port(d);
}

TEST(datagram_to_nobody_is_refused_with_the_address_and_goes_on, .real_time = true)
{
    int port = closed_port();
    char expected[64];
    bide_auto bide_datagram *d = bide_datagram_open(NULL, 0, .to_host = "localhost", .to_port = port);
    snprintf(expected, sizeof expected, "127.0.0.1:%d: ", port);

    EXPECT_EQ(send_text(d, "x", NULL), 0);
    EXPECT_ERR(receive_one(d), -ECONNREFUSED);
    EXPECT_CONTAINS(bide_error_text(), expected);
    bide_auto bide_datagram *peer = bide_datagram_open("127.0.0.1", port); /* now there is somebody */
    EXPECT_EQ(send_text(d, "y", NULL), 0);
    EXPECT_EQ(receive_one(peer), 1);
}

TEST(datagram_errors_of_an_endpoint_without_peer_are_told_on_request, .real_time = true)
{
    bide_address nobody, here;
    EXPECT_EQ(bide_address_parse(&nobody, "127.0.0.1", closed_port()), 0);
    bide_auto bide_datagram *quiet = bide_datagram_open("127.0.0.1", 0);
    bide_auto bide_datagram *told = bide_datagram_open("127.0.0.1", 0, .errors = true);

    here = local_of(quiet);
    EXPECT_EQ(send_text(quiet, "x", &nobody), 0);
    EXPECT_EQ(send_text(quiet, "me", &here), 0);
    EXPECT_EQ(receive_one(quiet), 2); /* one client that has gone stops no server */
    here = local_of(told);
    EXPECT_EQ(send_text(told, "x", &nobody), 0);
    EXPECT_ERR(receive_one(told), -ECONNREFUSED);
    EXPECT_EQ(send_text(told, "me", &here), 0);
    EXPECT_EQ(receive_one(told), 2);
}

TEST(datagram_bad_use_is_an_error_with_a_sentence, .real_time = true)
{
    static char huge[70000];
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    bide_address here = local_of(d), none = {{0}}, all;
    bide_message m = {.data = huge, .cap = 1};

    EXPECT_NULL(bide_datagram_open("nobody.example", 0));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_datagram_open("127.0.0.1", 70000));
    EXPECT_NULL(bide_datagram_open("127.0.0.1", 0, .to_host = "127.0.0.1"));
    EXPECT_CONTAINS(bide_error_text(), "to_port 0");
    EXPECT_NULL(bide_datagram_open("127.0.0.1", bide_datagram_port(d)));
    EXPECT_EQ(bide_error_code(), -EADDRINUSE);
    EXPECT_CONTAINS(bide_error_text(), "127.0.0.1:");
    EXPECT_ERR(bide_datagram_send(d, huge, sizeof huge, &here), -EMSGSIZE);
    EXPECT_ERR(send_text(d, "x", NULL), -EDESTADDRREQ);
    EXPECT_ERR(send_text(d, "x", &none), -EINVAL);
    EXPECT_EQ(bide_address_parse(&all, "255.255.255.255", 9), 0);
    EXPECT_EQ(bide_datagram_receive_many(d, &m, 0), -EINVAL);
    EXPECT_EQ(bide_datagram_send_many(d, NULL, 3), -EINVAL);
    EXPECT_ERR(bide_datagram_receive(NULL, huge, 1, NULL), -EINVAL);
    EXPECT_ERR(bide_datagram_receive(d, NULL, 1, NULL), -EINVAL);
    EXPECT_ERR(bide_datagram_send(d, NULL, 1, &here), -EINVAL);
    EXPECT_ERR(bide_datagram_port(NULL), -EINVAL);
}

TEST(datagram_broadcast_needs_the_option, .real_time = true)
{
    bide_auto bide_datagram *d = bide_datagram_open("0.0.0.0", 0);
    bide_auto bide_datagram *e = bide_datagram_open("0.0.0.0", 0, .broadcast = true);
    bide_address all;

    EXPECT_EQ(bide_address_parse(&all, "127.255.255.255", bide_datagram_port(e)), 0);
    EXPECT_ERR(send_text(d, "x", &all), -EACCES);
    EXPECT_EQ(send_text(e, "x", &all), 0);
    EXPECT_EQ(receive_one(e), 1);
}

/* ---- many ---- */

TEST(datagram_many_are_sent_and_received_in_order, .real_time = true)
{
    enum { N = 100 };
    bide_auto bide_datagram *a = bide_datagram_open("127.0.0.1", 0);
    bide_auto bide_datagram *b = bide_datagram_open(NULL, 0, .to_host = "127.0.0.1", .to_port = bide_datagram_port(a));
    bide_message out[N] = {{0}}, in[N] = {{0}};
    static char sent[N][2], got[N][2];
    bide_address at_a = local_of(a), at_b = local_of(b);
    int sum = 0;

    for (int i = 0; i < N; i++) {
        sent[i][0] = (char)i;
        out[i] = (bide_message){.data = sent[i], .len = i % 3};
        in[i] = (bide_message){.data = got[i], .cap = 1};
        if (i == 1)
            out[i].address = at_a;
    }
    EXPECT_EQ(bide_datagram_send_many(b, out, N), N);
    while (sum < N) {
        int n = bide_datagram_receive_many(a, in + sum, N - sum);
        EXPECT_LT(0, n);
        sum += n;
    }
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(in[i].len, i % 3); /* 2 is more than cap: it was cut */
        EXPECT_TRUE(bide_address_equal(&in[i].address, &at_b) || i == 1);
        if (i % 3 > 0)
            EXPECT_EQ(got[i][0], (char)i);
    }
}

TEST(datagram_many_stops_at_the_one_that_fails, .real_time = true)
{
    static char huge[70000];
    bide_auto bide_datagram *a = bide_datagram_open("127.0.0.1", 0);
    bide_address here = local_of(a);
    bide_message out[] = {{.data = huge, .len = 1, .address = here},
                          {.data = huge, .len = sizeof huge, .address = here},
                          {.data = huge, .len = 1, .address = here}};

    bide_error_clear();
    EXPECT_EQ(bide_datagram_send_many(a, out, 3), 1);
    EXPECT_EQ(bide_error_code(), 0);
    EXPECT_ERR(bide_datagram_send_many(a, out + 1, 2), -EMSGSIZE);
    EXPECT_EQ(receive_one(a), 1);
}

/* ---- multicast ---- */

TEST(datagram_multicast_reaches_those_who_joined, .real_time = true)
{
    bide_auto bide_datagram *a = bide_datagram_open("0.0.0.0", 0, .reuse_address = true);
    bide_auto bide_datagram *b = bide_datagram_open("0.0.0.0", bide_datagram_port(a), .reuse_address = true);
    bide_address group;
    EXPECT_TRUE(a && b);
    EXPECT_EQ(bide_address_parse(&group, "239.255.17.42", bide_datagram_port(a)), 0);

    EXPECT_EQ(bide_datagram_join(a, "239.255.17.42", "lo"), 0);
    EXPECT_EQ(bide_datagram_join(b, "239.255.17.42", "127.0.0.1"), 0); /* by an address of the interface */
    EXPECT_ERR(bide_datagram_join(b, "239.255.17.42", "lo"), -EADDRINUSE);
    EXPECT_EQ(bide_datagram_multicast(a, .ttl = 1, .interface = "lo"), 0);
    EXPECT_EQ(send_text(a, "all", &group), 0);
    EXPECT_EQ(receive_one(a), 3);
    EXPECT_EQ(receive_one(b), 3);
    EXPECT_EQ(bide_datagram_multicast(a, .interface = "lo", .no_loop = true), 0);
    EXPECT_EQ(bide_datagram_leave(b, "239.255.17.42", "lo"), 0);
    EXPECT_ERR(bide_datagram_leave(b, "239.255.17.42", "lo"), -EADDRNOTAVAIL);
}

TEST(datagram_multicast_bad_use_is_an_error, .real_time = true)
{
    bide_auto bide_datagram *a = bide_datagram_open("0.0.0.0", 0);

    EXPECT_ERR(bide_datagram_join(a, "239.255.17.42", "none9"), -ENODEV);
    EXPECT_CONTAINS(bide_error_text(), "none9");
    EXPECT_ERR(bide_datagram_join(a, "ff02::fb", NULL), -EINVAL);
    EXPECT_ERR(bide_datagram_join(a, "group", NULL), -EINVAL);
    EXPECT_ERR(bide_datagram_join(a, NULL, NULL), -EINVAL);
    EXPECT_ERR(bide_datagram_join(a, "127.0.0.1", "lo"), -EINVAL); /* no group */
    EXPECT_ERR(bide_datagram_multicast(a, .ttl = 256), -EINVAL);
    EXPECT_ERR(bide_datagram_multicast(a, .interface = "none9"), -ENODEV);
    EXPECT_ERR(bide_datagram_multicast(NULL, .ttl = 2), -EINVAL);
}

/* ---- the budget, descriptors, memory ---- */

static int flood(bide_datagram *d)
{
    bide_address here = local_of(d);
    char c[8];

    for (int i = 0; i < 2000; i++) {
        BIDE_TRY(bide_datagram_send(d, "x", 1, &here));
        BIDE_TRY(bide_datagram_receive(d, c, sizeof c, NULL));
    }
    return 2000;
}

TEST(datagram_that_is_always_ready_lets_others_run, .real_time = true)
{
    bide_auto bide_datagram *d = bide_datagram_open("127.0.0.1", 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(flood, d));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_EQ(bide_sleep_ms(0), 0);
    EXPECT_FALSE(bide_task_done(t));
    EXPECT_EQ(bide_await(t), 2000);
}

TEST(datagram_without_a_free_descriptor_is_an_error, .real_time = true)
{
    struct rlimit before, none;
    bide_auto bide_datagram *first = bide_datagram_open("127.0.0.1", 0); /* the loop has its own */
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_NULL(bide_datagram_open("127.0.0.1", 0));
    EXPECT_EQ(bide_error_code(), -EMFILE);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static int there_and_back(void)
{
    bide_auto bide_datagram *d = BIDE_TRY_PTR(bide_datagram_open("127.0.0.1", 0));
    bide_address here = local_of(d);

    BIDE_TRY(send_text(d, "x", &here));
    return receive_one(d) == 1 ? 0 : bide_error_code();
}

UNIT(datagram_each_allocation_failing_in_turn_is_an_error)
{
    fail_each_allocation(bide_coro(there_and_back));
}
