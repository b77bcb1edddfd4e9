/* SPDX-License-Identifier: MIT */
/*
 * zstd.c - zstd being taken off, by libzstd.  RFC 9659: windows of at most 8 MiB.
 *
 * A context that has grown large for one body is not kept for the next.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include "http/coding/stage.h"

#define KEPT_MAX (512u << 10)

struct zstd_stage {
    struct decode_stage head;
    ZSTD_DCtx *z;
    char first[4]; /* bytes of the stream */
    size_t seen;   /* of these */
};

static struct decode_stage *make(void)
{
    struct zstd_stage *s = bide__calloc(1, sizeof *s);

    return s ? &s->head : NULL;
}

static void destroy(struct decode_stage *stage)
{
    struct zstd_stage *s = container_of(stage, struct zstd_stage, head);

    ZSTD_freeDCtx(s->z);
    bide__free(s);
}

static bool reset(struct decode_stage *stage, enum coding coding)
{
    struct zstd_stage *s = container_of(stage, struct zstd_stage, head);

    (void)coding;
    if (s->z && ZSTD_sizeof_DCtx(s->z) > KEPT_MAX) {
        ZSTD_freeDCtx(s->z);
        s->z = NULL;
    }
    if (!s->z)
        s->z = ZSTD_createDCtx();
    s->seen = 0;
    return s->z && !ZSTD_isError(ZSTD_DCtx_reset(s->z, ZSTD_reset_session_and_parameters)) &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(s->z, ZSTD_d_windowLogMax, DECODE_ZSTD_WINDOW_LOG));
}

/* RFC 8878 3.1.1, and 3.1.2: frames that are to be skipped. */
static enum magic magic(const char *head, size_t len)
{
    static const unsigned char frame[4] = {0x28, 0xb5, 0x2f, 0xfd}, skipped[4] = {0x50, 0x2a, 0x4d, 0x18};
    bool is_frame = memcmp(head, frame, len) == 0;
    bool is_skipped = (head[0] & 0xf0) == skipped[0] && memcmp(head + 1, skipped + 1, len - 1) == 0;

    return !is_frame && !is_skipped ? MAGIC_NONE : len == 4 ? MAGIC_WHOLE : MAGIC_PART;
}

/* libzstd reads what earlier versions of it wrote, too, which is not RFC 8878, and not as strictly. */
static bool is_other_format(struct zstd_stage *s, const struct bytes_io *io)
{
    size_t n = s->seen;

    for (size_t i = 0; n < 4 && i < io->len; i++)
        s->first[n++] = io->in[i];
    return s->seen < 4 && n > 0 && magic(s->first, n) == MAGIC_NONE;
}

static int step(struct decode_stage *stage, struct bytes_io *io)
{
    struct zstd_stage *s = container_of(stage, struct zstd_stage, head);
    ZSTD_inBuffer in = {io->in, io->len, 0};
    ZSTD_outBuffer out = {io->out, io->cap, 0};
    size_t r = is_other_format(s, io) ? (size_t)-ZSTD_error_prefix_unknown : ZSTD_decompressStream(s->z, &out, &in);

    s->seen = s->seen + in.pos < 4 ? s->seen + in.pos : 4;
    bide__io_taken(io, in.pos, out.pos);
    if (!ZSTD_isError(r))
        return r == 0 ? STEP_END : STEP_MORE;
    if (ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
        return bide__fail_nomem("taking a coding off a body");
    return bide_fail(BIDE_EHTTP, "the body is not valid zstd: %s", ZSTD_getErrorName(r));
}

const struct stage_ops bide__stage_zstd = {"zstd", make, destroy, reset, step, magic};
