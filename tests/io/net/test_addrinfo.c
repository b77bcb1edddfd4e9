/* SPDX-License-Identifier: MIT */
/* test_addrinfo.c - bide_getaddrinfo and bide_getnameinfo: literal addresses, this machine, name servers, what goes wrong. */
#include <bide/bide.h>

#include "dns_stub.h"

static void check(const bide_address *a, int n, const char *expected)
{
    char all[512] = "", text[BIDE_ADDRESS_TEXT];

    for (int i = 0; i < n; i++) {
        if (i > 0)
            strcat(all, " ");
        strcat(all, bide_address_text(&a[i], text, sizeof text));
    }
    EXPECT_STR(all, expected);
}

TEST(getaddrinfo_of_literal_addresses_and_localhost, .real_time = true)
{
    bide_address a[4];

    check(a, bide_getaddrinfo("127.0.0.1", 80, a, 4), "127.0.0.1:80");
    check(a, bide_getaddrinfo("[::1]", 80, a, 4), "[::1]:80");
    check(a, bide_getaddrinfo("localhost", 80, a, 4), "[::1]:80 127.0.0.1:80");
    check(a, bide_getaddrinfo("localhost", 80, a, 1), "[::1]:80");
    check(a, bide_getaddrinfo("a.localhost", 80, a, 4, .family = 4), "127.0.0.1:80");
    EXPECT_ERR(bide_getaddrinfo("127.0.0.1", 80, a, 4, .family = 6), BIDE_ENAME);
}

TEST(getaddrinfo_asks_the_name_servers, .real_time = true)
{
    struct stub s;
    bide_address a[8];
    stub_start(&s, (struct stub_record[]){{.name = "both.test", .type = TYPE_A, .addrs = "192.0.2.1 192.0.2.2 192.0.2.3"},
                                          {.name = "both.test", .type = TYPE_AAAA, .addrs = "2001:db8::1"},
                                          {.name = "four.test", .type = TYPE_A, .addrs = "192.0.2.4"},
                                          {.name = "bad.test", .rcode = SERVFAIL},
                                          {0}});

    check(a, bide_getaddrinfo("both.test", 443, a, 8), "[2001:db8::1]:443 192.0.2.1:443 192.0.2.2:443 192.0.2.3:443");
    check(a, bide_getaddrinfo("Both.Test", 443, a, 8, .family = 6), "[2001:db8::1]:443");
    check(a, bide_getaddrinfo("both.test", 0, a, 2, .family = 4), "192.0.2.1:0 192.0.2.2:0");
    EXPECT_EQ(s.queries[0], 1); /* from the cache */
    EXPECT_ERR(bide_getaddrinfo("four.test", 1, a, 8, .family = 6), BIDE_ENAME);
    EXPECT_ERR(bide_getaddrinfo("none.test", 1, a, 8), BIDE_ENAME);
    EXPECT_ERR(bide_getaddrinfo("bad.test", 1, a, 8, .dns = BIDE_DNS(.servers = "127.0.0.1:1", .tries = 1, .timeout_ms = 50)), BIDE_EDNS);
    EXPECT_ERR(bide_getaddrinfo("bad.test", 1, a, 8), BIDE_EDNS);
    stub_stop(&s);
}

static int name_of(const char *address, char *out, size_t cap)
{
    bide_address a;

    EXPECT_EQ(bide_address_parse(&a, address, 80), 0);
    return bide_getnameinfo(&a, out, cap);
}

TEST(getnameinfo_asks_the_hosts_file_and_the_name_servers, .real_time = true)
{
    struct stub s;
    char name[BIDE_NAME_MAX];
    stub_start(&s, (struct stub_record[]){{.name = "1.2.0.192.in-addr.arpa", .type = TYPE_PTR, .addrs = "a.test"},
                                          {.name = "2.2.0.192.in-addr.arpa", .type = TYPE_PTR, .addrs = "evil*.test"},
                                          {.name = "3.2.0.192.in-addr.arpa", .type = TYPE_PTR, .rcode = SERVFAIL},
                                          {0}});

    EXPECT_EQ(name_of("192.0.2.1", name, sizeof name), 0);
    EXPECT_STR(name, "a.test");
    EXPECT_EQ(name_of("127.0.0.1", name, sizeof name), 0);
    EXPECT_STR(name, "localhost"); /* of /etc/hosts */
    EXPECT_ERR(name_of("192.0.2.9", name, sizeof name), BIDE_ENAME);
    EXPECT_ERR(name_of("2001:db8::9", name, sizeof name), BIDE_ENAME);
    int code = name_of("192.0.2.2", name, sizeof name); /* what cannot be a name is none; newer versions of c-ares say so, too */
    EXPECT_TRUE(code == BIDE_ENAME || code == BIDE_EDNS);
    EXPECT_ERR(name_of("192.0.2.3", name, sizeof name), BIDE_EDNS);
    EXPECT_ERR(name_of("192.0.2.1", name, 6), BIDE_ELIMIT);
    stub_stop(&s);
}

static int name_of_late(void)
{
    char name[BIDE_NAME_MAX];

    return name_of("192.0.2.1", name, sizeof name);
}

static int addresses_of_late(void)
{
    bide_address a[2];

    return bide_getaddrinfo("late.test", 1, a, 2);
}

/* The question is ended with the last who waits, or goes on for the others. */
TEST(getnameinfo_and_getaddrinfo_cancelled, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "1.2.0.192.in-addr.arpa", .type = TYPE_PTR, .addrs = "a.test", .delay_ms = 30},
                                          {.name = "late.test", .silent = true},
                                          {0}});
    bide_auto bide_task *goes = bide_create_task(bide_coro(name_of_late)), *stays = bide_create_task(bide_coro(name_of_late)),
                        *other = bide_create_task(bide_coro(addresses_of_late));
    EXPECT_EQ(bide_sleep_ms(5), 0);

    bide_task_cancel(goes);
    bide_task_cancel(other);
    EXPECT_ERR(bide_await(goes), BIDE_ECANCELED);
    EXPECT_ERR(bide_await(other), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(stays), 0);
    bide_auto bide_task *last = bide_create_task(bide_coro(name_of_late));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    bide_task_cancel(last);
    EXPECT_ERR(bide_await(last), BIDE_ECANCELED);
    stub_stop(&s);
}

TEST(getaddrinfo_and_getnameinfo_are_awaited_among_others, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "both.test", .type = TYPE_A, .addrs = "192.0.2.1 192.0.2.2"},
                                          {.name = "2.2.0.192.in-addr.arpa", .type = TYPE_PTR, .addrs = "b.test"},
                                          {.name = "late.test", .silent = true},
                                          {0}});
    bide_address a[4], late[4], known;
    char name[BIDE_NAME_MAX];
    int code;
    EXPECT_EQ(bide_address_parse(&known, "192.0.2.2", 80), 0);

    EXPECT_EQ(bide_gather(bide_coro(bide_getaddrinfo_with, "both.test", 443, a, 4, BIDE_LOOKUP(.family = 4)),
                          bide_coro(bide_getnameinfo, &known, name, sizeof name)), 0);
    check(a, 2, "192.0.2.1:443 192.0.2.2:443");
    EXPECT_STR(name, "b.test");
    int which = bide_select(&code, bide_coro(bide_getaddrinfo_with, "late.test", 1, late, 4, BIDE_LOOKUP()),
                          bide_coro(bide_getaddrinfo_with, "both.test", 80, a, 4, BIDE_LOOKUP(.family = 4)));
    EXPECT_EQ(which, 1);
    EXPECT_EQ(code, 2);
    check(a, code, "192.0.2.1:80 192.0.2.2:80");
    stub_stop(&s);
}

TEST(getaddrinfo_bad_arguments_are_errors, .real_time = true)
{
    bide_address a[1], none = {{0}};
    char name[8];

    EXPECT_ERR(bide_getaddrinfo(NULL, 1, a, 1), -EINVAL);
    EXPECT_ERR(bide_getaddrinfo("::1", 70000, a, 1), -EINVAL);
    EXPECT_ERR(bide_getaddrinfo("::1", 1, a, 0), -EINVAL);
    EXPECT_ERR(bide_getaddrinfo("::1", 1, NULL, 1), -EINVAL);
    EXPECT_ERR(bide_getaddrinfo("::1", 1, a, 1, .family = 5), -EINVAL);
    EXPECT_ERR(bide_getaddrinfo("a.test", 1, a, 1, .dns = BIDE_DNS(.servers = "nonsense")), -EINVAL);
    EXPECT_ERR(bide_getnameinfo(&none, name, sizeof name), -EINVAL);
    EXPECT_ERR(bide_getnameinfo(NULL, name, sizeof name), -EINVAL);
}
