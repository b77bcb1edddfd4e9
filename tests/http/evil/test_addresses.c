/* SPDX-License-Identifier: MIT */
/* test_addresses.c - SOCKS 5 with names that are looked up here: all of their addresses are tried, and none of another name. */
#include "wire.h"

#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define HELLO {.after_ms = 5, .say = "\5\0", .len = 2}
#define REPLY(code) {.after_ms = 5, .say = "\5" code "\0\1\0\0\0\0\0\0", .len = 10}

static bool was_asked_for(const struct wire *w, const char *address)
{
    return memmem(w->seen, w->nseen, address, 4);
}

static int three_addresses(const char *name, bide_addresses *out, void *arg)
{
    (void)arg;
    if (strcmp(name, "b") == 0)
        return bide_addresses_add(out, "192.0.2.7");
    BIDE_TRY(bide_addresses_add(out, "192.0.2.1"));
    BIDE_TRY(bide_addresses_add(out, "192.0.2.2"));
    return bide_addresses_add(out, "2001:db8::3");
}

/* R75 */
TEST(evil_socks_proxy_that_cannot_reach_an_address_is_asked_for_the_next)
{
    struct wire w[3] = {WIRE(HELLO, REPLY("\5")), WIRE(HELLO, REPLY("\3")), WIRE(HELLO, REPLY("\0"), ON_REQUEST, SAY(OK2))};
    bide_auto bide_session *s = bide_session_new(.proxy = "socks5://p:1", .resolve = three_addresses);
    wires_plant(s, w, 3);

    bide_auto bide_response *r = bide_get(s, "http://a/");
    EXPECT_STR(bide_text(r), "ok");
    EXPECT_TRUE(was_asked_for(&w[0], "\xc0\0\2\1") && was_asked_for(&w[1], "\xc0\0\2\2") && was_asked_for(&w[2], "\x20\1\x0d\xb8"));
    EXPECT_TRUE(w[0].closed && w[1].closed);
}

/* R75 */
TEST(evil_socks_proxy_that_reaches_no_address_says_why_of_the_last)
{
    struct wire w[3] = {WIRE(HELLO, REPLY("\5")), WIRE(HELLO, REPLY("\3")), WIRE(HELLO, REPLY("\10"))};
    bide_auto bide_session *s = bide_session_new(.proxy = "socks5://p:1", .resolve = three_addresses);
    wires_plant(s, w, 3);

    EXPECT_NULL(bide_get(s, "http://a/"));
    EXPECT_CONTAINS(bide_error_text(), "proxy socks5://p:1: the SOCKS proxy says: address type not supported");
    bide_error_clear();
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
}

/* R75: its rules are not of an address */
TEST(evil_socks_proxy_that_does_not_allow_it_is_not_asked_again)
{
    struct wire w = WIRE(HELLO, REPLY("\2"));
    bide_auto bide_session *s = bide_session_new(.proxy = "socks5://p:1", .resolve = three_addresses);
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_get(s, "http://a/"));
    EXPECT_ERR(bide_error_code(), -EACCES);
    bide_error_clear();
}

/* The second proxy is not looked for where the target is said to be. */
TEST(evil_addresses_of_the_target_are_not_those_of_a_proxy)
{
    struct wire w = WIRE(HELLO, REPLY("\0"), ON_REQUEST, SAY("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"));
    bide_auto bide_session *s = bide_session_new(.proxy = "socks5://p:1, http://me:secret@b:2", .resolve = three_addresses,
                                                 .resolve_to = (const char *const[]){"a:443:192.0.2.9", NULL});
    wires_plant(s, &w, 1);

    EXPECT_NULL(bide_get(s, "https://a/"));
    EXPECT_ERR(bide_error_code(), BIDE_EPROXY);
    bide_error_clear();
    EXPECT_TRUE(was_asked_for(&w, "\xc0\0\2\7"));
    EXPECT_FALSE(was_asked_for(&w, "\xc0\0\2\x09"));
}
