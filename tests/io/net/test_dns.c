/* SPDX-License-Identifier: MIT */
/* test_dns.c - names: answers, the cache, single flight, cancelling, and what is said when there is no answer. */
#include "io/net/dns.h"

#include "dns_stub.h"

/* Wait until the answer is whole. */
static int lookup(const char *name, char *out, size_t cap)
{
    struct dns_name *n = bide__dns_ask(NULL, name);
    int code = n ? 0 : bide_error_code();
    size_t used = 0;

    while (n && code >= 0 && bide__dns_is_pending(n))
        code = bide__wait_in(&n->waiters, NULL);
    if (out)
        out[0] = '\0';
    for (int f = 0; n && code >= 0 && f < FAMILIES; f++)
        for (int i = 0; out && i < n->half[f].n; i++) {
            char text[64];
            bide__addr_format_host(&n->half[f].addrs[i], text, sizeof text);
            used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? " " : "", text);
        }
    if (n && code >= 0 && n->half[IP6].n + n->half[IP4].n == 0)
        code = bide__dns_fail(n);
    if (n)
        bide__dns_leave(n);
    return code;
}

static int lookup_quietly(const char *name)
{
    return lookup(name, NULL, 0);
}

#define EXPECT_ADDRESSES(name, expected)                   \
    do {                                                   \
        char found_[512];                                  \
        if (lookup((name), found_, sizeof found_) < 0)     \
            FAIL("%s: %s", (name), bide_error_text());     \
        EXPECT_STR(found_, (expected));                    \
    } while (0)

TEST(dns_both_families_are_found, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "both.test", .type = TYPE_A, .addrs = "192.0.2.1 192.0.2.2"},
                                          {.name = "both.test", .type = TYPE_AAAA, .addrs = "2001:db8::1"},
                                          {.name = "four.test", .type = TYPE_A, .addrs = "192.0.2.4"},
                                          {.name = "six.test", .type = TYPE_AAAA, .addrs = "2001:db8::6"},
                                          {0}});
    EXPECT_ADDRESSES("both.test", "2001:db8::1 192.0.2.1 192.0.2.2");
    EXPECT_ADDRESSES("four.test", "192.0.2.4");
    EXPECT_ADDRESSES("six.test.", "2001:db8::6");
    stub_stop(&s);
}

TEST(dns_second_lookup_comes_from_the_cache, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1"}, {0}});
    EXPECT_ADDRESSES("a.test", "192.0.2.1");
    EXPECT_ADDRESSES("a.test", "192.0.2.1");
    EXPECT_ADDRESSES("A.Test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 1);
    EXPECT_EQ(s.queries[1], 1);
    stub_stop(&s);
}

/* It stays open; while there is a question, there is a timer. */
TEST(dns_channel_is_not_counted_among_what_is_watched, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1"}, {0}});
    unsigned before = bide__loop_here->watched;
    EXPECT_ADDRESSES("a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 1);
    EXPECT_EQ(bide__loop_here->watched, before);
    stub_stop(&s);
}

TEST(dns_answer_is_asked_for_again_after_its_ttl, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1", .ttl_s = 1}, {0}});
    EXPECT_ADDRESSES("a.test", "192.0.2.1");
    EXPECT_EQ(bide_sleep_ms(1050), 0);
    EXPECT_ADDRESSES("a.test", "192.0.2.1");
    EXPECT_EQ(s.queries[0], 2);
    stub_stop(&s);
}

/* For how many seconds an answer is kept. */
static int64_t kept_s(const char *name)
{
    struct dns_name *n = bide__dns_ask(NULL, name);
    EXPECT_NOT_NULL(n);
    while (bide__dns_is_pending(n))
        EXPECT_EQ(bide__wait_in(&n->waiters, NULL), 0);
    int64_t ms = n->expires_ms - bide_loop_time_ms(bide__loop_here);
    bide__dns_leave(n);
    return (ms + 999) / 1000;
}

TEST(dns_answer_is_kept_as_its_shortest_record_says_but_1_to_300_seconds, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "none.test", .type = TYPE_A, .addrs = "192.0.2.1", .ttl_s = -1},
                                          {.name = "long.test", .type = TYPE_A, .addrs = "192.0.2.1", .ttl_s = 86400},
                                          {.name = "two.test", .type = TYPE_A, .addrs = "192.0.2.1", .ttl_s = 200},
                                          {.name = "two.test", .type = TYPE_AAAA, .addrs = "2001:db8::1", .ttl_s = 30},
                                          {0}});
    EXPECT_EQ(kept_s("none.test"), 1);
    EXPECT_EQ(kept_s("long.test"), 300);
    EXPECT_EQ(kept_s("two.test"), 30);
    EXPECT_EQ(kept_s("nowhere.test"), 1);
    stub_stop(&s);
}

TEST(dns_many_at_once_ask_once, .real_time = true)
{
    struct stub s;
    bide_task *tasks[50];
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1", .delay_ms = 30}, {0}});
    for (int i = 0; i < 50; i++)
        tasks[i] = bide_create_task(bide_coro(lookup_quietly, "a.test"));
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
    EXPECT_EQ(s.queries[0], 1);
    EXPECT_EQ(s.queries[1], 1);
    stub_stop(&s);
}

TEST(dns_cancelled_waiter_leaves_and_the_others_get_the_answer, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1", .delay_ms = 50}, {0}});
    bide_auto bide_task *one = bide_create_task(bide_coro(lookup_quietly, "a.test"));
    bide_auto bide_task *two = bide_create_task(bide_coro(lookup_quietly, "a.test"));
    EXPECT_EQ(bide_sleep_ms(10), 0);
    bide_task_cancel(one);
    EXPECT_ERR(bide_await(one), BIDE_ECANCELED);
    EXPECT_EQ(bide_await(two), 0);
    EXPECT_EQ(s.queries[0], 1);
    stub_stop(&s);
}

TEST(dns_last_waiter_that_leaves_ends_the_question, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "mute.test", .type = 0, .silent = true}, {0}});
    bide_auto bide_task *t = bide_create_task(bide_coro(lookup_quietly, "mute.test"));
    EXPECT_EQ(bide_sleep_ms(10), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    EXPECT_ERR(bide_wait_for(bide_coro(lookup_quietly, "mute.test"), 20), BIDE_ETIMEDOUT);
    EXPECT_EQ(s.queries[0], 2); /* what was cancelled is not remembered */
    stub_stop(&s);
}

static int cancel_after(bide_task *t, int64_t ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    return bide_task_cancel(t);
}

TEST(dns_half_that_somebody_needs_outlives_the_others_question, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "192.0.2.1"},
                                          {.name = "a.test", .type = TYPE_AAAA, .addrs = "2001:db8::1", .delay_ms = 60},
                                          {.name = "mute.test", .type = 0, .silent = true},
                                          {0}});
    bide_auto bide_task *t = bide_create_task(bide_coro(lookup_quietly, "mute.test"));
    bide_auto bide_task *canceller = bide_create_task(bide_coro(cancel_after, t, (int64_t)20));

    EXPECT_ADDRESSES("a.test", "2001:db8::1 192.0.2.1");
    EXPECT_TRUE(bide_task_cancelled(t));
    EXPECT_LE(0, bide_await(canceller));
    stub_stop(&s);
}

/* below: the errno below the code; 0: none. */
static void expect_failure(const char *name, int code, int below, const char *says)
{
    struct bide_error_info info;

    EXPECT_ERR(lookup_quietly(name), code);
    bide_error_get(&info);
    EXPECT_EQ(info.system, below);
    EXPECT_CONTAINS(bide_error_text(), name);
    EXPECT_CONTAINS(bide_error_text(), says);
    bide_error_clear();
}

TEST(dns_failures_are_told_apart, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "broken.test", .type = 0, .rcode = SERVFAIL},
                                          {.name = "refused.test", .type = 0, .rcode = REFUSED},
                                          {.name = "empty.test", .type = TYPE_A},
                                          {.name = "half.test", .type = TYPE_A, .addrs = "192.0.2.1"},
                                          {.name = "half.test", .type = TYPE_AAAA, .rcode = SERVFAIL},
                                          {0}});
    expect_failure("nowhere.test", BIDE_ENAME, 0, "no such host name");
    expect_failure("empty.test", BIDE_ENAME, 0, "no address");
    expect_failure("broken.test", BIDE_EDNS, 0, "SERVFAIL");
    expect_failure("refused.test", BIDE_EDNS, 0, "refused");
    EXPECT_ADDRESSES("half.test", "192.0.2.1");
    stub_stop(&s);
}

TEST(dns_failure_is_remembered_for_a_second, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{0}});
    for (int i = 0; i < 5; i++)
        expect_failure("nowhere.test", BIDE_ENAME, 0, "no such host name");
    EXPECT_EQ(s.queries[0], 1);
    EXPECT_EQ(bide_sleep_ms(1050), 0);
    expect_failure("nowhere.test", BIDE_ENAME, 0, "no such host name");
    EXPECT_EQ(s.queries[0], 2);
    stub_stop(&s);
}

TEST(dns_no_server_there_is_said, .real_time = true)
{
    char servers[64];
    snprintf(servers, sizeof servers, "127.0.0.1:%d", closed_port());
    setenv("BIDE_DNS_SERVERS", servers, 1);
    expect_failure("a.test", BIDE_EDNS, ECONNREFUSED, "no name server can be reached");
}

TEST(dns_bad_server_list_is_said)
{
    setenv("BIDE_DNS_SERVERS", "not an address", 1);
    EXPECT_ERR(lookup_quietly("a.test"), BIDE_EDNS);
    EXPECT_CONTAINS(bide_error_text(), "BIDE_DNS_SERVERS");
}

TEST(dns_silent_server_times_out_with_the_reason, .real_time = true, .seconds = 40)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "mute.test", .type = 0, .silent = true}, {0}});
    expect_failure("mute.test", BIDE_EDNS, ETIMEDOUT, "no answer from the name server");
    EXPECT_LT(2, s.queries[0]);
    stub_stop(&s);
}

TEST(dns_truncated_answer_is_asked_for_over_tcp, .real_time = true)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "long.test", .type = TYPE_A, .addrs = "192.0.2.1 192.0.2.2 192.0.2.3", .truncated = true}, {0}});
    EXPECT_ADDRESSES("long.test", "192.0.2.1 192.0.2.2 192.0.2.3");
    EXPECT_EQ(s.tcp_queries, 1);
    stub_stop(&s);
}

TEST(dns_impossible_names_are_refused)
{
    char name[300];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    EXPECT_ERR(lookup_quietly(name), BIDE_ENAME);
    bide_error_clear();
    EXPECT_ERR(lookup_quietly(""), BIDE_ENAME);
}

/* R108 */
TEST(dns_cache_keeps_at_most_1024_names, .real_time = true, .seconds = 30)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{0}});
    for (int i = 0; i < 1100; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%d.test", i);
        EXPECT_ERR(lookup_quietly(name), BIDE_ENAME);
        bide_error_clear();
    }
    size_t live = bide__alloc_live();
    for (int i = 2000; i < 2100; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%d.test", i);
        lookup_quietly(name);
        bide_error_clear();
    }
    EXPECT_LE(bide__alloc_live(), live + 4);
    stub_stop(&s);
}

/* ---- /etc/hosts ---- */

static void half_free(struct dns_half half[FAMILIES])
{
    bide__free(half[IP6].addrs);
    bide__free(half[IP4].addrs);
    memset(half, 0, FAMILIES * sizeof *half);
}

/* The addresses that a hosts file has for a name now, IPv6 first. */
static const char *listed(struct dns_hosts *h, const char *name)
{
    static char out[256];
    char text[64];
    struct dns_half half[FAMILIES] = {{0}};
    size_t used = 0;

    out[0] = '\0';
    EXPECT_EQ(bide__dns_hosts_refresh(h), 0);
    int found = bide__dns_hosts_find(h, name, half);
    EXPECT_EQ(found, half[IP6].n + half[IP4].n);
    for (int f = 0; f < FAMILIES; f++)
        for (int i = 0; i < half[f].n; i++) {
            bide__addr_format_host(&half[f].addrs[i], text, sizeof text);
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", used ? " " : "", text);
        }
    half_free(half);
    return out;
}

static const char *hosts_path(void)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/hosts", test_tmpdir());
    return path;
}

static void write_hosts(const char *text)
{
    FILE *f = fopen(hosts_path(), "we");
    EXPECT_NOT_NULL(f);
    fputs(text, f);
    fclose(f);
}

UNIT(dns_hosts_file_is_read_as_hosts_5_says)
{
    struct dns_hosts h;
    FILE *f = fopen(hosts_path(), "we");
    fputs("# a comment\n127.0.0.1 localhost\n  192.0.2.7\tone.test  Two.Test # not three.test\n"
          "2001:db8::7 one.test\nnonsense one.test\n192.0.2.8\r\n192.0.2.9 one.test.other\r\n192.0.2.11 one.test\n", f);
    for (int i = 0; i < 3000; i++)
        fputc('x', f);
    fputs(" one.test\n192.0.2.10 last.test", f);
    fclose(f);
    EXPECT_EQ(bide__dns_hosts_open(&h, hosts_path()), 0);
    EXPECT_STR(listed(&h, "one.test"), "2001:db8::7 192.0.2.7 192.0.2.11");
    EXPECT_STR(listed(&h, "two.test."), "192.0.2.7");
    EXPECT_STR(listed(&h, "three.test"), "");
    EXPECT_STR(listed(&h, "one.test.other"), "192.0.2.9");
    EXPECT_STR(listed(&h, "last.test"), "192.0.2.10");
    bide__dns_hosts_close(&h);
}

UNIT(dns_hosts_file_that_is_not_there_says_nothing)
{
    struct dns_hosts h;
    EXPECT_EQ(bide__dns_hosts_open(&h, "/nowhere/hosts"), 0);
    EXPECT_STR(listed(&h, "one.test"), "");
    bide__dns_hosts_close(&h);
    EXPECT_EQ(bide__dns_hosts_open(&h, test_tmpdir()), 0); /* a directory cannot be read */
    EXPECT_STR(listed(&h, "one.test"), "");
    bide__dns_hosts_close(&h);
}

/* Each counts at once: also one of the same length right after, replaced by rename, and gone. */
UNIT(dns_hosts_file_changes_are_seen_by_the_next_question)
{
    struct dns_hosts h;
    char aside[520];
    EXPECT_EQ(bide__dns_hosts_open(&h, hosts_path()), 0);
    EXPECT_STR(listed(&h, "one.test"), "");
    for (int i = 1; i < 200; i++) {
        char line[64], expected[32];
        snprintf(expected, sizeof expected, "192.0.2.%d", 100 + i % 100);
        snprintf(line, sizeof line, "%s one.test\n", expected);
        write_hosts(line);
        EXPECT_STR(listed(&h, "one.test"), expected);
    }
    snprintf(aside, sizeof aside, "%s.new", hosts_path());
    EXPECT_EQ(rename(hosts_path(), aside), 0);
    EXPECT_STR(listed(&h, "one.test"), "");
    EXPECT_EQ(rename(aside, hosts_path()), 0);
    EXPECT_STR(listed(&h, "one.test"), "192.0.2.199");
    bide__dns_hosts_close(&h);
}

static void write_large_hosts(const char *last)
{
    FILE *f = fopen(hosts_path(), "we");
    for (int i = 0; i < 20000; i++)
        fprintf(f, "192.0.2.%d n%d.test\n", i % 250, i);
    fputs(last, f);
    fclose(f);
}

static int ask_large(struct dns_hosts *h, int *turns_when_done, const int *turns)
{
    EXPECT_STR(listed(h, "last.test"), "192.0.2.1");
    *turns_when_done = *turns;
    return 0;
}

static int count_turns(int *turns, const int *until)
{
    for (; *until == 0 && *turns < 1000000; ++*turns)
        BIDE_TRY(bide_sleep_ms(0));
    return 0;
}

/* A large file is parsed in a thread: other tasks run meanwhile, and two that ask wait for one thread. */
TEST(dns_hosts_file_that_is_large_is_parsed_aside, .real_time = true)
{
    struct dns_hosts h;
    int turns = 1, done[2] = {0, 0};

    write_large_hosts("192.0.2.1 last.test\n");
    EXPECT_EQ(bide__dns_hosts_open(&h, hosts_path()), 0);
    EXPECT_EQ(bide_gather(bide_coro(ask_large, &h, &done[0], &turns), bide_coro(ask_large, &h, &done[1], &turns),
                          bide_coro(count_turns, &turns, &done[1])), 0);
    EXPECT_LT(1, done[0]);
    EXPECT_LT(1, done[1]);
    bide__dns_hosts_close(&h);
}

static int refresh(struct dns_hosts *h)
{
    return bide__dns_hosts_refresh(h);
}

/* Who asks first is cancelled: the other goes on, and nothing is lost. */
TEST(dns_hosts_file_is_read_by_the_next_when_the_first_is_cancelled, .real_time = true)
{
    struct dns_hosts h;
    int turns = 0, done = 0;

    write_large_hosts("192.0.2.1 last.test\n");
    EXPECT_EQ(bide__dns_hosts_open(&h, hosts_path()), 0);
    {
        bide_auto bide_task *first = bide_create_task(bide_coro(refresh, &h));
        bide_auto bide_task *second = bide_create_task(bide_coro(ask_large, &h, &done, &turns));
        EXPECT_EQ(bide_sleep_ms(0), 0);
        bide_task_cancel(first);
        EXPECT_EQ(bide_await(second), 0);
        BIDE_IGNORE(bide_await(first));
    }
    bide_error_clear();
    EXPECT_FALSE(h.is_loading);
    bide__dns_hosts_close(&h);
}

UNIT(dns_hosts_file_without_memory_keeps_what_was_read)
{
    struct dns_hosts h;
    int failed = 0;

    write_hosts("192.0.2.1 one.test\n2001:db8::1 two.test\n");
    EXPECT_EQ(bide__dns_hosts_open(&h, hosts_path()), 0);
    EXPECT_STR(listed(&h, "one.test"), "192.0.2.1");
    write_hosts("192.0.2.22 one.test\n2001:db8::22 two.test\n");
    for (int code = BIDE_ENOMEM; code < 0; failed += code < 0) {
        bide__alloc_fail_at(failed);
        code = bide__dns_hosts_refresh(&h);
        bide__alloc_fail_at(-1);
        EXPECT_TRUE(code == 0 || code == BIDE_ENOMEM);
        if (code < 0) {
            struct dns_half half[FAMILIES] = {{0}};
            EXPECT_EQ(bide__dns_hosts_find(&h, "one.test", half), 1);
            EXPECT_EQ(half[IP4].addrs[0].in.sin_addr.s_addr, htonl(0xc0000201));
            half_free(half);
        }
    }
    EXPECT_LT(2, failed);
    bide_error_clear();
    EXPECT_STR(listed(&h, "two.test"), "2001:db8::22");
    bide__dns_hosts_close(&h);
}

UNIT(dns_out_of_memory_is_an_error_at_every_allocation)
{
    struct dns_half half[FAMILIES] = {{0}};
    struct addr a;
    bide__addr_parse(&a, "192.0.2.1", 0);
    bide__alloc_fail_at(0);
    EXPECT_ERR(bide__dns_half_add(&half[IP4], &a), BIDE_ENOMEM);
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(bide__dns_half_add(&half[IP4], &a), 0);
    EXPECT_EQ(half[IP4].n, DNS_ADDRS_MAX);
    bide__free(half[IP4].addrs);
}
