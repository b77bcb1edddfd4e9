/* SPDX-License-Identifier: MIT */
/* test_records.c - texts in records, digests, and the charset of a Content-Type. */
#include <harness/harness.h>

#include "cli/fetch/content_type.h"
#include "cli/save/digest.h"
#include "cli/save/jsonl.h"

static char out[1024];

static const char *shown(struct text *t)
{
    snprintf(out, sizeof out, "%s", text_string(t));
    text_free(t);
    return out;
}

static const char *member(const char *value)
{
    struct text t = {0};

    jsonl_add_member(&t, "x", value);
    return shown(&t);
}

static const char *url_member(const char *value)
{
    struct text t = {0};

    jsonl_add_url_member(&t, "x", value);
    return shown(&t);
}

UNIT(jsonl_members_have_all_bytes)
{
    EXPECT_STR(member(NULL), ",\"x\":null");
    EXPECT_STR(member(""), ",\"x\":\"\"");
    EXPECT_STR(member("a\xc3\xa9%"), ",\"x\":\"a\xc3\xa9%\"");
    EXPECT_STR(member("\xff"), ",\"x\":\"\xef\xbf\xbd\",\"x_b64\":\"/w==\"");
    EXPECT_STR(member("a\xff"), ",\"x\":\"a\xef\xbf\xbd\",\"x_b64\":\"Yf8=\"");
    EXPECT_STR(member("ab\xff"), ",\"x\":\"ab\xef\xbf\xbd\",\"x_b64\":\"YWL/\"");
    EXPECT_STR(member("ab\xff\n"), ",\"x\":\"ab\xef\xbf\xbd\\n\",\"x_b64\":\"YWL/Cg==\"");
}

UNIT(jsonl_urls_have_odd_bytes_as_percent_and_in_base64)
{
    EXPECT_STR(url_member("http://a/%ff\xc3\xa9"), ",\"x\":\"http://a/%ff\xc3\xa9\"");
    EXPECT_STR(url_member("/\xff\xed\xa0\x80"), ",\"x\":\"/%FF%ED%A0%80\",\"x_b64\":\"L//toIA=\"");
    EXPECT_STR(url_member("/\xc3"), ",\"x\":\"/%C3\",\"x_b64\":\"L8M=\"");
}

static const char *charset(const char *type)
{
    struct text t = {0};

    type_charset(type, &t);
    return shown(&t);
}

UNIT(content_type_charset_is_found_where_it_is_one)
{
    EXPECT_STR(charset(NULL), "");
    EXPECT_STR(charset(""), "");
    EXPECT_STR(charset(";charset=utf-8"), "utf-8");
    EXPECT_STR(charset("; CHARSET=\"UTF-8\""), "utf-8");
    EXPECT_STR(charset(" ;a=b ; charset = x;charset=y"), "x");
    EXPECT_STR(charset("; a=\"; charset=no\\\" ;\"; charset=yes z"), "yes");
    EXPECT_STR(charset("; charset"), "");
    EXPECT_STR(charset("; charset="), "");
    EXPECT_STR(charset("; charset=\"open"), "open");
    EXPECT_STR(charset("; charset=\"\\"), "\\");
    EXPECT_STR(charset("; xcharset=a; charsetx=b"), "");
    EXPECT_STR(charset(";;;= ;charset=a"), "a");
}

UNIT(digest_is_that_of_all_pieces_and_can_be_used_again)
{
    static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    unsigned char got[DIGEST_BYTES];
    struct digest d;

    for (int i = 0; i < 2; i++) {
        digest_begin(&d);
        digest_add(&d, "a", 1);
        digest_add(&d, "bc", 2);
        digest_end(&d, got);
        EXPECT_TRUE(memcmp(got, abc, sizeof abc) == 0);
        digest_begin(&d);
        digest_end(&d, got);
        EXPECT_EQ(got[0], 0xe3);
    }
}
