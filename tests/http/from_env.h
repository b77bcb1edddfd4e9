/* SPDX-License-Identifier: MIT */
/* from_env.h - the proxy that an environment names for a URL, as a session finds it. */
#ifndef TESTS_HTTP_FROM_ENV_H
#define TESTS_HTTP_FROM_ENV_H

#include "http/tunnel/tunnel.h"

/* 1; 0: none; BIDE_EURL: what it names is none. */
static inline int proxy_from_env(struct proxy *out, const struct url *u, proxy_env_fn *env, void *arg)
{
    struct proxy_variables v;

    bide__proxy_read_env(&v, env, arg);
    struct route_choice c = {.plain = v.plain, .secure = v.secure, .except = v.except};
    const char *text = bide__route_choose(&c, u);
    int r = text ? bide__proxy_parse(out, text, strlen(text)) : 0;
    return r < 0 ? r : text != NULL;
}

#endif
