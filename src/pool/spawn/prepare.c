/* SPDX-License-Identifier: MIT */
/* prepare.c - bide_pool_prepare: be the worker that this process was started as, or make the zygote early. */
#include "pool/spawn/spawn.h"

/* Asked for again: another one, that has what was loaded meanwhile.  Workers that live are left alone. */
int bide_pool_prepare(void)
{
    bide__exec_serve_if_asked();
    int code = bide__named_check();

    return code < 0 ? code : bide__zygote_renew();
}
