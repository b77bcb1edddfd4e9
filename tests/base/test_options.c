/* SPDX-License-Identifier: MIT */
/* test_options.c - options of programs with older and newer headers; flush against an unreadable page, so nothing reads on. */
#include "base/base.h"
#include "harness/guarded.h"
#include "harness/harness.h"

struct options {
    size_t size;
    int64_t a;
    int64_t b;
};

struct newer {
    struct options known;
    int64_t c;
};

/* What is made of the first `size` bytes of a program's options, which lie flush against an unreadable page. */
static int take(struct options *to, const void *all, size_t size)
{
    struct guarded from = guarded_copy(all, size);
    int code = bide__options_take(to, sizeof *to, from.data, "bide_f");

    guarded_free(&from);
    return code;
}

UNIT(options_of_an_older_program_have_defaults_at_their_end)
{
    struct options all = {.size = offsetof(struct options, b), .a = 7, .b = 9}, to = {.a = -1, .b = -1};

    EXPECT_EQ(take(&to, &all, all.size), 0);
    EXPECT_EQ(to.size, sizeof to);
    EXPECT_EQ(to.a, 7);
    EXPECT_EQ(to.b, 0);
}

UNIT(options_of_a_newer_program_may_have_zeros_at_their_end)
{
    struct newer all = {.known = {.size = sizeof all, .a = 7, .b = 9}};
    struct {
        struct options to;
        int behind;
    } room = {.behind = 5};

    EXPECT_EQ(take(&room.to, &all, sizeof all), 0);
    EXPECT_EQ(room.to.size, sizeof room.to);
    EXPECT_EQ(room.to.a, 7);
    EXPECT_EQ(room.to.b, 9);
    EXPECT_EQ(room.behind, 5);
}

UNIT(options_of_a_newer_program_that_are_set_are_refused)
{
    struct newer all = {.known = {.size = sizeof all, .a = 7}, .c = INT64_MIN};
    struct options to = {.a = 3};

    EXPECT_ERR(take(&to, &all, sizeof all), BIDE_EVERSION);
    EXPECT_CONTAINS(bide_error_text(), "bide_f: an option is set that bide");
    EXPECT_EQ(to.a, 3);
}

UNIT(options_without_a_size_are_refused)
{
    struct options to, none = {.a = 7}, wild = {.size = (size_t)1 << 40};

    EXPECT_ERR(bide__options_take(&to, sizeof to, &none, "f"), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "f: the .size of the options is 0");
    EXPECT_ERR(bide__options_take(&to, sizeof to, &wild, "f"), -EINVAL);
    EXPECT_ERR(bide__options_take(&to, sizeof to, NULL, "f"), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "the options are NULL");
}

UNIT(figures_for_a_smaller_struct_end_there_and_for_a_larger_one_in_zeros)
{
    struct newer all = {.known = {.size = 1, .a = 7, .b = 9}, .c = 11};
    struct guarded to = guarded_copy((const char *)&all, offsetof(struct options, b));

    bide__options_give(to.data, offsetof(struct options, b), &(struct options){2, 3, 4}, sizeof(struct options));
    EXPECT_EQ(((struct options *)(void *)to.data)->a, 3);
    guarded_free(&to);
    bide__options_give(&all, sizeof all, &(struct options){2, 3, 4}, sizeof(struct options));
    EXPECT_EQ(all.known.b, 4);
    EXPECT_EQ(all.c, 0);
}

UNIT(options_times_end_at_the_last_that_is_a_number_in_nanoseconds)
{
    EXPECT_EQ(bide__check_time("f", "ms", TIME_MAX_MS, false), 0);
    EXPECT_ERR(bide__check_time("f", "ms", TIME_MAX_MS + 1, false), -EINVAL);
    EXPECT_STR(bide_error_text(), "f: ms = 9223372036855: at most 9223372036854");
    EXPECT_ERR(bide__check_time("f", "ms", BIDE_FOREVER, false), -EINVAL);
    EXPECT_ERR(bide__check_time("f", "ms", BIDE_FOREVER - 1, true), -EINVAL);
    EXPECT_STR(bide_error_text(), "f: ms = 9223372036854775806: at most 9223372036854, or BIDE_FOREVER");
    EXPECT_EQ(bide__check_time("f", "ms", BIDE_FOREVER, true), 0);
    EXPECT_ERR(bide__check_time("f", "ms", INT64_MIN, true), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "a negative number");
}

UNIT(options_limits_can_be_added_up)
{
    EXPECT_EQ(bide__count_or(0, 7), 7);
    EXPECT_EQ(bide__count_or(5, 7), 5);
    EXPECT_LT(0, bide__count_or(INT_MAX, 7) + bide__count_or(BIDE_UNLIMITED, 7));
    EXPECT_EQ(bide__size_or(0, 7), 7);
    EXPECT_TRUE(bide__size_or(PTRDIFF_MAX, 7) < SIZE_MAX - bide__size_or((size_t)BIDE_UNLIMITED, 7));
    EXPECT_EQ(bide__size_or((size_t)BIDE_NONE, 7), SIZE_MAX); /* refused by those who check it */
}
