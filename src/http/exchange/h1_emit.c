/* SPDX-License-Identifier: MIT */
/* h1_emit.c - what an exchange says to who traces its request: what was sent, what came before the answer. */
#include "http/exchange/h1.h"

static struct tracer *tracer_of(const struct h1_exchange *x)
{
    return x->exchange.watch ? x->exchange.watch->tracer : NULL;
}

void bide__h1_emit_first_byte(struct h1_exchange *x)
{
    if (tracer_of(x))
        bide__trace_mark(tracer_of(x), BIDE_TRACE_FIRST_BYTE);
}

void bide__h1_emit_sent(struct h1_exchange *x, size_t n)
{
    struct tracer *t = tracer_of(x);
    size_t sent = x->exchange.progress->sent, before = sent - n;

    if (before < x->head_len && sent >= x->head_len)
        bide__trace_emit(t, (bide_trace_event){.kind = BIDE_TRACE_HEAD_SENT, .data = {x->head, x->head_len}});
    before = before > x->head_len ? before : x->head_len;
    if (sent > before)
        bide__trace_emit(t, (bide_trace_event){.kind = BIDE_TRACE_BODY_SENT, .bytes = sent - before});
}

void bide__h1_emit_interim(struct h1_exchange *x, int status, size_t bytes)
{
    if (tracer_of(x))
        bide__trace_emit(tracer_of(x), (bide_trace_event){.kind = BIDE_TRACE_INTERIM, .status = status, .bytes = bytes});
}

void bide__h1_emit_continue(struct h1_exchange *x, enum bide_trace_kind kind, int status, int64_t delay_ms)
{
    if (tracer_of(x))
        bide__trace_emit(tracer_of(x), (bide_trace_event){.kind = kind, .status = status, .delay_ms = delay_ms});
}
