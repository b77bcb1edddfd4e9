/* SPDX-License-Identifier: MIT */
/*
 * h1_head.c - the bytes of a request before its body (RFC 9112 3).
 *
 * Host first, then the session's fields, which lie ready as one block of text, then the user's, then what describes the
 * body.  A field of the user takes the place of the session's or of ours with the same name; an empty value removes it.
 * Everything that came from outside is checked before it is written, so that nothing can end a line early.
 */
#include <stdio.h>

#include "http/exchange/h1.h"

/* ---- writing ---- */

static char *put(char *at, const char *text, size_t len)
{
    return mempcpy(at, text, len);
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_field(char *at, const char *name, const char *value)
{
    at = put_text(at, name);
    at = put(at, ": ", 2);
    at = put_text(at, value);
    return put(at, "\r\n", 2);
}

static bool is_dropped(const struct request_head *q, enum header_id id)
{
    return q->drop & HEADER_BIT(id);
}

static bool user_has(const struct request_head *q, enum header_id id)
{
    return q->user.seen & HEADER_BIT(id);
}

static bool user_names(const struct request_head *q, const struct default_field *d)
{
    for (const bide_pair *p = q->headers; p && p->name; p++)
        if (strncasecmp(p->name, d->name, d->name_len) == 0 && p->name[d->name_len] == '\0')
            return true;
    return false;
}

static char *put_defaults(char *at, const struct request_head *q)
{
    const struct default_fields *fs = q->defaults;
    if (likely(((q->user.seen | q->drop) & fs->seen) == 0))
        return put(at, fs->text, fs->len);

    for (size_t i = 0; i < fs->n; i++) {
        const struct default_field *d = &fs->all[i];
        if (!is_dropped(q, d->id) && !user_names(q, d))
            at = put(at, fs->text + d->off, d->len);
    }
    return at;
}

static char *put_user(char *at, const struct request_head *q)
{
    for (const bide_pair *p = q->headers; p && p->name; p++) {
        enum header_id id = bide__header_id(p->name, strlen(p->name));
        if (id != HEADER_HOST && p->value[0] && !is_dropped(q, id))
            at = put_field(at, p->name, p->value);
    }
    return at;
}

/* RFC 9110 8.6: a Content-Length of 0 is sent if the method lets a server expect a body. */
static bool expects_body(const struct request_head *q)
{
    return (q->method_len == 4 && memcmp(q->method, "POST", 4) == 0) ||
           (q->method_len == 3 && memcmp(q->method, "PUT", 3) == 0) ||
           (q->method_len == 5 && memcmp(q->method, "PATCH", 5) == 0);
}

/* R13; apart, as it is rare. */
static char *put_identity(char *at, const struct request_head *q)
{
    return unlikely(q->wants_identity) ? put_field(at, "Accept-Encoding", "identity") : at;
}

/* RFC 9110 6.6.2: which fields come behind the body. */
static char *put_trailer_names(char *at, const bide_pair *trailers)
{
    at = put_text(at, "Trailer: ");
    for (const bide_pair *t = trailers; t->name; t++) {
        at = t > trailers ? put(at, ", ", 2) : at;
        at = put_text(at, t->name);
    }
    return put(at, "\r\n", 2);
}

static __attribute__((noinline)) char *put_about_body(char *at, const struct request_head *q)
{
    if (q->content_type && !user_has(q, HEADER_CONTENT_TYPE))
        at = put_field(at, "Content-Type", q->content_type);
    if (q->content_encoding)
        at = put_field(at, "Content-Encoding", q->content_encoding);
    if (q->trailers && q->trailers->name)
        at = put_trailer_names(at, q->trailers);
    if (q->expect_ms > 0 && !user_has(q, HEADER_EXPECT))
        at = put_field(at, "Expect", "100-continue");
    if (bide__request_is_chunked(q))
        return put_field(at, "Transfer-Encoding", "chunked");
    return at + sprintf(at, "Content-Length: %llu\r\n", (unsigned long long)q->body->length);
}

static char *put_authority(char *at, const struct url *url)
{
    const char *host = bide__url_part(url, url->host);
    size_t len = url->host.len;

    if (unlikely(url->zone_len > 0)) { /* RFC 6874 1: it is nothing to the server */
        size_t before = url->hostname.len - 1 - url->zone_len;
        at = put(at, host, before);
        host += before + url->zone_len;
        len -= before + url->zone_len;
    }
    return put(at, host, len);
}

static char *put_host(char *at, const struct request_head *q)
{
    if (q->user.host && !is_dropped(q, HEADER_HOST))
        return put_field(at, "Host", q->user.host);
    at = put(at, "Host: ", 6);
    at = put_authority(at, &q->url);
    return put(at, "\r\n", 2);
}

static char *put_request_line(char *at, const struct request_head *q)
{
    struct url_part target = bide__url_target(&q->url);

    at = put(at, q->method, q->method_len);
    at = put(at, " ", 1);
    if (unlikely(q->is_absolute)) {
        at = put(at, "http://", 7);
        at = put_authority(at, &q->url);
    }
    if (q->for_server) /* RFC 9112 3.2.4: to a proxy that is a URL without path */
        at = put(at, "*", !q->is_absolute);
    else
        at = put(at, bide__url_part(&q->url, target), target.len);
    return put(at, " HTTP/1.1\r\n", 11);
}

static size_t head_bound(const struct request_head *q)
{
    size_t added = 0;

    for (const struct added_field *f = q->added; f; f = f->next)
        added += strlen(f->name) + strlen(f->value) + 4;
    for (const bide_pair *t = q->body ? q->trailers : NULL; t && t->name; t++)
        added += strlen(t->name) + 2;
    added += q->body && q->content_encoding ? strlen(q->content_encoding) + 24 : 0;
    return added + q->method_len + q->url.len * 2u + q->defaults->len + q->user.bytes +
           (q->content_type ? strlen(q->content_type) : 0) + 240;
}

int bide__h1_write_head(struct h1_exchange *x, struct request_head *q)
{
    int code = q->headers ? bide__user_fields_check(q->headers, &q->user) : 0;
    if (code < 0)
        return code;

    x->close = q->user.close || (q->defaults->close && !user_has(q, HEADER_CONNECTION));
    x->head = bide__arena_alloc(x->exchange.arena, head_bound(q));
    if (!x->head)
        return BIDE_ENOMEM;
    char *at = put_request_line(x->head, q);
    at = put_host(at, q);
    at = put_identity(put_defaults(at, q), q);
    if (q->headers)
        at = put_user(at, q);
    for (const struct added_field *f = q->added; f; f = f->next)
        at = put_field(at, f->name, f->value);
    if (q->body)
        at = put_about_body(at, q);
    else if (expects_body(q))
        at = put_field(at, "Content-Length", "0");
    at = put(at, "\r\n", 2);
    x->head_len = (size_t)(at - x->head);
    x->exchange.progress->head = (bide_bytes){x->head, x->head_len};
    return 0;
}
