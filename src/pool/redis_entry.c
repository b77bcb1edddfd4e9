/* SPDX-License-Identifier: MIT */
/*
 * redis_entry.c - what stands in the streams: a job, and what became of it.
 *
 *     job:     f resize   m "CLIENT JOB SHAPE OUT TIMEOUT FLAGS"       a ARGUMENT
 *     answer:             m "JOB KIND CODE NS ATTEMPT PID SIGNAL EXIT" a RESULT    e TEXT\0TRACE\0
 *
 * Numbers are texts, so that redis-cli shows them.  What comes from there is compared with what can be.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pool/redis.h"

/* ---- ids ---- */

bool bide__redis_id_read(struct redis_id *id, const redisReply *r)
{
    char *end;
    if (!r || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS))
        return false;

    id->ms = strtoull(r->str, &end, 10);
    if (*end != '-')
        return false;
    id->seq = strtoull(end + 1, &end, 10);
    return *end == '\0';
}

void bide__redis_id_write(char *out, struct redis_id id)
{
    snprintf(out, REDIS_ID_MAX, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
}

/* ---- entries ---- */

static void note_field(struct redis_entry *e, const redisReply *name, const redisReply *value)
{
    if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING || name->len != 1)
        return;
    switch (name->str[0]) {
    case 'f':
        e->function = value;
        break;
    case 'm':
        e->meta = value;
        break;
    case 'a':
        e->argument = value;
        break;
    case 'e':
        e->story = value;
        break;
    default:
        break;
    }
}

bool bide__redis_entry_read(struct redis_entry *e, const redisReply *r)
{
    *e = (struct redis_entry){0};
    if (r->type != REDIS_REPLY_ARRAY || r->elements < 2 || !bide__redis_id_read(&e->id, r->element[0]))
        return false;
    if (r->elements > 2 && r->element[2]->type == REDIS_REPLY_INTEGER)
        e->deliveries = (uint64_t)r->element[2]->integer;

    const redisReply *fields = r->element[1];
    for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2)
        note_field(e, fields->element[i], fields->element[i + 1]);
    return e->meta != NULL;
}

/* [[key, [entry, ...]]] */
const redisReply *bide__redis_entries(const redisReply *r)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 1 || r->element[0]->type != REDIS_REPLY_ARRAY ||
        r->element[0]->elements != 2 || r->element[0]->element[1]->type != REDIS_REPLY_ARRAY)
        return NULL;
    return r->element[0]->element[1];
}

/* ---- the texts in them ---- */

#define FLAG_OUT        1
#define FLAG_IDEMPOTENT 2
#define FLAG_PROGRESS   4

void bide__redis_call_write(char *out, size_t cap, const struct redis_call *c)
{
    unsigned flags =
        (c->has_out ? FLAG_OUT : 0) | (c->idempotent ? FLAG_IDEMPOTENT : 0) | (c->wants_progress ? FLAG_PROGRESS : 0);

    snprintf(out, cap, "%s %" PRIu64 " %u %" PRIu64 " %" PRId64 " %u", c->client, c->job, c->shape, c->out_len,
             c->timeout_ms, flags);
}

bool bide__redis_call_read(struct redis_call *c, const redisReply *r)
{
    unsigned flags;
    if (sscanf(r->str, "%32[0-9a-f] %" SCNu64 " %u %" SCNu64 " %" SCNd64 " %u", c->client, &c->job, &c->shape,
               &c->out_len, &c->timeout_ms, &flags) != 6)
        return false;

    c->has_out = flags & FLAG_OUT;
    c->idempotent = flags & FLAG_IDEMPOTENT;
    c->wants_progress = flags & FLAG_PROGRESS;
    return c->shape <= BIDE_JOB_BYTES && c->out_len <= REDIS_PAYLOAD_MAX && strlen(c->client) == 32;
}

void bide__redis_answer_write(char *out, size_t cap, const struct redis_answer *a)
{
    if (a->kind == 'p')
        snprintf(out, cap, "%" PRIu64 " p %" PRIu64 " %" PRIu64, a->job, a->done, a->total);
    else
        snprintf(out, cap, "%" PRIu64 " r %d %" PRId64 " %d %d %d %d", a->job, a->code, a->run_ns, a->attempt, a->pid,
                 a->signal, a->exit_code);
}

bool bide__redis_answer_read(struct redis_answer *a, const redisReply *r)
{
    int at = 0;
    *a = (struct redis_answer){0};
    if (sscanf(r->str, "%" SCNu64 " %c %n", &a->job, &a->kind, &at) != 2 || at == 0)
        return false;
    if (a->kind == 'p')
        return sscanf(r->str + at, "%" SCNu64 " %" SCNu64, &a->done, &a->total) == 2;
    return a->kind == 'r' && sscanf(r->str + at, "%d %" SCNd64 " %d %d %d %d", &a->code, &a->run_ns, &a->attempt,
                                    &a->pid, &a->signal, &a->exit_code) == 6;
}
