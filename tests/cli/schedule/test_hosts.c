/* SPDX-License-Identifier: MIT */
/* test_hosts.c - which URLs are of one host, and which hosts are forgotten. */
#include <harness/harness.h>

#include "cli/schedule/host/hosts.h"

UNIT(hosts_are_told_apart_by_authority_alone)
{
    struct hosts h = {0};
    struct host *a = hosts_take(&h, "http://Example.com:80/x?http://b/", 0);

    EXPECT_TRUE(a == hosts_take(&h, "http://me:p@example.COM:80", 0));
    EXPECT_TRUE(a != hosts_take(&h, "http://example.com:81/", 0));
    EXPECT_STR(a->name, "example.com"); /* by name or by number, it is the same port */
    EXPECT_TRUE(a == hosts_take(&h, "http://example.com/", 0));
    EXPECT_TRUE(a != hosts_take(&h, "http://example.com:443/", 0));
    EXPECT_TRUE(hosts_take(&h, "https://b:443", 0) == hosts_take(&h, "https://b", 0));
    EXPECT_NOT_NULL(hosts_take(&h, "no url", 0));
    EXPECT_NOT_NULL(hosts_take(&h, "", 0));
    hosts_free(&h);
}

UNIT(hosts_without_jobs_are_forgotten)
{
    struct hosts h = {0};
    char url[64];

    for (int i = 0; i < 100000; i++) {
        snprintf(url, sizeof url, "http://h%d.example/", i);
        struct host *host = hosts_take(&h, url, 0);
        hosts_drop(&h, host, 0);
    }
    EXPECT_LT(h.used, 200);
    hosts_free(&h);
}

UNIT(hosts_in_the_row_of_those_with_a_free_place_are_kept)
{
    struct hosts h = {0};
    struct host *a = hosts_take(&h, "http://a/", 0);

    a->is_ready = true;
    hosts_take(&h, "http://b/", 0);
    hosts_drop(&h, a, 0);
    EXPECT_EQ(h.used, 2);
    for (int i = 0; i < 200; i++) { /* the table grows, and is swept */
        char url[64];
        snprintf(url, sizeof url, "http://h%d/", i);
        hosts_take(&h, url, 0);
    }
    EXPECT_EQ(h.used, 202);
    hosts_free(&h);
}

UNIT(hosts_to_be_left_alone_are_kept_for_so_long)
{
    struct hosts h = {0};
    struct host *a = hosts_take(&h, "http://a/", 0);

    a->blocked_until_ms = 1000;
    hosts_drop(&h, a, 0);
    hosts_drop(&h, hosts_take(&h, "http://b/", 500), 500);
    EXPECT_TRUE(hosts_take(&h, "http://a/", 500) == a);
    EXPECT_EQ(a->blocked_until_ms, 1000);
    hosts_free(&h);
}
