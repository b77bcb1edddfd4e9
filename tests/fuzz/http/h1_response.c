/* SPDX-License-Identifier: MIT */
/*
 * h1_response.c - fuzz target: heads of answers and of requests.
 *
 * The first byte says which parser and how the bytes are cut.  Whole and cut must give the same
 * verdict and the same head, every slice must lie inside of it, and framing must not fall over it.
 */
#include <stdlib.h>
#include <string.h>

#include "http/h1/h1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef ssize_t parse_fn(struct h1_parser *, char *, size_t, struct h1_head *);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_slice(size_t off, size_t len, ssize_t head_len)
{
    must(off + len <= (size_t)head_len);
}

/* No line ends in it, nor does a C string; and nothing else of that kind, if read strictly. */
static bool value_is_sound(const char *value, size_t len, bool strict)
{
    if (strict)
        return bide__header_value_ok(value, len);
    return !memchr(value, '\r', len) && !memchr(value, '\n', len) && !memchr(value, '\0', len);
}

static void check_head(const struct h1_head *head, ssize_t n, bool strict)
{
    check_slice(head->reason.off, head->reason.len, n);
    check_slice(head->method.off, head->method.len, n);
    check_slice(head->target.off, head->target.len, n);
    check_slice(head->odd.off, head->odd.len, n);
    for (uint32_t i = 0; i < head->nfields; i++) {
        const struct field *f = &head->fields[i];
        check_slice(f->name, f->name_len, n);
        check_slice(f->value, f->value_len, n);
        bool token = bide__header_name_ok(bide__h1_name(head, f), f->name_len);
        must(token || (!strict && value_is_sound(bide__h1_name(head, f), f->name_len, false)));
        must(token || head->odd.len > 0);
        must(value_is_sound(bide__h1_value(head, f), f->value_len, strict));
        must(f->id == (token ? bide__header_id(bide__h1_name(head, f), f->name_len) : HEADER_OTHER));
    }
}

/* A copy of exactly the bytes, so that the sanitizer sees an over-read. */
static ssize_t parse_cut(parse_fn *parse, struct h1_parser p, const uint8_t *data, size_t size,
                         size_t step, struct h1_head *head, char **kept)
{
    ssize_t n = 0;
    char *old = malloc(1);

    for (size_t seen = step < size ? step : size; n == 0;
         seen = seen + step < size ? seen + step : size) {
        char *bytes = malloc(seen ? seen : 1);
        memcpy(bytes, data, seen);
        free(old);
        old = bytes;
        n = parse(&p, bytes, seen, head);
        if (seen == size)
            break;
    }
    *kept = old;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct field fields[2][300];
    struct h1_parser p = H1_PARSER_INIT;
    struct h1_head whole = {.fields = fields[0], .fields_cap = 300},
                   cut = {.fields = fields[1], .fields_cap = 300};
    char *a, *b;

    if (size < 2)
        return 0;
    parse_fn *parse = data[0] & 1 ? bide__h1_parse_request : bide__h1_parse_response;
    p.strict = data[0] & 2;
    size_t step = (size_t)(data[0] >> 2) + 1;
    ssize_t n = parse_cut(parse, p, data + 1, size - 1, size - 1, &whole, &a);
    ssize_t m = parse_cut(parse, p, data + 1, size - 1, step, &cut, &b);

    must((n > 0) == (m > 0));
    if (n > 0) {
        must(n == m && whole.nfields == cut.nfields && whole.seen == cut.seen &&
             whole.bare_lf == cut.bare_lf);
        must(memcmp(fields[0], fields[1], whole.nfields * sizeof *fields[0]) == 0);
        check_head(&whole, n, p.strict || data[0] & 1);
        check_head(&cut, m, p.strict || data[0] & 1);
        int r = data[0] & 1 ? bide__h1_frame_request(&whole)
                            : bide__h1_frame_response(&whole, data[0] >> 5);
        must(r <= 0 && (whole.content_length == 0 || whole.body != H1_BODY_CHUNKED));
    }
    if (n < 0)
        check_slice(whole.odd.off, whole.odd.len, (ssize_t)size - 1);
    must(n >= 0 || strcmp(bide__h1_strerror((int)n), "not an HTTP/1 error") != 0);
    free(a);
    free(b);
    return 0;
}
