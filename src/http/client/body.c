/* SPDX-License-Identifier: MIT */
/*
 * body.c - the body of a response as its reader sees it: piece by piece, or whole in memory.
 *
 * A short body came with the head and is in the response already.  A body of known length that is wanted whole is received
 * where it will stay, and one in a coding is decoded there; of others the chain (exchange/decode.h) lends pieces.
 *
 * Who sets Accept-Encoding gets what comes (R13).  With Range nothing but identity is asked for: a part of a coded body cannot
 * be decoded, and 206 never is (RFC 9110 14).  The decoder is opened when the first byte is read: what nobody reads costs nothing.
 */
#include "http/client/client.h"

#define DOING_BODY "body of"

/* ---- codings: what the request asks for, what the answer says (R42) ---- */

void bide__request_ask_codings(struct request *q, bool no_decompress)
{
    struct request_head *head = &q->head;
    bool is_users = !head->defaults->is_encoding_ours || (head->user.seen & HEADER_BIT(HEADER_ACCEPT_ENCODING));

    q->response->may_decode = !is_users && !no_decompress;
    if (is_users || !(no_decompress || q->response->resume || (head->user.seen & HEADER_BIT(HEADER_RANGE))))
        return;
    head->drop |= HEADER_BIT(HEADER_ACCEPT_ENCODING);
    head->wants_identity = !no_decompress;
}

/* All the fields of that name are one list. */
static int read_codings(const struct fields *fields, struct codings *list)
{
    int code = 0;

    for (uint32_t i = 0; i < fields->n && code == 0; i++)
        if (fields->all[i].id == HEADER_CONTENT_ENCODING)
            code = bide__codings_add(list, bide__field_value(fields, &fields->all[i]), fields->all[i].value_len);
    return code;
}

void bide__body_note_codings(bide_response *r)
{
    const struct answer *a = &r->answer;

    /* Too many of them are an error for who reads: the body of a redirect is nobody's. */
    r->codings = (struct codings){0}; /* of a hop before */
    bool is_coded = a->kind != BODY_NONE && a->kind != BODY_STREAM && a->status != 206 &&
                    (read_codings(&a->fields, &r->codings) < 0 || bide__codings_any(&r->codings));
    if (!is_coded)
        return;
    r->is_coded = r->must_open = true;
    r->chain.here = r->whole;
    r->whole.data = NULL;
}

static int open_codings(bide_response *r, struct decode_limits limits)
{
    r->must_open = false;
    r->codings = (struct codings){0};
    int code = read_codings(&r->answer.fields, &r->codings);
    return code < 0 ? code : bide__chain_decode(&r->chain, &r->session->decoders, &r->codings, limits);
}

/* ---- its end ---- */

/* The time of the first end: it may be asked for again. */
static void set_end(bide_response *r)
{
    if (r->body_ns == 0)
        r->body_ns = r->session->loop->now_ns;
}

static void is_over(bide_response *r)
{
    set_end(r);
    if (unlikely(r->span != 0))
        bide__request_note_end(r, 0);
}

int bide__body_fail(bide_response *r, int code)
{
    bide__chain_drop(&r->chain, 0);
    r->deadline.phase = BIDE_PHASE_BODY; /* also of one that came with the head */
    r->body_error = code;
    if (unlikely(r->span != 0))
        bide__request_note_end(r, code);
    return bide__response_fail(r, code);
}

/* It failed before. */
static int fail_again(bide_response *r)
{
    bide_fail(r->body_error, "the body could not be read: %s", bide_strerror(r->body_error));
    return bide__response_fail(r, r->body_error);
}

int bide__response_moved(bide_response *r, size_t n)
{
    r->watch->now.received += n;
    r->watch->now.receive_total = r->answer.kind == BODY_LENGTH && !r->is_coded ? r->answer.length : 0;
    return bide__watch_call(r->watch);
}

/* What the chain gave: n bytes, the end, or an error. */
static ssize_t note_piece(bide_response *r, ssize_t n)
{
    if (n < 0)
        return bide__body_fail(r, (int)n);
    if (n == 0)
        is_over(r);
    int code = n > 0 && unlikely(r->watch) ? bide__response_moved(r, (size_t)n) : 0;
    return code < 0 ? bide__body_fail(r, code) : n;
}

/* What stood behind the end of its coding is dropped, and mentioned (R44). */
static ssize_t note_end(bide_response *r, ssize_t n)
{
    if (n == 0 && r->chain.has_garbage && !r->answer.oddity)
        r->answer.oddity = "(bytes behind the end of the body's coding)";
    return note_piece(r, n);
}

static int open_decoder(bide_response *r, uint64_t max_bytes)
{
    uint64_t ratio = r->max_ratio == BIDE_UNLIMITED ? 0 : (uint64_t)r->max_ratio;

    return open_codings(r, (struct decode_limits){.max_bytes = max_bytes, .max_ratio = ratio});
}

ssize_t bide__body_next(bide_response *r, const char **data)
{
    if (r->body_error)
        return fail_again(r);
    int code = r->must_open ? open_decoder(r, 0) : 0;
    struct doing doing = {.what = DOING_BODY, .of = r->url};
    bide__doing_begin(&doing);
    ssize_t n = code < 0 ? code : bide__chain_next(&r->chain, data);
    bide__doing_end(&doing);
    return note_end(r, n);
}

ssize_t bide__body_read(bide_response *r, void *out, size_t cap)
{
    struct doing doing = {.what = DOING_BODY, .of = r->url};

    bide__doing_begin(&doing);
    ssize_t n = bide__chain_read(&r->chain, out, cap);
    bide__doing_end(&doing);
    return note_end(r, n);
}

ssize_t bide__body_splice(bide_response *r, int pipe, size_t cap)
{
    ssize_t n = bide__chain_splice(&r->chain, pipe, cap);

    return n == -EAGAIN || n == -EOPNOTSUPP ? n : note_piece(r, n);
}

int bide__body_start_saving(bide_response *r, uint64_t max_bytes)
{
    return r->must_open ? open_codings(r, (struct decode_limits){.max_bytes = max_bytes}) : 0;
}

/* ---- whole ---- */

/* Straight into the body's memory, with room for a byte too many: see exchange_ops.read. */
static int read_counted(bide_response *r)
{
    ssize_t n = 0;
    if (r->answer.length > r->max_body)
        return bide__body_fail(r, bide_fail(BIDE_ETOOBIG, "the body is larger than allowed (%zu bytes)", r->max_body));
    bide__session_take_memory(r->session, &r->body, (size_t)r->answer.length + 1);
    if (!bide__buf_reserve(&r->body, (size_t)r->answer.length + 1))
        return bide__body_fail(r, bide_error_code());

    do {
        struct buf *b = &r->body;
        n = note_piece(r, bide__chain_read(&r->chain, b->data + b->end, b->cap - b->end));
        bide__buf_commit(b, n > 0 ? (size_t)n : 0);
    } while (n > 0);
    return (int)n;
}

/* Decoded where it will stay, with room for a byte that is too many: then the decoder says so. */
static int read_decoded(bide_response *r)
{
    struct buf *b = &r->body;
    const bide_bytes *here = &r->chain.here;
    size_t want = r->chain.exchange ? 0 : bide__decode_hint(&r->codings, here->data, here->len) + 1;
    ssize_t n;

    bide__session_take_memory(r->session, b, want);
    do {
        size_t left = r->max_body - bide__buf_len(b) + 1;
        want = want > DECODE_WINDOW ? want : DECODE_WINDOW;
        char *tail = bide__buf_reserve(b, want < left ? want : left);
        if (!tail)
            return bide__body_fail(r, bide_error_code());
        n = note_end(r, bide__chain_read(&r->chain, tail, b->cap - b->end));
        bide__buf_commit(b, n > 0 ? (size_t)n : 0);
        want = 0;
    } while (n > 0);
    return (int)n;
}

static int read_pieces(bide_response *r)
{
    const char *piece = NULL;
    ssize_t n;

    while ((n = bide__body_next(r, &piece)) > 0)
        if (bide__buf_append(&r->body, piece, (size_t)n) < 0)
            return bide__body_fail(r, bide_error_code());
    return (int)n;
}

int bide__body_read_all(bide_response *r)
{
    if (r->body_error)
        return fail_again(r);

    bide__buf_init(&r->body, r->max_body < SIZE_MAX - 16 ? r->max_body + 16 : SIZE_MAX);
    r->chain.most = r->max_body;
    int code = r->must_open ? open_decoder(r, r->max_body) : 0;
    if (code < 0)
        return bide__body_fail(r, code);
    bool is_counted = r->chain.exchange && r->answer.kind == BODY_LENGTH;
    code = r->chain.decoder ? read_decoded(r) : is_counted ? read_counted(r) : read_pieces(r);
    if (code < 0)
        return code;
    char *nul = bide__buf_reserve(&r->body, 1);
    if (!nul)
        return bide__body_fail(r, bide_error_code());
    *nul = '\0';
    r->whole = (bide_bytes){bide__buf_head(&r->body), bide__buf_len(&r->body)};
    return 0;
}

/* ---- not wanted ---- */

void bide__body_free(bide_response *r)
{
    if (r->body.data && r->session)
        bide__session_give_memory(r->session, &r->body);
    bide__buf_free(&r->body);
    bide__free(r->converted);
}

void bide__body_drop(bide_response *r)
{
    if (!r->chain.exchange && !r->chain.decoder)
        return;
    set_end(r); /* of this answer; another one may be asked for */
    bide__chain_drop(&r->chain, DRAIN_MAX);
}
