/* SPDX-License-Identifier: MIT */
/*
 * hooks.c - functions of the user's that do a part of connecting: what they may give, checked.
 *
 * They run in the task that connects, and may do there what it may do.
 */
#include <stdio.h>

#include "io/net/dns.h"

/* The user's function failed: is there an error of its own on record?  Ends the mark. */
static bool has_said_why(struct error_mark *mark)
{
    bool is_changed = mark->is_changed;

    bide__error_end(mark, -1);
    return is_changed && bide_error_code() < 0;
}

/* ---- the dialler ---- */

/* Of our loop, with nothing under way in its buffers that what comes next would leave behind, or overtake. */
static int check_dialled(bide_stream *s, const struct connect_options *o)
{
    if (s->loop != bide__loop_here)
        return bide_fail(BIDE_ESTATE, "connect %s: .dial gave a stream of another event loop", o->host);
    if ((o->tls || o->unbuffered) && bide__buf_len(&s->in) > 0)
        return bide_fail(BIDE_ESTATE, "connect %s: .dial gave a stream with %zu bytes that were read ahead", o->host,
                         bide__buf_len(&s->in));
    return bide_drain(s);
}

bide_stream *bide__dial(const struct connect_options *o)
{
    if (!bide__task_required("bide_connect"))
        return NULL;
    struct error_mark mark;
    bide__error_mark(&mark);
    bide_stream *s = o->hooks->dial(o->host, o->port, o->hooks->dial_arg);

    if (!s) {
        if (!has_said_why(&mark))
            bide_fail(-EINVAL, "connect %s: .dial gave no stream, and put no error on record", o->host);
        return NULL;
    }
    bide__error_end(&mark, 0);
    if (check_dialled(s, o) == 0)
        return s;
    bide_release(s);
    return NULL;
}

/* ---- the resolver ---- */

static int add_listed(const char *list, bide_addresses *out)
{
    char one[INET6_ADDRSTRLEN + 32];

    for (; *list; list += *list == ',') {
        size_t len = strcspn(list, ",");
        snprintf(one, sizeof one, "%.*s", len < sizeof one ? (int)len : 0, list);
        BIDE_TRY(bide_addresses_add(out, one));
        list += len;
    }
    return 0;
}

int bide__resolve(const struct connect_options *o, bide_addresses *out)
{
    if (o->addresses)
        return add_listed(o->addresses, out);
    struct error_mark mark;
    bide__error_mark(&mark);
    int code = o->hooks->resolve(o->host, out, o->hooks->resolve_arg);

    if (code >= 0) {
        bide__error_end(&mark, 0);
        return 0;
    }
    return has_said_why(&mark) ? code : bide_fail(code, "connect %s: .resolve failed: %s", o->host, bide_strerror(code));
}

void bide__addresses_free(bide_addresses *a)
{
    bide__free(a->half[IP6].addrs);
    bide__free(a->half[IP4].addrs);
}

int bide_addresses_add(bide_addresses *out, const char *address)
{
    struct addr a;
    if (bide__is_null(out, __func__, "out") || bide__is_null(address, __func__, "the address"))
        return -EINVAL;
    if (!bide__addr_parse(&a, address, 0))
        return bide_fail(-EINVAL, "%s: \"%.64s\" is no address", __func__, address);

    struct dns_half *half = &out->half[a.sa.sa_family == AF_INET6 ? IP6 : IP4];
    if (half->n == DNS_ADDRS_MAX)
        return bide_fail(BIDE_ELIMIT, "%s: there are %d of its family", __func__, DNS_ADDRS_MAX);
    return bide__dns_half_add(half, &a);
}
