/* SPDX-License-Identifier: MIT */
/*
 * brotli.c - br being taken off, by libbrotli.  RFC 7932: one stream, a window of at most 16 MiB.
 *
 * An instance cannot be reset, so each body has a new one; its memory is the library's to count.
 */
#include <brotli/decode.h>

#include "http/coding/stage.h"

struct brotli_stage {
    struct decode_stage head;
    BrotliDecoderState *b;
};

static void *alloc(void *unused, size_t size)
{
    (void)unused;
    return bide__malloc(size);
}

static void release(void *unused, void *p)
{
    (void)unused;
    bide__free(p);
}

static struct decode_stage *make(void)
{
    struct brotli_stage *s = bide__calloc(1, sizeof *s);

    return s ? &s->head : NULL;
}

static void end(struct brotli_stage *s)
{
    if (s->b)
        BrotliDecoderDestroyInstance(s->b);
    s->b = NULL;
}

static void destroy(struct decode_stage *stage)
{
    struct brotli_stage *s = container_of(stage, struct brotli_stage, head);

    end(s);
    bide__free(s);
}

static bool reset(struct decode_stage *stage, enum coding coding)
{
    struct brotli_stage *s = container_of(stage, struct brotli_stage, head);

    (void)coding;
    end(s);
    s->b = BrotliDecoderCreateInstance(alloc, release, NULL);
    return s->b;
}

static bool is_memory(BrotliDecoderErrorCode code)
{
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static int step(struct decode_stage *stage, struct bytes_io *io)
{
    struct brotli_stage *s = container_of(stage, struct brotli_stage, head);
    size_t in = io->len, out = io->cap;
    const uint8_t *from = (const uint8_t *)io->in;
    uint8_t *to = (uint8_t *)io->out;

    BrotliDecoderResult r = BrotliDecoderDecompressStream(s->b, &in, &from, &out, &to, NULL);
    bide__io_taken(io, io->len - in, io->cap - out);
    if (r == BROTLI_DECODER_RESULT_SUCCESS)
        return STEP_END;
    if (r != BROTLI_DECODER_RESULT_ERROR)
        return STEP_MORE;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(s->b);
    if (is_memory(code))
        return bide__fail_nomem("taking a coding off a body");
    return bide_fail(BIDE_EHTTP, "the body is not valid br: %s", BrotliDecoderErrorString(code));
}

const struct stage_ops bide__stage_brotli = {"br", make, destroy, reset, step, NULL};
