/* SPDX-License-Identifier: MIT */
/*
 * url_key.c - which URLs are the same: a hash of what is asked for.
 *
 * Lines that differ in what is sent (method, headers, body) are different requests.
 */
#include <string.h>

#include <bide/url.h>

#include "cli/fetch/plan/plan.h"

static uint64_t key_of_url(const struct repeats *r, const char *text)
{
    size_t len = urlset_plain_length(text);
    if (len > 0)
        return urlset_key(&r->urls, text, len);

    bide_auto bide_url *url = bide_url_parse(text);
    const char *href = url ? bide_url_href(url) : NULL;
    bide_error_clear(); /* what is no URL will fail, and say so */
    return href ? urlset_key(&r->urls, href, strcspn(href, "#")) : 0;
}

/* What it is asked with if its line names no method; also before the options' request is made. */
static const char *usual_method(const struct http_options *o, const struct extras *x)
{
    return x->body.data && !o->method ? "POST" : request_usual_method(o);
}

/* What its list says besides the URL may make it another request; another name makes it another file of the same one. */
static uint64_t hash_of_extras(const struct fetch *f, const struct extras *x)
{
    bool has_method = x->method && strcmp(x->method, usual_method(&f->options->http, x)) != 0;

    return x->hash ^ (has_method ? names_hash(x->method, strlen(x->method)) : 0);
}

uint64_t repeats_new_key(const struct fetch *f, const struct job *job)
{
    uint64_t key = key_of_url(&f->repeats, text_string(&job->url));
    uint64_t hash = key && job->extras ? hash_of_extras(f, job->extras) : 0;

    return key != hash ? key ^ hash : key;
}

uint64_t repeats_key(const struct fetch *f, const struct job *job)
{
    return job->key ? job->key : repeats_new_key(f, job);
}

uint64_t repeats_owner(const struct fetch *f, const struct job *job)
{
    const struct extras *x = job->extras;
    const char *method = x->method ? x->method : usual_method(&f->options->http, x);
    bool is_alone = f->options->dups == REPEATS_AUTO && !bide_method_is_idempotent(method);
    uint64_t key = repeats_key(f, job);

    return key && is_alone ? key ^ names_hash((const char *)&job->number, sizeof job->number) : key;
}
