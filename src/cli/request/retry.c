/* SPDX-License-Identifier: MIT */
/*
 * retry.c - whether a request is worth another try.
 */
#include "cli/request/retry.h"

#include <bide/error.h>

bool retry_helps_status(int status)
{
    static const int worth[] = {408, 429, 500, 502, 503, 504, 522, 524};

    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++)
        if (worth[i] == status)
            return true;
    return false;
}

bool retry_helps_error(int code)
{
    static const int worth[] = {BIDE_ETIMEDOUT, BIDE_EDNS,     BIDE_EDISCONNECTED, BIDE_ETRUNCATED, BIDE_EEOF,
                                -ECONNREFUSED,  -ECONNRESET,   -ECONNABORTED,      -EPIPE,          -EHOSTUNREACH,
                                -ENETUNREACH,   -ENETDOWN,     -EHOSTDOWN,         -ENOBUFS};

    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++)
        if (worth[i] == code)
            return true;
    return false;
}
