/* SPDX-License-Identifier: MIT */
/*
 * pool.h - a pool from its beginning to its end, over one backend or the other; redis.h is for those who know Redis.
 *
 * options.c open.c close.c serve.c
 */
#ifndef BIDE_POOL_POOL_H
#define BIDE_POOL_POOL_H

#include "pool/local/local.h"

/* ---- options.c, open.c ---- */
int bide__pool_take_options(bide_pool_args *to, const bide_pool_args *from); /* checked, the defaults filled in */
bide_pool *bide__pool_new(void); /* without options and backend; NULL: an error on record */

/* ---- close.c ---- */
void bide__pool_release(void *object);
void bide__pool_leave(struct ready *r);
void bide__pool_destroy(void *object);

#endif
