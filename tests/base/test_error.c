/* SPDX-License-Identifier: MIT */
/* test_error.c - codes and their words, and the record: what the core's test_error.c does with tasks, here without. */
#include <pthread.h>

#include "base/base.h"
#include "harness/harness.h"

UNIT(strerror_has_words_for_every_code)
{
    EXPECT_STR(bide_strerror(0), "success");
    EXPECT_STR(bide_strerror(7), "success");
    EXPECT_STR(bide_strerror(BIDE_ECANCELED), "cancelled");
    EXPECT_STR(bide_strerror(BIDE_ETIMEDOUT), "timed out");
    EXPECT_STR(bide_strerror(-ECONNREFUSED), "Connection refused");
    EXPECT_STR(bide_strerror(BIDE_ENAME), "no such host name");
    EXPECT_STR(bide_strerror(-99999), "unknown error");
#define HAS_WORDS(name, n, text) EXPECT_STR(bide_strerror(name), text);
    BIDE_ERRORS(HAS_WORDS)
#undef HAS_WORDS
}

UNIT(error_long_text_is_cut_not_overrun)
{
    EXPECT_ERR(bide_fail(-EIO, "%01000d", 5), -EIO);
    EXPECT_EQ(strlen(bide_error_text()), ERROR_TEXT_MAX - 1);
    bide__error_prefix("%01000d", 7);
    EXPECT_EQ(strlen(bide_error_text()), ERROR_TEXT_MAX - 1);
}

UNIT(error_prefix_says_what_was_tried)
{
    bide__error_prefix("nobody: "); /* there is no error: nothing happens */
    EXPECT_STR(bide_error_text(), "");
    bide_fail(-EIO, "torn");
    bide__error_prefix("GET %s: ", "http://x/");
    EXPECT_STR(bide_error_text(), "GET http://x/: torn");
    EXPECT_EQ(bide_error_code(), -EIO);
}

UNIT(error_adopt_obeys_first_wins)
{
    struct error_record other, none;
    bide__error_init(&none);
    bide__error_adopt(&none);
    EXPECT_EQ(bide_error_code(), 0);

    struct error_record *before = bide__error_switch(&other);
    bide__error_init(&other);
    bide_fail(-EPERM, "theirs");
    bide__error_switch(before);

    bide_fail(-EIO, "ours");
    bide__error_adopt(&other);
    EXPECT_STR(bide_error_text(), "ours");
    bide__error_adopt(&other); /* ours was read: theirs takes its place */
    EXPECT_STR(bide_error_text(), "theirs");
}

UNIT(error_that_nobody_read_does_not_lend_its_code_to_the_next)
{
    struct buf b;
    bide__buf_init(&b, 4);
    bide_fail(-EIO, "older");
    EXPECT_EQ(bide__buf_append(&b, "12345", 5), BIDE_ELIMIT);
    EXPECT_EQ(bide__error_latest(), BIDE_ELIMIT);
    EXPECT_EQ(bide_error_code(), -EIO); /* it only looks */
    EXPECT_EQ(bide__buf_append(&b, "12345", 5), BIDE_ELIMIT);
    EXPECT_STR(bide_error_text(), "older");
    bide_fail(-EPERM, "next");
    EXPECT_EQ(bide_error_code(), -EPERM);
    bide_error_clear();
    EXPECT_EQ(bide__error_latest(), 0);
    bide__buf_free(&b);
}

UNIT(raise_without_an_error_is_an_error)
{
    EXPECT_ERR(bide_raise(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "without an error on record");
}

UNIT(raise_of_another_code_forgets_the_settled_one)
{
    bide_fail(-EIO, "long dealt with");
    EXPECT_ERR(bide__raise(-ENOENT, "open_it", "file.c", 3), -ENOENT);
    EXPECT_STR(bide_error_text(), "open_it: No such file or directory");
}

static void *fail_in_thread(void *arg)
{
    bide_fail(-EPERM, "theirs");
    return arg;
}

UNIT(error_records_of_threads_do_not_mix)
{
    pthread_t thread;
    bide_fail(-EIO, "ours");
    EXPECT_EQ(pthread_create(&thread, NULL, fail_in_thread, NULL), 0);
    pthread_join(thread, NULL);
    EXPECT_STR(bide_error_text(), "ours");
}
