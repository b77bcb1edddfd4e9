/* SPDX-License-Identifier: MIT */
/*
 * send_extras.c - a request of which a list says more than its URL.
 *
 * What the list says takes the place of what the options say, header by header.
 */
#include <stdlib.h>
#include <strings.h>

#include "cli/request/extras.h"
#include "cli/request/request.h"

static size_t count(const bide_pair *p)
{
    size_t n = 0;

    while (p && p[n].name)
        n++;
    return n;
}

static bool has(const bide_pair *p, const char *name)
{
    for (; p && p->name; p++)
        if (strcasecmp(p->name, name) == 0)
            return true;
    return false;
}

/* Returns: NULL: no memory. */
static bide_pair *merge(const struct request *q, const struct extras *x)
{
    bide_pair *all = calloc(count(q->headers) + count(x->headers) + 2, sizeof *all);
    size_t n = 0;
    if (!all)
        return NULL;

    for (const bide_pair *p = q->headers; p && p->name; p++)
        if (!has(x->headers, p->name))
            all[n++] = *p;
    for (const bide_pair *p = x->headers; p && p->name; p++)
        all[n++] = *p;
    if (x->is_json && !has(all, "Accept"))
        all[n++] = (bide_pair){"Accept", "application/json"};
    return all;
}

const char *request_method(const struct request *q, const struct extras *x)
{
    if (x && x->method)
        return x->method;
    return x && x->body.data && !q->options->method ? "POST" : q->method;
}

bide_response *request_send_extras(const struct request *q, bide_session *s, const char *url, const struct request_of_one *one)
{
    const struct extras *x = one->extras;
    bide_bytes data = x->body.data ? x->body : q->data;
    const char *json = x->body.data ? NULL : q->json, *method = request_method(q, x);
    bide_pair *headers = x->headers || x->is_json ? merge(q, x) : q->headers;
    if (!headers && (x->headers || x->is_json)) {
        bide_fail(BIDE_ENOMEM, "headers: out of memory");
        return NULL;
    }

    if (x->is_json) {
        data = (bide_bytes){NULL, 0};
        json = x->body.data;
    }
    bide_response *r = upload_send(q, s, url,
                                   &(bide_request_args){.method = method, .headers = headers, .data = data, .json = json,
                                                        .cookies = has(headers, "Cookie") ? NULL : q->cookies,
                                                        .on_redirect = q->on_redirect, .on_redirect_arg = one->watcher,
                                                        .cookie_jar = one->jar, .resume = one->resume, .trace_arg = one->seen},
                                   x->body.data != NULL);
    if (headers != q->headers)
        free(headers);
    return r;
}
