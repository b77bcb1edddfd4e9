/* SPDX-License-Identifier: MIT */
/*
 * repeat_name.c - the file of a URL that is repeated, and that of a line that repeats it.
 *
 * What a file was called is computed again from the number of its URL, so that nothing is kept.  A name that a list gives
 * cannot be: it is remembered, behind the number in repeats.names, and the entry says where.  That has a ceiling: a line
 * beyond it is as if nothing had been before it, and one that repeats it is asked for again.
 */
#include <string.h>

#include "cli/fetch/save/save.h"

#define NAMES_BYTES ((size_t)8 << 20)

_Static_assert(FAIL_KINDS <= 32, "urlset_entry.fail");

bool repeats_cannot_name(const struct fetch *f, const struct job *job)
{
    return f->repeats.names.len >= NAMES_BYTES && fetch_is_named_by_list(&f->naming, job);
}

int repeats_remember(struct fetch *f, const struct job *job, struct urlset_entry *e, const struct text *name)
{
    struct text *all = &f->repeats.names;
    size_t at = all->len;
    if (!fetch_is_named_by_list(&f->naming, job))
        return 0;

    text_add(all, (const char *)&job->number, sizeof job->number);
    text_add(all, name->data, name->len + 1);
    if (all->no_memory)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", name->data);
    e->first = at;
    e->is_named = true;
    return 0;
}

uint64_t repeats_first_number(const struct repeats *r, const struct urlset_entry *e)
{
    uint64_t number = e->first;

    if (e->is_named)
        memcpy(&number, r->names.data + e->first, sizeof number);
    return number;
}

/* Where the URL stands that has this number: enough for its name, if no list gave it. */
static struct job job_of_number(const struct fetch *f, uint64_t number, const struct job *other)
{
    struct job job = {.number = number, .pattern = -1, .url = other->url}; /* the same, or it would be another */

    for (int i = 0; i < f->source.nglobs && job.pattern < 0; i++) {
        uint64_t count = f->source.globs[i].count;
        if (number < count) {
            job.pattern = i;
            job.k = number;
        }
        number -= count;
    }
    return job;
}

static const char *name_first(struct fetch *f, const struct job *job, const struct urlset_entry *e, const struct answer *a, struct text *out)
{
    if (!e->is_named) {
        struct job first = job_of_number(f, e->first, job);
        return fetch_name(f, &first, a, out);
    }
    text_clear(out);
    text_add_string(out, f->repeats.names.data + e->first + sizeof(uint64_t));
    return out->no_memory ? fetch_no_memory : NULL;
}

static bool found_existing(const struct urlset_entry *e)
{
    return e->fail == FAIL_NONE && e->status == 0;
}

/* --skip-existing: it has its own file from an earlier run. */
static bool is_existing(struct worker *w, const struct job *job, const struct text *first, struct outcome *o)
{
    int64_t size = fetch_find_existing(w, job);

    o->is_existing = size >= 0 && strcmp(w->name.data, first->data) != 0;
    if (o->is_existing)
        o->bytes = (uint64_t)size;
    return o->is_existing;
}

static const char *save_copy(struct worker *w, struct job *job, const struct text *first, struct outcome *o)
{
    o->is_copy = true;
    const char *why = fetch_claim_name(w->f, job, &w->name);
    if (why || fetch_copy(w, first) == 0)
        return why;

    o->is_local = true;
    o->code = bide_error_code();
    return bide_error_text();
}

const char *repeats_save(struct worker *w, struct job *job, const struct urlset_entry *e, struct outcome *o)
{
    struct fetch *f = w->f;
    const struct naming *n = &f->naming;
    unsigned char digest[DIGEST_BYTES];
    struct answer a = {.extension = names_extension_number(e->extension), .status = e->status};
    struct text first = {0};
    bool may_differ = e->is_named || fetch_is_named_by_list(n, job) || (n->has_template && n->template.has_number);

    if (f->repeats.urls.has_digests) {
        struct urlset_entry *now = urlset_find(&f->repeats.urls, e->key); /* it may have moved */
        memcpy(digest, urlset_digest(&f->repeats.urls, now), sizeof digest);
        a.sha256 = digest;
    }
    const char *why = may_differ ? name_first(f, job, e, &a, &first) : NULL;
    if (!why && may_differ && is_existing(w, job, &first, o)) {
        text_free(&first);
        return NULL;
    }
    if (!why)
        why = fetch_name(f, job, &a, &w->name);
    if (!why && may_differ && strcmp(first.data, w->name.data) != 0)
        why = save_copy(w, job, &first, o);
    else if (!why)
        o->is_existing = found_existing(e);
    text_free(&first);
    return why;
}
