/* SPDX-License-Identifier: MIT */
/*
 * race.c - the addresses of a host, tried beside each other until one connects.
 *
 * Happy Eyeballs (RFC 8305): the addresses are tried in turn, IPv6 and IPv4 alternating, the next one 250 ms after the
 * one before or as soon as one fails; attempts that were begun stay alive until one succeeds.  The two halves of the
 * name's answer may still be on their way: an IPv6 address is tried at once, an IPv4 address when the IPv6 half has
 * come or has had 50 ms more.  All addresses that the name has are tried, for as long as the caller's time lasts.
 *
 * Each attempt is a stream whose socket is still connecting.  The one coroutine that wants the connection watches all
 * of them, the name and the time with one set of clauses; whatever way it is left, the attempts that lost are released.
 *
 * The race lies on the heap, not in the frame: a page of its stack that a task has touched once stays with it for as
 * long as it waits for what comes over the connection.  It is small enough that malloc finds the memory of the last one
 * again, and does not leave a hole between what stays.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "io/net/dns.h"

#define ATTEMPT_DELAY_MS 250
#define RESOLUTION_DELAY_MS 50
#define ATTEMPTS_FIRST 8 /* room for so many at once; more when they are needed, at most 2 * DNS_ADDRS_MAX */
#define STORY_LEAST (ERROR_TEXT_MAX / 2) /* bytes of a message for the reasons, however long the host's name is */
#define NEVER INT64_MAX

struct attempt {
    bide_stream *stream; /* NULL: it failed, and its slot is free */
    const struct addr *to;
};

/* Room for attempts, reused when one fails. */
struct slots {
    struct attempt *attempts;
    struct clause *clauses; /* of the present wait: one for each attempt, and one more for the name */
    int n, cap;
};

/*
 * All attempts of one connect.
 *
 *     half[IP6]  a  b  c        used[IP6] = 2         slots.attempts   stream to a | stream to x | stream to b | free
 *     half[IP4]  x  y           used[IP4] = 1         slots.clauses    wakes us    | wakes us    | wakes us    | the name's
 *                                                                      the first that is connected wins
 *     next: y, after next_ms or when one of these fails
 */
struct race {
    const struct connect_options *o;
    bide_loop *loop;
    struct dns_name *name;        /* a share; NULL: nobody has to be asked */
    const struct dns_half *half;  /* [FAMILIES]: the name's, the resolver's, or `own` */
    struct dns_half own[FAMILIES];
    bide_addresses *resolved;     /* what the user's resolver said; NULL: it was not asked */
    struct addr own_addr;
    int used[FAMILIES]; /* addresses tried of each half */
    int last_family;
    int begun, connecting;
    int64_t next_ms; /* when the next attempt may begin, while another is alive */
    int last_error;
    char story[ERROR_TEXT_MAX]; /* why each failed */
    bool is_full;               /* no more fits into story */
    bool was_asked;             /* for the name's addresses */
    struct slots slots;
    void *more; /* memory of the slots, once the first are not enough */
    struct attempt first_attempts[ATTEMPTS_FIRST];
    struct clause first_clauses[ATTEMPTS_FIRST + 1];
};

/* ---- what can be tried ---- */

/* What the name has of a family; nothing of one that was not asked for.  An address that was said itself is tried. */
static const struct dns_half *half_of(const struct race *r, int family)
{
    static const struct dns_half none;
    bool is_literal = r->half == r->own && r->own[IP6].addrs == &r->own_addr; /* the name localhost is none */
    bool is_wanted = !r->o->family || r->o->family == (family == IP6 ? AF_INET6 : AF_INET);

    return is_wanted || is_literal ? &r->half[family] : &none;
}

/* The next address, its family alternating; NULL: none is known (yet). */
static const struct addr *peek_address(struct race *r, int *family)
{
    *family = r->begun == 0 ? IP6 : !r->last_family;
    if (r->used[*family] >= half_of(r, *family)->n)
        *family = !*family;
    if (r->used[*family] >= half_of(r, *family)->n)
        return NULL;
    return &half_of(r, *family)->addrs[r->used[*family]];
}

/* When may the next attempt begin?  NEVER: when something else has happened. */
static int64_t next_attempt_ms(struct race *r)
{
    int family;
    if (!peek_address(r, &family))
        return NEVER;
    if (r->begun == 0 && family == IP4 && half_of(r, IP6)->pending)
        return r->name->arrived_ms + RESOLUTION_DELAY_MS;
    return r->connecting > 0 ? r->next_ms : 0;
}

static bool is_lost(struct race *r)
{
    int family;

    return r->connecting == 0 && !peek_address(r, &family) && !half_of(r, IP6)->pending && !half_of(r, IP4)->pending;
}

/* ---- who observes it ---- */

static void emit_name(const struct race *r, enum connect_step_kind kind, int code)
{
    bide__connect_emit(r->o, (struct connect_step){.kind = kind, .host = r->o->host, .port = r->o->port, .code = code});
}

static __attribute__((noinline)) void emit_address(const struct race *r, const struct attempt *a, enum connect_step_kind kind, int code)
{
    char where[INET6_ADDRSTRLEN];

    bide__addr_format_host(a->to, where, sizeof where);
    bide__connect_emit(r->o, (struct connect_step){.kind = kind, .host = r->o->host, .port = r->o->port, .address = where,
                                                   .code = code});
}

static void emit_try(const struct race *r, const struct attempt *a, enum connect_step_kind kind, int code)
{
    if (unlikely(r->o->observer))
        emit_address(r, a, kind, code);
}

/* ---- one attempt ---- */

/* Reasons that do not fit behind "connect host:port: " are replaced by "...". */
static void note_failure(struct race *r, const struct attempt *a, int code)
{
    static const char and_more[] = "; ...";
    char where[INET6_ADDRSTRLEN];
    size_t used = strlen(r->story), host = strlen(r->o->host) + sizeof "connect []:65535: ";
    size_t room = sizeof r->story - sizeof and_more - (host < STORY_LEAST ? host : STORY_LEAST);

    r->last_error = code;
    r->next_ms = 0;
    emit_try(r, a, STEP_TRY_DONE, code);
    if (r->is_full)
        return;
    bide__addr_format_host(a->to, where, sizeof where);
    int n = snprintf(r->story + used, room - used, "%s%s: %s", used ? "; " : "", where, bide_strerror(code));
    if (n < 0 || (size_t)n >= room - used) { /* then nothing of the rest */
        strcpy(r->story + used, and_more);
        r->is_full = true;
    }
}

/* Which is not the fault of the address, and will pass: no free descriptor, a Unix socket with a long queue. */
static bool is_shortage(int error, const struct addr *to)
{
    return error == EMFILE || error == ENFILE || (error == EAGAIN && to->sa.sa_family == AF_UNIX);
}

/* A socket that connects or has connected (*done), or a code. */
static int try_socket(const struct connect_options *o, const struct addr *to, bool *done)
{
    if (o->public_only && !bide__addr_is_public(to))
        return BIDE_EPRIVATE;
    int on = 1, fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;

    if (to->sa.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool leaves_from = (o->interface || o->local_port > 0) && to->sa.sa_family != AF_UNIX;
    int bound = leaves_from ? bide__local_bind(fd, o, to) : 0;
    if (bound < 0) {
        close(fd);
        return bound;
    }
    *done = connect(fd, &to->sa, to->len) == 0;
    if (*done || errno == EINPROGRESS || errno == EINTR) /* interrupted: it goes on by itself */
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

int bide__connect_get_descriptor(const struct connect_options *o)
{
    return o->spare && o->spare(o->spare_arg) ? 0 : bide__wait_for_descriptor();
}

/* As try_socket, but without a free descriptor it waits for one; a wait that was ended early is *interrupted, and the
   result says what was waited for. */
static int make_socket(const struct connect_options *o, const struct addr *to, bool *done, int *interrupted)
{
    for (;;) {
        int fd = try_socket(o, to, done);
        if (fd >= 0 || !is_shortage(-fd, to))
            return fd;
        *interrupted = bide__connect_get_descriptor(o);
        if (*interrupted < 0)
            return fd;
    }
}

/* Twice as many slots as before. */
static int more_slots(struct race *r)
{
    struct slots *old = &r->slots, p = {.n = old->n, .cap = old->cap * 2};
    size_t size = (size_t)p.cap * sizeof *p.attempts;
    char *memory = bide__malloc(size + (size_t)(p.cap + 1) * sizeof *p.clauses);
    if (!memory)
        return bide__fail_nomem("a connection");

    p.attempts = (struct attempt *)(void *)memory;
    p.clauses = (struct clause *)(void *)(memory + size);
    memcpy(p.attempts, old->attempts, (size_t)old->n * sizeof *p.attempts);
    bide__free(r->more);
    r->more = memory;
    *old = p;
    return 0;
}

/* A slot for one more attempt; NULL: out of memory. */
static struct attempt *free_slot(struct race *r)
{
    struct slots *p = &r->slots;

    for (int i = 0; i < p->n; i++)
        if (!p->attempts[i].stream)
            return &p->attempts[i];
    if (p->n == p->cap && more_slots(r) < 0)
        return NULL;
    p->attempts[p->n] = (struct attempt){.stream = NULL};
    return &p->attempts[p->n++];
}

/* Begin with the next address.  An error is one of the whole race; that of the attempt is noted. */
static int attempt_begin(struct race *r)
{
    char peer[INET6_ADDRSTRLEN + 16];
    int family, interrupted = 0;
    bool done = false;
    struct attempt *a = free_slot(r);
    if (!a)
        return BIDE_ENOMEM;

    a->to = peek_address(r, &family);
    r->used[family]++;
    r->last_family = family;
    r->begun++;

    struct addr to = *a->to;
    if (to.sa.sa_family != AF_UNIX)
        bide__addr_set_port(&to, r->o->port);
    emit_try(r, a, STEP_TRY, 0);
    int fd = make_socket(r->o, &to, &done, &interrupted);
    if (fd < 0) {
        note_failure(r, a, fd);
        return interrupted;
    }
    bide__addr_format(&to, peer, sizeof peer);
    a->stream = bide__stream_from_socket(fd, peer, r->o->max_buffer);
    if (!a->stream)
        return bide_error_code();
    a->stream->socket.fd.writable = done;
    r->connecting++;
    r->next_ms = bide_loop_time_ms(r->loop) + ATTEMPT_DELAY_MS;
    return 0;
}

/* Has it connected?  One that failed is released. */
static bool attempt_check(struct race *r, struct attempt *a)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (!a->stream || !a->stream->socket.fd.writable)
        return false;

    if (a->stream->socket.fd.hangup && getsockopt(a->stream->socket.fd.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error == 0)
        return true;
    note_failure(r, a, -error);
    bide_release(a->stream);
    a->stream = NULL;
    r->connecting--;
    return false;
}

/* ---- the race ---- */

static struct attempt *winner(struct race *r)
{
    for (int i = 0; i < r->slots.n; i++)
        if (attempt_check(r, &r->slots.attempts[i]))
            return &r->slots.attempts[i];
    return NULL;
}

_Static_assert(sizeof(struct race) <= 1024, "what malloc keeps at hand is smaller");

struct race_wait {
    struct wait wait;
    struct timer timer;
};

static void race_timer_fired(struct timer *timer)
{
    bide__wait_end_now(&container_of(timer, struct race_wait, timer)->wait);
}

/* Until an attempt has an outcome, the name has changed, or it is time for the next attempt. */
static int race_wait(struct race *r)
{
    bide_task *t = bide__task_here();
    const struct slots *p = &r->slots;
    struct race_wait w = {.wait = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_NAMED, .on = "a connection attempt"}};
    int code = bide__pending_interrupt(t);
    if (code < 0)
        return code;

    for (int i = 0; i <= p->n; i++)
        bide__clause_init(&p->clauses[i], &t->ready);
    for (int i = 0; i < p->n; i++)
        if (p->attempts[i].stream)
            bide__list_append(&p->attempts[i].stream->socket.fd.writers, &p->clauses[i].node);
    if (r->name && bide__dns_is_pending(r->name))
        bide__list_append(&r->name->waiters, &p->clauses[p->n].node);
    bide__timer_init(&w.timer, race_timer_fired);
    int64_t next_ms = next_attempt_ms(r);
    if (next_ms != NEVER)
        bide__timer_arm(r->loop, &w.timer, next_ms - bide_loop_time_ms(r->loop));

    bide__park(t, &w.wait);

    bide__timer_disarm(r->loop, &w.timer);
    for (int i = 0; i <= p->n; i++)
        bide__list_remove(&p->clauses[i].node);
    return bide__wait_outcome(&w.wait);
}

/* The attempt that won; NULL: all have lost, or *code says what ended the race. */
static struct attempt *race_run(struct race *r, int *code)
{
    struct attempt *won = NULL;

    while (*code >= 0 && !(won = winner(r)) && !is_lost(r)) {
        if (next_attempt_ms(r) <= bide_loop_time_ms(r->loop)) {
            bide__connect_mark(r->o->times ? &r->o->times->dns : NULL);
            if (r->was_asked && r->begun == 0)
                emit_name(r, STEP_NAME_DONE, 0);
            *code = attempt_begin(r);
        } else {
            *code = race_wait(r);
        }
    }
    if (won)
        emit_try(r, won, STEP_TRY_DONE, 0);
    return won;
}

/* ---- before and after ---- */

#define LOOPBACK4 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x7f000001 : 0x0100007f) /* htonl is no constant */

/* This machine (RFC 6761 6.3). */
static struct addr loopback[FAMILIES] = {
    [IP6] = {.len = sizeof(struct sockaddr_in6), .in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}},
    [IP4] = {.len = sizeof(struct sockaddr_in), .in = {.sin_family = AF_INET, .sin_addr = {LOOPBACK4}}},
};

static void add_own(struct race *r, int family, struct addr *a)
{
    r->own[family].addrs = a;
    r->own[family].n = 1;
}

/* Addresses that nobody has to be asked for: 1; 0 if there are none. */
static int find_own(struct race *r)
{
    const struct connect_options *o = r->o;
    struct addr *a = &r->own_addr;
    int code = bide__addr_unix(&a->storage, &a->len, o->host);
    if (code < 0)
        return code;
    if (code == 0 && strchr(o->host, ':') && !bide__addr_parse(a, o->host, o->port))
        return bide_fail(BIDE_ENAME, "connect %s: %s", o->host, strchr(o->host, '%')
                             ? "no IPv6 address with the name of a network interface of this machine behind the %"
                             : "not an IPv6 address");

    if (code == 0 && o->addresses)
        return 0;
    if (code > 0 || bide__addr_parse(a, o->host, o->port)) {
        add_own(r, IP6, a);
    } else if (bide__addr_is_localhost(o->host)) {
        add_own(r, IP6, &loopback[IP6]);
        add_own(r, IP4, &loopback[IP4]);
    }
    return r->own[IP6].n;
}

/* It has said all it knows when this returns. */
static int ask_resolver(struct race *r)
{
    r->resolved = bide__calloc(1, sizeof *r->resolved);
    if (!r->resolved)
        return bide__fail_nomem("the addresses of a name");
    r->half = r->resolved->half;
    return bide__resolve(r->o, r->resolved);
}

/* Ask for the name; 0, with the answer perhaps still to come. */
static int ask_name(struct race *r)
{
    r->was_asked = true;
    emit_name(r, STEP_NAME, 0);
    if (r->o->addresses || (r->o->hooks && r->o->hooks->resolve))
        return ask_resolver(r);
    r->name = bide__dns_ask(r->o->dns, r->o->host);
    if (!r->name)
        return bide_error_code();
    r->half = r->name->half;
    emit_name(r, bide__dns_is_pending(r->name) ? STEP_NAME_ASKED : STEP_NAME_KNOWN, 0);
    return 0;
}

static void give_up(const struct race *r, const struct attempt *a, int code)
{
    if (!a->stream)
        return;
    emit_try(r, a, STEP_TRY_DONE, code);
    bide_release(a->stream);
}

/* Everything but the winner is given back. */
static void race_end(struct race *r, const struct attempt *won, int code)
{
    if (r->was_asked && r->begun == 0)
        emit_name(r, STEP_NAME_DONE, code);
    for (int i = 0; i < r->slots.n; i++)
        if (&r->slots.attempts[i] != won)
            give_up(r, &r->slots.attempts[i], won ? BIDE_ECANCELED : code);
    if (r->name)
        bide__dns_leave(r->name);
    if (r->resolved)
        bide__addresses_free(r->resolved);
    bide__free(r->resolved);
}

/* "connect example.com:443"; a Unix socket has no port. */
static const char *target(const struct connect_options *o, char *out, size_t cap)
{
    const char *brackets = strchr(o->host, ':') && o->host[0] != '[' ? "[]" : "";

    if (strncmp(o->host, "unix:", 5) == 0)
        snprintf(out, cap, "connect %s", o->host);
    else
        snprintf(out, cap, "connect %.1s%s%s:%d", brackets, o->host, *brackets ? "]" : "", o->port);
    return out;
}

/* Something ended the race from outside; only running out of time has a story of its own. */
static int race_ended(const struct race *r, int code)
{
    bool interrupted = bide__error_current()->interrupted;
    char to[DNS_NAME_MAX + 32];

    target(r->o, to, sizeof to);
    if (code == BIDE_ETIMEDOUT && r->begun == 0)
        bide_fail(code, "%s: timed out while looking up the name", to);
    else if (code == BIDE_ETIMEDOUT)
        bide_fail(code, "%s: timed out%s%s", to, r->story[0] ? " after " : " while connecting", r->story);
    bide__error_current()->interrupted = interrupted;
    return code;
}

static int race_lost(const struct race *r)
{
    char to[DNS_NAME_MAX + 32];

    target(r->o, to, sizeof to);
    if (r->begun == 0 && r->half[IP6].n + r->half[IP4].n > 0)
        return bide_fail(BIDE_ENAME, "%s: it has no %s address", to, r->o->family == AF_INET6 ? "IPv6" : "IPv4");
    if (r->begun == 0 && r->resolved)
        return bide_fail(BIDE_ENAME, "%s: .resolve gave no address", to);
    if (r->begun == 0)
        return bide__dns_fail(r->name);
    if (r->name || r->resolved || r->begun > 1)
        return bide_fail(r->last_error, "%s: %s", to, r->story);
    return bide_fail(r->last_error, "%s: %s", to, bide_strerror(r->last_error));
}

/* ---- from name to stream ---- */

static struct race *race_new(const struct connect_options *o, bide_loop *loop)
{
    struct race *r = bide__malloc(sizeof *r);
    if (!r) {
        bide__fail_nomem("a connection");
        return NULL;
    }
    *r = (struct race){.o = o, .loop = loop, .half = r->own,
                       .slots = {r->first_attempts, r->first_clauses, 0, ATTEMPTS_FIRST}};
    return r;
}

int bide__connect_race(const struct connect_options *o, bide_task *t, bide_stream **out)
{
    struct attempt *won = NULL;
    struct race *r = race_new(o, t->future.loop);
    int code = r ? find_own(r) : BIDE_ENOMEM;
    if (code == 0)
        code = ask_name(r);
    if (code < 0 && r && r->resolved && bide__error_current()->interrupted) {
        code = race_ended(r, code);
    } else if (code >= 0) {
        won = race_run(r, &code);
        if (won)
            *out = won->stream;
        else
            code = code < 0 ? race_ended(r, code) : race_lost(r);
    }
    if (r)
        race_end(r, won, code);
    code = won ? 1 : code;
    bide__free(r ? r->more : NULL);
    bide__free(r);
    return code;
}
