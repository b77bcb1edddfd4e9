/* SPDX-License-Identifier: MIT */
/* h1_extra.c - heads beside the one of the answer, copied to where they can be looked at: interim answers, trailers. */
#include "http/exchange/h1.h"

/* The fields of a head that has len bytes, every text with a NUL behind it.  false: out of memory. */
static bool copy_fields(struct arena *arena, struct fields *out, const struct h1_head *head, const char *from, size_t len)
{
    char *text = bide__arena_alloc(arena, len + 1);
    struct field *all = bide__arena_alloc(arena, head->nfields * sizeof *all);
    if (!text || !all)
        return false;

    memcpy(text, from, len);
    memcpy(all, head->fields, head->nfields * sizeof *all);
    for (uint32_t i = 0; i < head->nfields; i++) {
        text[all[i].name + all[i].name_len] = '\0';
        text[all[i].value + all[i].value_len] = '\0';
    }
    *out = (struct fields){text, all, head->nfields, head->seen};
    return true;
}

int bide__h1_keep_interim(struct h1_exchange *x, struct answer *out, const struct h1_head *head, const char *from, size_t len)
{
    struct interim **at = &out->interim;
    int n = 0;

    for (; *at; at = &(*at)->next)
        n++;
    if (n == INTERIM_KEPT)
        return 0;
    struct interim *i = bide__arena_alloc(x->exchange.arena, sizeof *i);
    if (!i)
        return BIDE_ENOMEM;
    *i = (struct interim){.status = head->status};
    if (!copy_fields(x->exchange.arena, &i->fields, head, from, len))
        return BIDE_ENOMEM;
    *at = i;
    return 0;
}

/* What a strict reader refuses is not kept, nor is there an error for want of memory: the body is there, and complete. */
void bide__h1_keep_trailers(struct h1_exchange *x, char *from, size_t len)
{
    struct h1_parser parser = {.limits = {H1_TRAILER_MAX, H1_TRAILER_MAX, H1_TRAILER_MAX, H1_TRAILER_FIELDS_MAX}, .strict = true};
    struct h1_head head = {.fields = x->context->fields, .fields_cap = H1_TRAILER_FIELDS_MAX};
    if (len <= 2 || bide__h1_parse_trailers(&parser, from, len, &head) <= 0)
        return;

    struct fields *kept = bide__arena_alloc(x->exchange.arena, sizeof *kept);
    if (kept && copy_fields(x->exchange.arena, kept, &head, from, len))
        x->exchange.progress->trailers = kept;
}
