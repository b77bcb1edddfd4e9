/* SPDX-License-Identifier: MIT */
/*
 * fetch_name.c - which URL becomes which file.
 */
#include <string.h>

#include <bide/url.h>

#include "cli/fetch.h"

const char fetch_not_a_url[] = "not a valid URL", fetch_no_memory[] = "out of memory";

static const char *own_name(const struct naming *n, const bide_url *url, const char *mime, struct text *out)
{
    text_add(out, n->root.data, n->root.len);
    names_add(url, mime, out);
    return NULL;
}

static const char *name_of_template(struct fetch *f, const struct job *job, const bide_url *url, struct text *out)
{
    const struct naming *n = &f->naming;
    uint64_t which[GLOB_MAX];
    struct template_values v = {.number = job->number, .which = which};

    if (job->pattern >= 0) {
        v.glob = &f->source.globs[job->pattern];
        v.binding = &f->source.bindings[job->pattern];
        glob_pick(v.glob, job->k, which);
    }
    if (url) {
        v.host = bide_url_host(url);
        v.path = bide_url_path(url);
    }
    template_add_name(&n->template, &v, out);
    if (n->template.has_variable)
        names_shorten(out, n->template.root_len);
    return out->no_memory || n->direct ? NULL : template_name_fault(out->data, n->template.root_len);
}

const char *fetch_name(struct fetch *f, const struct job *job, const char *mime, struct text *out)
{
    const struct naming *n = &f->naming;
    bool needs_url = !n->has_template || n->template.needs_url;

    text_clear(out);
    if (job->url.no_memory)
        return fetch_no_memory;
    bide_auto bide_url *url = needs_url ? bide_url_parse(text_string(&job->url)) : NULL;
    if (needs_url && !url)
        return bide_error_code() == BIDE_ENOMEM ? fetch_no_memory : fetch_not_a_url;
    const char *fault = n->has_template ? name_of_template(f, job, url, out) : own_name(n, url, mime, out);
    return out->no_memory ? fetch_no_memory : fault;
}

const char *fetch_claim_name(struct fetch *f, struct job *job, const struct text *name)
{
    struct naming *n = &f->naming;
    uint64_t hash = n->is_proven ? 0 : names_hash(name->data, name->len);

    if (n->is_proven || (job->claimed != 0 && job->claimed == hash))
        return NULL;
    enum nameset_answer answer = nameset_add(&n->names, name->data, name->len);
    if (answer == NAMESET_THERE)
        return "an earlier URL has this file name";
    if (answer == NAMESET_NO_MEMORY)
        return fetch_no_memory;
    job->claimed = hash;
    return NULL;
}
