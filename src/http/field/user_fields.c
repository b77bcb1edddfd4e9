/* SPDX-License-Identifier: MIT */
/*
 * user_fields.c - fields that the user gives: what may be set, and the text of those that go with every request.
 *
 * Everything is checked here before anything is written, so that no byte of the user's can end a line early.
 */
#include <stdio.h>
#include <string.h>

#include "http/field/user_fields.h"
#include "http/url/url.h"

/* ---- one field ---- */

/* RFC 9112 6: what frames a message, and what makes two readers disagree about it, is ours to write. */
static const char *why_not(enum header_id id, const char *value)
{
    size_t len = strlen(value), n, at = 0;
    const char *token;

    if (id == HEADER_CONTENT_LENGTH || id == HEADER_TRANSFER_ENCODING)
        return "it is written by bide, from the body";
    while (id == HEADER_CONNECTION && len > 0 && bide__header_next_element(value, len, &at, &token, &n))
        if (!bide__header_equals(token, n, "close") && !bide__header_equals(token, n, "keep-alive"))
            return "only close and keep-alive may be asked for";
    return NULL;
}

/* May the user set this field?  0, or -EINVAL on record. */
static int check_user_field(const char *name, const char *value)
{
    char quoted[80];
    size_t len = strlen(name);

    if (!bide__header_name_ok(name, len))
        return bide_fail(-EINVAL, "header \"%s\": not a valid name", bide__url_quote(quoted, name, len));
    if (!value)
        return bide_fail(-EINVAL, "header %s: its value is NULL", bide__url_quote(quoted, name, len));
    if (!bide__header_value_ok(value, strlen(value)))
        return bide_fail(-EINVAL, "header %s: a control character in its value, or white space around it",
                         bide__url_quote(quoted, name, len));
    const char *why = why_not(bide__header_id(name, len), value);
    return why ? bide_fail(-EINVAL, "header %s: %s", bide__url_quote(quoted, name, len), why) : 0;
}

/* What frames, routes, or says how to read a message has to be known before it is read (R41). */
#define NO_TRAILER                                                                                                        \
    (HEADER_BIT(HEADER_AUTHORIZATION) | HEADER_BIT(HEADER_CACHE_CONTROL) | HEADER_BIT(HEADER_CONNECTION) |                   \
     HEADER_BIT(HEADER_CONTENT_ENCODING) | HEADER_BIT(HEADER_CONTENT_TYPE) | HEADER_BIT(HEADER_COOKIE) |                     \
     HEADER_BIT(HEADER_EXPECT) | HEADER_BIT(HEADER_HOST) | HEADER_BIT(HEADER_IF_MATCH) |                                     \
     HEADER_BIT(HEADER_IF_NONE_MATCH) | HEADER_BIT(HEADER_IF_UNMODIFIED_SINCE) | HEADER_BIT(HEADER_KEEP_ALIVE) |             \
     HEADER_BIT(HEADER_PROXY_AUTHORIZATION) | HEADER_BIT(HEADER_RANGE) | HEADER_BIT(HEADER_TE) | HEADER_BIT(HEADER_TRAILER) | \
     HEADER_BIT(HEADER_UPGRADE))

int bide__trailer_check(const bide_pair *t)
{
    char quoted[80];
    size_t len = strlen(t->name);

    BIDE_TRY(check_user_field(t->name, t->value));
    if (HEADER_BIT(bide__header_id(t->name, len)) & NO_TRAILER)
        return bide_fail(-EINVAL, "trailer %s: it cannot stand behind a body", bide__url_quote(quoted, t->name, len));
    return 0;
}

/* ---- of one request ---- */

int bide__user_fields_check(const bide_pair *headers, struct user_fields *u)
{
    *u = (struct user_fields){.seen = 0};
    for (const bide_pair *p = headers; p && p->name; p++) {
        int code = check_user_field(p->name, p->value);
        if (code < 0)
            return code;
        size_t len = strlen(p->name);
        enum header_id id = bide__header_id(p->name, len);
        if (id == HEADER_HOST && (u->host || !p->value[0]))
            return bide_fail(-EINVAL, "header Host: a request has exactly one");
        if (id == HEADER_HOST)
            u->host = p->value;
        u->close |= id == HEADER_CONNECTION && bide__header_has_token(p->value, strlen(p->value), "close");
        u->seen |= HEADER_BIT(id);
        u->bytes += len + strlen(p->value) + 4;
    }
    return u->bytes > USER_FIELDS_MAX ? bide_fail(BIDE_ELIMIT, "the headers are longer than %d bytes", USER_FIELDS_MAX) : 0;
}

/* ---- of every request ---- */

static void put_line(struct default_fields *d, char *text, const char *name, const char *value)
{
    uint32_t off = d->len;
    size_t len = strlen(name);
    enum header_id id = bide__header_id(name, len);

    d->len += (uint32_t)sprintf(text + off, "%s: %s\r\n", name, value);
    d->all[d->n++] = (struct default_field){
        .id = id, .name = text + off, .name_len = (uint32_t)len, .off = off, .len = d->len - off};
    d->seen |= HEADER_BIT(id);
    d->close |= id == HEADER_CONNECTION && bide__header_has_token(value, strlen(value), "close");
}

static int check_defaults(const bide_pair *headers, size_t *n, size_t *bytes)
{
    for (const bide_pair *p = headers; p && p->name; p++, (*n)++) {
        int code = check_user_field(p->name, p->value);
        if (code < 0)
            return code;
        if (bide__header_id(p->name, strlen(p->name)) == HEADER_HOST)
            return bide_fail(-EINVAL, "header Host: not for every request of a session");
        *bytes += strlen(p->name) + strlen(p->value) + 4;
    }
    if (*bytes > USER_FIELDS_MAX)
        return bide_fail(BIDE_ELIMIT, "the headers of a session are longer than %d bytes", USER_FIELDS_MAX);
    return 0;
}

static bool names_field(const bide_pair *headers, enum header_id id)
{
    for (const bide_pair *p = headers; p && p->name; p++)
        if (bide__header_id(p->name, strlen(p->name)) == id)
            return true;
    return false;
}

int bide__default_fields_set(struct default_fields *d, struct arena *arena, const bide_pair *headers, struct our_fields ours)
{
    size_t n = 3, bytes = 128 + strlen(ours.agent);
    int code = check_defaults(headers, &n, &bytes);
    if (code == 0)
        code = check_user_field("User-Agent", ours.agent);
    if (code < 0)
        return code;

    char *text = bide__arena_alloc(arena, bytes);
    d->all = bide__arena_alloc(arena, n * sizeof *d->all);
    if (!text || !d->all)
        return BIDE_ENOMEM;
    d->text = text;
    if (!names_field(headers, HEADER_USER_AGENT) && ours.agent[0])
        put_line(d, text, "User-Agent", ours.agent);
    if (!names_field(headers, HEADER_ACCEPT))
        put_line(d, text, "Accept", "*/*");
    d->is_encoding_ours = !names_field(headers, HEADER_ACCEPT_ENCODING);
    if (d->is_encoding_ours && ours.encoding) /* a part of what is coded could not be decoded: R13 */
        put_line(d, text, "Accept-Encoding", names_field(headers, HEADER_RANGE) ? "identity" : ours.encoding);
    for (const bide_pair *p = headers; p && p->name; p++)
        if (p->value[0]) /* an empty one only keeps the default away */
            put_line(d, text, p->name, p->value);
    return 0;
}
