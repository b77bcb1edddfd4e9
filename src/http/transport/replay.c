/* SPDX-License-Identifier: MIT */
/* replay.c - a transport that plays a HAR file back: which entry answers. */
#include <bide/har.h>

#include "http/store/store.h"
#include "http/transport/har.h"

#define FILE_MAX ((size_t)64 << 20)
#define URL_SHOWN 100

struct replay {
    bide_transport transport;
    struct arena arena;
    struct har_file file;
    bool repeats;
};

static struct replay *replay_of(const bide_transport *t)
{
    return container_of(t, struct replay, transport);
}

/* ---- which entry ---- */

static bool is_same(const struct har_entry *e, const bide_mock_request *q)
{
    return strcmp(e->method, q->method) == 0 && strcmp(e->url, q->url) == 0;
}

static bool has_same_body(const struct har_entry *e, const bide_mock_request *q)
{
    return e->sent.data && e->sent.len == q->body_len && q->body.len == q->body_len && memcmp(e->sent.data, q->body.data, q->body.len) == 0;
}

/* The first that was not played, one with the same body before the others; else, if that may be, the last that was. */
static struct har_entry *find_entry(const struct replay *p, const bide_mock_request *q)
{
    struct har_entry *first = NULL, *played = NULL, *played_same = NULL;

    for (size_t i = 0; i < p->file.n; i++) {
        struct har_entry *e = &p->file.entries[i];
        bool has_body = is_same(e, q) && has_same_body(e, q);
        if (!is_same(e, q))
            continue;
        if (!e->is_played && has_body)
            return e;
        if (e->is_played) {
            played = e;
            played_same = has_body ? e : played_same;
        } else if (!first) {
            first = e;
        }
    }
    played = played_same ? played_same : played;
    return first && !(p->repeats && played_same) ? first : p->repeats ? played : NULL;
}

static size_t likeness(const struct har_entry *e, const bide_mock_request *q)
{
    size_t n = 0;

    while (e->url[n] && e->url[n] == q->url[n])
        n++;
    return 2 * n + 2 * (e->url[n] == q->url[n]) + (strcmp(e->method, q->method) == 0);
}

static int fail_unanswered(const struct replay *p, const bide_mock_request *q)
{
    const struct har_entry *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < p->file.n; i++) {
        size_t n = likeness(&p->file.entries[i], q);
        if (n >= most) {
            most = n;
            best = &p->file.entries[i];
        }
    }
    if (!best)
        return bide_fail(-ENOENT, "the recording has no entry");
    return bide_fail(-ENOENT, "the recording has no %s answer; the nearest is that to %s %.*s", is_same(best, q) ? "further" : "such",
                     best->method, URL_SHOWN, best->url);
}

/* ---- the transport ---- */

static int choose(struct mock_exchange *x, void *arg)
{
    struct replay *p = arg;
    struct har_entry *e = find_entry(p, &x->request);
    if (!e)
        return fail_unanswered(p, &x->request);

    e->is_played = true;
    x->answer = e->answer;
    return 0;
}

static struct exchange *replay_begin(bide_transport *t, struct arena *arena, struct h1_context *context)
{
    struct mock_exchange *x = bide__mock_exchange_new(arena, context, choose, replay_of(t));
    if (!x)
        return NULL;

    x->max_body = FILE_MAX;
    return &x->exchange;
}

static int replay_check(const bide_transport *t)
{
    const struct replay *p = replay_of(t);

    for (size_t i = 0; i < p->file.n; i++)
        if (!p->file.entries[i].is_played)
            return bide_fail(BIDE_ESTATE, "%s %.*s (entry %zu of the recording) was not asked for", p->file.entries[i].method, URL_SHOWN,
                             p->file.entries[i].url, i);
    return 0;
}

static void replay_close(bide_transport *t)
{
    bide__arena_free(&replay_of(t)->arena);
}

static int take_file(void *into, const char *text, size_t len, int64_t now)
{
    struct replay *p = into;
    (void)now;

    return bide__har_read(&p->file, &p->arena, text, len);
}

bide_transport *bide_transport_replay_with(const bide_replay_args *options)
{
    static const char function[] = "bide_transport_replay";
    static const struct transport_ops ops = {.name = "a replay", .begin = replay_begin, .check = replay_check, .close = replay_close};
    bide_replay_args args;
    if (bide__options_take(&args, sizeof args, options, function) < 0 || bide__check_named(args.guard_, function) < 0 ||
        bide__is_null(args.path, function, "the path") || bide__check_size(function, "max_file_bytes", args.max_file_bytes, 0) < 0)
        return NULL;
    struct replay *p = bide__transport_new(sizeof *p, &ops);
    if (!p)
        return NULL;

    bide__arena_init(&p->arena, SIZE_MAX);
    p->repeats = args.repeat;
    if (bide__store_read(args.path, bide__size_or(args.max_file_bytes, FILE_MAX), take_file, p) >= 0)
        return &p->transport;
    bide__object_unref(p);
    return NULL;
}
