/* SPDX-License-Identifier: MIT */
/*
 * request.c - asking about a request.
 *
 * The head stays where it was received; every string in it is followed by a byte that has done its work (a space, a
 * colon, a CR), which becomes its NUL.  Only the path needs a copy when a query follows it.
 */
#include <strings.h>

#include "http/server/server.h"

/* A string that lives as long as the request.  One allocation of the exact size each: thousands of requests wait. */
struct request_copy {
    struct request_copy *older;
    char text[];
};

static char *new_copy(bide_request_in *q, size_t len)
{
    if (len >= COPIES_MAX - q->copied) {
        bide_fail(BIDE_ELIMIT, "more than %d bytes of parameters asked for", COPIES_MAX);
        return NULL;
    }
    struct request_copy *copy = bide__malloc(sizeof *copy + len + 1);
    if (!copy) {
        bide__fail_nomem("a request");
        return NULL;
    }
    copy->older = q->copies;
    q->copies = copy;
    q->copied += len + 1;
    return copy->text;
}

static void free_copies(bide_request_in *q)
{
    while (q->copies) {
        struct request_copy *older = q->copies->older;
        bide__free(q->copies);
        q->copies = older;
    }
}

/* ---- beginning and end ---- */

static void terminate(const struct h1_head *head, uint32_t at)
{
    ((char *)(uintptr_t)head->base)[at] = '\0';
}

static int keep_fields(bide_request_in *q)
{
    size_t size = q->head.nfields * sizeof *q->few;
    struct field *to = q->few;

    if (q->head.nfields > FEW_FIELDS) {
        to = q->fields = bide__malloc(size);
        if (!to)
            return bide__fail_nomem("a request");
    }
    memcpy(to, q->head.fields, size);
    q->head.fields = to;
    return 0;
}

/* Where the path begins in a target of absolute form: behind the authority (RFC 9112 3.2.2). */
static const char *skip_authority(const char *target)
{
    const char *authority = *target == '/' || *target == '*' ? NULL : strstr(target, "://");

    return authority ? authority + 3 + strcspn(authority + 3, "/?") : target;
}

static int split_target(bide_request_in *q)
{
    const char *path = skip_authority(bide_request_target(q)), *mark = strchr(path, '?');

    q->query = mark ? mark + 1 : "";
    q->path = *path == '\0' || *path == '?' ? "/" : path;
    if (!mark || q->path != path)
        return 0;
    char *copy = new_copy(q, (size_t)(mark - path));
    if (!copy)
        return bide_error_code();
    *(char *)mempcpy(copy, path, (size_t)(mark - path)) = '\0';
    q->path = copy;
    return 0;
}

static void begin_answer(bide_request_in *q)
{
    q->state = UNANSWERED;
    q->status = 0;
    q->has_length = q->no_body = false;
    q->is_head = strcmp(bide_request_method(q), "HEAD") == 0;
    q->keep_alive = q->head.keep_alive;
}

int bide__request_begin(bide_request_in *q, const struct h1_head *head)
{
    q->head = *head;
    q->fields = NULL;
    q->copies = NULL;
    q->copied = 0;
    bide__buf_init(&q->own_fields, ANSWER_HEAD_MAX); /* first, for the end gives it back whatever fails here */
    bide__request_begin_body(q);
    if (keep_fields(q) < 0)
        return BIDE_ENOMEM;

    terminate(head, head->method.off + head->method.len);
    terminate(head, head->target.off + head->target.len);
    for (uint32_t i = 0; i < head->nfields; i++) {
        const struct field *f = &q->head.fields[i];
        terminate(head, f->name + f->name_len);
        terminate(head, f->value + f->value_len);
    }
    begin_answer(q);
    return split_target(q);
}

void bide__request_end(bide_request_in *q)
{
    struct connection *c = q->connection;

    bide__free(q->fields);
    free_copies(q);
    bide__request_end_body(q);
    bide__buf_free(&q->own_fields);
    if (q->rest.data) { /* what it holds now is what follows this request */
        q->rest.max = c->in.max;
        bide__buf_free(&c->in);
        c->in = q->rest;
    }
    bide__buf_consume(&c->in, 0); /* an empty one begins at its front again */
    bide__buf_taken_back(&c->in);
}

/* ---- asking ---- */

const char *bide_request_method(const bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    return q->head.base + q->head.method.off;
}

const char *bide_request_target(const bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    return q->head.base + q->head.target.off;
}

const char *bide_request_path(const bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    return q->path;
}

const char *bide_request_query(const bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    return q->query;
}

bool bide_request_header_at(const bide_request_in *q, size_t i, bide_pair *out)
{
    if (bide__is_null(q, __func__, "the request"))
        return false;
    if (bide__is_null(out, __func__, "the place for the field"))
        return false;
    if (i >= q->head.nfields)
        return false;
    const struct field *f = &q->head.fields[i];
    *out = (bide_pair){bide__h1_name(&q->head, f), bide__h1_value(&q->head, f)};
    return true;
}

const char *bide_request_header(const bide_request_in *q, const char *name)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    if (bide__is_null(name, __func__, "the name"))
        return NULL;
    bide_pair p;

    for (size_t i = 0; bide_request_header_at(q, i, &p); i++)
        if (strcasecmp(p.name, name) == 0)
            return p.value;
    return NULL;
}

const char *bide_request_peer(const bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    return bide_stream_peer(q->connection->stream);
}

int bide_request_status(const bide_request_in *q)
{
    if (bide__is_null(q, __func__, "the request"))
        return -EINVAL;
    return q->status;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The byte that %XY stands for; negative if it is none, or a NUL, which a C string cannot hold. */
static int percent_byte(const char *text, const char *end)
{
    int high = end - text >= 3 && text[0] == '%' ? hex_digit(text[1]) : -1;
    int low = high >= 0 ? hex_digit(text[2]) : -1;

    return low >= 0 && (high || low) ? high << 4 | low : -1;
}

/* form-urlencoded, read as the WHATWG says: what is no valid escape stands for itself. */
static char next_char(const char **text, const char *end)
{
    int byte = percent_byte(*text, end);
    char c = byte >= 0 ? (char)byte : **text == '+' ? ' ' : **text;

    *text += byte >= 0 ? 3 : 1;
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

static const char *decode(bide_request_in *q, const char *text, size_t len)
{
    const char *end = text + len;
    char *out = new_copy(q, len), *at = out;
    if (!out)
        return NULL;

    while (text < end)
        *at++ = next_char(&text, end);
    *at = '\0';
    return out;
}

const char *bide_request_param(bide_request_in *q, const char *name)
{
    if (bide__is_null(q, __func__, "the request"))
        return NULL;
    if (bide__is_null(name, __func__, "the name"))
        return NULL;
    const char *at = q->query;

    while (*at) {
        size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");
        if (decodes_to(at, name_len, name))
            return name_len == len ? "" : decode(q, at + name_len + 1, len - name_len - 1);
        at += len + (at[len] == '&');
    }
    return NULL;
}
