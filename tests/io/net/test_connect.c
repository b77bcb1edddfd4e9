/* SPDX-License-Identifier: MIT */
/* test_connect.c - from a host and a port to a connection: literals, localhost, Happy Eyeballs, what is said on failure. */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "dns_stub.h"

static int64_t now_ms(void)
{
    return bide__clock_ns() / 1000000;
}

static int hello(bide_stream *s, void *arg)
{
    BIDE_TRY(bide_write(s, arg, strlen(arg)));
    return bide_drain(s);
}

struct server {
    bide_listener *listener;
    bide_task *task;
    int port;
};

static struct server serve_on(const char *host, int port, const char *text)
{
    struct server s = {.listener = bide_listen_with(BIDE__ARGS(bide_listen_args, .host = host, .port = port))};
    if (!s.listener)
        FAIL("%s", bide_error_text());
    s.port = bide_listener_port(s.listener);
    s.task = bide_create_task(bide_coro(bide_serve, s.listener, hello, (void *)(uintptr_t)text));
    return s;
}

static void stop(struct server *s)
{
    bide_release(s->task);
    bide_release(s->listener);
    bide_error_clear();
}

static void expect_hello(bide_stream *s, const char *text)
{
    char buf[16] = "";
    if (!s)
        FAIL("%s", bide_error_text());
    EXPECT_EQ(bide_read(s, buf, sizeof buf - 1), strlen(text));
    EXPECT_STR(buf, text);
}

static bool has_ip6(void)
{
    int port = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct addr a;
    bide__addr_parse(&a, "::1", port);
    bool ok = fd >= 0 && bind(fd, &a.sa, a.len) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* ---- without a name server ---- */

TEST(connect_literals_reach_their_server, .real_time = true)
{
    struct server s = serve_on("127.0.0.1", 0, "four");
    {
        char peer[64];
        bide_auto bide_stream *c = bide_connect("127.0.0.1", s.port);
        expect_hello(c, "four");
        snprintf(peer, sizeof peer, "127.0.0.1:%d", s.port);
        EXPECT_STR(bide_stream_peer(c), peer);
    }
    stop(&s);
    if (!has_ip6())
        SKIP("no IPv6 here");
    s = serve_on("::1", 0, "six");
    {
        char peer[64];
        bide_auto bide_stream *c = bide_connect("::1", s.port);
        expect_hello(c, "six");
        snprintf(peer, sizeof peer, "[::1]:%d", s.port);
        EXPECT_STR(bide_stream_peer(c), peer);
        bide_auto bide_stream *d = bide_connect("[::1]", s.port);
        expect_hello(d, "six");
    }
    stop(&s);
}

/* R108 */
TEST(connect_localhost_asks_nobody, .real_time = true)
{
    struct stub dns;
    static const char *const names[] = {"localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", NULL};
    stub_start(&dns, (struct stub_record[]){{0}});
    struct server s = serve_on("127.0.0.1", 0, "here");
    for (int i = 0; names[i]; i++) {
        bide_auto bide_stream *c = bide_connect(names[i], s.port);
        expect_hello(c, "here");
    }
    EXPECT_EQ(dns.queries[0] + dns.queries[1], 0);
    stop(&s);
    stub_stop(&dns);
}

TEST(connect_unix_socket_by_path, .real_time = true)
{
    char host[600];
    snprintf(host, sizeof host, "unix:%s/s", test_tmpdir());
    struct server s = serve_on(host, 0, "path");
    {
        bide_auto bide_stream *c = bide_connect(host, 0);
        expect_hello(c, "path");
        EXPECT_STR(bide_stream_peer(c), "unix:");
    }
    stop(&s);
    EXPECT_NULL(bide_connect("unix:/nowhere/s", 0));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_CONTAINS(bide_error_text(), "connect unix:/nowhere/s: ");
}

TEST(connect_refused_says_host_and_port, .real_time = true)
{
    char says[128];
    int port = closed_port();
    EXPECT_NULL(bide_connect("127.0.0.1", port));
    EXPECT_EQ(bide_error_code(), -ECONNREFUSED);
    snprintf(says, sizeof says, "connect 127.0.0.1:%d: Connection refused", port);
    EXPECT_STR(bide_error_text(), says);
    if (!has_ip6())
        SKIP("no IPv6 here");
    EXPECT_NULL(bide_connect("::1", port));
    snprintf(says, sizeof says, "connect [::1]:%d: Connection refused", port);
    EXPECT_STR(bide_error_text(), says);
    EXPECT_NULL(bide_connect("localhost", port));
    EXPECT_EQ(bide_error_code(), -ECONNREFUSED);
    snprintf(says, sizeof says, "connect localhost:%d: ::1: Connection refused; 127.0.0.1: Connection refused", port);
    EXPECT_STR(bide_error_text(), says);
}

TEST(connect_bad_arguments_are_refused)
{
    EXPECT_NULL(bide_connect("127.0.0.1", 0));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_connect("127.0.0.1", 65536));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
    EXPECT_NULL(bide_connect("127.0.0.1", 80, .timeout_ms = -1));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_connect: timeout_ms = -1: a negative number");
    EXPECT_NULL(bide_connect(NULL, 80));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_NULL(bide_connect("", 80));
    EXPECT_EQ(bide_error_code(), -EINVAL);
    bide_error_clear();
}

TEST(connect_black_hole_times_out, .real_time = true)
{
    struct black_hole hole;
    int port = 0;
    black_hole_open(&hole, "127.0.0.1", &port);
    int64_t begin = now_ms();
    EXPECT_NULL(bide_connect("127.0.0.1", port, .timeout_ms = 100));
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(bide_error_text(), "timed out while connecting");
    EXPECT_LT(now_ms() - begin, 1000);
    black_hole_close(&hole);
}

static int connect_quietly(const char *host, int port)
{
    bide_auto bide_stream *s = bide_connect(host, port);
    return s ? 0 : bide_raise();
}

TEST(connect_cancelled_leaves_nothing, .real_time = true)
{
    struct black_hole hole;
    int port = 0;
    black_hole_open(&hole, "127.0.0.1", &port);
    bide_auto bide_task *t = bide_create_task(bide_coro(connect_quietly, "127.0.0.1", port));
    EXPECT_EQ(bide_sleep_ms(20), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(bide_task_cancelled(t));
    black_hole_close(&hole);
}

/* ---- Happy Eyeballs ---- */

/* Connects by name and says after how many milliseconds. */
static int64_t timed(const char *name, int port, const char *text)
{
    int64_t begin = now_ms();
    bide_auto bide_stream *c = bide_connect(name, port);
    int64_t took = now_ms() - begin;
    expect_hello(c, text);
    return took;
}

TEST(connect_by_name_reaches_the_server, .real_time = true)
{
    struct stub dns;
    stub_start(&dns, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {0}});
    struct server s = serve_on("127.0.0.1", 0, "hi");
    EXPECT_LT(timed("a.test", s.port, "hi"), 50);
    EXPECT_LT(timed("a.test", s.port, "hi"), 50);
    EXPECT_EQ(dns.queries[0], 1);
    stop(&s);
    stub_stop(&dns);
}

/* asyncio 94: R107 */
TEST(connect_ip6_black_hole_goes_on_to_ip4_after_250_ms, .real_time = true)
{
    struct stub dns;
    struct black_hole hole;
    if (!has_ip6())
        SKIP("no IPv6 here");
    stub_start(&dns, (struct stub_record[]){{.name = "dual.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {.name = "dual.test", .type = TYPE_AAAA, .addrs = "::1"}, {0}});
    struct server s = serve_on("127.0.0.1", 0, "hi");
    black_hole_open(&hole, "::1", &s.port);
    int64_t took = timed("dual.test", s.port, "hi");
    EXPECT_LE(245, took);
    EXPECT_LT(took, 400);
    black_hole_close(&hole);
    stop(&s);
    stub_stop(&dns);
}

/* asyncio 94: R107 */
TEST(connect_ip6_refused_goes_on_to_ip4_at_once, .real_time = true)
{
    struct stub dns;
    stub_start(&dns, (struct stub_record[]){{.name = "dual.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {.name = "dual.test", .type = TYPE_AAAA, .addrs = "::1"}, {0}});
    struct server s = serve_on("127.0.0.1", 0, "hi");
    EXPECT_LT(timed("dual.test", s.port, "hi"), 50);
    stop(&s);
    stub_stop(&dns);
}

/* R106 */
TEST(connect_slow_aaaa_is_given_50_ms, .real_time = true)
{
    struct stub dns;
    stub_start(&dns, (struct stub_record[]){{.name = "dual.test", .type = TYPE_A, .addrs = "127.0.0.1"},
                                            {.name = "dual.test", .type = TYPE_AAAA, .addrs = "::1", .delay_ms = 2000},
                                            {0}});
    struct server s = serve_on("127.0.0.1", 0, "hi");
    int64_t took = timed("dual.test", s.port, "hi");
    EXPECT_LE(45, took);
    EXPECT_LT(took, 150);
    stop(&s);
    stub_stop(&dns);
}

/* R106 */
TEST(connect_slow_a_is_not_waited_for, .real_time = true)
{
    struct stub dns;
    if (!has_ip6())
        SKIP("no IPv6 here");
    stub_start(&dns, (struct stub_record[]){{.name = "dual.test", .type = TYPE_A, .addrs = "127.0.0.1", .delay_ms = 2000},
                                            {.name = "dual.test", .type = TYPE_AAAA, .addrs = "::1"},
                                            {0}});
    struct server s = serve_on("::1", 0, "six");
    EXPECT_LT(timed("dual.test", s.port, "six"), 50);
    stop(&s);
    stub_stop(&dns);
}

TEST(connect_waits_for_the_late_half_when_the_first_fails, .real_time = true)
{
    struct stub dns;
    stub_start(&dns, (struct stub_record[]){{.name = "dual.test", .type = TYPE_A, .addrs = "127.0.0.1", .delay_ms = 150},
                                            {.name = "dual.test", .type = TYPE_AAAA, .addrs = "::1"},
                                            {0}});
    struct server s = serve_on("127.0.0.1", 0, "four");
    int64_t took = timed("dual.test", s.port, "four");
    EXPECT_LE(145, took);
    EXPECT_LT(took, 250);
    stop(&s);
    stub_stop(&dns);
}

/* asyncio 94 */
TEST(connect_all_refused_names_every_attempt, .real_time = true)
{
    struct stub dns;
    char says[256];
    stub_start(&dns, (struct stub_record[]){{.name = "dual.test", .type = TYPE_A, .addrs = "127.0.0.1 127.0.0.2"}, {.name = "dual.test", .type = TYPE_AAAA, .addrs = "::1"}, {0}});
    int port = closed_port();
    EXPECT_NULL(bide_connect("dual.test", port));
    EXPECT_EQ(bide_error_code(), -ECONNREFUSED);
    snprintf(says, sizeof says,
             "connect dual.test:%d: ::1: Connection refused; 127.0.0.1: Connection refused; 127.0.0.2: Connection refused",
             port);
    if (has_ip6())
        EXPECT_STR(bide_error_text(), says);
    bide_error_clear();
    stub_stop(&dns);
}

TEST(connect_nine_black_holes_and_one_server, .real_time = true)
{
    struct stub dns;
    struct black_hole holes[9];
    stub_start(&dns, (struct stub_record[]){{.name = "ten.test", .type = TYPE_A, .addrs = "127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 127.0.0.8 "
                                             "127.0.0.9 127.0.0.10 127.0.0.1"},
                                            {0}});
    struct server s = serve_on("127.0.0.1", 0, "tenth");
    for (int i = 0; i < 9; i++) {
        char host[16];
        snprintf(host, sizeof host, "127.0.0.%d", i + 2);
        black_hole_open(&holes[i], host, &s.port);
    }
    int64_t took = timed("ten.test", s.port, "tenth");
    EXPECT_LE(2200, took);
    EXPECT_LT(took, 3000);
    for (int i = 0; i < 9; i++)
        black_hole_close(&holes[i]);
    stop(&s);
    stub_stop(&dns);
}

TEST(connect_tries_all_addresses_that_a_name_has, .real_time = true)
{
    struct stub dns;
    char addrs[512] = "";
    for (int i = 2; i <= 25; i++)
        snprintf(addrs + strlen(addrs), sizeof addrs - strlen(addrs), "127.0.0.%d ", i);
    strcat(addrs, "127.0.0.1");
    stub_start(&dns, (struct stub_record[]){{.name = "many.test", .type = TYPE_A, .addrs = addrs}, {0}});
    struct server s = serve_on("127.0.0.1", 0, "last");

    EXPECT_LT(timed("many.test", s.port, "last"), 500);
    EXPECT_NULL(bide_connect("many.test", closed_port()));
    EXPECT_CONTAINS(bide_error_text(), "127.0.0.2: Connection refused; ");
    EXPECT_CONTAINS(bide_error_text(), ": Connection refused; ...");
    bide_error_clear();
    stop(&s);
    stub_stop(&dns);
}

TEST(connect_text_with_colons_that_is_no_address_asks_nobody)
{
    EXPECT_NULL(bide_connect("fe80::1%nolink", 80));
    EXPECT_EQ(bide_error_code(), BIDE_ENAME);
    EXPECT_CONTAINS(bide_error_text(), "connect fe80::1%nolink: no IPv6 address with the name of a network interface");
    bide_error_clear();
    EXPECT_NULL(bide_connect("[::g]", 80));
    EXPECT_CONTAINS(bide_error_text(), "connect [::g]: not an IPv6 address");
    bide_error_clear();
}

TEST(connect_unknown_name_and_silent_server_are_reported, .real_time = true)
{
    struct stub dns;
    stub_start(&dns, (struct stub_record[]){{.name = "mute.test", .type = 0, .silent = true}, {0}});
    EXPECT_NULL(bide_connect("nowhere.test", 80));
    EXPECT_EQ(bide_error_code(), BIDE_ENAME);
    EXPECT_CONTAINS(bide_error_text(), "nowhere.test");
    EXPECT_NULL(bide_connect("mute.test", 80, .timeout_ms = 50));
    EXPECT_EQ(bide_error_code(), BIDE_ETIMEDOUT);
    EXPECT_STR(bide_error_text(), "connect mute.test:80: timed out while looking up the name");
    stub_stop(&dns);
}

/* ---- signals ---- */

static void nothing(int signal)
{
    (void)signal;
}

/* No handler says SA_RESTART: every system call may come back with EINTR. */
TEST(connect_in_a_storm_of_signals, .real_time = true)
{
    struct stub dns;
    struct sigaction action = {.sa_handler = nothing};
    struct itimerval every = {{0, 200}, {0, 200}}, never = {{0}};
    stub_start(&dns, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {0}});
    struct server s = serve_on("127.0.0.1", 0, "hi");
    EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
    EXPECT_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    for (int i = 0; i < 100; i++) {
        bide_auto bide_stream *c = bide_connect(i % 2 ? "a.test" : "127.0.0.1", s.port);
        expect_hello(c, "hi");
    }
    EXPECT_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    stop(&s);
    stub_stop(&dns);
}

/* ---- a network of our own ---- */

static void write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    EXPECT_TRUE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* A network namespace that nothing leads out of; with_loopback: with 127.0.0.1. */
static void enter_own_network(bool with_loopback)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) < 0)
        SKIP("no network namespace here");

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (with_loopback)
        EXPECT_EQ(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

TEST(connect_without_a_way_there_fails_at_once, .real_time = true)
{
    enter_own_network(true);
    int64_t begin = now_ms();
    EXPECT_NULL(bide_connect("192.0.2.1", 80));
    EXPECT_EQ(bide_error_code(), -ENETUNREACH);
    EXPECT_STR(bide_error_text(), "connect 192.0.2.1:80: Network is unreachable");
    bide_error_clear();
    EXPECT_LT(now_ms() - begin, 1000);
}

/* Ten local ports, all in use: an error in words; and when one is free, it works again. */
TEST(connect_without_a_local_port_says_so_and_recovers, .real_time = true)
{
    bide_stream *all[12] = {NULL};
    enter_own_network(true);
    write_to("/proc/sys/net/ipv4/ip_local_port_range", "50000 50009");
    struct server s = serve_on("127.0.0.1", 40000, "hi");
    int n = 0;
    while (n < 12 && (all[n] = bide_connect("127.0.0.1", s.port)))
        n++;
    EXPECT_EQ(n, 10);
    EXPECT_EQ(bide_error_code(), -EADDRNOTAVAIL);
    EXPECT_STR(bide_error_text(), "connect 127.0.0.1:40000: Cannot assign requested address");
    bide_error_clear();

    struct linger at_once = {.l_onoff = 1};
    EXPECT_EQ(setsockopt(all[0]->socket.fd.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    for (int i = 0; i < n; i++)
        bide_release(all[i]);
    {
        bide_auto bide_stream *again = bide_connect("127.0.0.1", s.port);
        expect_hello(again, "hi");
    }
    stop(&s);
}

/* ---- no free descriptors ---- */

static int give_back_later(int *fds, int n)
{
    BIDE_TRY(bide_sleep_ms(100));
    for (int i = 0; i < n; i++)
        close(fds[i]);
    return 0;
}

/* How long a connection takes when descriptors are free again after 100 ms. */
static int64_t timed_without_descriptors(const char *name, int port)
{
    struct rlimit limit, low;
    int fds[64], n = 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &low);
    while (n < 64 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    bide_auto bide_task *t = bide_create_task(bide_coro(give_back_later, fds, n));
    int64_t took = timed(name, port, "hi");
    EXPECT_EQ(bide_await(t), 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    return took;
}

TEST(connect_without_free_descriptors_waits_for_one, .real_time = true)
{
    struct server s = serve_on("127.0.0.1", 0, "hi");
    int64_t took = timed_without_descriptors("127.0.0.1", s.port);
    EXPECT_LE(90, took);
    EXPECT_LT(took, 500);
    stop(&s);
}

TEST(connect_by_name_without_free_descriptors_waits_for_one, .real_time = true)
{
    struct stub dns;
    stub_start(&dns, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "127.0.0.1"},
                                            {.name = "b.test", .type = TYPE_A, .addrs = "127.0.0.1"},
                                            {0}});
    struct server s = serve_on("127.0.0.1", 0, "hi");
    int64_t took = timed_without_descriptors("a.test", s.port); /* none for the resolver itself */
    EXPECT_LE(90, took);
    EXPECT_LT(took, 500);
    took = timed_without_descriptors("b.test", s.port); /* none for its question */
    EXPECT_LE(90, took);
    EXPECT_LT(took, 500);
    stop(&s);
    stub_stop(&dns);
}

/* ---- addresses ---- */

UNIT(addr_parses_literals_and_nothing_else)
{
    static const char *const good[] = {"127.0.0.1", "0.0.0.0", "::1", "[::1]", "::ffff:1.2.3.4", NULL};
    static const char *const bad[] = {"",     "localhost", "127.1", "0x7f000001", "127.0.0.01", "127.0.0.1.", "256.1.1.1",
                                      "[::1", "::1]",      "[]",    "[",          "]",          "[127.0.0.1]", "1::2::3",
                                      " 1.2.3.4", "1.2.3.4 ", NULL};
    struct addr a;
    for (int i = 0; good[i]; i++)
        if (!bide__addr_parse(&a, good[i], 80))
            FAIL("%s was refused", good[i]);
    for (int i = 0; bad[i]; i++)
        if (bide__addr_parse(&a, bad[i], 80))
            FAIL("%s was taken", bad[i]);
}

UNIT(addr_keeps_the_link_of_an_address)
{
    static const char *const bad[] = {"fe80::1%", "fe80::1%nolink", "fe80::1%0", "fe80::1%1x", "127.0.0.1%lo", "%lo", NULL};
    struct addr a;
    EXPECT_TRUE(bide__addr_parse(&a, "fe80::1%lo", 80));
    EXPECT_EQ(a.in6.sin6_scope_id, if_nametoindex("lo"));
    EXPECT_TRUE(bide__addr_parse(&a, "[fe80::1%7]", 80));
    EXPECT_EQ(a.in6.sin6_scope_id, 7);
    EXPECT_TRUE(bide__addr_parse(&a, "fe80::1", 80));
    EXPECT_EQ(a.in6.sin6_scope_id, 0);
    for (int i = 0; bad[i]; i++)
        if (bide__addr_parse(&a, bad[i], 80))
            FAIL("%s was taken", bad[i]);
}

UNIT(addr_localhost_is_the_name_and_all_below_it)
{
    EXPECT_TRUE(bide__addr_is_localhost("localhost"));
    EXPECT_TRUE(bide__addr_is_localhost("LocalHost."));
    EXPECT_TRUE(bide__addr_is_localhost("x.localhost"));
    EXPECT_FALSE(bide__addr_is_localhost("notlocalhost"));
    EXPECT_FALSE(bide__addr_is_localhost("localhost.test"));
    EXPECT_FALSE(bide__addr_is_localhost(""));
    EXPECT_FALSE(bide__addr_is_localhost("."));
}
