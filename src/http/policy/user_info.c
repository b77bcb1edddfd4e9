/* SPDX-License-Identifier: MIT */
/*
 * user_info.c - user and password of a URL, taken out of it.
 *
 * The URL has none any more afterwards, so nothing that is sent, logged or shown can have it by accident.
 */
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
int bide__user_info_take(struct arena *arena, const struct url *u, bide_auth *out)
{
    char *user = bide__arena_alloc(arena, u->username.len + u->password.len + 2u);
    if (!user)
        return BIDE_ENOMEM;

    size_t n = decode(user, bide__url_part(u, u->username), u->username.len);
    if (memchr(user, ':', n))
        return bide_fail(BIDE_EURL, "a colon in the user name of the URL");
    char *password = user + n + 1;
    user[n] = '\0';
    password[decode(password, bide__url_part(u, u->password), u->password.len)] = '\0';
    if (strlen(user) != n)
        return bide_fail(BIDE_EURL, "a NUL in the user name of the URL");
    *out = (bide_auth){.user = user, .password = password};
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
