/* SPDX-License-Identifier: MIT */
/* test_public.c - sessions that connect to the public internet alone, whatever a name or a redirect leads to (D20). */
#include <bide/extend.h>

#include "../client.h"

/* Also a name of a stranger's that leads here.  Each hop of a redirect connects in the same way. */
TEST(public_only_session_connects_to_no_address_of_this_machine)
{
    static const char *const here[] = {"name.example:80:127.0.0.1,::1", NULL};
    bide_auto bide_session *s = bide_session_new(.public_only = true, .resolve_to = here);

    EXPECT_FAILED(bide_get(s, "http://127.0.0.1:1/"), BIDE_EPRIVATE, "127.0.0.1", "not an address of the public internet");
    EXPECT_FAILED(bide_get(s, "http://localhost/"), BIDE_EPRIVATE, "connect localhost:80", "not an address of the public internet");
    EXPECT_FAILED(bide_get(s, "http://[::ffff:127.0.0.1]/"), BIDE_EPRIVATE, "not an address of the public internet", "");
    EXPECT_FAILED(bide_get(s, "http://name.example/"), BIDE_EPRIVATE, "127.0.0.1: not an address of the public internet",
                  "::1: not an address of the public internet");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

static int lead_here(const char *name, bide_addresses *out, void *arg)
{
    (void)name;
    (void)arg;
    return bide_addresses_add(out, "169.254.169.254");
}

TEST(public_only_sees_what_a_resolver_of_the_users_says)
{
    bide_auto bide_session *s = bide_session_new(.public_only = true, .resolve = lead_here);

    EXPECT_FAILED(bide_get(s, "http://metadata.example/"), BIDE_EPRIVATE, "169.254.169.254: not an address of the public internet", "");
}

static bide_stream *dial_here(const char *host, int port, void *arg)
{
    (void)host;
    (void)port;
    (void)arg;
    return NULL;
}

TEST(public_only_is_refused_where_it_cannot_be_kept)
{
    EXPECT_FAILED(bide_session_new(.public_only = true, .dial = dial_here), -EINVAL, ".public_only cannot know where .dial leads", "");
    bide_auto bide_session *by_proxy = bide_session_new(.public_only = true, .proxy = "http://127.0.0.1:1");
    EXPECT_FAILED(bide_get(by_proxy, "http://a.example/"), -EINVAL, ".public_only asks nothing over a proxy", "");
    bide_auto bide_session *s = bide_session_new(.public_only = true);
    EXPECT_FAILED(bide_get(s, "http://a.example/", .proxy = "http://127.0.0.1:1"), -EINVAL, ".public_only asks nothing over a proxy", "");
    EXPECT_FAILED(bide_get(s, "http://a.example/", .unix_socket = "/tmp/none"), -EINVAL, "or a Unix socket", "");
    EXPECT_FAILED(bide_session_new(.connections_of = s, .public_only = true), -EINVAL, ".public_only is for the session to say", "");
    bide_auto bide_session *shared = bide_session_new(.connections_of = s);
    EXPECT_FAILED(bide_get(shared, "http://127.0.0.1:1/"), BIDE_EPRIVATE, "", "");
}
