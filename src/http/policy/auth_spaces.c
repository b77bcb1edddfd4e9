/* SPDX-License-Identifier: MIT */
/*
 * auth_spaces.c - which origin has asked for what: so that the next request answers unasked, and counts its nonce on (R118).
 *
 * One for each origin and user, the last used first; what was not used for longest goes when there are too many (D9).
 */
#include <openssl/crypto.h>
#include <stdio.h>

#include "http/policy/policy.h"

#define SPACES_MAX 64

struct kept {
    struct list_node node;
    struct auth_space space;
    char key[];
};

void bide__auth_spaces_init(struct auth_spaces *s)
{
    bide__list_init(&s->all);
    s->n = 0;
}

static void drop(struct auth_spaces *s, struct kept *k)
{
    bide__list_remove(&k->node);
    bide__free(k);
    s->n--;
}

void bide__auth_spaces_free(struct auth_spaces *s)
{
    while (s->n > 0)
        drop(s, container_of(s->all.next, struct kept, node));
}

static bool is_of(const struct kept *k, const struct url *url, const char *user)
{
    char port[16];
    const char *at = k->key;
    size_t host = url->hostname.len, n = (size_t)snprintf(port, sizeof port, "%d %d ", url->port, bide__url_is_secure(url));

    return strncmp(at, port, n) == 0 && strncmp(at + n, bide__url_part(url, url->hostname), host) == 0 && at[n + host] == ' ' &&
           strcmp(at + n + host + 1, user) == 0;
}

struct auth_space *bide__auth_spaces_find(struct auth_spaces *s, const struct url *url, const char *user)
{
    for (struct list_node *n = s->all.next; n != &s->all; n = n->next) {
        struct kept *k = container_of(n, struct kept, node);
        if (!is_of(k, url, user))
            continue;
        bide__list_remove(&k->node);
        bide__list_prepend(&s->all, &k->node);
        return &k->space;
    }
    return NULL;
}

static struct kept *add(struct auth_spaces *s, const struct url *url, const char *user)
{
    size_t cap = url->hostname.len + strlen(user) + 24;
    struct kept *k = bide__malloc(sizeof *k + cap);
    if (!k) {
        bide__fail_nomem("a challenge");
        return NULL;
    }
    snprintf(k->key, cap, "%d %d %.*s %s", url->port, bide__url_is_secure(url), (int)url->hostname.len,
             bide__url_part(url, url->hostname), user);
    if (s->n >= SPACES_MAX)
        drop(s, container_of(s->all.prev, struct kept, node));
    bide__list_init(&k->node);
    bide__list_prepend(&s->all, &k->node);
    s->n++;
    return k;
}

int bide__auth_spaces_keep(struct auth_spaces *s, const struct url *url, const char *user, const struct auth_space *space)
{
    struct auth_space *old = bide__auth_spaces_find(s, url, user);
    struct kept *k = old ? container_of(old, struct kept, space) : add(s, url, user);
    if (!k)
        return BIDE_ENOMEM;

    k->space = *space;
    return 0;
}
