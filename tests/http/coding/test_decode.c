/* SPDX-License-Identifier: MIT */
/*
 * test_decode.c - content codings taken off: orders, members, ends, ceilings, whole and in pieces.
 */
#include <stdlib.h>

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/brotli.h"
#include "http/coding/coding.h"

struct text {
    char *data;
    size_t len;
};

/* Bytes that neither repeat nor are random. */
static struct text page(size_t len)
{
    struct text t = {malloc(len), len};
    unsigned seed = 7;

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        t.data[i] = (char)("<p class=\"a\">some words of a page</p>\n"[seed >> 16 & 31]);
    }
    return t;
}

static struct text put_on(enum coding coding, const char *in, size_t len)
{
    struct encoder *e = coding == CODING_BR ? NULL : bide__encoder_open(coding);
    struct text t = {malloc(len * 2 + 1024), 0};
    bool done = !e;
    size_t used;

    if (!e)
        t.len = brotli_compress(in, len, t.data, len * 2 + 1024);
    while (!done) {
        ssize_t n = bide__encode(e, in, len, &used, t.data + t.len, len * 2 + 1024 - t.len, true, &done);
        EXPECT_LE(0, n);
        in += used, len -= used;
        t.len += (size_t)n;
    }
    bide__encoder_close(e);
    return t;
}

static struct codings list_of(const char *value)
{
    struct codings c = {0};
    EXPECT_EQ(bide__codings_add(&c, value, strlen(value)), 0);
    return c;
}

struct result {
    struct text out;
    int code;
    bool garbage;
};

/* In steps of `piece` bytes, into room for `cap`. */
static struct result take_off(struct decoders *from, const char *value, const char *in, size_t len, size_t piece, size_t cap,
                              struct decode_limits limits)
{
    struct codings list = list_of(value);
    struct decoder *d = bide__decoder_open(from, &list, limits);
    struct result r = {{NULL, 0}, 0, false};
    char *out = malloc(cap);
    size_t room = 0, at = 0;

    EXPECT_NOT_NULL(d);
    while (r.code == 0 && at < len) {
        size_t n_in = len - at < piece ? len - at : piece, end = at + n_in;
        struct guarded g = guarded_copy(in + at, n_in);
        ssize_t n;
        do {
            size_t used;
            n = bide__decode(d, g.data + (n_in - (end - at)), end - at, &used, out, cap, end == len);
            at += used;
            if (n > 0 && r.out.len + (size_t)n > room)
                r.out.data = realloc(r.out.data, room = (room + (size_t)n) * 2);
            if (n > 0)
                memcpy(r.out.data + r.out.len, out, (size_t)n);
            r.out.len += n > 0 ? (size_t)n : 0;
        } while (n > 0 || (n == 0 && at < end));
        guarded_free(&g);
        r.code = n < 0 ? (int)n : 0;
    }
    if (r.code == 0)
        r.code = bide__decode_end(d);
    r.garbage = bide__decode_has_garbage(d);
    bide__decoder_close(from, d);
    free(out);
    return r;
}

static void expect_page(struct result r, struct text p)
{
    EXPECT_ERR(r.code, 0);
    EXPECT_EQ(r.out.len, p.len);
    EXPECT_MEM(r.out.data, p.data, p.len);
    free(r.out.data);
}

static const struct decode_limits none;
static const char *const names[] = {"gzip", "deflate", "br", "zstd"};

/* R42 */
UNIT(codings_are_listed_in_order)
{
    struct codings c = list_of("gzip, BR , identity");

    EXPECT_EQ(c.n, 2);
    EXPECT_EQ(c.of[0], CODING_GZIP);
    EXPECT_EQ(c.of[1], CODING_BR);
    EXPECT_TRUE(bide__codings_any(&c));
    c = list_of(" x-gzip ");
    EXPECT_EQ(c.of[0], CODING_GZIP);
    c = list_of("identity");
    EXPECT_FALSE(bide__codings_any(&c));
    c = list_of("");
    EXPECT_FALSE(bide__codings_any(&c));
}

/* R42 */
UNIT(codings_unknown_leaves_the_body_alone)
{
    struct codings c = list_of("gzip, foo");

    EXPECT_TRUE(c.unknown);
    EXPECT_FALSE(bide__codings_any(&c));
}

/* R42 */
UNIT(codings_more_than_three_are_refused)
{
    struct codings c = list_of("gzip, gzip, gzip"), many = {0};

    EXPECT_ERR(bide__codings_add(&c, "gzip", 4), BIDE_EHTTP); /* in a second field */
    EXPECT_ERR(bide__codings_add(&many, "identity,identity,identity,identity", 35), BIDE_EHTTP);
}

UNIT(decode_each_coding_whole_and_in_pieces_gives_the_page)
{
    struct text p = page(50000);
    static const size_t pieces[] = {1, 7, 4096, 1 << 20}, caps[] = {1, 100, 16384, 65536};

    for (size_t i = 0; i < 4; i++) {
        struct text t = put_on((enum coding)i, p.data, p.len);
        for (size_t k = 0; k < 4; k++)
            expect_page(take_off(NULL, names[i], t.data, t.len, pieces[k], caps[(k + i) % 4], none), p);
        free(t.data);
    }
    free(p.data);
}

UNIT(decode_three_codings_are_taken_off_last_first)
{
    struct text p = page(70000), a = put_on(CODING_DEFLATE, p.data, p.len), b = put_on(CODING_ZSTD, a.data, a.len),
                c = put_on(CODING_BR, b.data, b.len);

    expect_page(take_off(NULL, "deflate, zstd, br", c.data, c.len, 1000, 4096, none), p);
    expect_page(take_off(NULL, "deflate, zstd, br", c.data, c.len, c.len, 1 << 20, none), p);
    free(a.data), free(b.data), free(c.data), free(p.data);
}

/* R43 */
UNIT(decode_deflate_without_wrapper_gives_the_page)
{
    struct text p = page(3000), t = put_on(CODING_DEFLATE, p.data, p.len);

    for (size_t piece = 1; piece < 4; piece++)
        expect_page(take_off(NULL, "deflate", t.data + 2, t.len - 6, piece, 4096, none), p);
    free(t.data), free(p.data);
}

/* R44 */
UNIT(decode_members_and_frames_are_joined)
{
    static const char *const joined[] = {"gzip", "zstd"};
    struct text p = page(5000);

    for (size_t i = 0; i < 2; i++) {
        enum coding coding = i ? CODING_ZSTD : CODING_GZIP;
        struct text a = put_on(coding, p.data, 2000), b = put_on(coding, p.data + 2000, 3000);
        a.data = realloc(a.data, a.len + b.len);
        memcpy(a.data + a.len, b.data, b.len);
        for (size_t piece = 1; piece < 9; piece++)
            expect_page(take_off(NULL, joined[i], a.data, a.len + b.len, piece == 8 ? 1 << 20 : piece, 8192, none), p);
        free(a.data), free(b.data);
    }
    free(p.data);
}

/* R44 */
UNIT(decode_zeros_behind_are_padding_and_the_rest_is_garbage)
{
    struct text p = page(500);

    for (size_t i = 0; i < 4; i++) {
        struct text t = put_on((enum coding)i, p.data, p.len);
        t.data = realloc(t.data, t.len + 40);
        memset(t.data + t.len, 0, 40);
        struct result r = take_off(NULL, names[i], t.data, t.len + 40, 3, 900, none);
        EXPECT_FALSE(r.garbage);
        expect_page(r, p);
        memcpy(t.data + t.len + 20, "tail", 4);
        r = take_off(NULL, names[i], t.data, t.len + 40, 3, 900, none);
        EXPECT_TRUE(r.garbage);
        expect_page(r, p);
        free(t.data);
    }
    free(p.data);
}

/* R45 */
UNIT(decode_every_cut_is_truncated)
{
    struct text p = page(300);

    for (size_t i = 0; i < 4; i++) {
        struct text t = put_on((enum coding)i, p.data, p.len);
        for (size_t len = 1; len < t.len; len++) {
            struct result r = take_off(NULL, names[i], t.data, len, len % 5 + 1, 999, none);
            EXPECT_ERR(r.code, BIDE_ETRUNCATED);
            free(r.out.data);
        }
        free(t.data);
    }
    free(p.data);
}

/* R45 */
UNIT(decode_a_second_member_that_is_cut_is_truncated)
{
    struct text t = put_on(CODING_GZIP, "one", 3);

    t.data = realloc(t.data, t.len + 3);
    memcpy(t.data + t.len, "\x1f\x8b\x08", 3);
    for (size_t more = 1; more <= 3; more++) {
        struct result r = take_off(NULL, "gzip", t.data, t.len + more, 1 << 20, 100, none);
        EXPECT_ERR(r.code, BIDE_ETRUNCATED);
        free(r.out.data);
    }
    free(t.data);
}

/* R45 */
UNIT(decode_an_empty_body_is_fine)
{
    for (size_t i = 0; i < 4; i++)
        EXPECT_ERR(take_off(NULL, names[i], "", 0, 1, 10, none).code, 0);
}

UNIT(decode_broken_bytes_are_refused_and_stay_so)
{
    static const char *const bad[] = {"\x1f\x8b\x07zzzzzzzzzzz", "\x78\x9dzzzzz", "\xff\xff\xff\xff\xff", "(\xb5/\xfc zzz"};
    size_t used;
    char out[100];

    for (size_t i = 0; i < 4; i++) {
        struct codings list = list_of(names[i]);
        struct decoder *d = bide__decoder_open(NULL, &list, none);
        EXPECT_ERR(bide__decode(d, bad[i], strlen(bad[i]), &used, out, sizeof out, false), BIDE_EHTTP);
        EXPECT_ERR(bide__decode(d, "abc", 3, &used, out, sizeof out, false), BIDE_EHTTP);
        bide__decoder_close(NULL, d);
    }
}

/* R46 */
UNIT(decode_decoded_bytes_have_a_ceiling)
{
    struct text p = page(50000);

    for (size_t i = 0; i < 4; i++) {
        struct text t = put_on((enum coding)i, p.data, p.len);
        expect_page(take_off(NULL, names[i], t.data, t.len, 500, 4096, (struct decode_limits){.max_bytes = 50000}), p);
        struct result r = take_off(NULL, names[i], t.data, t.len, 500, 4096, (struct decode_limits){.max_bytes = 49999});
        EXPECT_ERR(r.code, BIDE_ETOOBIG);
        EXPECT_LE(r.out.len, 50000);
        free(r.out.data), free(t.data);
    }
    free(p.data);
}

/* D10 */
UNIT(decode_a_bomb_is_refused_by_its_ratio)
{
    struct text zeros = {calloc(1, 16 << 20), 16 << 20};
    struct decode_limits usual = {.max_ratio = DECODE_RATIO};

    for (size_t i = 2; i < 4; i++) { /* deflate has 1032 at the most */
        struct text t = put_on((enum coding)i, zeros.data, zeros.len);
        struct result r = take_off(NULL, names[i], t.data, t.len, 16384, 65536, usual);
        EXPECT_ERR(r.code, BIDE_ETOOBIG);
        EXPECT_LT(r.out.len, 4 << 20);
        free(r.out.data);
        expect_page(take_off(NULL, names[i], t.data, t.len, 16384, 65536, none), zeros);
        free(t.data);
    }
    free(zeros.data);
}

/* D10 */
UNIT(decode_a_bomb_in_a_bomb_is_refused_by_its_ratio)
{
    struct text zeros = {calloc(1, 16 << 20), 16 << 20}, a = put_on(CODING_GZIP, zeros.data, zeros.len),
                b = put_on(CODING_GZIP, a.data, a.len);
    struct result r = take_off(NULL, "gzip, gzip", b.data, b.len, 100, 65536, (struct decode_limits){.max_ratio = DECODE_RATIO});

    EXPECT_ERR(r.code, BIDE_ETOOBIG);
    EXPECT_LE(r.out.len, (1 << 20) + 65536);
    free(r.out.data), free(zeros.data), free(a.data), free(b.data);
}

/* R46 */
UNIT(decode_what_a_stage_drops_counts_as_well)
{
    /* A page of one byte, with 16 MiB of padding, that is gzip's again. */
    struct text x = put_on(CODING_GZIP, "x", 1), t;
    x.data = realloc(x.data, 16 << 20);
    memset(x.data + x.len, 0, (16 << 20) - x.len);
    t = put_on(CODING_GZIP, x.data, 16 << 20);

    struct result r = take_off(NULL, "gzip, gzip", t.data, t.len, 4096, 65536, (struct decode_limits){.max_bytes = 1000});
    EXPECT_ERR(r.code, BIDE_ETOOBIG);
    free(r.out.data), free(t.data), free(x.data);
}

/* R44 */
/* libzstd would read version 0.7's frames; found by fuzzing: whole and in pieces they gave different bodies. */
UNIT(decode_zstd_of_earlier_formats_is_refused)
{
    static const char magics[][4] = {"\x1e\xb5\x2f\xfd", "\x22\xb5\x2f\xfd", "\x25\xb5\x2f\xfd", "\x27\xb5\x2f\xfd", "\x28\xb5\x2f\xfe"};

    for (size_t i = 0; i < array_len(magics); i++)
        for (size_t step = 1; step <= 40; step += 13) {
            char frame[40] = {0};
            memcpy(frame, magics[i], 4);
            struct result r = take_off(NULL, "zstd", frame, sizeof frame, step, 100, none);
            EXPECT_ERR(r.code, BIDE_EHTTP);
            EXPECT_EQ(r.out.len, 0);
            free(r.out.data);
        }
}

UNIT(decode_zstd_window_beyond_8_mib_is_refused)
{
    /* RFC 8878 3.1.1: no single segment, window descriptor 2^24, one raw block of a byte. */
    static const char frame[] = "(\xb5/\xfd\x00\x70\x09\x00\x00x", fine[] = "(\xb5/\xfd\x00\x68\x09\x00\x00x";
    struct result r = take_off(NULL, "zstd", frame, sizeof frame - 1, 100, 100, none);

    EXPECT_ERR(r.code, BIDE_EHTTP);
    r = take_off(NULL, "zstd", fine, sizeof fine - 1, 100, 100, none);
    expect_page(r, (struct text){"x", 1});
}

UNIT(decode_second_body_allocates_nothing)
{
    struct decoders pool = {0};
    struct text p = page(20000);
    static const enum coding kept[] = {CODING_GZIP, CODING_DEFLATE, CODING_ZSTD};

    for (size_t i = 0; i < 3; i++) {
        struct text t = put_on(kept[i], p.data, p.len);
        struct codings list = list_of(names[kept[i]]);
        for (int round = 0; round < 3; round++) {
            size_t used;
            char out[32768];
            bide__alloc_fail_at(round == 0 ? -1 : 0);
            struct decoder *d = bide__decoder_open(&pool, &list, none);
            EXPECT_NOT_NULL(d);
            EXPECT_EQ(bide__decode(d, t.data, t.len, &used, out, sizeof out, true), 20000);
            bide__decoder_close(&pool, d);
            bide__alloc_fail_at(-1);
        }
        free(t.data);
    }
    bide__decoders_free(&pool);
    free(p.data);
}

UNIT(decode_out_of_memory_is_an_error_and_leaks_nothing)
{
    struct text p = page(40000), t[4];

    for (size_t i = 0; i < 4; i++)
        t[i] = put_on((enum coding)i, p.data, p.len);
    for (size_t i = 0; i < 4; i++) {
        struct codings list = list_of(names[i]);
        bool failed = true;
        for (long n = 0; failed; n++) {
            struct decoder *d;
            size_t used;
            char out[4096];
            ssize_t r = BIDE_ENOMEM;
            EXPECT_LT(n, 100);
            bide__alloc_fail_at(n);
            if ((d = bide__decoder_open(NULL, &list, none)))
                for (size_t at = 0; (r = bide__decode(d, t[i].data + at, t[i].len - at, &used, out, sizeof out, false)) > 0;)
                    at += used;
            failed = !bide__alloc_fail_at(-1);
            bide__decoder_close(NULL, d);
            EXPECT_ERR(r, failed ? BIDE_ENOMEM : 0);
        }
        free(t[i].data);
    }
    free(p.data);
}

UNIT(decode_hint_is_the_size_or_nothing)
{
    struct text p = page(20000), t = put_on(CODING_GZIP, p.data, p.len);
    struct codings gzip = list_of("gzip"), two = list_of("gzip, gzip");

    EXPECT_EQ(bide__decode_hint(&gzip, t.data, t.len), 20000);
    EXPECT_EQ(bide__decode_hint(&two, t.data, t.len), 0);
    memcpy(t.data + t.len - 4, "\xff\xff\xff\x7f", 4);
    EXPECT_EQ(bide__decode_hint(&gzip, t.data, t.len), 0);
    EXPECT_EQ(bide__decode_hint(&gzip, t.data, 3), 0);
    free(t.data), free(p.data);
}
