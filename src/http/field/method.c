/* SPDX-License-Identifier: MIT */
/* method.c - which methods may be sent twice. */
#include <string.h>

#include <bide/http.h>

bool bide_method_is_idempotent(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};

    for (size_t i = 0; method && i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}
