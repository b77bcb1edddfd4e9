/* SPDX-License-Identifier: MIT */
/*
 * name.c - the file name of a URL.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <bide/url.h>

#include "cli/fetch/plan/plan.h"
#include "cli/fetch/report/report.h"

const char fetch_not_a_url[] = "not a valid URL", fetch_no_memory[] = "out of memory";
const char fetch_no_value[] = "its line gives no value to a variable of --output";

static const char *own_name(const struct naming *n, const bide_url *url, const struct answer *a, struct text *out)
{
    text_add(out, n->root.data, n->root.len);
    names_add(url, a ? a->extension : ".{ext}", out);
    return NULL;
}

/* What its list calls it, below the root. */
static const char *name_of_list(const struct naming *n, const struct extras *x, const bide_url *url, const struct answer *a,
                                struct text *out)
{
    text_add(out, n->root.data, n->root.len);
    if (x->dir) {
        text_add_string(out, x->dir);
        text_add_string(out, text_ends_with(out, '/') ? "" : "/");
    }
    if (x->name)
        text_add_string(out, x->name);
    else
        names_add(url, a ? a->extension : ".{ext}", out);
    return out->no_memory ? NULL : template_name_fault(out->data, n->root.len);
}

static const char *to_hex(const unsigned char digest[DIGEST_BYTES], char out[2 * DIGEST_BYTES + 1])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return out;
}

static const char *name_of_template(struct fetch *f, const struct job *job, const bide_url *url, const struct answer *a,
                                    struct text *out)
{
    const struct naming *n = &f->naming;
    uint64_t which[GLOB_MAX];
    char hex[2 * DIGEST_BYTES + 1];
    struct template_values v = {.number = job->number, .which = which, .date = n->date};

    if (job->pattern >= 0) {
        v.glob = &f->source.globs[job->pattern];
        v.binding = &f->source.bindings[job->pattern];
        glob_pick(v.glob, job->k, which);
    }
    if (job->extras)
        v.columns = job->extras->values;
    if (template_lacks(&n->template, &v))
        return fetch_no_value;
    if (url) {
        v.host = bide_url_host(url);
        v.path = bide_url_path(url);
        v.query = bide_url_query(url);
    }
    if (a) {
        v.extension = a->extension;
        v.status = a->status;
        v.sha256 = a->sha256 ? to_hex(a->sha256, hex) : NULL;
    }
    template_add_name(&n->template, &v, out);
    if (n->template.has_variable)
        names_shorten(out, n->template.root_len);
    return out->no_memory || n->direct ? NULL : template_name_fault(out->data, n->template.root_len);
}

const char *fetch_name(struct fetch *f, const struct job *job, const struct answer *a, struct text *out)
{
    const struct naming *n = &f->naming;
    bool needs_url = !n->has_template || n->template.needs_url;

    text_clear(out);
    if (job->url.no_memory)
        return fetch_no_memory;
    bide_auto bide_url *url = needs_url ? bide_url_parse(text_string(&job->url)) : NULL;
    if (needs_url && !url)
        return bide_error_code() == BIDE_ENOMEM ? fetch_no_memory : fetch_not_a_url;
    const char *fault = n->has_template ? name_of_template(f, job, url, a, out)
                        : job->extras ? name_of_list(n, job->extras, url, a, out) : own_name(n, url, a, out);
    return out->no_memory ? fetch_no_memory : fault;
}

/* ---- names that are taken ---- */

bool fetch_is_named_by_list(const struct naming *n, const struct job *job)
{
    const struct extras *x = job->extras;

    return x && (n->has_template ? x->values != NULL : n->directory && (x->name || x->dir));
}

/* Of what -O makes, only names with a hash can be alike; and those of URLs with a user, who is not in the name. */
bool fetch_name_is_unique(const struct naming *n, const struct job *job, const struct text *name)
{
    size_t begin, end;

    if (n->is_proven || !n->directory || job->extras)
        return n->is_proven;
    return !memchr(name->data + n->root.len, '~', name->len - n->root.len) && !secrets_in_url(text_string(&job->url), &begin, &end);
}

/* Its directories; what -O makes of URLs has none that could be a file. */
static size_t directories_begin(const struct naming *n)
{
    return n->has_template ? n->template.root_len : n->root.len;
}

/* "a" and "a/b": a would be a file and a directory.  *len: so much of the name is the other's. */
static const char *find_in_way(const struct naming *n, const struct text *name, size_t *len)
{
    *len = name->len;
    if (nameset_has(&n->directories, name->data, name->len))
        return "files of earlier URLs are below this name";
    for (size_t i = directories_begin(n); i < name->len; i++) {
        *len = i;
        if (name->data[i] == '/' && nameset_has(&n->names, name->data, i))
            return "an earlier URL has the name of its directory";
    }
    return NULL;
}

static const char *claim_directories(struct naming *n, const struct text *name)
{
    for (size_t i = directories_begin(n); i < name->len; i++)
        if (name->data[i] == '/' && nameset_add(&n->directories, name->data, i) == NAMESET_NO_MEMORY)
            return fetch_no_memory;
    return NULL;
}

/* In a thread: a file system may take its time. */
static int was_written(const struct naming *n, const struct text *name)
{
    struct stat st;

    return fstatat(n->root_fd, naming_below(n, name), &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ctim.tv_sec >= n->began;
}

const char *fetch_claim_name(struct fetch *f, struct job *job, const struct text *name)
{
    struct naming *n = &f->naming;
    const char *in_way = n->direct ? NULL : fetch_output_in_way(f->options, name->data);
    if (in_way || fetch_name_is_unique(n, job, name))
        return in_way;

    bool is_first = f->repeats.is_on && !job->is_repeat && !job->is_forgotten; /* who repeats it compares names with it */
    uint64_t hash = names_hash(name->data, name->len), owner = is_first ? 0 : repeats_key(f, job);
    if (job->claimed != 0 && job->claimed == hash)
        return NULL;
    enum nameset_answer answer = owner ? nameset_claim(&n->names, name->data, name->len, owner) : nameset_add(&n->names, name->data, name->len);
    if (answer == NAMESET_THERE)
        return "an earlier URL has this file name";
    if (answer == NAMESET_FULL && bide_to_thread(bide_coro(was_written, n, name)) != 0) /* or it is not known */
        return "a file of this run has this name, of an earlier URL or of the same one, beyond the names that are remembered";
    bool has_directories = n->has_template || fetch_is_named_by_list(n, job);
    const char *why = answer == NAMESET_NO_MEMORY ? fetch_no_memory : NULL;
    size_t len;
    if (!why && has_directories)
        why = find_in_way(n, name, &len);
    if (!why && has_directories)
        why = claim_directories(n, name);
    if (!why)
        job->claimed = hash;
    return why;
}

/* ---- names that lists give ---- */

/* Returns: as fetch_claim_name; *len: so much of the name is the other's. */
static const char *claim_in_order(struct naming *n, struct job *job, const struct text *name, uint64_t owner, size_t *len)
{
    const char *why = find_in_way(n, name, len);
    if (why)
        return why;

    enum nameset_answer answer = nameset_claim(&n->names, name->data, name->len, owner);
    *len = name->len;
    if (answer == NAMESET_THERE)
        return "an earlier URL has this file name";
    why = answer == NAMESET_NO_MEMORY ? fetch_no_memory : claim_directories(n, name);
    if (!why && answer != NAMESET_FULL)
        job->claimed = names_hash(name->data, name->len);
    return why;
}

/* Its extras go: it is not asked for. */
static void refuse_job(struct job *job, const struct text *name, const char *why, size_t len)
{
    struct text t = {0};

    report_add_url(&t, text_string(&job->url));
    text_format(&t, ": %s: %s", text_string(name), why);
    if (len < name->len)
        text_format(&t, ", %.*s", (int)len, text_string(name));
    free(job->extras);
    job->fault = extras_keep_fault(text_string(&t), &job->extras);
    job->has_bad_name = true;
    job->url.no_memory |= t.no_memory || why == fetch_no_memory || job->fault == extras_no_memory;
    text_free(&t);
}

void fetch_claim_list_name(struct fetch *f, struct job *job)
{
    struct naming *n = &f->naming;
    struct text name = {0};
    size_t len = 0;

    if (job->fault || n->has_template || !fetch_is_named_by_list(n, job) || nameset_is_full(&n->names))
        return; /* what does not fit is compared as it is saved */
    const char *why = fetch_name(f, job, NULL, &name);
    uint64_t owner = why ? 0 : repeats_owner(f, job);
    if (owner)
        why = claim_in_order(n, job, &name, owner, &len);
    if (owner && why)
        refuse_job(job, &name, why, len);
    text_free(&name);
}
