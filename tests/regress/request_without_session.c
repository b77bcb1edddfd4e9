/* SPDX-License-Identifier: MIT */
/* request_without_session.c - bide_session_new gave NULL and nobody looked: a request says so, and does not crash. */
#include "harness/harness.h"

#include <bide/http.h>

TEST(request_without_session_is_an_error)
{
    EXPECT_TRUE(bide_get(NULL, "http://127.0.0.1/") == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_STR(bide_error_text(), "GET http://127.0.0.1/: there is no session");
    bide_error_clear();
}

/* The newest failure is on record; why there is no session stood there before it. */
TEST(request_without_session_replaces_the_reason_why_there_is_none)
{
    bide_session *none = bide_session_new(.ca_file = "/nowhere/ca.pem");
    EXPECT_TRUE(none == NULL);
    EXPECT_EQ(bide_error_code(), BIDE_ETLS);
    EXPECT_TRUE(bide_get(none, "http://127.0.0.1/") == NULL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "there is no session; before that: ");
    EXPECT_CONTAINS(bide_error_text(), "/nowhere/ca.pem");
    bide_error_clear();
}
