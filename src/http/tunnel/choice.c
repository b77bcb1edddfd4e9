/* SPDX-License-Identifier: MIT */
/*
 * choice.c - which route a URL is asked through: what the session says, or the environment, and NO_PROXY.
 *
 * The environment is read when the session is made: getenv is not safe beside a setenv of another thread.
 */
#include <stdlib.h>

#include "http/tunnel/tunnel.h"

static const char *variable(const char *name, void *arg)
{
    (void)arg;
    return getenv(name);
}

static const char *copy(struct arena *arena, const char *text, bool *failed)
{
    const char *kept = text && *text ? bide__arena_strndup(arena, text, strlen(text)) : NULL;

    *failed |= text && *text && !kept;
    return kept;
}

int bide__route_choice_from_env(struct route_choice *c, struct arena *arena)
{
    struct proxy_variables v;
    bool failed = false;

    bide__proxy_read_env(&v, variable, NULL);
    c->plain = copy(arena, v.plain, &failed);
    c->secure = copy(arena, v.secure, &failed);
    if (!c->except)
        c->except = copy(arena, v.except, &failed);
    return failed ? BIDE_ENOMEM : 0;
}

const char *bide__route_choose(const struct route_choice *c, const struct url *u)
{
    const char *text = c->text ? c->text : bide__url_is_secure(u) ? c->secure : c->plain;

    if (!text || !*text)
        return NULL;
    return c->except && bide__no_proxy_has(c->except, u) ? NULL : text;
}
