/* SPDX-License-Identifier: MIT */
/* test_text.c - UTF-8, and what of it may be shown. */
#include <bide/text.h>

#include "base/base.h"
#include "harness/guarded.h"
#include "harness/harness.h"

static size_t encode(uint32_t c, char *out)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(first[n] | c);
    return n;
}

UNIT(utf8_decode_every_character_is_read_whole_and_waited_for_when_cut)
{
    char text[8];

    for (uint32_t c = 0; c < 0x110000; c++) {
        uint32_t back = 0;
        size_t n = encode(c, text);
        if (c >= 0xd800 && c < 0xe000) {
            EXPECT_EQ(bide_utf8_decode(text, n, &back), 0);
            continue;
        }
        EXPECT_EQ(bide_utf8_decode(text, n, &back), (int)n);
        EXPECT_EQ(back, c);
        for (size_t cut = 0; cut < n; cut++)
            EXPECT_EQ(bide_utf8_decode(text, cut, &back), -1);
    }
}

/* RFC 3629 3 and 10: overlong forms, surrogates, beyond the last, bytes that begin nothing, a sequence that breaks off. */
UNIT(utf8_decode_what_is_none_is_refused_at_the_first_byte_that_shows_it)
{
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                      "\xfe", "\xff", "\xc3(", "\xe2\x82(", "\xf0\x9f\x90(", "\xe0\x80", "\xf4\x90", "\xe2\x82\xc3"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t c = 4711;
        struct guarded g = guarded_copy(bad[i], strlen(bad[i]));
        EXPECT_EQ(bide_utf8_decode(g.data, strlen(bad[i]), &c), 0);
        EXPECT_EQ(c, 4711);
        guarded_free(&g);
    }
}

UNIT(is_printable_controls_marks_and_the_unseen_are_not)
{
    static const uint32_t bad[] = {0, 0x1b, '\n', '\t', 0x7f, 0x80, 0x9b, 0x9f, 0x61c, 0x200b, 0x200d, 0x200e, 0x2028, 0x2029, 0x202e,
                                   0x2060, 0x2066, 0xfeff, 0xfff9, 0xe0001, 0xe007f};
    static const uint32_t good[] = {' ', '~', 0xa0, 0xe9, 0x200a, 0x2010, 0x2027, 0x202f, 0x2070, 0x7b49, 0xfffd, 0x1f41d, 0xe0080};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_FALSE(bide_is_printable(bad[i]));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        EXPECT_TRUE(bide_is_printable(good[i]));
}

static const char *printable(const char *text, size_t len)
{
    static char out[100];
    struct guarded g = guarded_copy(text, len);

    EXPECT_EQ(bide_printable(out, sizeof out, g.data, len), len);
    guarded_free(&g);
    return out;
}

UNIT(printable_what_a_terminal_would_obey_becomes_bytes_to_read)
{
    EXPECT_STR(printable("plain \xc3\xa9 \\ \"", 12), "plain \xc3\xa9 \\ \"");
    EXPECT_STR(printable("a\0b", 3), "a\\x00b");
    EXPECT_STR(printable("\x1b[31m", 5), "\\x1b[31m");
    EXPECT_STR(printable("\xc2\x9b" "2J", 4), "\\xc2\\x9b2J"); /* CSI in UTF-8 */
    EXPECT_STR(printable("\x9b" "2J", 3), "\\x9b2J");          /* and as one byte */
    EXPECT_STR(printable("a\xe2\x80\xae" "b", 5), "a\\xe2\\x80\\xaeb");
    EXPECT_STR(printable("\xe2\x82", 2), "\\xe2\\x82"); /* cut off */
    EXPECT_STR(printable("", 0), "");
}

UNIT(printable_too_long_is_cut_between_characters_and_can_go_on)
{
    const char *text = "a\x1b\xc3\xa9\xe2\x80\xae" "bc", *end = text + strlen(text);
    char out[64], all[64];

    for (size_t size = 17; size < sizeof out; size++) {
        all[0] = '\0';
        for (const char *at = text; at < end; ) {
            size_t n = bide_printable(out, size, at, (size_t)(end - at));
            EXPECT_TRUE(n > 0 && strlen(out) < size);
            strcat(all, out);
            at += n;
        }
        EXPECT_STR(all, "a\\x1b\xc3\xa9\\xe2\\x80\\xaebc");
    }
    EXPECT_EQ(bide_printable(out, 4, "\x1b", 1), 0); /* needs five */
    EXPECT_STR(out, "");
    EXPECT_EQ(bide_printable(out, 5, "\x1b", 1), 1);
    EXPECT_EQ(bide_printable(NULL, 0, "abc", 3), 0);
}

/* What the library quotes in its messages follows the same rule. */
UNIT(shown_quotes_what_is_printable_and_a_question_mark_for_the_rest)
{
    char text[8], shown[80];

    for (uint32_t c = 1; c < 0x110000; c++) {
        size_t n = encode(c, text);
        if (c >= 0xd800 && c < 0xe000)
            continue;
        bool is_shown = strcmp(bide__shown(shown, text, n), "?") != 0 || c == '?';
        if (is_shown != bide_is_printable(c))
            EXPECT_EQ(c, 0); /* names it */
    }
}
