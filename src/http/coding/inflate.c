/* SPDX-License-Identifier: MIT */
/*
 * inflate.c - gzip and deflate being taken off, by zlib.
 *
 * "deflate" is deflate in zlib's wrapper (RFC 9110 8.4.1.2), but many servers send it bare.  The first two bytes tell: the
 * wrapper's are a multiple of 31 and name method 8 (RFC 1950 2.2).  One state serves both and gzip: inflateReset2 keeps its
 * 40 KB.  Z_FINISH says that all is here; when the body fits `out`, zlib then neither makes nor fills its window.
 */
#include <limits.h>
#include <zlib.h>

#include "http/coding/stage.h"

struct inflate_stage {
    struct decode_stage head;
    z_stream z;
    enum coding coding;
    bool detected;       /* which wrapper it has is known */
    unsigned char first; /* the first byte, while the second is waited for */
    bool has_first;
};

#define WINDOW_BITS 15

static void *zalloc(void *unused, unsigned n, unsigned size)
{
    (void)unused;
    return bide__calloc(n, size);
}

static void zfree(void *unused, void *p)
{
    (void)unused;
    bide__free(p);
}

static struct decode_stage *make(void)
{
    struct inflate_stage *s = bide__calloc(1, sizeof *s);
    if (!s)
        return NULL;

    s->z = (z_stream){.zalloc = zalloc, .zfree = zfree};
    if (inflateInit2(&s->z, 16 + WINDOW_BITS) == Z_OK)
        return &s->head;
    bide__free(s);
    return NULL;
}

static void destroy(struct decode_stage *stage)
{
    struct inflate_stage *s = container_of(stage, struct inflate_stage, head);

    inflateEnd(&s->z);
    bide__free(s);
}

static bool reset(struct decode_stage *stage, enum coding coding)
{
    struct inflate_stage *s = container_of(stage, struct inflate_stage, head);

    s->coding = coding;
    s->detected = coding == CODING_GZIP;
    s->has_first = false;
    return inflateReset2(&s->z, coding == CODING_GZIP ? 16 + WINDOW_BITS : WINDOW_BITS) == Z_OK;
}

/* What inflate() gave, as ours. */
static int result_of(const struct inflate_stage *s, int r)
{
    const char *name = s->coding == CODING_GZIP ? "gzip" : "deflate";

    if (r == Z_STREAM_END)
        return STEP_END;
    if (r == Z_OK || r == Z_BUF_ERROR)
        return STEP_MORE;
    if (r == Z_MEM_ERROR)
        return bide__fail_nomem("taking a coding off a body");
    return bide_fail(BIDE_EHTTP, "the body is not valid %s: %s", name, s->z.msg ? s->z.msg : "a dictionary is needed");
}

static int inflate_some(struct inflate_stage *s, struct bytes_io *io)
{
    unsigned in = io->len < UINT_MAX ? (unsigned)io->len : UINT_MAX, out = io->cap < UINT_MAX ? (unsigned)io->cap : UINT_MAX;

    s->z.next_in = (unsigned char *)(uintptr_t)io->in;
    s->z.avail_in = in;
    s->z.next_out = (unsigned char *)io->out;
    s->z.avail_out = out;
    int r = inflate(&s->z, io->last && in == io->len ? Z_FINISH : Z_NO_FLUSH);
    bide__io_taken(io, in - s->z.avail_in, out - s->z.avail_out);
    return result_of(s, r);
}

static bool may_be_wrapper(unsigned char first)
{
    return (first & 0x0f) == 8 && first >> 4 <= 7;
}

/* The first byte of deflate, and the second if it takes that.  False: more is needed. */
static bool detect(struct inflate_stage *s, struct bytes_io *io)
{
    if (!s->has_first && io->len > 0) {
        s->first = (unsigned char)*io->in;
        s->has_first = true;
        bide__io_taken(io, 1, 0);
    }
    if (!s->has_first || (may_be_wrapper(s->first) && io->len == 0))
        return false;
    bool wrapped = may_be_wrapper(s->first) && (s->first << 8 | (unsigned char)*io->in) % 31 == 0;
    s->detected = true;
    inflateReset2(&s->z, wrapped ? WINDOW_BITS : -WINDOW_BITS); /* cannot fail: the state is one, the bits are right */
    return true;
}

static int step(struct decode_stage *stage, struct bytes_io *io)
{
    struct inflate_stage *s = container_of(stage, struct inflate_stage, head);

    if (s->detected)
        return inflate_some(s, io);
    if (!detect(s, io))
        return STEP_MORE;
    struct bytes_io first = {(const char *)&s->first, 1, io->out, io->cap, false};
    int r = inflate_some(s, &first); /* one byte of a head makes none */
    return r != STEP_MORE ? r : inflate_some(s, io);
}

/* RFC 1952 2.3.1; only gzip has members. */
static enum magic magic(const char *head, size_t len)
{
    static const char gzip[3] = {'\x1f', '\x8b', '\x08'};
    size_t n = len < sizeof gzip ? len : sizeof gzip;

    return memcmp(head, gzip, n) != 0 ? MAGIC_NONE : n == sizeof gzip ? MAGIC_WHOLE : MAGIC_PART;
}

const struct stage_ops bide__stage_inflate = {"gzip", make, destroy, reset, step, magic};
