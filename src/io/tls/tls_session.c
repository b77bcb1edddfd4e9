/* SPDX-License-Identifier: MIT */
/*
 * tls_session.c - sessions to be resumed: half the work of a handshake is saved.
 *
 * Kept by server name and port within one configuration, so that a session can never be used under other rules than
 * those it was made under.  A ticket of TLS 1.3 is used once (RFC 8446 C.4); a session of TLS 1.2 stays.
 */
#include <time.h>

#include "io/tls/tls_layer.h"

#define SESSIONS_MAX 256
#define SESSIONS_PER_KEY 4

struct saved {
    struct list_node age;
    SSL_SESSION *session;
    char key[];
};

void bide__tls_sessions_init(struct tls_sessions *all)
{
    bide__list_init(&all->by_age);
    all->count = 0;
}

static struct saved *saved_of(struct list_node *n)
{
    return container_of(n, struct saved, age);
}

static void forget(struct tls_sessions *all, struct saved *s)
{
    bide__list_remove(&s->age);
    all->count--;
    SSL_SESSION_free(s->session);
    bide__free(s);
}

void bide__tls_sessions_free(struct tls_sessions *all)
{
    while (!bide__list_is_empty(&all->by_age))
        forget(all, saved_of(all->by_age.next));
}

/* How many sessions of this key there are, and the oldest one. */
static unsigned count_key(struct tls_sessions *all, const char *key, struct saved **oldest)
{
    unsigned n = 0;

    for (struct list_node *i = all->by_age.prev; i != &all->by_age; i = i->prev) {
        if (strcmp(saved_of(i)->key, key) != 0)
            continue;
        *oldest = saved_of(i);
        n++;
    }
    return n;
}

void bide__tls_session_put(struct tls_sessions *all, const char *key, SSL_SESSION *session)
{
    struct saved *oldest = NULL, *s = bide__malloc(sizeof *s + strlen(key) + 1);
    if (!s) {
        SSL_SESSION_free(session);
        return;
    }
    if (count_key(all, key, &oldest) >= SESSIONS_PER_KEY)
        forget(all, oldest);
    else if (all->count >= SESSIONS_MAX)
        forget(all, saved_of(all->by_age.next));

    s->session = session;
    strcpy(s->key, key);
    bide__list_append(&all->by_age, &s->age);
    all->count++;
}

static bool is_fresh(const SSL_SESSION *session)
{
    return SSL_SESSION_is_resumable(session) &&
           SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) > time(NULL);
}

/* The newest one is the most likely to be known to the server still. */
SSL_SESSION *bide__tls_session_take(struct tls_sessions *all, const char *key)
{
    for (struct list_node *i = all->by_age.prev, *before; i != &all->by_age; i = before) {
        struct saved *s = saved_of(i);
        before = i->prev;
        if (strcmp(s->key, key) != 0)
            continue;
        SSL_SESSION *session = is_fresh(s->session) ? s->session : NULL;
        if (session)
            SSL_SESSION_up_ref(session);
        if (!session || SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
            forget(all, s);
        if (session)
            return session;
    }
    return NULL;
}

void bide__tls_session_drop(struct tls_sessions *all, const char *key)
{
    for (struct list_node *i = all->by_age.next, *after; i != &all->by_age; i = after) {
        after = i->next;
        if (strcmp(saved_of(i)->key, key) == 0)
            forget(all, saved_of(i));
    }
}
