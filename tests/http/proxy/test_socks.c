/* SPDX-License-Identifier: MIT */
/*
 * test_socks.c - SOCKS by its bytes: what is sent, what may be answered, and not a byte too many.
 */
#include "harness/harness.h"
#include "http/proxy/socks.h"

static struct socks s;

#define EXPECT_SENT(bytes)                          \
    do {                                            \
        EXPECT_EQ(s.out_len, sizeof(bytes) - 1);    \
        EXPECT_MEM(s.out, bytes, sizeof(bytes) - 1); \
        s.out_len = 0;                              \
    } while (0)

/* Byte by byte; the result of the last. */
static int take(const char *bytes, size_t len)
{
    int r = 0;

    for (size_t i = 0, used; i < len && r == 0; i++) {
        r = bide__socks_take(&s, bytes + i, 1, &used);
        EXPECT_EQ(used, 1);
    }
    return r;
}
#define TAKE(bytes) take(bytes, sizeof(bytes) - 1)

/* R75 */
UNIT(socks5h_name_goes_to_the_proxy)
{
    struct proxy p = {.kind = PROXY_SOCKS5H};
    size_t used;

    EXPECT_EQ(bide__socks_begin(&s, &p, "a.example", 443), 0);
    EXPECT_SENT("\x05\x01\x00");
    EXPECT_EQ(TAKE("\x05\x00"), 0);
    EXPECT_SENT("\x05\x01\x00\x03\x09" "a.example\x01\xbb");
    EXPECT_EQ(bide__socks_take(&s, "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34HTTP", 14, &used), 1);
    EXPECT_EQ(used, 10); /* R73: what follows is the tunnel's */
}

/* R75 */
UNIT(socks5_user_and_password_are_sent_when_asked_for)
{
    struct proxy p = {.kind = PROXY_SOCKS5, .has_user = true, .user = "me", .password = "secret"};

    EXPECT_EQ(bide__socks_begin(&s, &p, "::1", 80), 0);
    EXPECT_SENT("\x05\x02\x00\x02");
    EXPECT_EQ(TAKE("\x05\x02"), 0);
    EXPECT_SENT("\x01\x02me\x06secret");
    EXPECT_EQ(TAKE("\x01\x00"), 0);
    EXPECT_SENT("\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50");
    EXPECT_EQ(TAKE("\x05\x00\x00\x03\x04host\x00\x50"), 1);
}

UNIT(socks4a_name_and_address)
{
    struct proxy p = {.kind = PROXY_SOCKS4A, .has_user = true, .user = "me"};

    EXPECT_EQ(bide__socks_begin(&s, &p, "a.example", 80), 0);
    EXPECT_SENT("\x04\x01\x00\x50\x00\x00\x00\x01me\0a.example\0");
    EXPECT_EQ(TAKE("\x00\x5a\x00\x00\x00\x00\x00\x00"), 1);
    EXPECT_EQ(bide__socks_begin(&s, &p, "10.1.2.3", 80), 0);
    EXPECT_SENT("\x04\x01\x00\x50\x0a\x01\x02\x03me\0");
    EXPECT_ERR(TAKE("\x00\x5b\x00\x00\x00\x00\x00\x00"), -ECONNREFUSED);
    EXPECT_ERR(bide__socks_begin(&s, &p, "::1", 80), -EINVAL);
}

/* R75 */
UNIT(socks_no_silent_change_of_who_resolves)
{
    struct proxy h = {.kind = PROXY_SOCKS5H}, local = {.kind = PROXY_SOCKS5};
    char name[258] = "";

    memset(name, 'a', 256);
    EXPECT_ERR(bide__socks_begin(&s, &h, name, 80), -EINVAL);
    EXPECT_EQ(s.out_len, 0);
    name[255] = '\0';
    EXPECT_EQ(bide__socks_begin(&s, &h, name, 80), 0);
    EXPECT_ERR(bide__socks_begin(&s, &local, "a.example", 80), -EINVAL);
    EXPECT_ERR(bide__socks_begin(&s, &h, "", 80), -EINVAL);
}

UNIT(socks_longest_messages_fit)
{
    struct proxy p = {.kind = PROXY_SOCKS5H, .has_user = true}, four = {.kind = PROXY_SOCKS4A, .has_user = true};
    char name[256] = "";

    memset(name, 'a', 255);
    memset(p.user, 'u', 255);
    memset(p.password, 'p', 255);
    memset(four.user, 'u', 255);
    EXPECT_EQ(bide__socks_begin(&s, &four, name, 80), 0);
    EXPECT_EQ(s.out_len, 8 + 256 + 256);
    EXPECT_EQ(bide__socks_begin(&s, &p, name, 80), 0);
    s.out_len = 0;
    EXPECT_EQ(TAKE("\x05\x02"), 0);
    EXPECT_EQ(s.out_len, 3 + 255 + 255);
    s.out_len = 0;
    EXPECT_EQ(TAKE("\x01\x00"), 0);
    EXPECT_EQ(s.out_len, 3 + 2 + 255 + 2);
}

UNIT(socks_refusals_have_their_codes)
{
    static const struct {
        const char *reply;
        size_t len;
        int code;
    } cases[] = {
        {"\x05\x00\x05\x05", 4, -ECONNREFUSED}, {"\x05\x00\x05\x02", 4, -EACCES},      {"\x05\x00\x05\x03", 4, -ENETUNREACH},
        {"\x05\x00\x05\x04", 4, -EHOSTUNREACH}, {"\x05\x00\x05\x63", 4, -EPROTO},      {"\x05\x00\x04\x00", 4, -EPROTO},
        {"\x05\xff", 2, -EACCES},               {"\x05\x02", 2, -EPROTO},              {"HTTP/1.1", 8, -EPROTO},
        {"\x05\x00\x05\x00\x00\x07z", 7, -EPROTO},
    };
    struct proxy p = {.kind = PROXY_SOCKS5H};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t first = cases[i].len < 2 ? cases[i].len : 2;
        bide__socks_begin(&s, &p, "a", 80);
        s.out_len = 0;
        int r = take(cases[i].reply, first);
        s.out_len = 0;
        EXPECT_ERR(r < 0 ? r : take(cases[i].reply + 2, cases[i].len - 2), cases[i].code);
    }
}
