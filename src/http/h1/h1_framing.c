/* SPDX-License-Identifier: MIT */
/*
 * h1_framing.c - where does the body end?  RFC 9112 6.3, decided here and nowhere else.
 *
 * Two readers that disagree about this are how requests are smuggled, so nothing is guessed: a
 * length that is not plain digits, lengths that differ, or a transfer coding that we do not take
 * apart is an error.  What is odd but clear is read, and the connection is not used again.
 *
 * Answers only: `chunked` said twice is read as said once (exchange/h1_body.c looks whether it was applied
 * twice); a transfer coding of an answer without body does not matter; a line that is no field is
 * done without where another field says how long the body is.
 */
#include <string.h>

#include "http/h1/h1_parse.h"
#include "http/field/scan.h"

/* ASCII digits only, at most 2^63 - 1.  RFC 9110 8.6; strtoull would take signs and spaces. */
static bool parse_length(const char *text, size_t len, uint64_t *out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return len > 0;
}

/* An error, and the field that is to blame. */
static int refuse(struct h1_head *head, const struct field *f, int error)
{
    head->odd = (struct h1_slice){f->name, f->value + f->value_len - f->name};
    return error;
}

/* All values of all Content-Length fields must be the same, letter for letter (so 030 is not 30).
 */
static int read_length(struct h1_head *head)
{
    const char *first = NULL, *value;
    size_t first_len = 0, len;

    for (uint32_t i = 0; i < head->nfields; i++) {
        const struct field *f = &head->fields[i];
        size_t at = 0;
        if (f->id != HEADER_CONTENT_LENGTH)
            continue;
        while (
            bide__header_next_element(bide__h1_value(head, f), f->value_len, &at, &value, &len)) {
            if (!parse_length(value, len, &head->content_length))
                return refuse(head, f, H1_ELENGTH);
            if (first && (len != first_len || memcmp(first, value, len) != 0))
                return refuse(head, f, H1_ELENGTHS);
            first = value;
            first_len = len;
        }
    }
    return 0;
}

/* What Transfer-Encoding says. */
struct coding {
    bool chunked;
    bool named; /* at least `identity` */
    bool odd;   /* more than it should, but it is clear what */
};

/* One element of the list.  `identity` says nothing; another coding we could not undo.  In an answer
 * `identity` may come first, `chunked` more than once, and empty elements count for nothing (RFC 9110
 * 5.6.1.2). */
static bool take_coding(struct h1_head *head, struct coding *c, const char *value, size_t len)
{
    bool is_chunked = bide__header_equals(value, len, "chunked");

    c->odd |= c->named || len == 0;
    if (len == 0)
        return true;
    if (!is_chunked && (c->chunked || !bide__header_equals(value, len, "identity")))
        return false;
    head->chunked_twice |= c->chunked;
    c->chunked = is_chunked;
    c->named = true;
    return true;
}

static int read_coding(struct h1_head *head, bool strict, struct coding *c)
{
    const struct field *last = NULL;
    const char *value;
    size_t len;

    for (uint32_t i = 0; i < head->nfields; i++) {
        const struct field *f = &head->fields[i];
        size_t at = 0;
        if (f->id != HEADER_TRANSFER_ENCODING)
            continue;
        last = f;
        while (
            bide__header_next_element(bide__h1_value(head, f), f->value_len, &at, &value, &len)) {
            if (!take_coding(head, c, value, len) || (strict && c->odd))
                return refuse(head, f, H1_ECODING);
        }
    }
    return c->named ? 0 : refuse(head, last, H1_ECODING);
}

/* RFC 9112 9.3: 1.1 persists unless a field says close, 1.0 only if one says keep-alive; close wins. */
static bool read_persistence(const struct h1_head *head)
{
    bool keep = head->minor >= 1, close = head->bare_lf;

    for (uint32_t i = 0; i < head->nfields && bide__h1_has(head, HEADER_CONNECTION); i++) {
        const struct field *f = &head->fields[i];
        const char *token;
        size_t len, at = 0;
        if (f->id != HEADER_CONNECTION)
            continue;
        while (
            bide__header_next_element(bide__h1_value(head, f), f->value_len, &at, &token, &len)) {
            keep |= bide__header_equals(token, len, "keep-alive");
            close |= bide__header_equals(token, len, "close");
        }
    }
    return keep && !close;
}

/* What the fields say about the body, before the kind of message has its word. */
static int read_fields(struct h1_head *head, bool strict, enum h1_body neither)
{
    bool has_length = bide__h1_has(head, HEADER_CONTENT_LENGTH);
    bool has_coding = bide__h1_has(head, HEADER_TRANSFER_ENCODING), is_odd = head->odd.len > 0;
    struct coding coding = {false, false, false};
    struct h1_slice odd = head->odd;
    int r = has_length ? read_length(head) : 0;

    if (r == 0 && has_coding)
        r = read_coding(head, strict, &coding);
    if (r == H1_ECODING && !strict && neither == H1_BODY_NONE) {
        is_odd = true; /* there is nothing to undo it for */
        head->odd = odd;
    } else if (r < 0) {
        return r;
    }
    if (has_coding && strict && (has_length || !coding.chunked || head->minor == 0))
        return refuse(head, bide__h1_find(head, HEADER_TRANSFER_ENCODING), has_length ? H1_EBOTH : H1_ECODING);
    head->keep_alive = read_persistence(head) && !is_odd && !coding.odd;
    if (has_coding && (has_length || head->minor == 0))
        head->keep_alive = false;
    head->body = coding.chunked ? H1_BODY_CHUNKED : has_length ? H1_BODY_LENGTH : neither;
    if (head->body != H1_BODY_LENGTH)
        head->content_length = 0;
    return 0;
}

static bool has_no_body(int status, unsigned flags)
{
    return (flags & H1_FOR_HEAD) || status < 200 || status == 204 || status == 304;
}

/*
 * A line that is no field was skipped.  It may have been the one that said where the body ends, so
 * that has to be known without it; and a bare LF makes it doubtful what is a line.
 */
static bool can_do_without_line(const struct h1_head *head)
{
    return head->body != H1_BODY_CLOSE && !head->bare_lf;
}

never_indirect int bide__h1_frame_response(struct h1_head *head, unsigned flags)
{
    head->tunnel = false;
    if ((flags & H1_FOR_CONNECT) && head->status / 100 == 2) {
        head->tunnel = true;
        head->keep_alive = false;
        head->body = H1_BODY_NONE;
        head->content_length = 0;
        return 0;
    }
    bool no_body = has_no_body(head->status, flags);
    int r = read_fields(head, flags & H1_STRICT, no_body ? H1_BODY_NONE : H1_BODY_CLOSE);
    if (r < 0)
        return r;
    if (head->no_colon && !can_do_without_line(head))
        return H1_ENOCOLON;
    if (head->body == H1_BODY_CLOSE)
        head->keep_alive = false;
    if (no_body) {
        /* A 1xx or 204 must not announce a body; who does may send one, and it must not become the
         * next answer. */
        bool announces = head->body == H1_BODY_CHUNKED || head->content_length > 0;
        if (head->status == 101 || (announces && (head->status < 200 || head->status == 204)))
            head->keep_alive = false;
        head->body = H1_BODY_NONE;
    }
    return 0;
}

/* ---- requests ---- */

/* Host is required from 1.1 on, once, and is an authority without user (RFC 9112 3.2). */
static int check_host(const struct h1_head *head)
{
    unsigned hosts = 0;

    if (!bide__h1_has(head, HEADER_HOST))
        return head->minor >= 1 ? H1_ENOHOST : 0;
    for (uint32_t i = 0; i < head->nfields; i++) {
        const struct field *f = &head->fields[i];
        if (f->id != HEADER_HOST)
            continue;
        const char *host = bide__h1_value(head, f);
        for (uint32_t j = 0; j < f->value_len; j++)
            if (!char_is(host[j], CHAR_TARGET) || strchr("/?#@\\,\"<>", host[j]))
                return H1_EHOST;
        if (hosts++ > 0)
            return H1_EHOST;
    }
    return 0;
}

/* RFC 9112 3.2: a path, a whole URL, "*" for OPTIONS, host:port for CONNECT. */
static bool target_fits_method(const struct h1_head *head)
{
    const char *target = head->base + head->target.off, *method = head->base + head->method.off;
    size_t len = head->target.len;

    if (head->method.len == 7 && memcmp(method, "CONNECT", 7) == 0) {
        const char *colon = memchr(target, ':', len);
        return colon && colon > target && !memchr(target, '/', len);
    }
    if (len == 1 && *target == '*')
        return head->method.len == 7 && memcmp(method, "OPTIONS", 7) == 0;
    return *target == '/' || (len > 7 && bide__header_equals(target, 7, "http://")) ||
           (len > 8 && bide__header_equals(target, 8, "https://"));
}

int bide__h1_frame_request(struct h1_head *head)
{
    head->tunnel = false;
    if (!target_fits_method(head))
        return H1_ETARGET;
    int r = check_host(head);
    return r < 0 ? r : read_fields(head, true, H1_BODY_NONE);
}
