/* SPDX-License-Identifier: MIT */
/*
 * texts.c - the texts of a picture, each kept once, and the tables that find its tasks.
 */
#include "cli/remote/picture.h"

#include <stdlib.h>
#include <string.h>

#include <bide/text.h>

/* FNV-1a: the other one can make them collide, which costs time within the limits of a picture. */
static uint64_t hash_text(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

static uint64_t hash_number(uint64_t n)
{
    n ^= n >> 33;
    n *= 0xff51afd7ed558ccdu;
    return n ^ n >> 33;
}

/* ---- texts ---- */

static bool grow_slots(struct picture *p)
{
    size_t n = p->text_slots_n ? p->text_slots_n * 2 : 1024;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots)
        return false;

    for (size_t i = 0; i < p->text_slots_n; i++) {
        if (p->text_slots[i] == 0)
            continue;
        size_t at = hash_text(p->texts + p->text_slots[i]) & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = p->text_slots[i];
    }
    free(p->text_slots);
    p->text_slots = slots;
    p->text_slots_n = n;
    return true;
}

static bool room_for(struct picture *p, size_t len)
{
    size_t cap = p->texts_cap ? p->texts_cap : 4096;
    while (cap < p->texts_len + len + 1)
        cap *= 2;
    if (cap == p->texts_cap)
        return true;
    char *texts = realloc(p->texts, cap);
    if (!texts)
        return false;
    p->texts = texts;
    p->texts_cap = cap;
    if (p->texts_len == 0)
        p->texts[p->texts_len++] = '\0';
    return true;
}

uint32_t picture_keep(struct picture *p, const char *text)
{
    size_t len = strlen(text) + 1;
    if (len == 1)
        return 0;
    if (p->texts_len + len > PICTURE_TEXTS_MAX) {
        p->is_cut = true;
        return 0;
    }
    if ((p->text_count * 2 >= p->text_slots_n && !grow_slots(p)) || !room_for(p, len)) {
        p->no_memory = true;
        return 0;
    }

    size_t at = hash_text(text) & (p->text_slots_n - 1);
    for (; p->text_slots[at]; at = (at + 1) & (p->text_slots_n - 1))
        if (strcmp(p->texts + p->text_slots[at], text) == 0)
            return p->text_slots[at];
    p->text_slots[at] = (uint32_t)p->texts_len;
    p->text_count++;
    memcpy(p->texts + p->texts_len, text, len);
    p->texts_len += len;
    return p->text_slots[at];
}

uint32_t picture_keep_at(struct picture *p, struct memory *m, uint64_t at)
{
    char text[PICTURE_TEXT_MAX], shown[PICTURE_TEXT_MAX * 2];
    if (at == 0 || !memory_text(m, at, text, sizeof text))
        return 0;

    bide_printable(shown, sizeof shown, text, strlen(text));
    return picture_keep(p, shown);
}

/* ---- tasks ---- */

static void enter(uint32_t *table, size_t n, uint64_t key, uint32_t index)
{
    size_t at = hash_number(key) & (n - 1);

    while (table[at])
        at = (at + 1) & (n - 1);
    table[at] = index + 1;
}

static bool make_tables(struct picture *p)
{
    size_t n = 16;

    while (n < p->ntasks * 2)
        n *= 2;
    p->by_address = calloc(n, sizeof *p->by_address);
    p->by_id = calloc(n, sizeof *p->by_id);
    p->table_n = n;
    if (!p->by_address || !p->by_id)
        return false;
    for (size_t i = 0; i < p->ntasks; i++) {
        enter(p->by_address, n, p->tasks[i].address, (uint32_t)i);
        enter(p->by_id, n, p->tasks[i].id, (uint32_t)i);
    }
    return true;
}

uint32_t picture_find(const struct picture *p, uint64_t address)
{
    for (size_t at = hash_number(address) & (p->table_n - 1); p->table_n && p->by_address[at]; at = (at + 1) & (p->table_n - 1))
        if (p->tasks[p->by_address[at] - 1].address == address)
            return p->by_address[at] - 1;
    return UINT32_MAX;
}

uint32_t picture_find_id(const struct picture *p, uint64_t id)
{
    for (size_t at = hash_number(id) & (p->table_n - 1); p->table_n && p->by_id[at]; at = (at + 1) & (p->table_n - 1))
        if (p->tasks[p->by_id[at] - 1].id == id)
            return p->by_id[at] - 1;
    return UINT32_MAX;
}

/* ---- all of it ---- */

void picture_free(struct picture *p)
{
    free(p->loops);
    free(p->tasks);
    free(p->edges);
    free(p->texts);
    free(p->text_slots);
    free(p->by_address);
    free(p->by_id);
    *p = (struct picture){.layout = p->layout};
}

bool picture_take(struct picture *p, struct memory *m)
{
    *p = (struct picture){.layout = p->layout};
    memory_forget(m);
    if (!picture_tasks(p, m) || !make_tables(p))
        p->no_memory = true;
    if (!p->no_memory)
        picture_waits(p, m);
    return !p->no_memory;
}
