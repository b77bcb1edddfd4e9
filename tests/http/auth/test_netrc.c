/* SPDX-License-Identifier: MIT */
/*
 * test_netrc.c - .netrc: which entry is whose, and what is no such file.
 */
#include <stdlib.h>

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/auth/netrc.h"

static struct netrc_entry e;

static int find(const char *text, const char *host)
{
    struct guarded g = guarded_copy(text, strlen(text));
    int r = bide__netrc_find(g.data, strlen(text), host, &e);

    guarded_free(&g);
    return r;
}

/* D15 */
UNIT(netrc_host_must_be_the_same)
{
    static const char text[] = "# mine\nmachine a.example login me password \"my secret\"\nmachine b.example user you password #1 # x\n";

    EXPECT_EQ(find(text, "A.Example"), 1);
    EXPECT_STR(e.user, "me");
    EXPECT_STR(e.password, "my secret");
    EXPECT_EQ(find(text, "b.example"), 1);
    EXPECT_STR(e.password, "#1");
    EXPECT_EQ(find(text, "x.a.example"), 0);
    EXPECT_EQ(find(text, "example"), 0);
    EXPECT_STR(e.password, ""); /* nothing of another's is left */
}

UNIT(netrc_default_is_for_all_behind_it)
{
    static const char text[] = "machine a.example login me password x default login anonymous password y machine b.example login no";

    EXPECT_EQ(find(text, "c.example"), 1);
    EXPECT_STR(e.user, "anonymous");
    EXPECT_EQ(find(text, "a.example"), 1);
    EXPECT_STR(e.user, "me");
}

UNIT(netrc_macros_are_skipped)
{
    EXPECT_EQ(find("macdef init\nmachine a login evil password x\n\nmachine a login me password \\\"y", "a"), 1);
    EXPECT_STR(e.user, "me");
    EXPECT_STR(e.password, "\"y");
    EXPECT_EQ(find("macdef init\nmachine a login evil", "a"), 0);
}

UNIT(netrc_that_is_none_is_refused)
{
    char longest[NETRC_TOKEN_MAX + 20];

    EXPECT_ERR(find("invalid a", "a"), BIDE_ESTATE);
    EXPECT_ERR(find("machine a login x\n passwd y", "a"), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "line 2");
    EXPECT_NULL(strstr(bide_error_text(), "passwd")); /* it may be a secret */
    EXPECT_ERR(find("machine a password \"open", "a"), BIDE_ESTATE);
    EXPECT_ERR(find("machine", "a"), BIDE_ESTATE);
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "machine ", 8);
    longest[sizeof longest - 1] = '\0';
    EXPECT_ERR(find(longest, "a"), BIDE_ESTATE);
}
