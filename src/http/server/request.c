/* SPDX-License-Identifier: MIT */
/*
 * request.c - asking about a request.
 *
 * The head stays where it was received; every string in it is followed by a byte that has done its work (a space, a
 * colon, a CR), which becomes its NUL.  Only the path needs a copy when a query follows it.
 */
#include <strings.h>

#include "base/hex.h"
#include "http/server/server.h"

/* A string that lives as long as the request.  One allocation of the exact size each: thousands of requests wait. */
struct request_copy {
    struct request_copy *older;
    char text[];
};

static char *new_copy(bide_exchange *x, size_t len)
{
    if (len >= COPIES_MAX - x->copied) {
        bide_fail(BIDE_ELIMIT, "more than %d bytes of parameters asked for", COPIES_MAX);
        return NULL;
    }
    struct request_copy *copy = bide__malloc(sizeof *copy + len + 1);
    if (!copy) {
        bide__fail_nomem("a request");
        return NULL;
    }
    copy->older = x->copies;
    x->copies = copy;
    x->copied += len + 1;
    return copy->text;
}

static void free_copies(bide_exchange *x)
{
    while (x->copies) {
        struct request_copy *older = x->copies->older;
        bide__free(x->copies);
        x->copies = older;
    }
}

/* ---- beginning and end ---- */

static void terminate(const struct h1_head *head, uint32_t at)
{
    ((char *)(uintptr_t)head->base)[at] = '\0';
}

static int keep_fields(bide_exchange *x)
{
    size_t size = x->head.nfields * sizeof *x->few;
    struct field *to = x->few;

    if (x->head.nfields > FEW_FIELDS) {
        to = x->fields = bide__malloc(size);
        if (!to)
            return bide__fail_nomem("a request");
    }
    memcpy(to, x->head.fields, size);
    x->head.fields = to;
    return 0;
}

/* Where the path begins in a target of absolute form: behind the authority (RFC 9112 3.2.2). */
static const char *skip_authority(const char *target)
{
    const char *authority = *target == '/' || *target == '*' ? NULL : strstr(target, "://");

    return authority ? authority + 3 + strcspn(authority + 3, "/?") : target;
}

static int split_target(bide_exchange *x)
{
    const char *path = skip_authority(bide_exchange_target(x)), *mark = strchr(path, '?');

    x->query = mark ? mark + 1 : "";
    x->path = *path == '\0' || *path == '?' ? "/" : path;
    if (!mark || x->path != path)
        return 0;
    char *copy = new_copy(x, (size_t)(mark - path));
    if (!copy)
        return bide_error_code();
    *(char *)mempcpy(copy, path, (size_t)(mark - path)) = '\0';
    x->path = copy;
    return 0;
}

static void begin_answer(bide_exchange *x)
{
    x->state = UNANSWERED;
    x->status = 0;
    x->has_length = x->no_body = false;
    x->is_head = strcmp(bide_exchange_method(x), "HEAD") == 0;
    x->keep_alive = x->head.keep_alive;
}

int bide__server_exchange_begin(bide_exchange *x, const struct h1_head *head)
{
    x->head = *head;
    x->fields = NULL;
    x->copies = NULL;
    x->copied = 0;
    x->gone = NULL;
    x->user = NULL;
    x->user_free = NULL;
    bide__buf_init(&x->own_fields, ANSWER_HEAD_MAX); /* first, for the end gives it back whatever fails here */
    bide__server_body_begin(x);
    if (keep_fields(x) < 0)
        return BIDE_ENOMEM;

    terminate(head, head->method.off + head->method.len);
    terminate(head, head->target.off + head->target.len);
    for (uint32_t i = 0; i < head->nfields; i++) {
        const struct field *f = &x->head.fields[i];
        terminate(head, f->name + f->name_len);
        terminate(head, f->value + f->value_len);
    }
    begin_answer(x);
    return split_target(x);
}

/* Taken from the exchange first: whatever user_free does, it finds the exchange without one. */
static void attach_user(bide_exchange *x, void *user, void (*user_free)(void *user))
{
    void *old = x->user;
    void (*old_free)(void *) = x->user_free;

    x->user = user;
    x->user_free = user_free;
    bide__free_user(old, old_free);
}

void bide__server_exchange_end(bide_exchange *x)
{
    struct connection *c = x->connection;

    if (unlikely(x->gone != NULL))
        bide__gone_end(x);
    attach_user(x, NULL, NULL);
    bide__free(x->fields);
    free_copies(x);
    bide__server_body_end(x);
    bide__buf_free(&x->own_fields);
    if (x->rest.data) { /* what it holds now is what follows this request */
        x->rest.max = c->in.max;
        bide__buf_free(&c->in);
        c->in = x->rest;
    }
    bide__buf_consume(&c->in, 0); /* an empty one begins at its front again */
    bide__buf_taken_back(&c->in);
}

/* ---- asking ---- */

const char *bide_exchange_method(const bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    return x->head.base + x->head.method.off;
}

const char *bide_exchange_target(const bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    return x->head.base + x->head.target.off;
}

const char *bide_exchange_path(const bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    return x->path;
}

const char *bide_exchange_query(const bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    return x->query;
}

bool bide_exchange_header_at(const bide_exchange *x, size_t i, bide_pair *out)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return false;
    if (bide__is_null(out, __func__, "the place for the field"))
        return false;
    if (i >= x->head.nfields)
        return false;
    const struct field *f = &x->head.fields[i];
    *out = (bide_pair){bide__h1_name(&x->head, f), bide__h1_value(&x->head, f)};
    return true;
}

const char *bide_exchange_header(const bide_exchange *x, const char *name)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    if (bide__is_null(name, __func__, "the name"))
        return NULL;
    bide_pair p;

    for (size_t i = 0; bide_exchange_header_at(x, i, &p); i++)
        if (strcasecmp(p.name, name) == 0)
            return p.value;
    return NULL;
}

const char *bide_exchange_peer(const bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    return bide_stream_peer(x->connection->stream);
}

int bide_exchange_set_user(bide_exchange *x, void *user, void (*user_free)(void *user))
{
    if (bide__is_null(x, __func__, "the exchange")) {
        bide__free_user(user, user_free);
        return -EINVAL;
    }
    attach_user(x, user, user_free);
    return 0;
}

void *bide_exchange_user(const bide_exchange *x)
{
    return bide__is_null(x, __func__, "the exchange") ? NULL : x->user;
}

int bide_exchange_status(const bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    int bad = bide__loop_check(x->connection->server->loop, __func__);
    return bad < 0 ? bad : x->status;
}

/* form-urlencoded, read as the WHATWG says: what is no valid escape stands for itself, and so
 * does %00, as a C string cannot hold a NUL. */
static char next_char(const char **text, const char *end)
{
    int byte = bide__percent_byte(*text, end);
    char c = byte > 0 ? (char)byte : **text == '+' ? ' ' : **text;

    *text += byte > 0 ? 3 : 1;
    return c;
}

static bool decodes_to(const char *text, size_t len, const char *name)
{
    const char *end = text + len;

    while (text < end && *name)
        if (next_char(&text, end) != *name++)
            return false;
    return text == end && !*name;
}

static const char *decode(bide_exchange *x, const char *text, size_t len)
{
    const char *end = text + len;
    char *out = new_copy(x, len), *at = out;
    if (!out)
        return NULL;

    while (text < end)
        *at++ = next_char(&text, end);
    *at = '\0';
    return out;
}

const char *bide_exchange_param(bide_exchange *x, const char *name)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return NULL;
    if (bide__is_null(name, __func__, "the name") || bide__loop_check(x->connection->server->loop, __func__) < 0)
        return NULL;
    const char *at = x->query;

    while (*at) {
        size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");
        if (decodes_to(at, name_len, name))
            return name_len == len ? "" : decode(x, at + name_len + 1, len - name_len - 1);
        at += len + (at[len] == '&');
    }
    return NULL;
}
