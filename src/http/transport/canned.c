/* SPDX-License-Identifier: MIT */
/*
 * canned.c - an answer that is made up: from bide_answer, checked, to the text of a head and the pieces of a body.
 *
 * Who made it may forget all of it at once: it is copied.
 */
#include <stdio.h>

#include "http/transport/transport.h"

/* ---- what there may be ---- */

static int check_headers(const bide_pair *headers, const char *function, size_t *bytes, uint64_t *seen)
{
    char shown[80];

    for (const bide_pair *p = headers; p && p->name; p++) {
        size_t name = strlen(p->name), value = p->value ? strlen(p->value) : 0;
        bide__shown(shown, p->name, name);
        if (!bide__header_name_ok(p->name, name))
            return bide_fail(-EINVAL, "%s: header \"%s\": not a name", function, shown);
        if (!p->value || !bide__header_value_ok(p->value, value))
            return bide_fail(-EINVAL, "%s: header %s: not a value", function, shown);
        *bytes += name + value + 4;
        *seen |= HEADER_BIT(bide__header_id(p->name, name));
    }
    return 0;
}

static int check(const bide_answer *a, const char *function)
{
    int bodies = (a->text != NULL) + (a->json != NULL) + (a->data.data != NULL) + (a->pieces != NULL);

    BIDE_TRY(bide__check_named(a->guard_, function));
    BIDE_TRY(bide__check_time(function, "delay_ms", a->delay_ms, false));
    if (a->status != 0 && (a->status < 200 || a->status > 999))
        return bide_fail(-EINVAL, "%s: status = %d: none of 200 to 999", function, a->status);
    if (a->error > 0)
        return bide_fail(-EINVAL, "%s: error = %d: codes are negative", function, a->error);
    if (bodies > 1)
        return bide_fail(-EINVAL, "%s: only one of text, json, data and pieces can be the body", function);
    if (a->reason && !bide__header_value_ok(a->reason, strlen(a->reason)))
        return bide_fail(-EINVAL, "%s: reason: control characters cannot be in it", function);
    return 0;
}

/* ---- the body ---- */

static bool is_end(const bide_answer_piece *p)
{
    return !p->text && !p->data.data && !p->error && !p->after_ms;
}

static int add_piece(struct arena *arena, struct canned *c, const bide_answer_piece *from, const char *function)
{
    bide_bytes data = from->data.data || !from->text ? from->data : (bide_bytes){from->text, strlen(from->text)};

    BIDE_TRY(bide__check_time(function, "pieces: after_ms", from->after_ms, false));
    if (from->error > 0)
        return bide_fail(-EINVAL, "%s: pieces: error = %d: codes are negative", function, from->error);
    const char *copy = bide__arena_strndup(arena, data.len > 0 ? data.data : "", data.len);
    if (!copy)
        return BIDE_ENOMEM;
    if (data.len > 0)
        c->pieces[c->npieces++] = (struct canned_piece){.data = copy, .len = data.len, .after_ms = from->after_ms};
    else if (from->error < 0 || from->after_ms > 0)
        c->pieces[c->npieces++] = (struct canned_piece){.after_ms = from->after_ms, .error = from->error};
    if (data.len > 0 && from->error < 0)
        c->pieces[c->npieces++] = (struct canned_piece){.error = from->error};
    return 0;
}

static int add_pieces(struct arena *arena, struct canned *c, const bide_answer_piece *from, const char *function)
{
    size_t n = 0;

    while (!is_end(&from[n]))
        n++;
    if (!(c->pieces = bide__arena_alloc(arena, 2 * (n + 1) * sizeof *c->pieces)))
        return BIDE_ENOMEM;
    for (size_t i = 0; i < n; i++)
        BIDE_TRY(add_piece(arena, c, &from[i], function));
    return 0;
}

static int set_body(struct arena *arena, struct canned *c, const bide_answer *a, const char *function)
{
    const char *text = a->json ? a->json : a->text;
    bide_answer_piece one[2] = {{.data = a->data}, {.text = NULL}};

    if (text)
        one[0].data = (bide_bytes){text, strlen(text)};
    c->is_whole = !a->pieces;
    return add_pieces(arena, c, a->pieces ? a->pieces : one, function);
}

/* ---- the head ---- */

static char *put_field(char *at, const char *name, const char *value)
{
    return stpcpy(stpcpy(stpcpy(stpcpy(at, name), ": "), value), "\r\n");
}

static bool may_have_body(int status)
{
    return status != 204 && status != 304;
}

static int set_head(struct arena *arena, struct canned *c, const bide_answer *a, size_t bytes, uint64_t seen)
{
    const char *reason = a->reason ? a->reason : "", *type = a->json ? "application/json" : a->text ? "text/plain; charset=utf-8" : NULL;
    int status = a->status ? a->status : 200;
    const uint64_t framed = HEADER_BIT(HEADER_CONTENT_LENGTH) | HEADER_BIT(HEADER_TRANSFER_ENCODING);
    char *text = bide__arena_alloc(arena, bytes + strlen(reason) + 160), *at = text;
    if (!text)
        return BIDE_ENOMEM;

    at += sprintf(at, "HTTP/1.1 %d ", status);
    at = stpcpy(stpcpy(at, reason), "\r\n");
    for (const bide_pair *p = a->headers; p && p->name; p++)
        at = put_field(at, p->name, p->value);
    if (type && !(seen & HEADER_BIT(HEADER_CONTENT_TYPE)))
        at = put_field(at, "Content-Type", type);
    if (c->is_whole && !(seen & framed) && may_have_body(status))
        at += sprintf(at, "Content-Length: %zu\r\n", c->npieces > 0 ? c->pieces[0].len : 0);
    at = stpcpy(at, "\r\n");
    c->head = text;
    c->head_len = (size_t)(at - text);
    return 0;
}

/* ---- all of it ---- */

struct canned *bide__canned_new(struct arena *arena, const bide_answer *options, const char *function)
{
    bide_answer a;
    size_t bytes = 0;
    uint64_t seen = 0;
    if (bide__options_take(&a, sizeof a, options, function) < 0 || check(&a, function) < 0 ||
        check_headers(a.headers, function, &bytes, &seen) < 0)
        return NULL;
    struct canned *c = bide__arena_alloc(arena, sizeof *c);
    if (!c)
        return NULL;

    *c = (struct canned){.delay_ms = a.delay_ms, .error = a.error};
    if (set_body(arena, c, &a, function) < 0 || set_head(arena, c, &a, bytes, seen) < 0)
        return NULL;
    return c;
}
