/* SPDX-License-Identifier: MIT */
/*
 * answers.c - what jobs returned goes back to Redis, many at a time.
 *
 *     finished --> sent --> confirmed: forgotten
 *
 * A result is held until Redis has confirmed it, and sent again after a broken connection; the script that takes it
 * looks whether the job is still to be done, so a second time does no harm.
 */
#include <stdio.h>

#include "pool/redis/redis.h"

#define BATCH       60 /* answers in one script: five arguments each */
#define BATCH_BYTES ((size_t)1 << 20)

/*
 * Who acknowledges the job writes its result, in one step.  The acknowledgement frees memory and comes first, so a full
 * Redis still takes results.
 *
 * KEYS: jobs, dead, results...; ARGV: five for each answer: entry, index of its key, meta, bytes, details ("!" in front
 * of the meta: keep it among the dead).  The dead have an end, in number and in bytes: of an entry, its first eight
 * fields, and of a value of more than 64 KiB how long it was.  A key that somebody made something else of keeps its own answer
 * from being written, and no other.
 */
static const char done_script[] =
    "for i = 1, #ARGV, 5 do "
    "  local id, key, meta = ARGV[i], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2] "
    "  if redis.call('XACK', KEYS[1], 'w', id) == 1 then "
    "    if string.sub(meta, 1, 1) == '!' then "
    "      meta = string.sub(meta, 2) "
    "      local e, kept = redis.call('XRANGE', KEYS[1], id, id), {} "
    "      for k, v in ipairs(#e == 1 and e[1][2] or {}) do "
    "        if k > 16 then break end "
    "        kept[k] = #v > 65536 and '(' .. #v .. ' bytes)' or v "
    "      end "
    "      if #kept > 0 then redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', unpack(kept)) end "
    "    end "
    "    redis.call('XDEL', KEYS[1], id) "
    "    if ARGV[i + 4] == '' then "
    "      redis.pcall('XADD', key, 'NOMKSTREAM', '*', 'm', meta, 'a', ARGV[i + 3]) "
    "    else "
    "      redis.pcall('XADD', key, 'NOMKSTREAM', '*', 'm', meta, 'e', ARGV[i + 4]) "
    "    end "
    "  end "
    "end "
    "return 0";

/* ---- sending answers ---- */

static struct held *first_of(struct list_node *list)
{
    return container_of(list->next, struct held, node);
}

static bide_bytes bytes_of(const struct held *x)
{
    return x->job && x->answer.code >= 0 ? bide_pool_result(&x->job->future) : (bide_bytes){"", 0};
}

/* One of the first n is larger than this server takes: the largest fails, so that the others get through. */
static void give_up_largest(struct redis_host *h, uint64_t n)
{
    struct held *largest = NULL;

    for (struct list_node *at = h->sent.next; at != &h->sent && n > 0; at = at->next, n--) {
        struct held *x = container_of(at, struct held, node);
        if (!largest || bytes_of(x).len > bytes_of(largest).len)
            largest = x;
    }
    if (largest && bytes_of(largest).len > 0)
        bide__redis_held_fail(largest, -E2BIG, bide_error_text());
}

/* The first n that were sent have arrived. */
static int on_done_reply(void *owner, uint64_t n, const redisReply *r)
{
    struct redis_host *h = owner;
    int code = bide__redis_code(&h->address, r, "sending results");

    if (code == -E2BIG)
        give_up_largest(h, n);
    for (; code == 0 && n > 0 && !bide__list_is_empty(&h->sent); n--)
        bide__redis_held_free(first_of(&h->sent));
    return code;
}

struct batch {
    struct redis_command command;
    char keys[BATCH][REDIS_KEY_MAX];
    char ids[BATCH][REDIS_ID_MAX], metas[BATCH][REDIS_META_MAX], index[BATCH][8];
    char nkeys_text[8];
    unsigned n, nkeys;
    size_t bytes;
};

/* Which of KEYS is the stream of its client? */
static unsigned key_of(struct redis_host *h, struct batch *b, const struct held *x)
{
    char key[REDIS_KEY_MAX];
    unsigned i = 0;

    bide__redis_results_key(key, &h->address, x->call.client);
    while (i < b->nkeys && strcmp(b->keys[i], key) != 0)
        i++;
    if (i == b->nkeys)
        memcpy(b->keys[b->nkeys++], key, sizeof key);
    return i + 3; /* Lua counts from 1; two others stand before */
}

static void add_texts(struct redis_host *h, struct batch *b, struct held *x)
{
    bide__redis_id_write(b->ids[b->n], x->id);
    snprintf(b->index[b->n], sizeof b->index[0], "%u", key_of(h, b, x));
    b->metas[b->n][0] = '!';
    bide__redis_answer_write(b->metas[b->n] + x->dead, REDIS_META_MAX - 1, &x->answer);
    b->bytes += bytes_of(x).len + x->details_len;
    b->n++;
}

static void build(struct redis_host *h, struct batch *b)
{
    struct list_node *n = h->finished.next;
    struct redis_command *c = &b->command;
    b->n = b->nkeys = 0;
    b->bytes = c->n = 0;

    for (; n != &h->finished && b->n < BATCH && b->bytes < BATCH_BYTES; n = n->next)
        add_texts(h, b, container_of(n, struct held, node));
    snprintf(b->nkeys_text, sizeof b->nkeys_text, "%u", b->nkeys + 2);
    bide__redis_text(c, "EVAL");
    bide__redis_arg(c, done_script, sizeof done_script - 1);
    REDIS_TEXTS(c, b->nkeys_text, h->jobs_key, h->dead_key);
    for (unsigned i = 0; i < b->nkeys; i++)
        bide__redis_text(c, b->keys[i]);
    n = h->finished.next;
    for (unsigned i = 0; i < b->n; i++, n = n->next) {
        const struct held *x = container_of(n, struct held, node);
        bide_bytes bytes = bytes_of(x);
        REDIS_TEXTS(c, b->ids[i], b->index[i], b->metas[i]);
        bide__redis_arg(c, bytes.data, bytes.len);
        bide__redis_arg(c, x->details ? x->details : "", x->details_len);
    }
}

bool bide__redis_fill_answers(struct redis_host *h)
{
    struct batch *b = bide__list_is_empty(&h->finished) ? NULL : bide__malloc(sizeof *b);

    while (b && !bide__list_is_empty(&h->finished)) {
        build(h, b);
        if (!bide__redis_put(&h->link, &b->command, on_done_reply, b->n))
            break;
        for (unsigned i = 0; i < b->n; i++) {
            struct held *x = first_of(&h->finished);
            bide__list_remove(&x->node);
            bide__list_append(&h->sent, &x->node);
        }
    }
    bide__free(b);
    return bide__list_is_empty(&h->finished);
}

void bide__redis_answers_lost(struct redis_host *h)
{
    bide__list_splice(&h->finished, &h->sent);
}
