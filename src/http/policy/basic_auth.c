/* SPDX-License-Identifier: MIT */
/*
 * basic_auth.c - user and password of a URL: moved into an Authorization header for that origin alone (RFC 7617).
 *
 * The URL has none any more after it was taken, so nothing that is sent, logged or shown can have it by accident.
 */
#include <openssl/evp.h>

#include "base/hex.h"
#include "http/policy/policy.h"

/* Percent-decoded; the parser left only %XX or plain characters.  Returns the length. */
static size_t decode(char *out, const char *text, size_t len)
{
    const char *end = text + len;
    size_t n = 0;

    while (text < end) {
        int byte = bide__percent_byte(text, end);
        out[n++] = byte >= 0 ? (char)byte : *text;
        text += byte >= 0 ? 3 : 1;
    }
    return n;
}

/* RFC 7617 2: a colon ends the name of the user. */
int bide__basic_auth_take(struct basic_auth *p, struct arena *arena, const struct url *u)
{
    size_t cap = (size_t)u->username.len + u->password.len + 2;
    char *plain = bide__arena_alloc(arena, cap);
    char *header = bide__arena_alloc(arena, sizeof "Basic " + (cap + 2) / 3 * 4 + 1);
    if (!plain || !header)
        return BIDE_ENOMEM;

    size_t n = decode(plain, bide__url_part(u, u->username), u->username.len);
    if (memchr(plain, ':', n))
        return bide_fail(BIDE_EURL, "a colon in the user name of the URL");
    plain[n++] = ':';
    n += decode(plain + n, bide__url_part(u, u->password), u->password.len);
    strcpy(header, "Basic ");
    EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)plain, (int)n);
    explicit_bzero(plain, cap);
    p->field = (struct added_field){.name = "Authorization", .value = header};
    return 0;
}

void bide__strip_user_info(struct url *u, char *storage)
{
    if (storage[u->hostname.off - 1] != '@')
        return;

    uint32_t start = (uint32_t)(strstr(storage, "://") + 3 - storage), by = u->hostname.off - start;
    memmove(storage + start, storage + u->hostname.off, u->len - u->hostname.off + 1);
    u->username = u->password = (struct url_part){start, 0};
    struct url_part *parts[] = {&u->hostname, &u->host, &u->path, &u->query, &u->fragment};
    for (size_t i = 0; i < array_len(parts); i++)
        parts[i]->off -= parts[i]->off > 0 ? by : 0; /* a part that is not there has none */
    u->len -= by;
}

static int before(struct policy *policy, struct request *q)
{
    struct basic_auth *p = container_of(policy, struct basic_auth, policy);
    if (!p->field.value || q->has_left)
        return 0;
    /* Two passwords, and no way to know which one is meant. */
    if (q->head.user.seen & ~q->head.drop & HEADER_BIT(HEADER_AUTHORIZATION))
        return bide_fail(-EINVAL, "user and password in the URL, and a header Authorization");

    p->field.next = q->head.added;
    q->head.added = &p->field;
    return 0;
}

const struct policy_ops bide__basic_auth_ops = {.name = "basic authentication", .before = before};
