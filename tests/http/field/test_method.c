/* SPDX-License-Identifier: MIT */
/* test_method.c - which methods may be sent twice. */
#include <bide/http.h>

#include "harness/harness.h"

UNIT(method_is_idempotent_by_rfc_9110_and_to_the_letter)
{
    static const char *const yes[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    static const char *const no[] = {"POST", "PATCH", "CONNECT", "PROPFIND", "get", "GET ", "", "PUTT"};

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        EXPECT_TRUE(bide_method_is_idempotent(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        EXPECT_FALSE(bide_method_is_idempotent(no[i]));
    EXPECT_FALSE(bide_method_is_idempotent(NULL));
}
