/* SPDX-License-Identifier: MIT */
/*
 * parameters.c - fuzz target: values with parameters: MIME types, file names, links, HSTS and its file.
 *
 * The first byte says which.  Everything is a slice of the text, in order; a name of a file has no folder and nothing that a
 * terminal obeys; a file that was read is written, and read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include <bide/text.h>

#include "http/hsts/hsts.h"
#include "http/value/values.h"

#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static const char *text_start, *text_end;

static void must_lie(const char *part, size_t len)
{
    must(len == 0 || (part >= text_start && part + len <= text_end));
}

static void check_params(struct params r, bool (*next)(struct params *r, struct param *out))
{
    char out[256];
    struct param p;
    size_t count = 0;

    while (next(&r, &p)) {
        must_lie(p.name, p.name_len);
        must_lie(p.value, p.value_len);
        must(bide__param_value(&p, out, sizeof out) <= p.value_len);
        must(bide__param_extended(&p, out, sizeof out) <= (long)sizeof out);
        must(++count <= (size_t)(text_end - text_start));
    }
    must(r.at <= text_end);
}

static void check_mime(const char *text, size_t len)
{
    struct mime m;
    char out[64];

    if (!bide__mime_parse(&m, text, len))
        return;
    must_lie(m.type, m.type_len);
    must_lie(m.subtype, m.subtype_len);
    check_params(m.params, bide__mime_next);
    must(bide__mime_value(&m, "charset", out, sizeof out) <= (ssize_t)len);
}

static void check_disposition(const char *text, size_t len)
{
    struct disposition d;
    char name[FILE_NAME_SIZE], again[FILE_NAME_SIZE];
    uint32_t c;

    if (!bide__disposition_parse(&d, text, len))
        return;
    check_params(d.params, bide__params_next);
    size_t n = bide__disposition_file_name(&d, name);
    must(n < sizeof name && name[n] == '\0' && strlen(name) == n && !strpbrk(name, "/\\") && name[0] != '.');
    for (size_t at = 0; at < n;) {
        int step = bide_utf8_decode(name + at, n - at, &c);
        must(step > 0 && bide_is_printable(c));
        at += (size_t)step;
    }
    must(bide__file_name_make_safe(again, name, n) <= n);
}

static void check_link(const char *text, size_t len)
{
    struct link l;
    size_t at = 0, before = 0;

    while (bide__link_next(text, len, &at, &l)) {
        must(at > before && at <= len);
        before = at;
        must_lie(l.target, l.target_len);
        check_params(l.params, bide__params_next);
        (void)bide__link_has_rel(&l, "next");
        (void)bide__link_is_about_itself(&l);
    }
    must(at == len);
}

static void check_hsts(const char *text, size_t len)
{
    struct hsts_said said;

    if (bide__hsts_parse(&said, text, len))
        must(said.max_age >= 0 && said.max_age <= HSTS_LIFETIME_MAX);
}

static void check_hsts_file(const char *text, size_t len)
{
    bide_hsts *h = bide_hsts_new(), *again = bide_hsts_new();
    struct buf first, second;

    bide__buf_init(&first, HSTS_FILE_MAX);
    bide__buf_init(&second, HSTS_FILE_MAX);
    must(bide__hsts_read_text(h, text, len, NOW) >= 0 || h->hosts.count == 0);
    must(bide__hsts_write_text(h, &first, NOW) == 0);
    must(bide__hsts_read_text(again, bide__buf_head(&first), bide__buf_len(&first), NOW) >= 0);
    must(again->hosts.count == h->hosts.count && bide__hsts_write_text(again, &second, NOW) == 0);
    must(bide__buf_len(&first) == bide__buf_len(&second) &&
         memcmp(bide__buf_head(&first), bide__buf_head(&second), bide__buf_len(&first)) == 0);
    bide__buf_free(&first);
    bide__buf_free(&second);
    bide_release(h);
    bide_release(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;

    /* Exactly these bytes, so that the sanitizer sees an over-read. */
    size_t len = size - 1;
    char *text = malloc(len ? len : 1);
    memcpy(text, data + 1, len);
    text_start = text;
    text_end = text + len;
    switch (data[0] % 5) {
    case 0: check_mime(text, len); break;
    case 1: check_disposition(text, len); break;
    case 2: check_link(text, len); break;
    case 3: check_hsts(text, len); break;
    default: check_hsts_file(text, len);
    }
    free(text);
    return 0;
}
