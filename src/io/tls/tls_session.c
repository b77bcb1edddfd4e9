/* SPDX-License-Identifier: MIT */
/*
 * tls_session.c - a cache of sessions to be resumed: half the work of a handshake is saved.
 *
 * Kept by server name and port within one configuration, so that a session can never be used under other rules than
 * those it was made under.  A ticket of TLS 1.3 is used once (RFC 8446 C.4), so a server that many connections go to
 * needs as many; a session of TLS 1.2 stays.
 *
 *     by_server -- "a:443": saved (oldest), saved, saved (newest)
 *               -- "b:443": saved
 *     by_age    -- saved of all servers, the oldest first
 */
#include <time.h>

#include "io/tls/tls_layer.h"

#define SESSIONS_MAX 2048 /* each holds 1 to 2 KB, and all of one handshake share its certificates */
#define SESSIONS_PER_SERVER 256

/* A server, as long as it has a session. */
struct server {
    struct map_node node;
    struct list_node saved; /* the oldest first */
    unsigned count;
    char key[];
};

struct saved {
    struct list_node age, of_server;
    struct server *server;
    SSL_SESSION *session;
};

int bide__tls_sessions_init(struct tls_sessions *all)
{
    bide__list_init(&all->by_age);
    all->count = 0;
    return bide__map_init(&all->by_server);
}

static void forget(struct tls_sessions *all, struct saved *s)
{
    struct server *server = s->server;

    bide__list_remove(&s->age);
    bide__list_remove(&s->of_server);
    all->count--;
    SSL_SESSION_free(s->session);
    bide__free(s);
    if (--server->count == 0) {
        bide__map_remove(&all->by_server, &server->node);
        bide__free(server);
    }
}

void bide__tls_sessions_free(struct tls_sessions *all)
{
    while (all->count > 0)
        forget(all, container_of(all->by_age.next, struct saved, age));
    bide__map_free(&all->by_server);
}

static struct server *find_server(const struct tls_sessions *all, const char *key)
{
    struct map_node *n = bide__map_find(&all->by_server, key, strlen(key));

    return n ? container_of(n, struct server, node) : NULL;
}

static struct server *add_server(struct tls_sessions *all, const char *key)
{
    size_t len = strlen(key);
    struct server *server = bide__malloc(sizeof *server + len + 1);
    if (!server)
        return NULL;

    memcpy(server->key, key, len + 1);
    server->count = 0;
    bide__list_init(&server->saved);
    bide__map_add(&all->by_server, &server->node, server->key, len);
    return server;
}

void bide__tls_session_put(struct tls_sessions *all, const char *key, SSL_SESSION *session)
{
    struct server *server = find_server(all, key);
    struct saved *s = bide__malloc(sizeof *s);
    if (s && !server)
        server = add_server(all, key);
    if (!s || !server) {
        bide__free(s);
        SSL_SESSION_free(session);
        return;
    }

    *s = (struct saved){.server = server, .session = session};
    bide__list_init(&s->age);
    bide__list_init(&s->of_server);
    bide__list_append(&all->by_age, &s->age);
    bide__list_append(&server->saved, &s->of_server);
    all->count++;
    if (++server->count > SESSIONS_PER_SERVER)
        forget(all, container_of(server->saved.next, struct saved, of_server));
    else if (all->count > SESSIONS_MAX)
        forget(all, container_of(all->by_age.next, struct saved, age));
}

static bool is_fresh(const SSL_SESSION *session)
{
    return SSL_SESSION_is_resumable(session) &&
           SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) > time(NULL);
}

/* The newest one is the most likely to be known to the server still. */
SSL_SESSION *bide__tls_session_take(struct tls_sessions *all, const char *key)
{
    struct server *server;

    while ((server = find_server(all, key))) {
        struct saved *s = container_of(server->saved.prev, struct saved, of_server);
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
    struct server *server;

    while ((server = find_server(all, key)))
        forget(all, container_of(server->saved.next, struct saved, of_server));
}
