/* SPDX-License-Identifier: MIT */
/*
 * decoder.c - a body's codings taken off, one stage behind the other, under the ceilings (R42 to R46, D10).
 *
 * The last stage is asked for bytes, and asks the one before it when it has no more input: so there is never more than a window
 * between two.  A step comes before the question, for a library may still hold bytes that did not fit.
 *
 * Invariants:
 *   C1  wire counts what came in; a stage's `made` never exceeds its ceilings without an error.
 *   C2  a stage takes input behind its end as well: another member or frame, zeros, or garbage, which is dropped.
 *   C3  a stage that failed fails again with each step: what is behind an error is never a body.
 */
#include "http/coding/stage.h"

struct window {
    uint32_t at, end; /* what is in it */
    char bytes[DECODE_WINDOW];
};

struct decoder {
    struct decoder *next_idle;
    uint64_t wire; /* bytes that came */
    struct decode_limits limits;
    int failed; /* the code of its first error */
    uint8_t n;
    struct codings list;
    struct decode_stage *stage[CODINGS_MAX]; /* [0] reads the wire */
    struct window *behind[CODINGS_MAX]; /* stage [i]; the last's is the reader's; kept for the next body */
};

/* ---- memory that is used again ---- */

static int stage_kind(const struct decode_stage *s)
{
    return s->ops == &bide__stage_brotli ? CODING_BR : s->ops == &bide__stage_zstd ? CODING_ZSTD : CODING_GZIP;
}

static void stage_close(struct decoders *to, struct decode_stage *s)
{
    int kind = stage_kind(s);

    /* Of br nothing but a few bytes can be used again. */
    if (!to || kind == CODING_BR || to->n_idle[kind] == DECODERS_IDLE_MAX) {
        s->ops->destroy(s);
        return;
    }
    s->next_idle = to->idle[kind];
    to->idle[kind] = s;
    to->n_idle[kind]++;
}

static struct decode_stage *stage_take(struct decoders *from, enum coding coding)
{
    int kind = coding == CODING_DEFLATE ? CODING_GZIP : (int)coding;
    struct decode_stage *s = from ? from->idle[kind] : NULL;

    if (!s)
        return bide__stage_ops_of(coding)->make();
    from->idle[kind] = s->next_idle;
    from->n_idle[kind]--;
    return s;
}

static struct decode_stage *stage_open(struct decoders *from, enum coding coding)
{
    struct decode_stage *s = stage_take(from, coding);

    if (s)
        s->ops = bide__stage_ops_of(coding);
    if (s && !s->ops->reset(s, coding)) {
        s->ops->destroy(s);
        s = NULL;
    }
    if (!s)
        return NULL;
    s->made = 0;
    s->state = STAGE_FRESH;
    s->magic_len = 0;
    s->padded = false;
    return s;
}

static void decoder_free(struct decoder *d)
{
    for (size_t i = 0; i < array_len(d->behind); i++)
        bide__free(d->behind[i]);
    bide__free(d);
}

static struct decoder *decoder_take(struct decoders *from)
{
    struct decoder *d = from ? from->idle_decoder : NULL;

    if (!d)
        return bide__calloc(1, sizeof *d);
    from->idle_decoder = d->next_idle;
    from->n_decoders--;
    return d;
}

void bide__decoder_close(struct decoders *to, struct decoder *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++)
        stage_close(to, d->stage[i]);
    d->n = 0;
    if (!to || to->n_decoders == DECODERS_IDLE_MAX) {
        decoder_free(d);
        return;
    }
    d->next_idle = to->idle_decoder;
    to->idle_decoder = d;
    to->n_decoders++;
}

void bide__decoders_free(struct decoders *all)
{
    for (size_t kind = 0; kind < array_len(all->idle); kind++)
        for (struct decode_stage *s = all->idle[kind], *next; s; s = next) {
            next = s->next_idle;
            s->ops->destroy(s);
        }
    for (struct decoder *d = all->idle_decoder, *next; d; d = next) {
        next = d->next_idle;
        decoder_free(d);
    }
    memset(all, 0, sizeof *all);
}

static bool window_ready(struct decoder *d, size_t i)
{
    if (!d->behind[i])
        d->behind[i] = bide__malloc(sizeof(struct window));
    if (d->behind[i])
        d->behind[i]->at = d->behind[i]->end = 0;
    return d->behind[i];
}

struct decoder *bide__decoder_open(struct decoders *from, const struct codings *list, struct decode_limits limits)
{
    struct decoder *d = decoder_take(from);
    bool ok = d;

    if (ok) {
        d->wire = 0;
        d->failed = 0;
        d->limits = limits;
        d->list = *list;
        d->n = 0;
    }
    for (size_t i = 0; ok && i < list->n; i++) {
        d->stage[i] = stage_open(from, list->of[list->n - 1 - i]);
        d->n += d->stage[i] != NULL;
        ok = d->stage[i] && (i == 0 || window_ready(d, i - 1));
    }
    if (ok)
        return d;
    bide__decoder_close(from, d);
    bide__fail_nomem("taking a coding off a body");
    return NULL;
}

char *bide__decoder_window(struct decoder *d)
{
    size_t last = d->n - 1u;

    if (d->behind[last] || window_ready(d, last))
        return d->behind[last]->bytes;
    bide__fail_nomem("taking a coding off a body");
    return NULL;
}

/* ---- ceilings ---- */

/* What goes from stage to stage may be a little more than the body: random bytes grow when they are encoded. */
static uint64_t most_of(const struct decoder *d, size_t i)
{
    uint64_t most = d->limits.max_bytes;

    return i + 1 == d->n ? most : most + most / 64 + DECODE_WINDOW;
}

static int count(struct decoder *d, size_t i, size_t made)
{
    struct decode_stage *s = d->stage[i];

    s->made += made;
    if (d->limits.max_bytes > 0 && s->made > most_of(d, i))
        return bide_fail(BIDE_ETOOBIG, "the body is larger than %llu bytes when decoded",
                         (unsigned long long)d->limits.max_bytes);
    if (d->limits.max_ratio > 0 && s->made > DECODE_RATIO_FROM && s->made / d->limits.max_ratio > d->wire)
        return bide_fail(BIDE_ETOOBIG, "the body grows to more than %llu times its size when decoded",
                         (unsigned long long)d->limits.max_ratio);
    return 0;
}

/* ---- behind the end of a stream ---- */

/* The magic that was looked at, fed to the new stream: it makes no bytes. */
static int restart(struct decoder *d, size_t i, struct bytes_io *io)
{
    struct decode_stage *s = d->stage[i];
    struct bytes_io magic = {s->magic, s->magic_len, io->out, io->cap, false};

    if (!s->ops->reset(s, d->list.of[d->list.n - 1 - i]))
        return bide__fail_nomem("taking a coding off a body");
    s->state = STAGE_RUNNING;
    s->magic_len = 0;
    return s->ops->step(s, &magic);
}

static bool may_restart(const struct decoder *d, size_t i)
{
    return d->stage[i]->ops->magic && !d->stage[i]->padded && d->list.of[d->list.n - 1 - i] != CODING_DEFLATE;
}

/* Take input until another stream begins, or all of it. */
static int step_behind(struct decoder *d, size_t i, struct bytes_io *io)
{
    struct decode_stage *s = d->stage[i];

    while (io->len > 0 && s->state == STAGE_ENDED) {
        char c = *io->in;
        bide__io_taken(io, 1, 0);
        if (c == '\0' && s->magic_len == 0) {
            s->padded = true;
            continue;
        }
        s->magic[s->magic_len++] = c;
        enum magic is = may_restart(d, i) ? s->ops->magic(s->magic, s->magic_len) : MAGIC_NONE;
        if (is == MAGIC_WHOLE)
            return restart(d, i, io);
        if (is == MAGIC_NONE)
            s->state = STAGE_GARBAGE;
    }
    if (s->state == STAGE_GARBAGE)
        bide__io_taken(io, io->len, 0);
    return 0;
}

/* ---- steps ---- */

/* One stage takes what it can and makes what fits: how many bytes, or an error. */
static ssize_t step_stage(struct decoder *d, size_t i, struct bytes_io *io)
{
    struct decode_stage *s = d->stage[i];
    size_t cap = io->cap, before;
    int r = 0;

    do {
        before = io->len;
        if (s->state >= STAGE_ENDED)
            r = step_behind(d, i, io);
        if (r < 0 || s->state >= STAGE_ENDED || (s->state == STAGE_FRESH && io->len == 0))
            break;
        s->state = STAGE_RUNNING;
        r = s->ops->step(s, io);
        if (r == STEP_END)
            s->state = STAGE_ENDED;
    } while (r >= 0 && io->len > 0 && io->len < before && io->cap > 0);
    if (r >= 0)
        r = count(d, i, cap - io->cap);
    return r < 0 ? r : (ssize_t)(cap - io->cap);
}

static ssize_t pull(struct decoder *d, size_t i, struct bytes_io *wire, char *out, size_t cap);

/* More input for stage i > 0, from the one before. */
static ssize_t refill(struct decoder *d, size_t i, struct bytes_io *wire)
{
    struct window *w = d->behind[i - 1];
    ssize_t n = pull(d, i - 1, wire, w->bytes, sizeof w->bytes);

    w->at = 0;
    w->end = n > 0 ? (uint32_t)n : 0;
    return n;
}

/* What stage i gives: at most 3 deep. */
static ssize_t pull(struct decoder *d, size_t i, struct bytes_io *wire, char *out, size_t cap)
{
    struct window *w = i > 0 ? d->behind[i - 1] : NULL;

    for (;;) {
        struct bytes_io io = {w ? w->bytes + w->at : wire->in, w ? w->end - w->at : wire->len, out, cap, !w && wire->last};
        size_t len = io.len;
        ssize_t n = step_stage(d, i, &io);
        if (w)
            w->at += (uint32_t)(len - io.len);
        else
            wire->in = io.in, wire->len = io.len;
        if (n != 0)
            return n;
        if (io.len > 0 && io.len < len)
            continue;
        if (io.len > 0)
            return bide_fail(BIDE_EHTTP, "the body's %s coding goes no further", d->stage[i]->ops->name);
        n = w ? refill(d, i, wire) : 0;
        if (n <= 0)
            return n;
    }
}

ssize_t bide__decode(struct decoder *d, const char *in, size_t len, size_t *used, char *out, size_t cap, bool last)
{
    struct bytes_io wire = {in, len, NULL, 0, last};
    uint64_t before = d->wire;

    *used = 0;
    if (d->failed < 0)
        return bide_fail(d->failed, "the body cannot be decoded");
    d->wire += len; /* all of it has come, though it may not all be taken now */
    ssize_t n = pull(d, d->n - 1u, &wire, out, cap);
    *used = len - wire.len;
    d->wire = before + *used;
    if (n < 0)
        d->failed = (int)n;
    return n;
}

int bide__decode_end(const struct decoder *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct decode_stage *s = d->stage[i];
        if (s->state == STAGE_RUNNING || (s->state == STAGE_ENDED && s->magic_len > 0))
            return bide_fail(BIDE_ETRUNCATED, "the body ended within its %s coding", s->ops->name);
    }
    return 0;
}

bool bide__decode_has_garbage(const struct decoder *d)
{
    bool garbage = false;

    for (size_t i = 0; i < d->n; i++)
        garbage |= d->stage[i]->state == STAGE_GARBAGE;
    return garbage;
}
