/* SPDX-License-Identifier: MIT */
/* test_names.c - header names that we know, what may be sent, and the scanning of bytes that all of it stands on. */
#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/field/headers.h"
#include "http/field/scan.h"

/* ---- known names ---- */

UNIT(header_id_every_name_finds_itself_in_any_case)
{
    for (int id = 1; id < HEADER_COUNT; id++) {
        char name[64];
        size_t len = strlen(bide__header_name(id));
        for (size_t i = 0; i <= len; i++)
            name[i] = (char)(i % 2 ? bide__header_name(id)[i]
                                   : bide__header_name(id)[i] &
                                         ~(i < len && bide__header_name(id)[i] >= 'a' ? 0x20 : 0));
        EXPECT_EQ(bide__header_id(name, len), id);
        name[0] = '!';
        EXPECT_EQ(bide__header_id(name, len), HEADER_OTHER);
        EXPECT_TRUE(bide__header_id(name, len - 1) != (enum header_id)id);
    }
    EXPECT_EQ(bide__header_id("", 0), HEADER_OTHER);
    EXPECT_EQ(bide__header_id("X-Unheard-Of", 12), HEADER_OTHER);
    EXPECT_STR(bide__header_name(HEADER_OTHER), "");
}

/* R6 */
UNIT(header_names_and_values_that_may_be_sent)
{
    EXPECT_TRUE(bide__header_name_ok("X-A_b.1~", 8));
    EXPECT_TRUE(!bide__header_name_ok("", 0));
    EXPECT_TRUE(!bide__header_name_ok("a b", 3));
    EXPECT_TRUE(!bide__header_name_ok("a:", 2));
    EXPECT_TRUE(!bide__header_name_ok("a\r\nb", 4));
    EXPECT_TRUE(bide__header_value_ok("", 0));
    EXPECT_TRUE(bide__header_value_ok("a\tb \xff", 5));
    EXPECT_TRUE(!bide__header_value_ok(" a", 2));
    EXPECT_TRUE(!bide__header_value_ok("a ", 2));
    EXPECT_TRUE(!bide__header_value_ok("a\r\nb: c", 7));
    EXPECT_TRUE(!bide__header_value_ok("a\0b", 3));
    EXPECT_TRUE(!bide__header_value_ok("a\nb", 3));
    EXPECT_TRUE(!bide__header_value_ok("a\x7f", 2));
}

/* ---- the scalar and the vector version give the same answer ---- */

UNIT(scan_vector_and_scalar_agree_at_every_byte_and_length)
{
    for (size_t len = 0; len <= 70; len++) {
        struct guarded g = guarded_copy(
            "----------------------------------------------------------------------", len);
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                g.data[at] = (char)c;
                const char *end = g.data + len;
                EXPECT_TRUE(scan_value(g.data, end) == scan_scalar(g.data, end, CHAR_VALUE));
                EXPECT_TRUE(scan_token(g.data, end) == scan_scalar(g.data, end, CHAR_TOKEN));
                g.data[at] = '-';
            }
        guarded_free(&g);
    }
}
