/* SPDX-License-Identifier: MIT */
/*
 * saver.c - many small files, written in batches.
 *
 * A trip to a thread and back costs as much as writing a small file.  So who comes first takes the lead: it goes with all
 * files that are waiting.  Those that come meanwhile wait, and when the batch is back, one of them leads the next.  The
 * busier it is, the larger batches are; on a slow disk, where many wait, there are several leaders.
 *
 * Invariant: if files are waiting, somebody leads or has been woken to do so.
 */
#include "cli/save/saver.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bide/file.h>
#include <bide/task.h>

#define LEADERS_MAX  4
#define LEADER_AHEAD 32 /* files that wait before there is one leader more */
#define TOGETHER     64 /* files that are open at once to be synced */

struct save_item {
    struct save_item *next;
    const char *path;
    bide_bytes data;
    bide_file *file; /* while it is being written */
    bide_future *wake;
    bool begun, done;
    int code;
    char why[400];
};

struct batch {
    const struct saver *saver;
    struct save_item *first;
    bool ran;
};

/* ---- files ---- */

static bide_file *write_nameless(const struct saver *s, const char *path, bide_bytes data)
{
    bide_file *f = bide_open(path, .atomic = true, .parents = true, .beneath = s->root);

    if (f && bide_file_write(f, data.data, data.len, -1) < 0)
        bide_release(bide_take(f));
    return f;
}

int saver_write_now(const struct saver *s, const char *path, bide_bytes data)
{
    bide_auto bide_file *f = write_nameless(s, path, data);

    if (!f || (s->durability && bide_file_sync(f) < 0))
        return bide_error_code();
    int code = bide_file_close(bide_take(f));
    return code == 0 && s->durability ? durable_name(s->root, path) : code;
}

/* ---- a batch, in a thread ---- */

static void note_result(struct save_item *i, int code)
{
    i->code = code;
    if (code < 0)
        snprintf(i->why, sizeof i->why, "%s", bide_error_text());
}

static void name_file(struct save_item *i)
{
    if (i->file && bide_file_sync(i->file) < 0)
        note_result(i, bide_error_code());
    if (i->code < 0)
        bide_release(bide_take(i->file));
    else
        note_result(i, bide_file_close(bide_take(i->file)));
}

/*
 * Step by step for all of them, from first to before end: what the disk does for the first file of a step, it often has
 * done for the others, too; and files of one directory share its sync.
 */
static void write_together(const struct saver *s, struct save_item *first, const struct save_item *end)
{
    struct durable_group names = {0};

    for (struct save_item *i = first; i != end; i = i->next)
        if (!(i->file = write_nameless(s, i->path, i->data)))
            note_result(i, bide_error_code());
    for (struct save_item *i = first; i != end; i = i->next)
        name_file(i);
    for (struct save_item *i = first; i != end; i = i->next)
        if (i->code >= 0)
            note_result(i, durable_group_name(&names, s->root, i->path));
}

static int write_batch(struct batch *b)
{
    struct save_item *i = b->first, *first;

    b->ran = true;
    while (i && b->saver->durability == DURABILITY_BATCH) {
        first = i;
        for (int n = 0; i && n < TOGETHER; n++)
            i = i->next;
        write_together(b->saver, first, i);
    }
    for (; i; i = i->next)
        note_result(i, saver_write_now(b->saver, i->path, i->data));
    return 0;
}

/* ---- who waits ---- */

static void append(struct saver *s, struct save_item *item)
{
    if (s->first)
        s->last->next = item;
    else
        s->first = item;
    s->last = item;
    s->waiting++;
}

static void withdraw(struct saver *s, struct save_item *item)
{
    struct save_item *all = s->first;

    *s = (struct saver){.durability = s->durability, .root = s->root, .leaders = s->leaders};
    for (struct save_item *next; all; all = next) {
        next = all->next;
        all->next = NULL;
        if (all != item)
            append(s, all);
    }
}

static void wake(struct save_item *item)
{
    if (item->wake && !bide_future_done(item->wake))
        BIDE_IGNORE(bide_future_set_result(item->wake, 0));
}

static bool wants_leader(const struct saver *s)
{
    return s->first && (s->leaders == 0 || (s->leaders < LEADERS_MAX && s->waiting >= LEADER_AHEAD * (size_t)s->leaders));
}

/* ---- leading ---- */

static struct save_item *begin_all(struct saver *s)
{
    struct save_item *first = s->first;

    for (struct save_item *i = first; i; i = i->next)
        i->begun = true;
    s->first = s->last = NULL;
    s->waiting = 0;
    return first;
}

/* It did not come to it: who leads takes its own back, the others wait again. */
static void put_back(struct saver *s, struct save_item *items, struct save_item *own, int code)
{
    for (struct save_item *next; items; items = next) {
        next = items->next;
        items->next = NULL;
        items->begun = false;
        if (items != own)
            append(s, items);
    }
    own->done = true;
    own->code = code;
    snprintf(own->why, sizeof own->why, "%s", bide_error_text());
}

static void lead(struct saver *s, struct save_item *own)
{
    struct batch b = {.saver = s, .first = begin_all(s)};

    s->leaders++;
    int code = bide_to_thread(bide_coro(write_batch, &b));
    s->leaders--;
    if (!b.ran) {
        put_back(s, b.first, own, code);
    } else {
        for (struct save_item *i = b.first, *next; i; i = next) {
            next = i->next; /* once it is awake, the item is gone */
            i->done = true;
            wake(i);
        }
    }
    if (wants_leader(s))
        wake(s->first);
}

/* 0: something has changed; or a cancellation. */
static int wait(struct save_item *item)
{
    item->wake = bide_future_new();
    int code = item->wake ? bide_shield(item->wake) : bide_sleep_ms(1);

    bide_release(item->wake);
    item->wake = NULL;
    return code;
}

int saver_write(struct saver *s, const char *path, bide_bytes data)
{
    struct save_item item = {.path = path, .data = data};

    append(s, &item);
    while (!item.done) {
        if (!item.begun && wants_leader(s)) {
            lead(s, &item);
            continue;
        }
        int code = wait(&item);
        if (code < 0 && !item.begun && !item.done) {
            withdraw(s, &item);
            if (wants_leader(s))
                wake(s->first);
            return code;
        }
    }
    return item.code < 0 ? bide_fail(item.code, "%s", item.why) : 0;
}
