/* SPDX-License-Identifier: MIT */
/* test_say.c - what may go to a terminal, and "did you mean". */
#include <string.h>

#include "cli/cli.h"
#include "harness/harness.h"

UNIT(say_clean_shows_what_a_terminal_would_obey)
{
    static const char *const pairs[][2] = {
        {"plain \xc3\xa9 \xe7\xad\x89", "plain \xc3\xa9 \xe7\xad\x89"},
        {"\x1b[31m", "\\x1b[31m"},
        {"a\nb\r\t\x7f", "a\\x0ab\\x0d\\x09\\x7f"},
        {"\xc2\x9b" "2J", "\\xc2\\x9b2J"},
        {"\xc2\xa0", "\xc2\xa0"},
        {"\xc2", "\\xc2"},                                /* no UTF-8: a terminal may take it for something else */
        {"\x9b" "31m", "\\x9b31m"},                       /* CSI as one byte */
        {"a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb"},    /* U+202E: right to left from here on */
        {"a\xd8\x9c" "b", "a\\xd8\\x9cb"},              /* U+061C */
        {"a\xe2\x80\x8b" "b", "a\\xe2\\x80\\x8bb"},    /* U+200B: not seen */
        {"\xf3\xa0\x81\xa1", "\\xf3\\xa0\\x81\\xa1"}, /* U+E0061: a tag */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           /* a surrogate */
        {"\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d"},
        {"", ""},
    };
    char out[100];

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        EXPECT_STR(say_clean(pairs[i][0], out, sizeof out), pairs[i][1]);
}

UNIT(say_clean_cuts_between_characters)
{
    char out[16];

    for (size_t size = 10; size <= sizeof out; size++) {
        say_clean("\x1b\x1b\x1b\x1b\x1b\x1b\x1b", out, size);
        EXPECT_LT(strlen(out), size);
        EXPECT_EQ(strlen(out) % 4, 0);
    }
}

UNIT(say_quote_has_64_bytes_at_most)
{
    char out[SAY_QUOTE_SIZE], text[200];

    memset(text, 'a', sizeof text);
    text[64] = '\0';
    EXPECT_STR(say_quote(text, out), text);
    text[64] = 'a';
    text[65] = '\0';
    EXPECT_STR(say_quote(text, out) + 60, "aaaa...");
    for (size_t at = 0; at < 66; at++) { /* one that takes twelve, across the end */
        memset(text, 'a', 66);
        strcpy(text + at, "\xe2\x80\xae" "and what follows, far more than fits into the rest of the 64 bytes");
        say_quote(text, out);
        EXPECT_LE(strlen(out), 67);
        EXPECT_STR(out + strlen(out) - 3, "...");
        EXPECT_NULL(strchr(out, '\xe2'));
    }
}

/* What is proposed for a word, NULL if nothing is. */
static const char *propose(const char *wanted)
{
    static const char *const words[] = {"concurrency", "connect-timeout", "connect-to", "timeout", "max-time", "get", "help", NULL};
    struct nearest n = {.wanted = wanted};

    for (const char *const *w = words; *w; w++)
        nearest_try(&n, *w);
    return n.best;
}

UNIT(nearest_finds_typing_errors)
{
    EXPECT_STR(propose("concurency"), "concurrency");
    EXPECT_STR(propose("concurrnecy"), "concurrency");
    EXPECT_STR(propose("timout"), "timeout");
    EXPECT_STR(propose("max-tiem"), "max-time");
    EXPECT_STR(propose("gte"), "get");
    EXPECT_STR(propose("conc"), "concurrency");
    EXPECT_STR(propose("connect-tomeout"), "connect-timeout");
}

UNIT(nearest_proposes_nothing_far_fetched)
{
    EXPECT_NULL(propose("zzz"));
    EXPECT_NULL(propose("x"));
    EXPECT_NULL(propose(""));
    EXPECT_NULL(propose("curl"));
    EXPECT_NULL(propose("a-word-that-is-longer-than-any-option-could-ever-be"));
}
