/* SPDX-License-Identifier: MIT */
/*
 * home.c - the loop that a value belongs to: the first that uses it, as long as that lives.
 */
#include "sync/home.h"

int bide__home_look(const struct home *h, const char *function)
{
    if (!h)
        return bide_fail(-EINVAL, "%s: it is NULL", function);
    int code = h->loop ? bide__loop_check_id(h->loop, function) : 0;

    return code < 0 ? code : 0;
}

int bide__home_enter_slow(struct home *h, const char *function)
{
    if (!h)
        return bide_fail(-EINVAL, "%s: it is NULL", function);
    int code = h->loop ? bide__loop_check_id(h->loop, function) : 1;
    if (code <= 0)
        return code;

    h->loop = bide__loop_here ? bide__loop_here->id : 0;
    bide__list_init(&h->waiters);
    return HOME_NEW;
}
