/* SPDX-License-Identifier: MIT */
/*
 * reading.h - for the tests of message heads: that cutting the bytes changes no verdict.
 *
 * Every input is read three times: whole, byte by byte, and whole with other bytes behind it; the
 * verdicts must be equal. All of it lies flush against an unreadable page.
 */
#ifndef BIDE_TESTS_H1_READING_H
#define BIDE_TESTS_H1_READING_H

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/h1/h1_parse.h"

typedef ssize_t parse_fn(struct h1_parser *, char *, size_t, struct h1_head *);

static struct field fields[H1_FIELDS_MAX + 50];
static struct h1_head head;
static struct guarded input;
static bool strict;

static inline void start(struct h1_parser *p)
{
    *p = (struct h1_parser)H1_PARSER_INIT;
    p->strict = strict;
    head = (struct h1_head){.fields = fields, .fields_cap = H1_FIELDS_MAX + 50};
}

/* Each read sees one byte more than the one before, and nothing beyond it. */
static inline ssize_t drip(parse_fn *parse, const char *bytes, size_t len)
{
    struct h1_parser p;
    ssize_t n = 0;
    char *copy = malloc(len);

    start(&p);
    memcpy(copy, bytes, len);
    for (size_t seen = 1; seen <= len && n == 0; seen++) {
        struct guarded part = guarded_copy(copy, seen);
        n = parse(&p, part.data, seen, &head);
        memcpy(copy, part.data, seen);
        guarded_free(&part);
    }
    free(copy);
    return n;
}

static inline ssize_t parse_bytes(parse_fn *parse, const char *bytes, size_t len)
{
    struct h1_parser p;

    if (len <= 2000) {
        ssize_t dripped = drip(parse, bytes, len);
        start(&p);
        struct guarded g = guarded_copy(bytes, len);
        EXPECT_EQ(parse(&p, g.data, len, &head), dripped);
        guarded_free(&g);
    }
    if (input.map)
        guarded_free(&input);
    start(&p);
    input = guarded_copy(bytes, len);
    return parse(&p, input.data, len, &head);
}

static inline ssize_t response(const char *text)
{
    return parse_bytes(bide__h1_parse_response, text, strlen(text));
}

static inline bool is(struct h1_slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(head.base + s.off, text, s.len) == 0;
}

static inline bool value_is(unsigned i, const char *text)
{
    return i < head.nfields &&
           is((struct h1_slice){head.fields[i].value, head.fields[i].value_len}, text);
}

static inline bool name_is(unsigned i, const char *text)
{
    return i < head.nfields &&
           is((struct h1_slice){head.fields[i].name, head.fields[i].name_len}, text);
}

/* The line that was refused. */
static inline bool bad_is(const char *text)
{
    return is(head.odd, text);
}

#endif
