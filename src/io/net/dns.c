/* SPDX-License-Identifier: MIT */
/*
 * dns.c - the resolver: one query at a time for each name, and a cache of answers.
 *
 * Each loop has a resolver for each way to look names up that somebody has asked for (dns_config): with own servers, and a
 * table of names.  They have the hosts file together.  Those that were not used for longest, and have no question under
 * way, are closed when there are more than eight.  The caller gets a share of the name's entry and waits in it; those who
 * ask while the answer is on its way join them.  An answer is kept as long as its shortest record says (by default 1 to
 * 300 s), a failure for 1 s by default.  So many answers are kept as dns_config says (by default 1024); the one not used for
 * longest goes first.
 *
 * A and AAAA are asked at the same time and arrive as two halves.  When nobody waits for anything any more, all
 * questions are ended, so that a cancelled program leaves nothing behind.
 *
 * Invariants:
 *   N1  an entry in the table has `dns` set; an entry with a pending half is always in the table.
 *   N2  only complete entries are in by_age.
 */
#include "io/net/dns.h"

#include <ctype.h>
#include <netdb.h>

#define HOSTS_PATH "/etc/hosts"
#define IDLE_MAX 8

/* All of a loop. */
struct resolvers {
    struct loop_closer closer;
    bide_loop *loop;
    struct dns_hosts hosts;
    struct list_node list; /* that used last at the end */
    unsigned n;
};

struct dns {
    struct list_node node; /* of = resolvers.list */
    struct resolvers *of;
    struct dns_config *config; /* owned */
    struct dns_channel channel;
    struct map names;
    struct list_node by_age;
    unsigned n_answered; /* in by_age */
    unsigned n_wanted;   /* names with users and a half that is pending */
};

/* ---- one name ---- */

static void name_free(struct dns_name *n)
{
    bide__free(n->half[IP6].addrs);
    bide__free(n->half[IP4].addrs);
    bide__free(n);
}

/* Out of the table; users may still look at it. */
static void name_forget(struct dns_name *n)
{
    struct dns *d = n->dns;

    bide__map_remove(&d->names, &n->node);
    if (bide__list_is_linked(&n->age)) {
        bide__list_remove(&n->age);
        d->n_answered--;
    }
    n->dns = NULL;
    if (n->users == 0)
        name_free(n);
}

static bool has_addresses(const struct dns_name *n)
{
    return n->half[IP6].n > 0 || n->half[IP4].n > 0;
}

/* Also one whose other half is there: if those addresses do not answer, its user waits for these. */
static bool is_wanted(const struct dns_name *n)
{
    return n->users > 0 && bide__dns_is_pending(n);
}

static bool is_memorable(int status)
{
    return status != ARES_ECANCELLED && status != ARES_EDESTRUCTION && status != ARES_ENOMEM &&
           status != DNS_NO_DESCRIPTOR;
}

/* Both halves are there: into the cache, if they will be true a little longer. */
static void name_complete(struct dns_name *n)
{
    struct dns *d = n->dns;
    const struct dns_config *o = d->config;
    int64_t ttl_ms = (int64_t)n->ttl_s * 1000;

    if (!is_memorable(n->half[IP6].status) || !is_memorable(n->half[IP4].status)) {
        name_forget(n);
        return;
    }
    ttl_ms = ttl_ms < o->min_ttl_ms ? o->min_ttl_ms : ttl_ms > o->max_ttl_ms ? o->max_ttl_ms : ttl_ms;
    n->expires_ms = bide_loop_time_ms(d->channel.loop) + (has_addresses(n) ? ttl_ms : o->negative_ttl_ms);
    bide__list_append(&d->by_age, &n->age);
    if (++d->n_answered > o->names_max)
        name_forget(container_of(d->by_age.next, struct dns_name, age));
}

/* ---- answers ---- */

static int take_answer(struct dns_name *n, struct dns_half *h, const struct ares_addrinfo *answer)
{
    for (const struct ares_addrinfo_node *i = answer->nodes; i; i = i->ai_next) {
        struct addr a = {.len = i->ai_addrlen};
        if (a.len > sizeof a.in6)
            continue;
        memcpy(&a.sa, i->ai_addr, a.len);
        int code = bide__dns_half_add(h, &a);
        if (code < 0)
            return code;
        n->ttl_s = i->ai_ttl < n->ttl_s ? i->ai_ttl : n->ttl_s;
    }
    return 0;
}

static void half_arrived(struct dns_name *n, int family, int status, struct ares_addrinfo *answer)
{
    struct dns *d = n->dns;
    struct dns_half *h = &n->half[family];
    bool was_wanted = is_wanted(n);

    h->pending = false;
    h->status = bide__dns_channel_status(&d->channel, status);
    if (answer && take_answer(n, h, answer) < 0) {
        h->status = ARES_ENOMEM;
    }
    ares_freeaddrinfo(answer);
    if (h->n > 0 && n->arrived_ms == 0)
        n->arrived_ms = bide_loop_time_ms(d->channel.loop);
    d->n_wanted -= was_wanted && !is_wanted(n);
    bide__wake_all(d->channel.loop, &n->waiters);
    if (!bide__dns_is_pending(n))
        name_complete(n);
}

static void ip6_arrived(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
    (void)timeouts;
    half_arrived(arg, IP6, status, answer);
}

static void ip4_arrived(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
    (void)timeouts;
    half_arrived(arg, IP4, status, answer);
}

/* ---- the table ---- */

static void dns_close(struct dns *d)
{
    bide__list_remove(&d->node);
    d->of->n--;
    bide__dns_channel_close(&d->channel); /* what is pending ends here, and goes */
    while (!bide__list_is_empty(&d->by_age))
        name_forget(container_of(d->by_age.next, struct dns_name, age));
    bide__map_free(&d->names);
    bide__free(d->config);
    bide__free(d);
}

static struct dns *dns_open(struct resolvers *of, const struct dns_config *config)
{
    struct dns *d = bide__calloc(1, sizeof *d);
    if (!d)
        goto no_memory;
    bide__list_init(&d->by_age);
    d->config = bide__dns_config_copy(config);
    if (!d->config)
        goto no_config;
    if (bide__map_init(&d->names) < 0)
        goto no_map;
    if (bide__dns_channel_open(&d->channel, of->loop, config) < 0)
        goto no_channel;
    d->of = of;
    bide__list_append(&of->list, &d->node);
    of->n++;
    return d;

no_channel:
    bide__map_free(&d->names);
    bide__free(d->config);
    bide__free(d);
    return NULL;
no_map:
    bide__free(d->config);
no_config:
    bide__free(d);
no_memory:
    bide__fail_nomem("the resolver");
    return NULL;
}

/* ---- the resolvers of a loop ---- */

static const char resolvers_key;

static void resolvers_close(struct loop_closer *closer)
{
    struct resolvers *rs = container_of(closer, struct resolvers, closer);

    while (!bide__list_is_empty(&rs->list))
        dns_close(container_of(rs->list.next, struct dns, node));
    bide__dns_hosts_close(&rs->hosts);
    bide__free(rs);
}

static struct resolvers *resolvers_open(bide_loop *loop)
{
    struct resolvers *rs = bide__calloc(1, sizeof *rs);
    if (!rs || bide__dns_hosts_open(&rs->hosts, HOSTS_PATH) < 0) {
        bide__free(rs);
        bide__fail_nomem("the resolver");
        return NULL;
    }
    rs->loop = loop;
    bide__list_init(&rs->list);
    rs->closer = (struct loop_closer){.key = &resolvers_key, .close = resolvers_close};
    bide__list_init(&rs->closer.node);
    bide__loop_attach(loop, &rs->closer);
    return rs;
}

static struct resolvers *resolvers_here(void)
{
    bide_loop *loop = bide__loop_here;
    if (!loop) {
        bide_fail(BIDE_ENOLOOP, "looking up a name: no event loop is running in this thread");
        return NULL;
    }
    struct loop_closer *closer = bide__loop_find(loop, &resolvers_key);
    return closer ? container_of(closer, struct resolvers, closer) : resolvers_open(loop);
}

/* There is to be one more: those not used for longest go, but for who has asked. */
static void make_room(struct resolvers *rs)
{
    for (struct list_node *i = rs->list.next, *next; rs->n >= IDLE_MAX && i != &rs->list; i = next) {
        struct dns *d = container_of(i, struct dns, node);
        next = i->next;
        if (d->n_wanted == 0)
            dns_close(d);
    }
}

static struct dns *dns_of(struct resolvers *rs, const struct dns_config *config)
{
    for (struct list_node *i = rs->list.prev; i != &rs->list; i = i->prev) {
        struct dns *d = container_of(i, struct dns, node);
        if (!bide__dns_config_equal(d->config, config))
            continue;
        bide__list_remove(i);
        bide__list_append(&rs->list, i);
        return d;
    }
    make_room(rs);
    return dns_open(rs, config);
}

/* ---- its names ---- */

/* The entry of a name that is still good. */
static struct dns_name *dns_find(struct dns *d, const char *text)
{
    struct map_node *node = bide__map_find(&d->names, text, strlen(text));
    if (!node)
        return NULL;

    struct dns_name *n = container_of(node, struct dns_name, node);
    if (bide__dns_is_pending(n))
        return n;
    if (bide_loop_time_ms(d->channel.loop) >= n->expires_ms) {
        name_forget(n);
        return NULL;
    }
    bide__list_remove(&n->age);
    bide__list_append(&d->by_age, &n->age);
    return n;
}

static struct dns_name *name_new(struct dns *d, const char *text)
{
    size_t len = strlen(text);
    struct dns_name *n = bide__calloc(1, sizeof *n + len + 1);
    if (!n) {
        bide__fail_nomem("looking up a name");
        return NULL;
    }
    memcpy(n->text, text, len + 1);
    bide__list_init(&n->age);
    bide__list_init(&n->waiters);
    n->dns = d;
    n->ttl_s = INT_MAX;
    bide__map_add(&d->names, &n->node, n->text, len);
    return n;
}

/* The hosts file, and if that says nothing, the name servers. */
static int name_start(struct dns_name *n)
{
    struct dns *d = n->dns;
    int found = bide__dns_hosts_find(&d->of->hosts, n->text, n->half);
    if (found < 0)
        return found;
    if (found > 0) {
        n->arrived_ms = bide_loop_time_ms(d->channel.loop);
        n->ttl_s = 0; /* it may change */
        name_complete(n);
        return 0;
    }
    n->half[IP6].pending = n->half[IP4].pending = true;
    d->n_wanted++;
    bide__dns_channel_ask(&d->channel, n->text, AF_INET6, ip6_arrived, n);
    bide__dns_channel_ask(&d->channel, n->text, AF_INET, ip4_arrived, n);
    return 0;
}

/* ---- asking ---- */

/* Lower case, so that each name is asked for once. */
static int spell(char *out, const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > DNS_NAME_MAX)
        return bide_fail(BIDE_ENAME, "a host name of %zu bytes: it has 1 to %d", len, DNS_NAME_MAX);

    for (size_t i = 0; i <= len; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    return 0;
}

/* The entry of a name; a new one was not asked for yet, and has no users. */
static struct dns_name *find_or_make(struct resolvers *rs, const struct dns_config *config, const char *text)
{
    struct dns *d = dns_of(rs, config);
    struct dns_name *n = d ? dns_find(d, text) : NULL;
    if (!d || n)
        return n;

    if (bide__dns_hosts_refresh(&rs->hosts) < 0)
        return NULL;
    d = dns_of(rs, config); /* others may have asked meanwhile, and this resolver may have been closed for theirs */
    n = d ? dns_find(d, text) : NULL;
    return n || !d ? n : name_new(d, text);
}

static void add_user(struct dns_name *n)
{
    bool was_wanted = is_wanted(n);

    n->users++;
    n->dns->n_wanted += !was_wanted && is_wanted(n);
}

struct dns_name *bide__dns_ask(const struct dns_config *config, const char *name)
{
    char text[DNS_NAME_MAX + 1];
    struct resolvers *rs = spell(text, name) < 0 ? NULL : resolvers_here();
    struct dns_name *n = rs ? find_or_make(rs, config ? config : &bide__dns_default, text) : NULL;
    if (!n)
        return NULL;

    bool is_known = bide__dns_is_pending(n) || bide__list_is_linked(&n->age);
    add_user(n);
    if (!is_known && name_start(n) < 0) {
        n->users = 0;
        name_forget(n);
        return NULL;
    }
    return n;
}

void bide__dns_leave(struct dns_name *n)
{
    struct dns *d = n->dns;
    bool was_wanted = is_wanted(n);

    n->users--;
    if (!d) {
        if (n->users == 0)
            name_free(n);
    } else if (was_wanted && !is_wanted(n) && --d->n_wanted == 0) {
        bide__dns_channel_cancel(&d->channel);
    }
}

/* ---- failures ---- */

static bool says_no_such_name(int status)
{
    return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME || status == ARES_ENONAME;
}

static const char *reason(int status)
{
    switch (status) {
    case ARES_ESERVFAIL:
        return "the name server failed (SERVFAIL)";
    case ARES_EREFUSED:
        return "the name server refused";
    case ARES_ETIMEOUT:
        return "no answer from the name server";
    case ARES_ECONNREFUSED:
        return "no name server can be reached";
    default:
        return ares_strerror(status);
    }
}

static int errno_below(int status)
{
    return status == ARES_ETIMEOUT ? ETIMEDOUT : status == ARES_ECONNREFUSED ? ECONNREFUSED : 0;
}

int bide__dns_fail(const struct dns_name *n)
{
    /* Who wants addresses of one kind alone does not wait for the other answer, which says nothing then. */
    bool no_ip6 = n->half[IP6].pending, no_ip4 = n->half[IP4].pending;
    int ip6 = n->half[no_ip6 ? IP4 : IP6].status, ip4 = n->half[no_ip4 ? IP6 : IP4].status;
    int worse = says_no_such_name(ip4) ? ip6 : ip4;

    if (worse == ARES_ENOMEM)
        return bide__fail_nomem("looking up a name");
    if (worse == DNS_NO_DESCRIPTOR)
        return bide_fail(-EMFILE, "looking up %s: %s", n->text, bide_strerror(-EMFILE));
    if (!says_no_such_name(worse)) {
        bide_fail(BIDE_EDNS, "looking up %s: %s", n->text, reason(worse));
        return bide__error_below(-errno_below(worse));
    }
    if (ip6 == ARES_ENODATA || ip4 == ARES_ENODATA)
        return bide_fail(BIDE_ENAME, "looking up %s: the name has no %saddress", n->text,
                         no_ip4 ? "IPv6 " : no_ip6 ? "IPv4 " : "");
    return bide_fail(BIDE_ENAME, "looking up %s: no such host name", n->text);
}

/* ---- the other way round: the name of an address ---- */

/* Owned by who asks, and by the answer once nobody waits for it any more. */
struct reverse {
    struct dns *dns;
    struct list_node waiters;
    bool pending, is_left;
    int status;
    char name[DNS_NAME_MAX + 1];
};

/* What a name server says is no name, if it could not be one: it may end up in a log or on a terminal. */
static bool take_name(struct reverse *r, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-_./", name[i]))
            return false;
    if (len == 0 || len > DNS_NAME_MAX)
        return false;
    memcpy(r->name, name, len + 1);
    return true;
}

static int parse_name(struct reverse *r, const unsigned char *answer, int len)
{
    static const struct in_addr unused;
    struct hostent *host = NULL;
    int status = ares_parse_ptr_reply(answer, len, &unused, sizeof unused, AF_INET, &host);

    if (status == ARES_SUCCESS && !take_name(r, host->h_name))
        status = ARES_ENOTFOUND;
    if (host)
        ares_free_hostent(host);
    return status;
}

static void reverse_arrived(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
    struct reverse *r = arg;

    (void)timeouts;
    r->pending = false;
    r->dns->n_wanted--;
    r->status = bide__dns_channel_status(&r->dns->channel, status);
    if (r->status == ARES_SUCCESS)
        r->status = parse_name(r, answer, len);
    bide__wake_all(r->dns->channel.loop, &r->waiters);
    if (r->is_left)
        bide__free(r);
}

static int reverse_fail(int status, const struct addr *a)
{
    char text[INET6_ADDRSTRLEN];

    bide__addr_format_host(a, text, sizeof text);
    if (status == ARES_ENOMEM)
        return bide__fail_nomem("looking up an address");
    if (status == DNS_NO_DESCRIPTOR)
        return bide_fail(-EMFILE, "looking up %s: %s", text, bide_strerror(-EMFILE));
    if (says_no_such_name(status))
        return bide_fail(BIDE_ENAME, "looking up %s: the address has no name", text);
    bide_fail(BIDE_EDNS, "looking up %s: %s", text, reason(status));
    return bide__error_below(-errno_below(status));
}

static int ask_reverse(struct dns *d, const struct addr *a, char out[DNS_NAME_MAX + 1])
{
    struct reverse *r = bide__calloc(1, sizeof *r);
    int code = 0;
    if (!r)
        return bide__fail_nomem("looking up an address");

    *r = (struct reverse){.dns = d, .pending = true};
    bide__list_init(&r->waiters);
    d->n_wanted++;
    bide__dns_channel_ask_name(&d->channel, a, reverse_arrived, r);
    while (code == 0 && r->pending)
        code = bide__wait_in_for(&r->waiters, WAIT_NAMED, "a name, by DNS");
    if (r->pending) {
        r->is_left = true; /* the answer frees it */
        if (d->n_wanted == 1)
            bide__dns_channel_cancel(&d->channel);
        return code;
    }
    if (code == 0 && r->status != ARES_SUCCESS)
        code = reverse_fail(r->status, a);
    memcpy(out, r->name, sizeof r->name);
    bide__free(r);
    return code;
}

int bide__dns_name_of(const struct addr *a, char out[DNS_NAME_MAX + 1])
{
    struct resolvers *rs = resolvers_here();
    if (!rs || bide__dns_hosts_refresh(&rs->hosts) < 0)
        return bide_error_code();
    const char *listed = bide__dns_hosts_name(&rs->hosts, a);
    if (listed && strlen(listed) <= DNS_NAME_MAX) {
        strcpy(out, listed);
        return 0;
    }
    struct dns *d = dns_of(rs, &bide__dns_default);
    return d ? ask_reverse(d, a, out) : bide_error_code();
}
