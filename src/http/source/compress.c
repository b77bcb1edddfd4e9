/* SPDX-License-Identifier: MIT */
/*
 * compress.c - a body that goes out in a coding: what another source gives, encoded on the way.
 *
 * How long it becomes shows at its end, so it goes out in chunks; a short one that is in memory is encoded at once and has a
 * length.  Other tasks run between two pieces, also when much of the one makes little of the other.
 */
#include <bide/task.h>

#include "http/source/source.h"

#define OUT_SIZE    ((size_t)64 << 10)
#define IN_MAX      ((size_t)128 << 10) /* bytes that are encoded in one go */
#define AT_ONCE_MAX ((size_t)64 << 10)  /* bytes of a body that is encoded before it is sent */

struct compress_source {
    struct body_source source;
    struct body_source *inner;
    enum coding coding;
    struct encoder *encoder; /* NULL: not begun */
    uint64_t left;           /* of the inner one's length */
    const char *in;
    size_t in_len;
    bool is_last, is_done;   /* the inner one has no more; nor have we */
    char *out;
};

static struct compress_source *compress_of(struct body_source *b)
{
    return container_of(b, struct compress_source, source);
}

static int begin(struct compress_source *c)
{
    if (!c->out && !(c->out = bide__malloc(OUT_SIZE)))
        return bide__fail_nomem("a body to compress");
    if (!c->encoder && !(c->encoder = bide__encoder_open(c->coding)))
        return BIDE_ENOMEM;
    return 0;
}

/* The next piece of the inner one, which is held to its length. */
static int refill(struct compress_source *c)
{
    bool is_counted = c->inner->length != BODY_LENGTH_UNKNOWN;

    c->inner->has_begun = true;
    ssize_t n = is_counted && c->left == 0 ? 0 : c->inner->ops->next(c->inner, &c->in);
    if (n < 0)
        return (int)n;
    if (is_counted && ((uint64_t)n > c->left || (n == 0 && c->left > 0)))
        return bide_fail(-EINVAL, "the body to send is %s than the %llu bytes that it should have", n == 0 ? "shorter" : "longer",
                         (unsigned long long)c->inner->length);
    c->left -= is_counted ? (uint64_t)n : 0;
    c->in_len = (size_t)n;
    c->is_last = n == 0;
    return 0;
}

static ssize_t encode_some(struct compress_source *c)
{
    size_t len = c->in_len < IN_MAX ? c->in_len : IN_MAX, used = 0;
    ssize_t n = bide__encode(c->encoder, c->in, len, &used, c->out, OUT_SIZE, c->is_last, &c->is_done);

    c->in = used > 0 ? c->in + used : c->in; /* at the end it is NULL: nothing has come */
    c->in_len -= used;
    return n;
}

static ssize_t compress_next(struct body_source *b, const char **data)
{
    struct compress_source *c = compress_of(b);
    ssize_t n = 0;
    BIDE_TRY(begin(c));

    while (n == 0 && !c->is_done) {
        if (c->in_len == 0 && !c->is_last)
            BIDE_TRY(refill(c));
        n = encode_some(c);
        if (n == 0 && !c->is_done)
            BIDE_TRY(bide_sleep_ms(0));
    }
    *data = c->out;
    return n;
}

static void reset(struct compress_source *c)
{
    if (c->encoder)
        bide__encoder_close(c->encoder);
    c->encoder = NULL;
    c->left = c->inner->length;
    c->in_len = 0;
    c->is_last = c->is_done = false;
}

static int compress_rewind(struct body_source *b)
{
    struct compress_source *c = compress_of(b);

    reset(c);
    return c->inner->has_begun ? c->inner->ops->rewind(c->inner) : 0;
}

static void compress_close(struct body_source *b)
{
    struct compress_source *c = compress_of(b);

    reset(c);
    bide__free(c->out);
    c->out = NULL;
    bide__body_source_close(c->inner);
}

static const struct body_source_ops again_ops = {.next = compress_next, .rewind = compress_rewind, .close = compress_close};
static const struct body_source_ops once_ops = {.next = compress_next, .close = compress_close};

/* ---- all at once ---- */

static int append_all(struct body_source *b, struct buf *out)
{
    const char *data;
    ssize_t n;

    while ((n = compress_next(b, &data)) > 0)
        BIDE_TRY(bide__buf_append(out, data, (size_t)n));
    return (int)n;
}

/* It is no longer needed then. */
static int encode_at_once(struct arena *arena, struct compress_source *c, struct body_source **out)
{
    struct buf all;
    struct bytes_source *bytes = bide__arena_alloc(arena, sizeof *bytes);
    bide__buf_init(&all, SIZE_MAX);

    int code = bytes ? append_all(&c->source, &all) : BIDE_ENOMEM;
    size_t len = bide__buf_len(&all);
    char *copy = code < 0 ? NULL : bide__arena_strndup(arena, bide__buf_head(&all), len);
    bide__buf_free(&all);
    compress_close(&c->source);
    if (!copy)
        return code < 0 ? code : BIDE_ENOMEM;
    bide__bytes_source_init(bytes, (bide_bytes){copy, len});
    *out = &bytes->source;
    return 0;
}

/* ---- opening ---- */

static int coding_of(const char *name, enum coding *out)
{
    struct codings list = {.n = 0};

    BIDE_TRY(bide__codings_add(&list, name, strlen(name)));
    bool is_one = !list.unknown && list.n == 1 && list.named == 1;
    if (!is_one || list.of[0] == CODING_BR) /* encoder.c says why */
        return bide_fail(-EINVAL, "compress = \"%.20s\": it can be gzip, deflate or zstd", name);
    *out = (enum coding)list.of[0];
    return 0;
}

int bide__compress_open(struct arena *arena, const char *coding, struct body_source *inner, struct body_source **out)
{
    enum coding which = CODING_GZIP;
    int code = coding_of(coding, &which);
    struct compress_source *c = code < 0 ? NULL : bide__arena_alloc(arena, sizeof *c);
    if (!c) {
        bide__body_source_close(inner);
        return code < 0 ? code : BIDE_ENOMEM;
    }

    *c = (struct compress_source){.source.ops = inner->ops->rewind ? &again_ops : &once_ops, .source.length = BODY_LENGTH_UNKNOWN,
                                  .inner = inner, .coding = which, .left = inner->length};
    *out = &c->source;
    return inner->is_here && inner->length <= AT_ONCE_MAX ? encode_at_once(arena, c, out) : 0;
}
