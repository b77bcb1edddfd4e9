/* SPDX-License-Identifier: MIT */
/* test_dns_servers.c - resolvers with options of their own: which servers, for how long an answer is kept, how many are. */
#include "io/net/dns.h"

#include "dns_stub.h"

/* Of a loop in the tests: freed by the test. */
static struct dns_config *config_of(const bide_dns_args *args)
{
    struct dns_config *c = bide__dns_config_new(NULL, args, "test");

    if (!c)
        FAIL("%s", bide_error_text());
    return c;
}

/* The addresses of the whole answer; *kept_ms: for how long it is kept. */
static int find(const bide_dns_args *args, const char *name, char *out, size_t cap, int64_t *kept_ms)
{
    struct dns_config *config = config_of(args);
    struct dns_name *n = bide__dns_ask(config, name);
    int code = n ? 0 : bide_error_code();
    size_t used = 0;

    bide__free(config);
    out[0] = '\0';
    while (n && code >= 0 && bide__dns_is_pending(n))
        code = bide__wait_in(&n->waiters, NULL);
    for (int f = 0; n && code >= 0 && f < FAMILIES; f++)
        for (int i = 0; i < n->half[f].n; i++) {
            char text[64];
            bide__addr_format_host(&n->half[f].addrs[i], text, sizeof text);
            used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? " " : "", text);
        }
    if (n && kept_ms)
        *kept_ms = n->expires_ms - bide_loop_time_ms(bide__loop_here);
    if (n && code >= 0 && used == 0)
        code = bide__dns_fail(n);
    if (n)
        bide__dns_leave(n);
    return code;
}

#define EXPECT_FOUND(args, name, expected)                                  \
    do {                                                                    \
        char found_[512];                                                   \
        if (find((args), (name), found_, sizeof found_, NULL) < 0)          \
            FAIL("%s: %s", (name), bide_error_text());                      \
        EXPECT_STR(found_, (expected));                                     \
    } while (0)

static const struct stub_record one[] = {{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1"},
                                         {.name = "b.test", .type = TYPE_A, .addrs = "192.0.2.1"},
                                         {.name = "c.test", .type = TYPE_A, .addrs = "192.0.2.1"},
                                         {0}};
static const struct stub_record two[] = {{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.2"}, {0}};

TEST(dns_resolvers_with_other_servers_share_no_answer, .real_time = true)
{
    struct stub first, second, machine;
    char a[32], b[32], spelled[64];

    stub_start(&machine, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.3"}, {0}});
    stub_open(&first, one);
    stub_open(&second, two);
    for (int i = 0; i < 2; i++) {
        EXPECT_FOUND(BIDE_DNS(.servers = stub_server(&first, a)), "a.test", "192.0.2.1");
        EXPECT_FOUND(BIDE_DNS(.servers = stub_server(&second, b)), "a.test", "192.0.2.2");
        EXPECT_FOUND(BIDE_DNS(.max_ttl_ms = 5000), "a.test", "192.0.2.3");
        char found[64];
        struct dns_name *n = bide__dns_ask(NULL, "a.test"); /* the loop's own knows nothing of any of these */
        EXPECT_NOT_NULL(n);
        while (bide__dns_is_pending(n))
            EXPECT_EQ(bide__wait_in(&n->waiters, NULL), 0);
        bide__addr_format_host(&n->half[IP4].addrs[0], found, sizeof found);
        EXPECT_STR(found, "192.0.2.3");
        bide__dns_leave(n);
    }
    EXPECT_EQ(first.queries[0], 1);
    EXPECT_EQ(second.queries[0], 1);
    EXPECT_EQ(machine.queries[0], 2);

    snprintf(spelled, sizeof spelled, "  %s ", a); /* the same list has the same answers */
    EXPECT_FOUND(BIDE_DNS(.servers = spelled), "a.test", "192.0.2.1");
    EXPECT_EQ(first.queries[0], 1);
    stub_stop(&first);
    stub_stop(&second);
    stub_stop(&machine);
}

TEST(dns_silent_first_server_gives_way_to_the_second, .real_time = true)
{
    struct stub first, second;
    char a[32], b[32], both[80];

    stub_open(&first, (struct stub_record[]){{.name = "a.test", .type = 0, .silent = true}, {0}});
    stub_open(&second, two);
    snprintf(both, sizeof both, "%s, %s", stub_server(&first, a), stub_server(&second, b));
    EXPECT_FOUND(BIDE_DNS(.servers = both, .timeout_ms = 40), "a.test", "192.0.2.2");
    EXPECT_LT(0, first.queries[0]);
    EXPECT_LT(0, second.queries[0]);
    stub_stop(&first);
    stub_stop(&second);
}

TEST(dns_servfail_of_the_first_server_asks_the_second, .real_time = true)
{
    struct stub first, second;
    char a[32], b[32], both[80];

    stub_open(&first, (struct stub_record[]){{.name = "a.test", .type = 0, .rcode = SERVFAIL}, {0}});
    stub_open(&second, two);
    snprintf(both, sizeof both, "%s,%s", stub_server(&first, a), stub_server(&second, b));
    EXPECT_FOUND(BIDE_DNS(.servers = both), "a.test", "192.0.2.2");
    EXPECT_LT(0, first.queries[0]);
    stub_stop(&first);
    stub_stop(&second);
}

TEST(dns_own_server_is_asked_over_tcp, .real_time = true)
{
    struct stub s;
    char server[32], found[64];

    stub_open(&s, (struct stub_record[]){{.name = "cut.test", .type = TYPE_A, .addrs = "192.0.2.1", .truncated = true},
                                         {.name = "bad.test", .type = 0, .rcode = SERVFAIL},
                                         {.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.9"},
                                         {0}});
    stub_server(&s, server);
    EXPECT_FOUND(BIDE_DNS(.servers = server), "cut.test", "192.0.2.1");
    EXPECT_EQ(s.tcp_queries, 1);
    EXPECT_FOUND(BIDE_DNS(.servers = server, .tcp_only = true), "a.test", "192.0.2.9");
    EXPECT_EQ(s.tcp_queries, 3); /* both families */
    EXPECT_ERR(find(BIDE_DNS(.servers = server, .tcp_only = true), "bad.test", found, sizeof found, NULL), BIDE_EDNS);
    EXPECT_CONTAINS(bide_error_text(), "SERVFAIL");
    stub_stop(&s);
}

static int64_t kept_s(const bide_dns_args *args, const char *name)
{
    char found[256];
    int64_t ms = 0;

    find(args, name, found, sizeof found, &ms);
    bide_error_clear();
    return (ms + 999) / 1000;
}

TEST(dns_ttl_that_lies_is_kept_within_the_limits, .real_time = true)
{
    struct stub s;
    char server[32];

    stub_open(&s, (struct stub_record[]){{.name = "long.test", .type = TYPE_A, .addrs = "192.0.2.1", .raw_ttl = 0x7fffffff},
                                         {.name = "minus.test", .type = TYPE_A, .addrs = "192.0.2.1", .raw_ttl = 0xfffffff0},
                                         {.name = "none.test", .type = TYPE_A, .addrs = "192.0.2.1", .ttl_s = -1},
                                         {.name = "mid.test", .type = TYPE_A, .addrs = "192.0.2.1", .ttl_s = 30},
                                         {0}});
    stub_server(&s, server);
    EXPECT_EQ(kept_s(BIDE_DNS(.servers = server), "long.test"), 300);
    EXPECT_EQ(kept_s(BIDE_DNS(.servers = server), "minus.test"), 1); /* RFC 2181 8: as zero */
    const bide_dns_args *o = BIDE_DNS(.servers = server, .min_ttl_ms = 5000, .max_ttl_ms = 20000, .negative_ttl_ms = 7000);
    EXPECT_EQ(kept_s(o, "long.test"), 20);
    EXPECT_EQ(kept_s(o, "mid.test"), 20);
    EXPECT_EQ(kept_s(o, "none.test"), 5);
    EXPECT_EQ(kept_s(o, "minus.test"), 5);
    EXPECT_EQ(kept_s(o, "nowhere.test"), 7);
    EXPECT_EQ(kept_s(BIDE_DNS(.servers = server, .max_ttl_ms = BIDE_FOREVER), "mid.test"), 30);
    EXPECT_EQ(kept_s(BIDE_DNS(.servers = server, .min_ttl_ms = 1000000), "mid.test"), 1000);
    EXPECT_EQ(kept_s(BIDE_DNS(.servers = server, .max_ttl_ms = 500), "mid.test"), 1);
    stub_stop(&s);
}

TEST(dns_cache_of_no_answers_asks_each_time, .real_time = true)
{
    struct stub s;
    char server[32], found[64];

    stub_open(&s, one);
    stub_server(&s, server);
    for (int i = 0; i < 3; i++)
        EXPECT_FOUND(BIDE_DNS(.servers = server, .cache_size = BIDE_NONE), "a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 3);
    for (int i = 0; i < 2; i++) {
        EXPECT_ERR(find(BIDE_DNS(.servers = server, .cache_size = BIDE_NONE), "no.test", found, sizeof found, NULL), BIDE_ENAME);
        bide_error_clear();
    }
    EXPECT_EQ(s.queries[0], 5);
    EXPECT_FOUND(BIDE_DNS(.servers = server, .cache_size = BIDE_NONE), "a.test", "192.0.2.1");
    stub_stop(&s);
}

TEST(dns_cache_keeps_as_many_answers_as_it_may, .real_time = true)
{
    struct stub s;
    char server[32];

    stub_open(&s, one);
    const bide_dns_args *o = BIDE_DNS(.servers = stub_server(&s, server), .cache_size = 2);
    EXPECT_FOUND(o, "a.test", "192.0.2.1");
    EXPECT_FOUND(o, "b.test", "192.0.2.1");
    EXPECT_FOUND(o, "a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 2);
    EXPECT_FOUND(o, "c.test", "192.0.2.1"); /* b goes */
    EXPECT_FOUND(o, "a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 3);
    EXPECT_FOUND(o, "b.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 4);
    stub_stop(&s);
}

/* ---- how many resolvers ---- */

static int find_slowly(char *out)
{
    char server[32];
    struct stub *s = (struct stub *)(void *)out;

    return find(BIDE_DNS(.servers = stub_server(s, server), .timeout_ms = 3000), "slow.test", server, sizeof server, NULL);
}

TEST(dns_resolvers_that_are_idle_are_eight_at_most, .real_time = true)
{
    struct stub s;
    char server[32];
    size_t live = 0;

    stub_open(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1"},
                                         {.name = "slow.test", .type = TYPE_A, .addrs = "192.0.2.2", .delay_ms = 200},
                                         {0}});
    stub_server(&s, server);
    bide_auto bide_task *slow = bide_create_task(bide_coro(find_slowly, (char *)&s));
    EXPECT_EQ(bide_sleep_ms(5), 0);
    for (int i = 1; i <= 40; i++) {
        EXPECT_FOUND(BIDE_DNS(.servers = server, .max_ttl_ms = 1000 * i), "a.test", "192.0.2.1");
        if (i == 20)
            live = bide__alloc_live();
    }
    EXPECT_LE(bide__alloc_live(), live);
    EXPECT_EQ(bide_await(slow), 0); /* whose resolver is the oldest, and was left alone */
    unsigned queries = s.queries[0];
    EXPECT_FOUND(BIDE_DNS(.servers = server, .max_ttl_ms = 40000), "a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], queries);
    EXPECT_FOUND(BIDE_DNS(.servers = server, .max_ttl_ms = 1000), "a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], queries + 1); /* it was closed */
    stub_stop(&s);
}

/* ---- what cannot be ---- */

TEST(dns_options_that_cannot_be_are_refused)
{
    static const char *const lists[] = {"", " ", "a.test", "1.2.3", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:5x",
                                        "127.0.0.1,", ",127.0.0.1", "127.0.0.1 127.0.0.2", "[::1]x", "::1:", "[::1",
                                        "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1"};
    char longest[400];

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (bide__dns_config_new(NULL, BIDE_DNS(.servers = lists[i]), "test"))
            FAIL("\"%s\" was taken", lists[i]);
        EXPECT_ERR(bide_error_code(), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), "test: dns.servers = ");
    }
    memset(longest, '1', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    EXPECT_NULL(bide__dns_config_new(NULL, BIDE_DNS(.servers = longest), "test"));
    EXPECT_NULL(bide__dns_config_new(NULL, BIDE_DNS(.min_ttl_ms = 5, .max_ttl_ms = 4), "test"));
    EXPECT_CONTAINS(bide_error_text(), "dns.max_ttl_ms = 4 is less");
    EXPECT_NULL(bide_connect("a.test", 80, .dns = BIDE_DNS(.servers = "b.test")));
    EXPECT_CONTAINS(bide_error_text(), "bide_connect: dns.servers = \"b.test\"");
    bide_error_clear();
}

TEST(dns_servers_are_spelled_in_one_way)
{
    static const struct {
        const char *list, *spelled;
    } all[] = {{"127.0.0.1", "127.0.0.1:53"},
               {"::1", "[::1]:53"},
               {" [0::1]:5353 , 10.0.0.1:1 ", "[::1]:5353,10.0.0.1:1"},
               {"2001:db8::1,[::1]", "[2001:db8::1]:53,[::1]:53"}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct dns_config *c = config_of(BIDE_DNS(.servers = all[i].list));
        EXPECT_STR(c->servers, all[i].spelled);
        bide__free(c);
    }
}

static int connect_to(const char *server, int port)
{
    bide_auto bide_stream *s = bide_connect("a.test", port, .dns = BIDE_DNS(.servers = server));

    return s ? 0 : bide_raise();
}

TEST(dns_own_servers_fail_the_nth_allocation, .real_time = true)
{
    struct stub s;
    char server[32];
    bool done = false;

    stub_open(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {0}});
    stub_server(&s, server);
    for (long n = 0; !done; n++) {
        EXPECT_LT(n, 200);
        bide__alloc_fail_at(n);
        int code = connect_to(server, bide_listener_port(s.tcp));
        done = bide__alloc_fail_at(-1);
        if (code < 0 && code != BIDE_EDNS) /* the stub is in the same loop, and may be the one that got nothing */
            EXPECT_ERR(code, BIDE_ENOMEM);
        bide_error_clear();
    }
    stub_stop(&s);
}
