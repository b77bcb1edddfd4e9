/* SPDX-License-Identifier: MIT */
/*
 * respond.c - answering: one head, then a whole body or pieces of one.
 *
 * The head is built in connection.out and goes out together with the first bytes of the body, in one system call.
 *
 *     HTTP/1.1 200 OK      Date      own fields      Content-Type      framing      [Connection]
 *
 * What of the framing is sent follows RFC 9110 8.6 and RFC 9112 6: nothing for 204 and 304, Content-Length where the
 * length is known, chunked where it is not, until close for HTTP/1.0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include <bide/date.h>

#include "http/server/server.h"

#define LENGTH_UNKNOWN UINT64_MAX

/* ---- the head ---- */

static const char *date_line(bide_server *s)
{
    struct timespec now;
    char date[BIDE_HTTP_DATE_SIZE];

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != s->date_second) {
        s->date_second = now.tv_sec;
        bide_http_date_format(date, now.tv_sec);
        snprintf(s->date_line, sizeof s->date_line, "Date: %s\r\n", date);
    }
    return s->date_line;
}

static char *put(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_number(char *at, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return put(at, digits + i, sizeof digits - i);
}

static char *put_status(char *at, int status)
{
    at = put_text(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put_text(at, bide__status_reason(status));
    return put_text(at, "\r\n");
}

static char *put_framing(char *at, bide_exchange *x, int status, uint64_t length)
{
    if (x->has_length || status == 204 || status == 304)
        return at;
    if (length != LENGTH_UNKNOWN) {
        at = put_text(at, "Content-Length: ");
        return put_text(put_number(at, length), "\r\n");
    }
    if (x->head.minor >= 1)
        return put_text(at, "Transfer-Encoding: chunked\r\n");
    x->keep_alive = false;
    return at;
}

/* Only where it differs from what the version says by itself. */
static char *put_connection(char *at, const bide_exchange *x)
{
    if (!x->keep_alive)
        return put_text(at, "Connection: close\r\n");
    return x->head.minor >= 1 ? at : put_text(at, "Connection: keep-alive\r\n");
}

/* The parts whose length is known beforehand: status line, Date, framing and Connection need less. */
#define HEAD_FIXED 256

static int build_head(bide_exchange *x, int status, const char *type, uint64_t length)
{
    struct connection *c = x->connection;
    size_t own = bide__buf_len(&x->own_fields), type_len = type ? strlen(type) : 0;
    if (status < 200 || status > 599)
        return bide_fail(-EINVAL, "an answer with status %d: it must be 200 to 599", status);
    if (type && !bide__header_value_ok(type, type_len))
        return bide_fail(-EINVAL, "an answer's content type has bytes that may not stand in a header");
    char *start = bide__buf_reserve(&c->out, HEAD_FIXED + own + type_len), *at = start;
    if (!start)
        return bide_error_code();

    if (c->server->stopping || x->expects_continue)
        x->keep_alive = false;
    at = put_text(put_status(at, status), date_line(c->server));
    at = put(at, own ? bide__buf_head(&x->own_fields) : "", own);
    if (type)
        at = put_text(put_text(put_text(at, "Content-Type: "), type), "\r\n");
    at = put_text(put_connection(put_framing(at, x, status, length), x), "\r\n");
    bide__buf_commit(&c->out, (size_t)(at - start));
    x->status = status;
    bide__count(&c->server->counts->requests, 1);
    bide__count(&c->server->counts->by_status[status], 1);
    x->no_body = x->is_head || status == 204 || status == 304;
    return 0;
}

/* ---- sending ---- */

static int send_pieces(bide_exchange *x, struct iovec *iov, int n)
{
    struct connection *c = x->connection;
    struct flow flow = {.silence_ms = c->server->args.idle_timeout_ms, .deadline_ns = INT64_MAX, .queued = SIZE_MAX};
    int code = bide__stream_send_all(c->stream, iov, n, &flow);

    if (code == BIDE_ETIMEDOUT && flow.end != FLOW_GOES_ON)
        bide_fail(code, "the client took nothing of the answer within %lld ms", (long long)flow.silence_ms);
    bide__buf_consume(&c->out, bide__buf_len(&c->out));
    if (code < 0) {
        x->keep_alive = false;
        x->state = x->state == BEGUN ? BROKEN : x->state;
    }
    return code;
}

static struct iovec out_piece(const struct connection *c)
{
    return (struct iovec){bide__buf_head(&c->out), bide__buf_len(&c->out)};
}

static struct iovec piece(const void *data, size_t len)
{
    return (struct iovec){(void *)(uintptr_t)data, len};
}

static int fail_state(const bide_exchange *x, const char *function)
{
    static const char *const why[] = {[UNANSWERED] = "bide_respond_begin comes first",
                                      [BEGUN] = "the answer was begun already",
                                      [BROKEN] = "an earlier piece of the answer was cut off",
                                      [ANSWERED] = "the request was answered already"};

    return bide_fail(BIDE_ESTATE, "%s: %s", function, why[x->state]);
}

/* For functions that suspend; bide_respond_header does not. */
static int check_state(const bide_exchange *x, enum answer_state wanted, const char *function)
{
    int code = bide__check_waiter(x->connection->server->loop, function);

    return code == 0 && x->state != wanted ? fail_state(x, function) : code;
}

/* ---- public ---- */

static bool is_ours(const char *name)
{
    return strcasecmp(name, "transfer-encoding") == 0 || strcasecmp(name, "connection") == 0 ||
           strcasecmp(name, "date") == 0;
}

static int set_length(bide_exchange *x, const char *value)
{
    char *end;

    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || n > INT64_MAX)
        return bide_fail(-EINVAL, "an answer's Content-Length: not a length");
    if (x->has_length)
        return bide_fail(BIDE_ESTATE, "an answer's Content-Length was set twice");
    x->has_length = true;
    x->answer_left = n;
    return 0;
}

int bide_respond_header(bide_exchange *x, const char *name, const char *value)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    if (bide__is_null(name, __func__, "the name"))
        return -EINVAL;
    if (bide__is_null(value, __func__, "the value"))
        return -EINVAL;
    size_t name_len = strlen(name), value_len = strlen(value);

    int bad = bide__loop_check(x->connection->server->loop, __func__);
    if (bad == 0 && x->state != UNANSWERED)
        bad = fail_state(x, __func__);
    if (bad < 0)
        return bad;
    if (!bide__header_name_ok(name, name_len) || !bide__header_value_ok(value, value_len))
        return bide_fail(-EINVAL, "an answer's header has bytes that may not stand in one");
    if (is_ours(name))
        return bide_fail(-EINVAL, "the header %s is written by the server", name);
    char *at = bide__buf_reserve(&x->own_fields, name_len + value_len + 4);
    if (!at)
        return bide_error_code();
    if (strcasecmp(name, "content-length") == 0)
        BIDE_TRY(set_length(x, value));

    put_text(put(put(put(at, name, name_len), ": ", 2), value, value_len), "\r\n");
    bide__buf_commit(&x->own_fields, name_len + value_len + 4);
    return 0;
}

int bide_respond(bide_exchange *x, int status, const char *content_type, const void *body, size_t len)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    if (len > 0 && !x->is_head && bide__is_null(body, __func__, "the body"))
        return -EINVAL;
    int bad = check_state(x, UNANSWERED, __func__);
    if (bad < 0)
        return bad;
    if (x->has_length && x->answer_left != len && !x->is_head)
        return bide_fail(BIDE_ESTATE, "an answer of %zu bytes with another Content-Length", len);
    int code = build_head(x, status, content_type, len);
    if (code < 0)
        return code;

    struct iovec iov[] = {out_piece(x->connection), piece(body, len)};
    x->state = ANSWERED;
    return send_pieces(x, iov, x->no_body || len == 0 ? 1 : 2);
}

int bide_respond_text(bide_exchange *x, int status, const char *text)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    if (bide__is_null(text, __func__, "the text"))
        return -EINVAL;
    return bide_respond(x, status, "text/plain; charset=utf-8", text, strlen(text));
}

int bide_respond_json(bide_exchange *x, int status, const char *format, ...)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    if (bide__is_null(format, __func__, "the format"))
        return -EINVAL;
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : bide__malloc((size_t)len + 1);
    int code = text ? vsnprintf(text, (size_t)len + 1, format, again) : bide__fail_nomem(__func__);
    va_end(again);
    if (code >= 0)
        code = bide_respond(x, status, "application/json", text, (size_t)len);
    bide__free(text);
    return code;
}

int bide_respond_begin(bide_exchange *x, int status, const char *content_type)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    int bad = check_state(x, UNANSWERED, __func__);
    if (bad < 0)
        return bad;
    int code = build_head(x, status, content_type, LENGTH_UNKNOWN);
    if (code == 0)
        x->state = BEGUN;
    return code;
}

/* A piece without framing: the client counts, or reads until we close. */
static int send_plain(bide_exchange *x, const void *data, size_t len)
{
    struct iovec iov[] = {out_piece(x->connection), piece(data, len)};

    if (x->has_length && len > x->answer_left)
        return bide_fail(BIDE_ESTATE, "an answer with more bytes than its Content-Length");
    if (x->has_length)
        x->answer_left -= len;
    return send_pieces(x, iov, 2);
}

static int send_chunk(bide_exchange *x, const void *data, size_t len)
{
    char size[24];
    int n = snprintf(size, sizeof size, "%zx\r\n", len);
    struct iovec iov[] = {out_piece(x->connection), piece(size, (size_t)n), piece(data, len), piece("\r\n", 2)};

    return send_pieces(x, iov, 4);
}

int bide_respond_chunk(bide_exchange *x, const void *data, size_t len)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    if (len > 0 && !x->no_body && bide__is_null(data, __func__, "the piece"))
        return -EINVAL;
    int bad = check_state(x, BEGUN, __func__);
    if (bad < 0)
        return bad;
    if (len == 0 || x->no_body)
        return 0;
    return x->has_length || x->head.minor == 0 ? send_plain(x, data, len) : send_chunk(x, data, len);
}

int bide_respond_end(bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange"))
        return -EINVAL;
    bool is_chunked = !x->has_length && x->head.minor >= 1 && !x->no_body;
    struct iovec iov[] = {out_piece(x->connection), piece("0\r\n\r\n", 5)};

    int bad = check_state(x, BEGUN, __func__);
    if (bad < 0)
        return bad;
    if (x->has_length && x->answer_left > 0 && !x->no_body)
        return bide_fail(BIDE_ESTATE, "an answer with fewer bytes than its Content-Length");
    x->state = ANSWERED;
    return is_chunked || iov[0].iov_len > 0 ? send_pieces(x, iov, is_chunked ? 2 : 1) : 0;
}

int bide__respond_refusal(struct connection *c, int status, const char *text)
{
    bide_exchange *x = &c->exchange;
    char body[128];

    *x = (bide_exchange){.connection = c, .head.minor = 1};
    snprintf(body, sizeof body, "%d %s: %s\n", status, bide__status_reason(status), text);
    return bide_respond(x, status, "text/plain", body, strlen(body));
}
