/* SPDX-License-Identifier: MIT */
/*
 * connect_hop.c - one hop of CONNECT (RFC 9110 9.3.6): a tunnel through a proxy that speaks HTTP.
 *
 * What it answers is for us alone.  A refusal is an error with its status and the beginning of what it says; a 407 is
 * answered, on the same connection if that is kept.
 */
#include <stdio.h>

#include "http/h1/h1_chunked.h"
#include "http/h1/h1_parse.h"
#include "http/tunnel/tunnel.h"

#define READ_SIZE      4096
#define REFUSAL_MAX    16384 /* bytes of a refusal's body that are read */
#define CHALLENGES_MAX 8
#define ASKED_MAX      3     /* 407s on one connection: a first one, and nonces that went stale */
#define INTERIM_MAX    16
#define FIELDS_MAX     64    /* of an answer */
#define HEAD_MAX       16384

/* One conversation; on the heap, because the request's stack is small. */
struct connecting {
    struct hop *hop;
    bide_stream *stream;
    struct buf in;
    struct h1_head head;
    size_t head_len;
    int asked;                 /* 407s so far */
    char target[PROXY_PART_MAX + 10];
    char credentials[CREDENTIALS_MAX];
    struct field fields[FIELDS_MAX];
};

/* ---- asking ---- */

static void set_target(struct connecting *c, const char *host, int port)
{
    bool is_ipv6 = strchr(host, ':') != NULL;

    snprintf(c->target, sizeof c->target, "%s%.*s%s:%d", is_ipv6 ? "[" : "", PROXY_PART_MAX, host, is_ipv6 ? "]" : "", port);
}

/* R72: the target, and what is for the proxy alone. */
static int send_connect(struct connecting *c)
{
    char lines[2 * sizeof c->target + 64];
    ssize_t n = bide__hop_credentials(c->hop, "CONNECT", c->target, c->credentials);
    if (n < 0)
        return (int)n;

    int len = snprintf(lines, sizeof lines, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", c->target, c->target);
    struct iovec iov[] = {{lines, (size_t)len}, {(void *)(uintptr_t)"Proxy-Authorization: ", n > 0 ? 21 : 0}, {c->credentials, (size_t)n},
                          {(void *)(uintptr_t)"\r\n\r\n", n > 0 ? 4 : 2}};
    int code = bide__stream_send_all(c->stream, iov, array_len(iov), NULL);
    explicit_bzero(c->credentials, sizeof c->credentials);
    return code;
}

/* ---- its answer ---- */

/* 0: there is more; an error. */
static int receive(struct connecting *c)
{
    char *tail = bide__buf_reserve(&c->in, READ_SIZE);
    if (!tail)
        return bide_error_code() == BIDE_ELIMIT ? bide_fail(BIDE_EHTTP, "the head of its answer is too large") : BIDE_ENOMEM;
    ssize_t n = bide__stream_recv(c->stream, tail, READ_SIZE, NULL);

    if (n > 0)
        bide__buf_commit(&c->in, (size_t)n);
    if (n == 0)
        return bide_fail(BIDE_EPROXY, "it closed the connection %s", bide__buf_len(&c->in) > 0 ? "in the middle of its answer" : "without an answer");
    return n < 0 ? (int)n : 0;
}

/* The head of an answer that is no interim one. */
static int take_head(struct connecting *c)
{
    struct h1_parser parser = {.limits = {HEAD_MAX, H1_LINE_MAX, HEAD_MAX, FIELDS_MAX}};
    int interim = 0;

    for (;;) {
        c->head = (struct h1_head){.fields = c->fields, .fields_cap = FIELDS_MAX};
        size_t len = bide__buf_len(&c->in);
        ssize_t n = len > 0 ? bide__h1_parse_response(&parser, bide__buf_head(&c->in), len, &c->head) : 0;
        if (n < 0)
            return bide_fail(BIDE_EPROXY, "its answer to CONNECT is not HTTP: %s", bide__h1_strerror((int)n));
        if (n > 0 && c->head.status >= 200) {
            c->head_len = (size_t)n;
            return 0;
        }
        if (n > 0 && ++interim > INTERIM_MAX)
            return bide_fail(BIDE_EPROXY, "it gives no answer but 1xx");
        if (n > 0) {
            bide__buf_consume(&c->in, (size_t)n);
            parser.scanned = parser.blank = 0;
        } else {
            BIDE_TRY(receive(c));
        }
    }
}

/* ---- a refusal ---- */

/* What it says in its body, on one line, as far as it is here. */
static void quote_body(const struct connecting *c, char out[80])
{
    const char *at = bide__buf_head(&c->in) + c->head_len;
    size_t len = bide__buf_len(&c->in) - c->head_len, begin = 0, end;

    while (begin < len && (unsigned char)at[begin] <= ' ')
        begin++;
    for (end = begin; end < len && (unsigned char)at[end] >= ' ';)
        end++;
    bide__shown(out, at + begin, end - begin);
}

static int refused(const struct connecting *c)
{
    const struct h1_head *h = &c->head;
    char reason[80], said[80];

    bide__shown(reason, h->base + h->reason.off, h->reason.len);
    quote_body(c, said);
    return bide_fail(BIDE_EPROXY, "CONNECT %s: %d %s%s%s%s", c->target, h->status, reason, said[0] ? ": \"" : "", said, said[0] ? "\"" : "");
}

/* It is not the proxy that has failed. */
static bool is_ours(int code)
{
    return code == BIDE_ECANCELED || code == BIDE_ETIMEDOUT || code == BIDE_ENOMEM;
}

/* The rest of a body of known length, at most as much as is read: HOP_OPEN; HOP_AGAIN: the connection cannot be used again; or an
   error. */
static int drain(struct connecting *c)
{
    size_t body = (size_t)c->head.content_length;
    bool has_end = c->head.body == H1_BODY_NONE || (c->head.body == H1_BODY_LENGTH && c->head.content_length <= REFUSAL_MAX);
    if (!has_end || !c->head.keep_alive)
        return HOP_AGAIN;

    body = c->head.body == H1_BODY_NONE ? 0 : body;
    while (bide__buf_len(&c->in) < c->head_len + body) {
        int code = receive(c);
        if (code < 0)
            return is_ours(code) ? code : HOP_AGAIN;
    }
    bide__buf_consume(&c->in, c->head_len + body);
    return HOP_OPEN;
}

static size_t challenges_of(const struct h1_head *h, struct slice out[CHALLENGES_MAX])
{
    size_t n = 0;

    for (uint32_t i = 0; i < h->nfields && n < CHALLENGES_MAX; i++)
        if (h->fields[i].id == HEADER_PROXY_AUTHENTICATE)
            out[n++] = (struct slice){bide__h1_value(h, &h->fields[i]), h->fields[i].value_len};
    return n;
}

/* 1: asked again on the same connection; HOP_AGAIN's and errors' are in *code. */
static bool answer_challenge(struct connecting *c, int *code)
{
    struct slice challenges[CHALLENGES_MAX];

    *code = bide__hop_challenged(c->hop, challenges, challenges_of(&c->head, challenges));
    if (*code == 0)
        *code = refused(c);
    if (*code < 0)
        return false;
    *code = drain(c);
    if (*code == HOP_OPEN)
        *code = send_connect(c);
    return *code == 0;
}

/* ---- all of it ---- */

static int converse(struct connecting *c)
{
    int code = send_connect(c);

    while (code == 0) {
        BIDE_TRY(take_head(c));
        int framed = bide__h1_frame_response(&c->head, H1_FOR_CONNECT);
        if (framed < 0)
            return bide_fail(BIDE_EPROXY, "its answer to CONNECT is not HTTP: %s", bide__h1_strerror(framed));
        size_t behind = bide__buf_len(&c->in) - c->head_len;
        if (c->head.status < 300) /* R73 */
            return behind > 0 ? bide__stream_push_ahead(c->stream, bide__buf_head(&c->in) + c->head_len, behind) : 0;
        if (c->head.status != 407 || ++c->asked > ASKED_MAX)
            return refused(c);
        if (!answer_challenge(c, &code))
            return code;
    }
    return code;
}

int bide__connect_hop(struct hop *hop, bide_stream *s, const char *host, int port)
{
    struct connecting *c = bide__calloc(1, sizeof *c);
    if (!c)
        return bide__fail_nomem("a proxy");

    c->hop = hop;
    c->stream = s;
    bide__buf_init(&c->in, HEAD_MAX + REFUSAL_MAX + READ_SIZE);
    set_target(c, host, port);
    int code = converse(c);
    bide__buf_free(&c->in);
    bide__free(c);
    return code;
}
