/* SPDX-License-Identifier: MIT */
/* facts.c - what a response shows beside status, headers and body: its connection, the head that was sent, interim answers,
   trailers, links. */
#include "http/client/client.h"
#include "http/value/values.h"

/* ---- the connection ---- */

static void find_local(bide_response *r, bide_connection *out)
{
    char text[INET6_ADDRSTRLEN];

    out->local_port = bide__conn_info_local(r->info, text);
    const char *copy = text[0] ? bide__arena_strndup(&r->arena, text, strlen(text)) : "";
    out->local = copy ? copy : "";
}

void bide_response_connection_into(bide_response *r, bide_connection *out, size_t size)
{
    bide_connection c = {.peer = "", .local = "", .alpn = ""};

    if (!bide__response_missing(r, "bide_response_connection") && r->info) {
        c = bide__conn_info_show(r->info);
        find_local(r, &c);
    }
    bide__options_give(out, size, &c, sizeof c);
}

const char *bide_response_certificate(bide_response *r)
{
    if (bide__response_missing(r, __func__) || !r->info)
        return NULL;
    return bide__tls_certificate_text(&r->info->tls, &r->arena);
}

/* ---- heads ---- */

bide_bytes bide_response_sent_head(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return (bide_bytes){NULL, 0};
    return r->progress.head;
}

static bool field_at(const struct fields *fields, size_t i, bide_pair *out)
{
    if (!fields || i >= fields->n)
        return false;
    *out = (bide_pair){bide__field_name(fields, &fields->all[i]), bide__field_value(fields, &fields->all[i])};
    return true;
}

static const struct interim *find_interim(const bide_response *r, size_t i)
{
    const struct interim *n = r->answer.interim;

    while (n && i-- > 0)
        n = n->next;
    return n;
}

int bide_interim_status(const bide_response *r, size_t i)
{
    if (bide__response_missing(r, __func__))
        return -EINVAL;
    const struct interim *n = find_interim(r, i);
    return n ? n->status : 0;
}

bool bide_interim_header_at(const bide_response *r, size_t i, size_t k, bide_pair *out)
{
    if (bide__response_missing(r, __func__) || bide__is_null(out, __func__, "the place for the field"))
        return false;
    const struct interim *n = find_interim(r, i);
    return n && field_at(&n->fields, k, out);
}

bool bide_trailer_at(const bide_response *r, size_t i, bide_pair *out)
{
    if (bide__response_missing(r, __func__) || bide__is_null(out, __func__, "the place for the field"))
        return false;
    return field_at(r->progress.trailers, i, out);
}

const char *bide_trailer(const bide_response *r, const char *name)
{
    bide_pair field;
    if (bide__response_missing(r, __func__) || bide__is_null(name, __func__, "the name"))
        return NULL;
    for (size_t i = 0; field_at(r->progress.trailers, i, &field); i++)
        if (strcasecmp(field.name, name) == 0)
            return field.value;
    return NULL;
}

/* ---- links ---- */

/* NULL, and nothing on record, for what is no URL. */
static const char *resolve(bide_response *r, const char *target, size_t len)
{
    struct url base, url;
    size_t base_cap = bide__url_bound(strlen(r->url), NULL);
    char *base_text = bide__arena_alloc(&r->arena, base_cap);
    if (!base_text || bide__url_parse(&base, r->url, strlen(r->url), base_text, base_cap) != 0)
        return NULL;
    size_t cap = bide__url_bound(len, &base);
    char *text = bide__arena_alloc(&r->arena, cap);

    return text && bide__url_resolve(&url, &base, target, len, text, cap) == 0 ? text : NULL;
}

const char *bide_response_link(bide_response *r, const char *rel)
{
    if (bide__response_missing(r, __func__) || bide__is_null(rel, __func__, "the relation"))
        return NULL;
    const struct fields *fields = &r->answer.fields;

    for (uint32_t i = 0; i < fields->n; i++) {
        const struct field *f = &fields->all[i];
        const char *value = bide__field_value(fields, f), *found = NULL;
        struct link l;
        bool is_link = f->name_len == 4 && strcasecmp(bide__field_name(fields, f), "link") == 0;
        for (size_t at = 0; is_link && bide__link_next(value, f->value_len, &at, &l);)
            if (bide__link_is_about_itself(&l) && bide__link_has_rel(&l, rel) &&
                (found = resolve(r, l.target, l.target_len)))
                return found;
    }
    return NULL;
}

/* ---- what was asked before: redirects, retries, challenges; in the arena ---- */

struct kept_hop {
    bide_hop hop;
    struct kept_hop *next;
};

int bide__history_add(bide_response *r, int code, enum bide_again why, int64_t wait_ms)
{
    struct kept_hop **end = &r->history, *k = bide__arena_alloc(&r->arena, sizeof *k);
    if (!k)
        return BIDE_ENOMEM;

    while (*end)
        end = &(*end)->next;
    *k = (struct kept_hop){.hop = {.method = r->method, .url = r->url, .status = r->answer.status, .code = code, .why = why,
                                   .waited_ms = wait_ms, .timing = bide_response_timing(r)}};
    *end = k;
    return 0;
}

int bide_history_len(const bide_response *r)
{
    int n = 0;
    if (bide__response_missing(r, __func__))
        return -EINVAL;

    for (const struct kept_hop *k = r->history; k; k = k->next)
        n++;
    return n;
}

bool bide_history_at_into(const bide_response *r, int i, bide_hop *out, size_t size)
{
    if (bide__response_missing(r, "bide_history_at") || bide__is_null(out, "bide_history_at", "the place for the hop") || i < 0)
        return false;
    const struct kept_hop *k = r->history;

    for (; k && i > 0; i--)
        k = k->next;
    if (k)
        bide__options_give(out, size, &k->hop, sizeof k->hop);
    return k;
}
