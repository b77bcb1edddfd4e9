/* SPDX-License-Identifier: MIT */
/* test_version.c - what the library says of itself. */
#include <stdio.h>

#include <bide/version.h>

#include "base/base.h"
#include "harness/harness.h"

UNIT(version_of_the_library_is_that_of_its_headers)
{
    char text[32];

    EXPECT_STR(bide_version(), BIDE_VERSION);
    EXPECT_EQ(bide_version_number(), BIDE_VERSION_NUMBER);
    unsigned n = bide_version_number();
    snprintf(text, sizeof text, "%u.%u.%u", n >> 16, n >> 8 & 0xff, n & 0xff);
    EXPECT_STR(text, bide_version());
    EXPECT_EQ(bide_version_check(), 0);
}

UNIT(version_check_of_newer_headers_is_refused_with_both_versions)
{
    EXPECT_EQ(bide_version_check_with(BIDE_VERSION_NUMBER - 1), 0);
    EXPECT_ERR(bide_version_check_with(BIDE_VERSION_NUMBER + 0x000100), BIDE_EVERSION);
    EXPECT_CONTAINS(bide_error_text(), "built for bide 0.2.0");
    EXPECT_CONTAINS(bide_error_text(), "the library is " BIDE_VERSION);
    EXPECT_ERR(bide_version_check_with(BIDE_VERSION_NUMBER + 1), BIDE_EVERSION);
    EXPECT_ERR(bide_version_check_with(BIDE_VERSION_NUMBER + 0x010000), BIDE_EVERSION);
}

static bool is_a_feature(const char *word)
{
    size_t len = strlen(word);

    for (const char *p = bide_features(); (p = strstr(p, word)); p += len)
        if ((p == bide_features() || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
            return true;
    return false;
}

UNIT(features_name_the_switch_and_the_assertions_of_this_build)
{
#ifdef BIDE_SWITCH_UCONTEXT
    EXPECT_TRUE(is_a_feature("switch-ucontext") && !is_a_feature("switch-asm"));
#else
    EXPECT_TRUE(is_a_feature("switch-asm") && !is_a_feature("switch-ucontext"));
#endif
#ifdef NDEBUG
    EXPECT_TRUE(!is_a_feature("assertions"));
#else
    EXPECT_TRUE(is_a_feature("assertions"));
#endif
}
