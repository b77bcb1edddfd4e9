/* SPDX-License-Identifier: MIT */
/*
 * table.c - the jobs that a pool has, from submit until they are over: found by id, counted, and limited in number and bytes.
 *
 *     id = generation << 32 | place + 1       a place that is used again gets another generation
 *
 * Workers and Redis name jobs by their id.  One that was over long ago, or never was, is found out by its generation.
 */
#include "pool/jobs/jobs.h"

static int grow_table(bide_pool *p)
{
    uint32_t cap = p->table_cap ? p->table_cap * 2 : 64;
    struct job **table = bide__realloc(p->table, cap * sizeof *table);
    if (table)
        p->table = table;
    uint32_t *generations = bide__realloc(p->generations, cap * sizeof *generations);
    if (generations)
        p->generations = generations;
    uint32_t *ids = bide__realloc(p->free_ids, cap * sizeof *ids);
    if (ids)
        p->free_ids = ids;
    if (!table || !generations || !ids)
        return bide__fail_nomem("a job");

    for (uint32_t i = cap; i-- > p->table_cap;) {
        p->table[i] = NULL;
        p->generations[i] = 0;
        p->free_ids[p->nfree++] = i;
    }
    p->table_cap = cap;
    return 0;
}

int bide__table_add(struct job *j)
{
    bide_pool *p = j->pool;
    if (p->nfree == 0 && grow_table(p) < 0)
        return BIDE_ENOMEM;
    uint32_t i = p->free_ids[--p->nfree];
    p->table[i] = j;
    j->id = (uint64_t)++p->generations[i] << 32 | (i + 1);
    bide__list_append(&p->jobs, &j->all);
    if (p->pending++ == 0)
        bide__pool_note_outside(p);
    p->pending_bytes += j->in_len;
    return 0;
}

void bide__table_remove(struct job *j)
{
    bide_pool *p = j->pool;
    uint32_t i = (uint32_t)j->id - 1;

    p->table[i] = NULL;
    p->free_ids[p->nfree++] = i;
    bide__list_remove(&j->all);
    if (--p->pending == 0)
        bide__pool_note_outside(p);
    p->pending_bytes -= j->in_len;
    bide__table_pass_room(p);
    if (p->pending == 0 && p->state >= POOL_CLOSING)
        bide__wake_all(p->loop, &p->changed);
}

struct job *bide__job_by_id(bide_pool *p, uint64_t id)
{
    uint32_t i = (uint32_t)id - 1;
    struct job *j = i < p->table_cap ? p->table[i] : NULL;

    return j && j->id == id ? j : NULL;
}
