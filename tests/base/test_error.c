/* SPDX-License-Identifier: MIT */
/* test_error.c - codes and their words, and the record: what the core's test_error.c does with tasks, here without. */
#include <limits.h>
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
    EXPECT_STR(bide_strerror(INT_MIN), "unknown error");
#define HAS_WORDS(name, n, text) EXPECT_STR(bide_strerror(name), text);
    BIDE_ERRORS(HAS_WORDS)
#undef HAS_WORDS
}

/* What programs are built with, and hosts of one queue tell each other: a number that is given stays. */
UNIT(error_codes_stand_in_the_range_of_their_room)
{
    EXPECT_EQ(BIDE_ESTATE, -10001);
    EXPECT_EQ(BIDE_EVERSION, -10008);
    EXPECT_EQ(BIDE_EBROKEN, -10009);
    EXPECT_EQ(BIDE_ELAGGED, -10010);
    EXPECT_EQ(BIDE_EEOF, -10100);
    EXPECT_EQ(BIDE_ECERT, -10104);
    EXPECT_EQ(BIDE_EURL, -10200);
    EXPECT_EQ(BIDE_EJSON, -10207);
    EXPECT_EQ(BIDE_EWORKER, -10300);
    EXPECT_EQ(BIDE_EPOOL, -10303);
    int n, of_rooms;
#define COUNT(name, distance, text) +1
    n = 0 BIDE_ERRORS(COUNT);
    of_rooms = 0 BIDE_ERRORS_CORE(COUNT) BIDE_ERRORS_IO(COUNT) BIDE_ERRORS_HTTP(COUNT) BIDE_ERRORS_POOL(COUNT);
#undef COUNT
    EXPECT_EQ(n, of_rooms);
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

UNIT(error_adopt_replaces_what_is_on_record)
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
    bide__error_adopt(&none);
    EXPECT_STR(bide_error_text(), "ours");
    bide__error_adopt(&other);
    EXPECT_STR(bide_error_text(), "theirs");
}

UNIT(error_on_record_is_that_of_the_newest_failure)
{
    struct buf b;
    bide__buf_init(&b, 4);
    bide_fail(-EIO, "older");
    EXPECT_EQ(bide__buf_append(&b, "12345", 5), BIDE_ELIMIT);
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
    EXPECT_CONTAINS(bide_error_text(), "beyond 4 bytes");
    bide_fail(-EPERM, "next");
    EXPECT_EQ(bide_error_code(), -EPERM);
    EXPECT_STR(bide_error_text(), "next");
    bide_error_clear();
    EXPECT_EQ(bide_error_code(), 0);
    bide__buf_free(&b);
}

UNIT(error_text_may_be_part_of_the_next_text)
{
    bide_fail(-EIO, "inner");
    bide_fail(-EPERM, "outer: %s", bide_error_text());
    EXPECT_STR(bide_error_text(), "outer: inner");
}

UNIT(error_code_that_is_not_negative_is_refused)
{
    EXPECT_EQ(bide_fail(3, "three %s", "tries"), -EINVAL);
    EXPECT_STR(bide_error_text(), "bide_fail: 3 is not an error code, which is negative: three tries");
    EXPECT_EQ(bide_fail(0, "nothing"), -EINVAL);
    EXPECT_EQ(bide_error_code(), -EINVAL);
}

/* ---- marks ---- */

UNIT(error_mark_restored_leaves_what_was_there)
{
    struct error_mark m;
    bide__error_mark(&m);
    bide_fail(-EIO, "unseen");
    bide__error_restore(&m);
    EXPECT_EQ(bide_error_code(), 0);

    bide_fail(-EPERM, "ours");
    bide__error_mark(&m);
    bide_fail(-EIO, "unseen");
    bide_fail(-ENOENT, "unseen, too");
    bide__error_restore(&m);
    EXPECT_EQ(bide_error_code(), -EPERM);
    EXPECT_STR(bide_error_text(), "ours");

    bide__error_mark(&m);
    bide_error_clear();
    bide__error_restore(&m);
    EXPECT_STR(bide_error_text(), "ours");
}

UNIT(error_mark_ended_with_an_error_leaves_that_error)
{
    struct error_mark m;
    bide_fail(-EPERM, "ours");
    bide__error_mark(&m);
    bide_fail(-EIO, "newer");
    bide__error_end(&m, -EIO);
    EXPECT_STR(bide_error_text(), "newer");
}

UNIT(error_marks_nest)
{
    struct error_mark outer, inner;
    bide_fail(-EPERM, "ours");
    bide__error_mark(&outer);
    bide__error_mark(&inner);
    bide_fail(-EIO, "of the inner");
    bide__error_end(&inner, -EIO);
    EXPECT_STR(bide_error_text(), "of the inner");
    bide__error_mark(&inner);
    bide_fail(-ENOENT, "of the second inner");
    bide__error_restore(&inner);
    EXPECT_STR(bide_error_text(), "of the inner");
    bide__error_restore(&outer);
    EXPECT_STR(bide_error_text(), "ours");
}

UNIT(error_mark_without_memory_keeps_the_code)
{
    struct error_mark m;
    bide_fail(-EPERM, "ours");
    bide__error_mark(&m);
    bide__alloc_fail_at(0);
    bide_fail(-EIO, "unseen");
    bide__alloc_fail_at(-1);
    bide__error_restore(&m);
    EXPECT_EQ(bide_error_code(), -EPERM);
    EXPECT_STR(bide_error_text(), "Operation not permitted");
}

static void fail_to_go(void *object)
{
    (void)object;
    bide_fail(-EIO, "closing failed");
}

UNIT(error_on_record_survives_a_release_that_fails)
{
    static const struct object_type type = {.name = "thing", .destroy = fail_to_go};
    struct object o;
    bide__object_init(&o, &type);

    bide_fail(-EPERM, "ours");
    bide_release(&o);
    EXPECT_STR(bide_error_text(), "ours");
}

/* ---- the whole record ---- */

UNIT(error_get_gives_the_place_where_it_was_made)
{
    bide_error_info e;
    EXPECT_EQ(bide_error_get(&e), 0);
    EXPECT_EQ(e.code, 0);
    EXPECT_EQ(e.trace_len, 0);

    bide_fail_at("brew", "tea.c", 7, -ENOSPC, "no water");
    EXPECT_EQ(bide_error_get(&e), -ENOSPC);
    EXPECT_EQ(bide_error_get(NULL), -ENOSPC);
    EXPECT_EQ(e.code, -ENOSPC);
    EXPECT_EQ(e.system, ENOSPC);
    EXPECT_STR(e.text, "no water");
    EXPECT_EQ(e.trace_len, 1);
    EXPECT_STR(e.trace[0].function, "brew");
    EXPECT_EQ(e.trace[0].line, 7);
    EXPECT_EQ(e.phase, BIDE_PHASE_NONE);
    EXPECT_NULL(e.url);
    EXPECT_FALSE(e.interrupted || e.reused || e.retry_safe);

    bide_fail(BIDE_ETLS, "torn");
    EXPECT_EQ(bide_error_get(&e), BIDE_ETLS);
    EXPECT_EQ(e.system, 0);
}

UNIT(raise_without_an_error_is_an_error)
{
    EXPECT_ERR(bide_raise(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "without an error on record");
}

UNIT(raise_of_another_code_forgets_the_settled_one)
{
    bide_fail(-EIO, "long dealt with");
    EXPECT_ERR(bide_raise_at(-ENOENT, "open_it", "file.c", 3), -ENOENT);
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
