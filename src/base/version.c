/* SPDX-License-Identifier: MIT */
/*
 * version.c - the version of the library, what is built in, and whether a program's headers agree with it.
 */
#include <bide/version.h>

#include "base/base.h"

const char *bide_version(void)
{
    return BIDE_VERSION;
}

unsigned bide_version_number(void)
{
    return BIDE_VERSION_NUMBER;
}

const char *bide_features(void)
{
    return BIDE_FEATURES; /* src/meson.build */
}

int bide_version_check_with(unsigned number)
{
    if (number >> 16 == BIDE_VERSION_NUMBER >> 16 && number <= BIDE_VERSION_NUMBER)
        return 0;
    return bide_fail(BIDE_EVERSION, "the program was built for bide %u.%u.%u, and the library is " BIDE_VERSION, number >> 16,
                     number >> 8 & 0xff, number & 0xff);
}
