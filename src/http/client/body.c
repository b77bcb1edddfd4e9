/* SPDX-License-Identifier: MIT */
/*
 * body.c - the body of a response as its reader sees it: piece by piece, or whole in memory.
 *
 * A short body came with the head and is in the response already.  A body of known length that is wanted whole is received
 * where it will stay; of others the exchange lends pieces.
 */
#include "http/client/client.h"

/* The exchange has ended itself, or was ended. */
static void is_over(bide_response *r)
{
    r->exchange = NULL;
    r->body_ns = r->session->loop->now_ns;
}

static int failed(bide_response *r, int code)
{
    r->exchange = NULL;
    r->deadline.phase = BIDE_PHASE_BODY; /* also of one that came with the head */
    r->body_error = code;
    return bide__response_fail(r, code);
}

/* It is here that it fails: the exchange could go on. */
static int give_up(bide_response *r, int code)
{
    if (r->exchange)
        r->exchange->ops->drop(r->exchange, 0);
    return failed(r, code);
}

/* It failed before. */
static int fail_again(bide_response *r)
{
    bide_fail(r->body_error, "the body could not be read: %s", bide_strerror(r->body_error));
    return bide__response_fail(r, r->body_error);
}

/* What an operation of the exchange gave: n bytes, the end, or an error. */
static ssize_t note_piece(bide_response *r, ssize_t n)
{
    if (n < 0)
        return failed(r, (int)n);
    r->body_bytes += (uint64_t)n;
    if (n == 0)
        is_over(r);
    return n;
}

ssize_t bide__body_next(bide_response *r, const char **data)
{
    if (r->body_error)
        return fail_again(r);
    return r->exchange ? note_piece(r, r->exchange->ops->next(r->exchange, data)) : 0;
}

/* ---- whole ---- */

static int too_big(bide_response *r)
{
    return bide_fail(BIDE_ETOOBIG, "the body is larger than allowed (%zu bytes)", r->max_body);
}

/* Straight into the body's memory, with room for a byte too many: see exchange_ops.read. */
static int read_counted(bide_response *r)
{
    ssize_t n = 0;
    if (r->answer.length > r->max_body)
        return give_up(r, too_big(r));
    if (!bide__buf_reserve(&r->body, (size_t)r->answer.length + 1))
        return give_up(r, bide_error_code());

    do {
        struct buf *b = &r->body;
        n = note_piece(r, r->exchange->ops->read(r->exchange, b->data + b->end, b->cap - b->end));
        bide__buf_commit(b, n > 0 ? (size_t)n : 0);
    } while (n > 0);
    return (int)n;
}

static int read_pieces(bide_response *r)
{
    const char *piece = NULL;
    ssize_t n;

    while ((n = bide__body_next(r, &piece)) > 0) {
        if (r->body_bytes > r->max_body)
            return give_up(r, too_big(r));
        if (bide__buf_append(&r->body, piece, (size_t)n) < 0)
            return give_up(r, bide_error_code());
    }
    return (int)n;
}

int bide__body_read_all(bide_response *r)
{
    if (r->body_error)
        return fail_again(r);

    bide__buf_init(&r->body, r->max_body < SIZE_MAX - 16 ? r->max_body + 16 : SIZE_MAX);
    int code = r->exchange && r->answer.kind == BODY_LENGTH ? read_counted(r) : read_pieces(r);
    if (code < 0)
        return code;
    char *nul = bide__buf_reserve(&r->body, 1);
    if (!nul)
        return give_up(r, bide_error_code());
    *nul = '\0';
    r->whole = (bide_bytes){bide__buf_head(&r->body), bide__buf_len(&r->body)};
    return 0;
}

/* ---- not wanted ---- */

void bide__body_drop(bide_response *r)
{
    if (!r->exchange)
        return;
    r->exchange->ops->drop(r->exchange, DRAIN_MAX);
    is_over(r);
}
