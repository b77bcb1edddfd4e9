/* SPDX-License-Identifier: MIT */
/*
 * entry.c - the words of a stream's entry: a job, and its answer.
 *
 *     job:     f resize   m "CLIENT JOB SHAPE OUT TIMEOUT FLAGS"       a ARGUMENT
 *     answer:             m "JOB KIND CODE NS ATTEMPT PID SIGNAL EXIT" a RESULT    e TEXT\0TRACE\0
 *
 * Numbers are texts, so that redis-cli shows them.  Anybody who may write there may have written it: what comes is read
 * word by word, and refused where it is impossible; an entry without its fields is read as one too, so that it can be
 * removed.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "pool/redis/link/link.h"

/* ---- words ---- */

static bool is_text(const redisReply *r)
{
    return r && (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) && strlen(r->str) == r->len;
}

/* Digits alone, that fit; *p stands behind them. */
static bool read_digits(const char **p, uint64_t *out)
{
    const char *at = *p;

    for (*out = 0; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    bool any = at != *p;
    *p = at;
    return any;
}

/* Behind each word stands a blank, behind the last one nothing. */
static bool end_word(const char **p)
{
    if (**p == ' ')
        ++*p;
    else if (**p != '\0')
        return false;
    return true;
}

static bool read_count(const char **p, uint64_t *out, uint64_t max)
{
    return read_digits(p, out) && *out <= max && end_word(p);
}

static bool read_number(const char **p, int64_t *out, int64_t max)
{
    bool negative = **p == '-';
    uint64_t n;

    *p += negative;
    if (!read_count(p, &n, (uint64_t)max))
        return false;
    *out = negative ? -(int64_t)n : (int64_t)n;
    return true;
}

static bool read_int(const char **p, int *out)
{
    int64_t n;
    bool ok = read_number(p, &n, INT_MAX);

    *out = ok ? (int)n : 0;
    return ok;
}

/* ---- ids ---- */

bool bide__redis_id_read(struct redis_id *id, const redisReply *r)
{
    const char *p = is_text(r) ? r->str : "";

    return read_digits(&p, &id->ms) && *p++ == '-' && read_digits(&p, &id->seq) && *p == '\0';
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
        e->details = value;
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
    if (fields->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        note_field(e, fields->element[i], fields->element[i + 1]);
    return true;
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

static bool read_client(const char **p, char *out)
{
    size_t n = strspn(*p, "0123456789abcdef");

    if (n != REDIS_CLIENT_LEN)
        return false;
    memcpy(out, *p, n);
    out[n] = '\0';
    *p += n;
    return end_word(p);
}

bool bide__redis_call_read(struct redis_call *c, const redisReply *r)
{
    const char *p = is_text(r) ? r->str : "";
    uint64_t shape, timeout_ms, flags;
    if (!read_client(&p, c->client) || !read_count(&p, &c->job, UINT64_MAX) || !read_count(&p, &shape, BIDE_JOB_BYTES) ||
        !read_count(&p, &c->out_len, REDIS_PAYLOAD_MAX) || !read_count(&p, &timeout_ms, INT64_MAX) ||
        !read_count(&p, &flags, UINT_MAX) || *p != '\0')
        return false;

    c->shape = (unsigned)shape;
    c->timeout_ms = (int64_t)timeout_ms;
    c->has_out = flags & FLAG_OUT;
    c->idempotent = flags & FLAG_IDEMPOTENT;
    c->wants_progress = flags & FLAG_PROGRESS;
    return true;
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
    const char *p = is_text(r) ? r->str : "";
    *a = (struct redis_answer){0};
    if (!read_count(&p, &a->job, UINT64_MAX) || *p == '\0')
        return false;

    a->kind = *p++;
    if (!end_word(&p))
        return false;
    if (a->kind == 'p')
        return read_count(&p, &a->done, UINT64_MAX) && read_count(&p, &a->total, UINT64_MAX) && *p == '\0';
    return a->kind == 'r' && read_int(&p, &a->code) && read_number(&p, &a->run_ns, INT64_MAX) && read_int(&p, &a->attempt) &&
           read_int(&p, &a->pid) && read_int(&p, &a->signal) && read_int(&p, &a->exit_code) && *p == '\0';
}
