/* SPDX-License-Identifier: MIT */
/*
 * names.c - getaddrinfo, getnameinfo and the gethostbyname family in a task: libc's functions, in the loop's name lookup threads.
 *
 * So /etc/nsswitch.conf, /etc/hosts and mDNS work as always.  A call in a thread cannot be interrupted; an interrupted task abandons it.
 * So what the thread uses is on the heap, with a reference count.  A helper task waits for the thread.
 *
 *     the caller ---> struct lookup <--- the helper task, for the thread that fills in the answer
 *                      users: 2
 *
 * libc's gethostbyname has one result for all callers; here each task has its own.
 */
#include <arpa/inet.h>

#include "unblock/unblock.h"

#define NAME_MAX_BYTES 1025 /* NI_MAXHOST */
#define ANSWER_BYTES 8192   /* of gethostbyname_r, at first */
#define ANSWER_BYTES_MAX (1 << 20)
#define HELPER_STACK (32 * 1024)

struct lookup {
    int (*run)(struct lookup *l); /* in the thread */
    struct list_node waiter;      /* the task that asked */
    int users, result, error, h_error;
    bool is_done, has_hints, has_entry;
    /* the query */
    int family, flags;
    socklen_t len;
    char *node, *service;
    struct addrinfo hints;
    struct sockaddr_storage address;
    /* the answer */
    struct addrinfo *found;
    char *memory;
    struct hostent entry;
    socklen_t host_len, port_len;
    char host[NAME_MAX_BYTES], port[32];
};

static void let_go(struct lookup *l)
{
    if (--l->users > 0)
        return;
    if (l->found)
        freeaddrinfo(l->found);
    free(l->memory);
    free(l->node);
    free(l->service);
    free(l);
}

static int in_thread(void *arg)
{
    struct lookup *l = arg;

    l->result = l->run(l);
    l->error = errno;
    l->h_error = h_errno;
    return 0;
}

/* The helper task: waits for the thread.  If the loop closes meanwhile, the answer is dropped. */
static int ask(struct lookup *l)
{
    int code = bide__unblock_ops->in_thread(in_thread, l);

    if (code < 0) { /* no thread could be started: fail as if no name server were reachable */
        l->result = EAI_AGAIN;
        l->h_error = TRY_AGAIN;
        l->error = EAGAIN;
    }
    l->is_done = true;
    bide__unblock_ops->wake(bide__unblock_ops->loop_here(), &l->waiter);
    let_go(l);
    return 0;
}

/* False: interrupted, or no memory; errno says which.  The caller keeps its reference in any case. */
static bool wait_for(bide_task *t, struct lookup *l, const char *call, const void *caller)
{
    bide__list_init(&l->waiter);
    l->users = 2;
    bide_task *asker = bide_create_task(bide_coro(ask, l), .name = "name lookup", .stack_size = HELPER_STACK);
    if (!asker) {
        l->users = 1;
        errno = ENOMEM;
        return false;
    }
    bide_detach(asker);
    bide__unblock_note_wait(t, call, caller);
    while (!l->is_done) {
        if (bide__unblock_is_refused(t))
            return false;
        bide__unblock_ops->wait_in(&l->waiter, BIDE_FOREVER, false);
    }
    return true;
}

static struct lookup *lookup_new(int (*run)(struct lookup *l), const char *node, const char *service)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;

    l->users = 1;
    l->run = run;
    l->node = node ? strdup(node) : NULL;
    l->service = service ? strdup(service) : NULL;
    if ((node && !l->node) || (service && !l->service)) {
        let_go(l);
        return NULL;
    }
    return l;
}

/* ---- getaddrinfo, getnameinfo ---- */

static int run_getaddrinfo(struct lookup *l)
{
    return NEXT(getaddrinfo)(l->node, l->service, l->has_hints ? &l->hints : NULL, &l->found);
}

/* A numeric address needs no lookup: libc answers at once. */
static bool is_numeric(const char *node, const struct addrinfo *hints)
{
    struct in6_addr unused;

    return !node || (hints && hints->ai_flags & AI_NUMERICHOST) || inet_pton(AF_INET, node, &unused) == 1 ||
           inet_pton(AF_INET6, node, &unused) == 1;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || is_numeric(node, hints))
        return NEXT(getaddrinfo)(node, service, hints, found);
    struct lookup *l = lookup_new(run_getaddrinfo, node, service);
    int before = errno, result = EAI_MEMORY;
    if (!l)
        return result;

    l->has_hints = hints != NULL;
    if (hints)
        l->hints = *hints;
    if (wait_for(t, l, __func__, __builtin_return_address(0))) {
        result = l->result;
        errno = result == EAI_SYSTEM ? l->error : before;
        *found = l->found;
        l->found = NULL;
    } else if (errno == ECANCELED) {
        result = EAI_SYSTEM;
    }
    int saved = errno;
    let_go(l);
    errno = saved;
    return result;
}

static int run_getnameinfo(struct lookup *l)
{
    return NEXT(getnameinfo)((struct sockaddr *)&l->address, l->len, l->host_len ? l->host : NULL, l->host_len,
                             l->port_len ? l->port : NULL, l->port_len, l->flags);
}

static int take_names(const struct lookup *l, char *host, char *port)
{
    if (l->result == 0 && l->host_len)
        memcpy(host, l->host, strlen(l->host) + 1);
    if (l->result == 0 && l->port_len)
        memcpy(port, l->port, strlen(l->port) + 1);
    return l->result;
}

int getnameinfo(const struct sockaddr *a, socklen_t len, char *host, socklen_t host_cap, char *port, socklen_t port_cap, int flags)
{
    bide_task *t = bide__unblock_task();
    bool is_number = flags & NI_NUMERICHOST && flags & NI_NUMERICSERV;
    if (likely(!t) || is_number || len > sizeof(struct sockaddr_storage))
        return NEXT(getnameinfo)(a, len, host, host_cap, port, port_cap, flags);
    struct lookup *l = lookup_new(run_getnameinfo, NULL, NULL);
    int before = errno, result = EAI_MEMORY;
    if (!l)
        return result;

    memcpy(&l->address, a, len);
    l->len = len;
    l->flags = flags;
    l->host_len = !host ? 0 : host_cap < sizeof l->host ? host_cap : sizeof l->host;
    l->port_len = !port ? 0 : port_cap < sizeof l->port ? port_cap : sizeof l->port;
    bool answered = wait_for(t, l, __func__, __builtin_return_address(0));
    result = answered ? take_names(l, host, port) : errno == ECANCELED ? EAI_SYSTEM : EAI_MEMORY;
    int saved = answered && result != EAI_SYSTEM ? before : answered ? l->error : errno;
    let_go(l);
    errno = saved;
    return result;
}

/* ---- gethostbyname ---- */

/* With a buffer that grows until the answer fits. */
static int run_gethost(struct lookup *l)
{
    struct hostent *result = NULL;
    int error = ERANGE;

    for (size_t cap = ANSWER_BYTES; error == ERANGE && cap <= ANSWER_BYTES_MAX; cap *= 2) {
        free(l->memory);
        l->memory = malloc(cap);
        if (!l->memory) {
            h_errno = NO_RECOVERY;
            return ENOMEM;
        }
        int h = 0;
        error = l->node ? NEXT(gethostbyname2_r)(l->node, l->family, &l->entry, l->memory, cap, &result, &h)
                        : NEXT(gethostbyaddr_r)(&l->address, l->len, l->family, &l->entry, l->memory, cap, &result, &h);
        h_errno = h;
    }
    l->has_entry = result != NULL;
    return error;
}

/* Take aligned space from the caller's buffer; NULL: it is too small. */
static void *room(char **at, size_t *left, size_t bytes)
{
    size_t skip = (size_t)(-(uintptr_t)*at) % sizeof(void *);
    if (*left < skip || *left - skip < bytes)
        return NULL;
    void *found = *at + skip;

    *at += skip + bytes;
    *left -= skip + bytes;
    return found;
}

/* Copy an array of addresses, or of names (bytes: 0), with the NULL at its end.  NULL: the buffer is too small. */
static char **copy_list(char *const *from, size_t bytes, char **at, size_t *left)
{
    size_t n = 0;
    while (from && from[n])
        n++;
    char **list = room(at, left, (n + 1) * sizeof *list);

    for (size_t i = 0; list && i < n; i++) {
        size_t len = bytes ? bytes : strlen(from[i]) + 1;
        list[i] = room(at, left, len);
        if (!list[i])
            return NULL;
        memcpy(list[i], from[i], len);
    }
    if (list)
        list[n] = NULL;
    return list;
}

/* False: it does not fit. */
static bool copy_entry(const struct hostent *from, struct hostent *to, char *memory, size_t cap)
{
    size_t len = strlen(from->h_name) + 1;

    *to = (struct hostent){.h_addrtype = from->h_addrtype, .h_length = from->h_length};
    to->h_name = room(&memory, &cap, len);
    if (!to->h_name)
        return false;
    memcpy(to->h_name, from->h_name, len);
    to->h_aliases = copy_list(from->h_aliases, 0, &memory, &cap);
    to->h_addr_list = copy_list(from->h_addr_list, (size_t)from->h_length, &memory, &cap);
    return to->h_aliases && to->h_addr_list;
}

/* 0 with the answer in l, or an errno value; *h: the value for h_errno. */
static int gethost(bide_task *t, struct lookup *l, const char *call, const void *caller, int *h)
{
    if (!wait_for(t, l, call, caller)) {
        *h = TRY_AGAIN;
        return errno;
    }
    *h = l->h_error;
    return l->result;
}

static int gethost_r(bide_task *t, struct lookup *l, struct hostent *entry, char *memory, size_t cap, struct hostent **result, int *h,
                     const char *call, const void *caller)
{
    int before = errno, error;
    *result = NULL;
    if (!l) {
        *h = NO_RECOVERY;
        return ENOMEM;
    }

    error = gethost(t, l, call, caller, h);
    if (error == 0 && l->has_entry) {
        if (copy_entry(&l->entry, entry, memory, cap))
            *result = entry;
        else
            error = ERANGE, *h = NETDB_INTERNAL;
    }
    let_go(l);
    errno = error ? error : before;
    return error;
}

/* The result belongs to the task, until its next call or its end. */
static struct hostent *gethost_kept(bide_task *t, struct lookup *l, const char *call, const void *caller)
{
    struct guest *g = bide__unblock_guest(t);
    int before = errno, h = NO_RECOVERY;
    if (!g || !l) {
        if (l)
            let_go(l);
        h_errno = h;
        return NULL;
    }
    int error = gethost(t, l, call, caller, &h);

    free(g->answer);
    g->answer = NULL;
    bool found = error == 0 && l->has_entry;
    if (found) {
        g->entry = l->entry;
        g->answer = l->memory;
        l->memory = NULL;
    }
    let_go(l);
    errno = error ? error : before;
    h_errno = h;
    return found ? &g->entry : NULL;
}

static struct lookup *by_name(const char *name, int family)
{
    struct lookup *l = lookup_new(run_gethost, name, NULL);

    if (l)
        l->family = family;
    return l;
}

static struct lookup *by_address(const void *address, socklen_t len, int family)
{
    struct lookup *l = len <= sizeof(struct sockaddr_storage) ? lookup_new(run_gethost, NULL, NULL) : NULL;

    if (l) {
        memcpy(&l->address, address, len);
        l->len = len;
        l->family = family;
    }
    return l;
}

struct hostent *gethostbyname(const char *name)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(gethostbyname)(name);

    return gethost_kept(t, by_name(name, AF_INET), __func__, __builtin_return_address(0));
}

struct hostent *gethostbyname2(const char *name, int family)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(gethostbyname2)(name, family);

    return gethost_kept(t, by_name(name, family), __func__, __builtin_return_address(0));
}

struct hostent *gethostbyaddr(const void *address, socklen_t len, int family)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(gethostbyaddr)(address, len, family);

    return gethost_kept(t, by_address(address, len, family), __func__, __builtin_return_address(0));
}

int gethostbyname_r(const char *name, struct hostent *entry, char *memory, size_t cap, struct hostent **result, int *h)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(gethostbyname_r)(name, entry, memory, cap, result, h);

    return gethost_r(t, by_name(name, AF_INET), entry, memory, cap, result, h, __func__, __builtin_return_address(0));
}

int gethostbyname2_r(const char *name, int family, struct hostent *entry, char *memory, size_t cap, struct hostent **result, int *h)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(gethostbyname2_r)(name, family, entry, memory, cap, result, h);

    return gethost_r(t, by_name(name, family), entry, memory, cap, result, h, __func__, __builtin_return_address(0));
}

int gethostbyaddr_r(const void *address, socklen_t len, int family, struct hostent *entry, char *memory, size_t cap,
                    struct hostent **result, int *h)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(gethostbyaddr_r)(address, len, family, entry, memory, cap, result, h);

    return gethost_r(t, by_address(address, len, family), entry, memory, cap, result, h, __func__, __builtin_return_address(0));
}
