/* SPDX-License-Identifier: MIT */
/* kills_load.c - the clients: each submits one load after another, alone, as a map or a stream, or resizes the pool. */
#include "kills.h"

#define AT_ONCE 24

/* ---- chance ---- */

uint32_t kills_chance(struct chance *c, uint32_t n)
{
    c->state = c->state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(c->state >> 4) * n >> 28);
}

uint32_t kills_seed(void)
{
    const char *wish = getenv("BIDE_POOL_SEED");
    uint32_t seed = wish ? (uint32_t)strtoul(wish, NULL, 10) : (uint32_t)now_us() ^ (uint32_t)getpid() << 16;

    printf("BIDE_POOL_SEED=%u makes the same choices\n", seed);
    return seed;
}

/* ---- several at once ---- */

static void note(struct client *c, const char *step)
{
    c->step = step;
    c->since_us = now_us();
}

static int some_jobs(struct load *load, struct client *c)
{
    struct ticket *t = calloc(AT_ONCE, sizeof *t);
    int n = 1 + (int)kills_chance(&c->chance, AT_ONCE);

    for (int i = 0; i < n; i++) {
        note(c, "submits");
        kills_choose(&t[i], load, &c->chance);
        kills_submit(&t[i], &c->chance);
        kills_treat(&t[i]);
    }
    if (kills_chance(&c->chance, 2))
        BIDE_TRY(bide_sleep_ms(kills_chance(&c->chance, 3)));
    for (int i = 0; i < n; i++)
        if (t[i].fate == IS_CANCELLED_LATER)
            kills_cancel(&t[i]);
    for (int i = 0; i < n; i++) {
        note(c, "awaits");
        if (!t[i].future)
            continue;
        kills_check(&t[i], bide_await(t[i].future));
        bide_release(t[i].future);
    }
    free(t);
    return 0;
}

/* A code of one of many: its result, or a death. */
static void check_one_of_many(struct load *load, const struct order *o, int code)
{
    kills_count_code(load, code);
    if (code >= 0 ? code != value_of(o->number) : code != BIDE_EWORKER && code != BIDE_EWORKERLOST)
        FAIL("job %u, one of many, ended with %d", o->number, code);
    if (code >= 0 && kills_runs(o->number) < 1)
        FAIL("job %u has a result, and never ran", o->number);
}

static int a_map(struct load *load, struct client *c)
{
    enum { N = 30 };
    struct order o[N];
    struct reply r[N];
    int codes[N], failed = 0;
    bool idempotent = kills_chance(&c->chance, 2), collect = kills_chance(&c->chance, 4) > 0;

    note(c, "maps");
    for (int i = 0; i < N; i++)
        o[i] = (struct order){.number = kills_number(load, idempotent ? 1 + RETRIES : 1), .ms = (int)kills_chance(&c->chance, 2)};
    int code = bide_pool_map(load->pool, bide_jobs(kills_typed, o, r), N, .codes = codes, .collect = collect, .idempotent = idempotent);
    bide_error_clear();
    for (int i = 0; i < N; i++) {
        failed += codes[i] < 0;
        if (collect || codes[i] != BIDE_ECANCELED)
            check_one_of_many(load, &o[i], codes[i]);
        if (codes[i] >= 0 && (r[i].number != o[i].number || r[i].value != value_of(o[i].number)))
            FAIL("job %u of a map has the reply of job %u", o[i].number, r[i].number);
    }
    if (collect ? code != failed : code != 0 && code != BIDE_EWORKER && code != BIDE_EWORKERLOST)
        FAIL("the map ended with %d, %d failed", code, failed);
    return 0;
}

struct source {
    struct load *load;
    struct order o[40];
    int n;
    bool seen[40], idempotent;
};

static int next_order(void *arg, bide_job *job)
{
    struct source *s = arg;
    if (s->n == (int)array_len(s->o))
        return 0;
    s->o[s->n] = (struct order){.number = kills_number(s->load, s->idempotent ? 1 + RETRIES : 1), .ms = s->n % 2};
    *job = bide_job(kills_sleeper, &s->o[s->n]);
    s->n++;
    return 1;
}

static int an_imap(struct load *load, struct client *c)
{
    struct source *s = calloc(1, sizeof *s);
    bide_pool_item item;
    int r, got = 0;
    bool unordered = kills_chance(&c->chance, 2), leaves = kills_chance(&c->chance, 4) == 0;

    *s = (struct source){.load = load, .idempotent = kills_chance(&c->chance, 2)};
    note(c, "reads a stream");
    bide_pool_stream *stream = bide_pool_imap(load->pool, next_order, s, .unordered = unordered, .window = 10, .idempotent = s->idempotent);
    while (!(leaves && got == 20) && (r = bide_pool_next(stream, &item)) > 0) {
        note(c, "reads a stream");
        if (item.index >= (size_t)s->n || s->seen[item.index] || (!unordered && item.index != (size_t)got))
            FAIL("a stream gives result %zu as the %d.", item.index, got);
        s->seen[item.index] = true;
        got++;
        check_one_of_many(load, &s->o[item.index], item.code);
        bide_error_clear();
    }
    if (!leaves && got != (int)array_len(s->o))
        FAIL("a stream ended with %d after %d: %s", r, got, bide_error_text());
    bide_release(stream);
    free(s);
    return 0;
}

static int one_in_each(struct load *load, struct client *c)
{
    int codes[INDEXES];
    struct order o = {.number = kills_number(load, INDEXES)};

    note(c, "runs one in each");
    for (int i = 0; i < INDEXES; i++)
        codes[i] = value_of(o.number);
    int code = bide_pool_each(load->pool, bide_job(kills_plain, &o), .codes = codes, .collect = true);
    bide_error_clear();
    if (code < 0)
        FAIL("bide_pool_each: %d", code);
    for (int i = 0; i < INDEXES; i++)
        if (codes[i] < 0 && codes[i] != BIDE_EWORKER && codes[i] != BIDE_EWORKERLOST)
            FAIL("one of each ended with %d", codes[i]);
    return 0;
}

/* Who was killed before it was ready is replaced; without a helper there are no births, but soon another. */
static int a_resize(struct load *load, struct client *c)
{
    note(c, "resizes");
    int code = bide_pool_resize(load->pool, 1 + (int)kills_chance(&c->chance, 5));
    if (code < 0 && code != -ECHILD)
        FAIL("bide_pool_resize: %d, %s", code, bide_error_text());
    bide_error_clear();
    load->resizes += code == 0;
    return 0;
}

/* ---- clients ---- */

static int be_client(struct load *load, struct client *c)
{
    while (!load->stop) {
        uint32_t n = kills_chance(&c->chance, 20);
        BIDE_TRY(n < 14 ? some_jobs(load, c) : n < 16 ? a_map(load, c) : n < 18 ? an_imap(load, c) : n < 19 ? a_resize(load, c)
                                                                                                      : one_in_each(load, c));
    }
    note(c, "has ended");
    return 0;
}

/* ---- all of it ---- */

bide_pool *kills_open(enum bide_pool_kind kind, const char *ledger_path)
{
    bide_pool_args args = {.size = sizeof args, .kind = kind, .workers = 3, .concurrency = 4, .restart_max = BIDE_UNLIMITED, .retries = RETRIES,
                           .ring_bytes = 64 << 10, .grace_ms = 300, .close_ms = 1000};
    if (ledger_path)
        args.init = bide_job(kills_init, ledger_path);
    return bide_pool_new_with(&args);
}

int kills_run_load(struct load *load)
{
    bide_task *tasks[array_len(load->client)];
    int code = 0;

    load->most_runs = calloc(NUMBERS, 1);
    load->clients = 4;
    bide_auto bide_task *watcher = bide_create_task(bide_coro(kills_watch, load));
    for (unsigned i = 0; i < load->clients; i++) {
        load->client[i].chance.state = load->seed * 8 + i;
        note(&load->client[i], "begins");
        tasks[i] = bide_create_task(bide_coro(be_client, load, &load->client[i]), .stack_size = 256 << 10);
    }
    for (unsigned i = 0; i < load->clients; i++) {
        int one = bide_await(tasks[i]);
        code = code < 0 ? code : one;
        bide_release(tasks[i]);
    }
    while (code == 0 && !bide__list_is_empty(&load->pool->jobs)) /* those that were let go */
        code = bide_sleep_ms(1);
    load->watched = true;
    return code < 0 ? code : bide_await(watcher);
}

void kills_check_runs(const struct load *load)
{
    for (uint32_t n = 0; n < load->next_number; n++)
        if (kills_ledger->runs[n] > load->most_runs[n])
            FAIL("job %u ran %d times, %d at most", n, kills_ledger->runs[n], load->most_runs[n]);
    free(load->most_runs);
}
