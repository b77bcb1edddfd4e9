/* SPDX-License-Identifier: MIT */
/*
 * socks.c - SOCKS: each message whole, each answer byte by byte until it is.
 *
 *     5:   methods -> METHOD -> (user and password -> LOGIN ->) address -> REPLY -> OPEN
 *     4a:  address and user -> REPLY_4 -> OPEN
 */
#include <arpa/inet.h>

#include "http/proxy/socks.h"

static void put(struct socks *s, const void *bytes, size_t n)
{
    memcpy(s->out + s->out_len, bytes, n);
    s->out_len = (uint16_t)(s->out_len + n);
}

static void put_byte(struct socks *s, unsigned byte)
{
    unsigned char b = (unsigned char)byte;
    put(s, &b, 1);
}

static void target_put(struct socks *s, const void *bytes, size_t n)
{
    memcpy(s->target + s->target_len, bytes, n);
    s->target_len = (uint16_t)(s->target_len + n);
}

/* RFC 1928 4: type, address, port. */
static int set_target(struct socks *s, const char *host, uint16_t port)
{
    unsigned char address[16], big_endian[2] = {(unsigned char)(port >> 8), (unsigned char)port};
    size_t len = strlen(host);

    if (inet_pton(AF_INET, host, address) == 1) {
        target_put(s, "\x01", 1);
        target_put(s, address, 4);
    } else if (inet_pton(AF_INET6, host, address) == 1) {
        target_put(s, "\x04", 1);
        target_put(s, address, 16);
    } else if (s->proxy->kind == PROXY_SOCKS5 || len == 0 || len > PROXY_PART_MAX) {
        return bide_fail(-EINVAL, "SOCKS: the host must be %s", s->proxy->kind == PROXY_SOCKS5 ? "resolved first" : "1 to 255 bytes");
    } else {
        unsigned char head[2] = {3, (unsigned char)len};
        target_put(s, head, 2);
        target_put(s, host, len);
    }
    target_put(s, big_endian, 2);
    return 0;
}

/* An address, or 0.0.0.1 and a name behind the user's. */
static int begin_4a(struct socks *s)
{
    const unsigned char *t = s->target, *port = t + s->target_len - 2;

    if (t[0] == 4)
        return bide_fail(-EINVAL, "SOCKS 4a has no IPv6 addresses");
    put(s, "\x04\x01", 2);
    put(s, port, 2);
    put(s, t[0] == 1 ? t + 1 : (const unsigned char *)"\x00\x00\x00\x01", 4);
    put(s, s->proxy->user, strlen(s->proxy->user) + 1);
    if (t[0] == 3) {
        put(s, t + 2, t[1]);
        put_byte(s, 0);
    }
    s->state = SOCKS_REPLY_4;
    return 0;
}

int bide__socks_begin(struct socks *s, const struct proxy *proxy, const char *host, uint16_t port)
{
    *s = (struct socks){.proxy = proxy};
    int r = set_target(s, host, port);

    if (r < 0)
        return r;
    if (proxy->kind == PROXY_SOCKS4A)
        return begin_4a(s);
    if (proxy->has_user)
        put(s, "\x05\x02\x00\x02", 4);
    else
        put(s, "\x05\x01\x00", 3);
    return 0;
}

/* ---- answers ---- */

static int send_request(struct socks *s)
{
    put(s, "\x05\x01\x00", 3);
    put(s, s->target, s->target_len);
    s->state = SOCKS_REPLY;
    return 0;
}

/* RFC 1929 2 */
static int send_login(struct socks *s)
{
    const struct proxy *p = s->proxy;

    put_byte(s, 1);
    put_byte(s, (unsigned)strlen(p->user));
    put(s, p->user, strlen(p->user));
    put_byte(s, (unsigned)strlen(p->password));
    put(s, p->password, strlen(p->password));
    s->state = SOCKS_LOGIN;
    return 0;
}

static int take_method(struct socks *s)
{
    if (s->in[0] != 5)
        return bide_fail(-EPROTO, "the proxy does not speak SOCKS 5");
    if (s->in[1] == 0)
        return send_request(s);
    if (s->in[1] == 2 && s->proxy->has_user)
        return send_login(s);
    return bide_fail(s->in[1] == 0xff ? -EACCES : -EPROTO, "the SOCKS proxy wants another way of logging in than we have");
}

static int take_login(struct socks *s)
{
    if (s->in[0] != 1)
        return bide_fail(-EPROTO, "the SOCKS proxy's answer to user and password cannot be read");
    return s->in[1] == 0 ? send_request(s) : bide_fail(-EACCES, "the SOCKS proxy does not take user and password");
}

static int open_tunnel(struct socks *s)
{
    s->state = SOCKS_OPEN;
    return 1;
}

/* RFC 1928 6 */
static int take_reply(struct socks *s)
{
    static const struct {
        const char *text;
        int code;
        bool is_of_address;
    } replies[] = {
        {"", 0, false},
        {"general failure", -EPROTO, true},
        {"not allowed by its rules", -EACCES, false},
        {"network unreachable", -ENETUNREACH, true},
        {"host unreachable", -EHOSTUNREACH, true},
        {"connection refused", -ECONNREFUSED, true},
        {"TTL expired", -EHOSTUNREACH, true},
        {"command not supported", -EPROTO, false},
        {"address type not supported", -EPROTO, true},
    };
    unsigned reply = s->in[1];

    if (s->in[0] != 5)
        return bide_fail(-EPROTO, "the SOCKS proxy's answer cannot be read");
    if (reply == 0)
        return open_tunnel(s);
    s->cannot_reach = reply < array_len(replies) && replies[reply].is_of_address;
    if (reply < array_len(replies))
        return bide_fail(replies[reply].code, "the SOCKS proxy says: %s", replies[reply].text);
    return bide_fail(-EPROTO, "the SOCKS proxy gives an unknown answer, %u", reply);
}

static int take_reply_4(struct socks *s)
{
    if (s->in[0] != 0)
        return bide_fail(-EPROTO, "the proxy does not speak SOCKS 4");
    if (s->in[1] == 0x5a)
        return open_tunnel(s);
    bool is_user = s->in[1] == 0x5c || s->in[1] == 0x5d;
    return bide_fail(is_user ? -EACCES : -ECONNREFUSED, "the SOCKS proxy %s", is_user ? "does not take the user" : "refuses the connection");
}

/* How long the answer is, as far as that can be known; 0: its address is of no known kind. */
static size_t expected(const struct socks *s)
{
    if (s->state == SOCKS_REPLY_4)
        return 8;
    if (s->state != SOCKS_REPLY)
        return 2;
    if (s->in_len < 5)
        return s->in_len >= 2 && (s->in[0] != 5 || s->in[1] != 0) ? s->in_len : 5; /* a refusal may end early */
    return s->in[3] == 1 ? 10 : s->in[3] == 4 ? 22 : s->in[3] == 3 ? 7u + s->in[4] : 0;
}

static int take_whole(struct socks *s)
{
    static int (*const takers[])(struct socks *) = {take_method, take_login, take_reply, take_reply_4};
    int r = takers[s->state](s);

    s->in_len = 0;
    return r;
}

int bide__socks_take(struct socks *s, const char *in, size_t len, size_t *used)
{
    *used = 0;
    while (s->state != SOCKS_OPEN && s->out_len == 0 && *used < len) {
        s->in[s->in_len++] = (unsigned char)in[(*used)++];
        size_t whole = expected(s);
        if (whole == 0)
            return bide_fail(-EPROTO, "the SOCKS proxy's answer has an address of an unknown kind");
        int r = s->in_len == whole ? take_whole(s) : 0;
        if (r != 0)
            return r;
    }
    return s->state == SOCKS_OPEN;
}
