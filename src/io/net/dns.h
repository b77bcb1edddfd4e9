/* SPDX-License-Identifier: MIT */
/*
 * dns.h - names and their addresses, as race.c asks for them; dns.c, dns_config.c, dns_ares.c, dns_hosts.c.
 *
 * The answer for a name comes in two halves, IPv6 and IPv4, and a caller that wants to connect need not wait for both.
 */
#ifndef BIDE_IO_DNS_H
#define BIDE_IO_DNS_H

#include <ares.h>
#include <sys/stat.h>
#include <time.h>

#include "io/net/connect.h"

enum { IP6, IP4, FAMILIES }; /* in the order in which they are tried */

#define DNS_ADDRS_MAX 64 /* per half; what comes beyond is dropped */
#define DNS_NAME_MAX 255
#define DNS_NO_DESCRIPTOR 1000 /* a status besides those of c-ares */

struct dns_half {
    bool pending;
    int status; /* of c-ares, when not pending */
    int n;
    struct addr *addrs; /* port 0, in the order of the answer */
};

/* What a resolver does, in a form that can be compared: dns_config.c. */
struct dns_config {
    int64_t min_ttl_ms, max_ttl_ms, negative_ttl_ms;
    int timeout_ms, tries;
    unsigned names_max; /* in the cache */
    bool tcp_only;
    char servers[];     /* as c-ares takes them; "": those of the machine */
};

extern const struct dns_config bide__dns_default;
bool bide__dns_config_equal(const struct dns_config *a, const struct dns_config *b);
struct dns_config *bide__dns_config_copy(const struct dns_config *from); /* owned; NULL: out of memory */

/*
 * A name that was asked for.  Shared by all who want it, and by the cache.
 *
 *     dns.names --> dns_name "a.example"     half[IP6]: pending                        <--- c-ares, when the answer comes
 *                     waiters: clause ...    half[IP4]: 192.0.2.1, 192.0.2.2           <--- likewise, or /etc/hosts
 *     dns.by_age -> (once neither is pending)
 */
struct dns_name {
    struct map_node node;
    struct list_node age; /* in the cache's order of use, once both halves are there */
    struct dns *dns;      /* NULL: the loop was closed, or a newer answer has taken the place */
    struct list_node waiters; /* woken by every change */
    unsigned users;
    int ttl_s;
    int64_t arrived_ms; /* when the first half with addresses came; 0: not yet */
    int64_t expires_ms;
    struct dns_half half[FAMILIES];
    char text[];
};

/*
 * Ask for a name, as `config` says (NULL: as this machine does).  It may have no answer yet: wait in `waiters` until it has.
 *
 * Suspends:  while a large /etc/hosts that has changed is parsed; a cancellation point then
 * Returns:   the name, or NULL
 * Errors:    BIDE_ENAME if it cannot be one; BIDE_EDNS; BIDE_ENOMEM; BIDE_ENOLOOP; those of bide__dns_hosts_refresh
 * Owns:      a share, to be given back by bide__dns_leave
 */
struct dns_name *bide__dns_ask(const struct dns_config *config, const char *name);
void bide__dns_leave(struct dns_name *n);

static inline bool bide__dns_is_pending(const struct dns_name *n)
{
    return n->half[IP6].pending || n->half[IP4].pending;
}

/*
 * Both halves are there and neither has an address: puts the story on record; returns the code.  -EMFILE: there was
 * no descriptor to ask with; the same question may do better a little later.
 */
int bide__dns_fail(const struct dns_name *n);

/*
 * The name of an address, by /etc/hosts or the machine's name servers.
 *
 * Suspends:  as bide__dns_ask, and until there is an answer; a cancellation point
 * Returns:   0, and the name in out
 * Errors:    BIDE_ENAME: it has none; BIDE_EDNS; BIDE_ENOMEM; BIDE_ENOLOOP; BIDE_ECANCELED; BIDE_ETIMEDOUT; on record
 */
int bide__dns_name_of(const struct addr *a, char out[DNS_NAME_MAX + 1]);

/* ---- dns_ares.c: questions to name servers, on the loop ---- */

struct dns_channel {
    bide_loop *loop;
    ares_channel ares;
    struct fd sockets; /* an epoll descriptor with all of c-ares' sockets in it */
    struct clause clause;
    struct ready ready;
    struct timer timer;
    int last_rcode;        /* of the last answer */
    bool lacks_descriptor; /* the last socket could not be made */
    bool at_message;       /* over TCP: the length has come, next is the answer */
};

int bide__dns_channel_open(struct dns_channel *c, bide_loop *loop, const struct dns_config *config);
void bide__dns_channel_close(struct dns_channel *c);
/* The callback may run before this returns. */
void bide__dns_channel_ask(struct dns_channel *c, const char *name, int family, ares_addrinfo_callback fn, void *arg);
/* The name of an address, likewise. */
void bide__dns_channel_ask_name(struct dns_channel *c, const struct addr *a, ares_callback fn, void *arg);
/* In a callback: what an ARES_ECONNREFUSED, which stands for too many things, means. */
int bide__dns_channel_status(const struct dns_channel *c, int status);
/* End all questions: each callback runs, with ARES_ECANCELLED. */
void bide__dns_channel_cancel(struct dns_channel *c);

/* ---- dns_hosts.c: /etc/hosts ---- */

/* Which file, and how it was when it was read. */
struct file_state {
    dev_t dev;
    ino_t ino; /* 0: there was none */
    off_t size;
    struct timespec modified, changed;
};

/* What stands in it. */
struct hosts_table {
    struct file_state state;
    bool is_settled; /* it cannot have changed since without that being seen in its state */
    char *text;
    struct arena arena;
    struct map names;
};

struct dns_hosts {
    const char *path; /* borrowed */
    struct hosts_table table;
    bool is_loading;          /* by a task; the others wait in: */
    struct list_node waiters;
};

int bide__dns_hosts_open(struct dns_hosts *h, const char *path); /* 0 or BIDE_ENOMEM */
void bide__dns_hosts_close(struct dns_hosts *h);
/*
 * Read the file if it has changed.
 *
 * Suspends:  if it is large, until a thread has parsed it; a cancellation point then
 * Returns:   0, also if there is no such file, or it cannot be read
 * Errors:    BIDE_ENOMEM; -EMFILE; -EFBIG; BIDE_ECANCELED; BIDE_ETIMEDOUT; the table is the one before then
 */
int bide__dns_hosts_refresh(struct dns_hosts *h);
/* The addresses of a name in lower case, into both halves, in the file's order.  How many; BIDE_ENOMEM. */
int bide__dns_hosts_find(const struct dns_hosts *h, const char *name, struct dns_half half[FAMILIES]);

/* The first name of an address in the file; NULL: it has none there.  Borrowed until the next refresh. */
const char *bide__dns_hosts_name(const struct dns_hosts *h, const struct addr *a);

/* ---- hooks.c: the user's resolver ---- */

struct bide_addresses {
    struct dns_half half[FAMILIES];
};

/* Ask it for the host; what it said is in `out`, which the caller frees, also on failure.  0, or an error on record. */
int bide__resolve(const struct connect_options *o, bide_addresses *out);
void bide__addresses_free(bide_addresses *a);

/* One more address at the end of a half; full: dropped.  BIDE_ENOMEM. */
int bide__dns_half_add(struct dns_half *h, const struct addr *a);

#endif
