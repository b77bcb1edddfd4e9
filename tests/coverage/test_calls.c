/* SPDX-License-Identifier: MIT */
/*
 * test_calls.c - what is covered is what libbide-unblock exports, and names are found in each of their spellings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage/coverage.h"
#include "harness/harness.h"

static const char *kind_of(const char *name)
{
    size_t number = bide__call_find(name);
    if (number >= CALLS_MAX)
        return "unknown";
    struct call c = bide__call_at(number);
    return c.kind ? c.kind->name : "covered";
}

/* tests/unblock/programs/test_linked.sh compares the same list with the library. */
UNIT(covered_is_what_the_library_exports)
{
    char path[4096], line[100];
    size_t n = 0;
    const char *source = getenv("BIDE_SOURCE");
    if (!source)
        SKIP("not run by meson");

    snprintf(path, sizeof path, "%s/tests/unblock/symbols.txt", source);
    FILE *f = fopen(path, "r");
    EXPECT_TRUE(f != NULL);
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "bide_", 5) == 0)
            continue;
        if (n < bide__covered_count)
            EXPECT_STR(bide__covered[n], line);
        n++;
    }
    if (f)
        fclose(f);
    EXPECT_EQ(n, bide__covered_count);
}

UNIT(every_call_has_a_number_and_is_found_by_its_name)
{
    size_t n = bide__call_count();

    EXPECT_TRUE(n > 0 && n <= CALLS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct call c = bide__call_at(i);
        size_t found = bide__call_find(c.name);
        if (i < bide__covered_count && found != i)
            EXPECT_STR(bide__call_at(found).name, c.name + 2); /* __read is read */
        else
            EXPECT_TRUE(found <= i); /* lower: it is covered now, and in the table as well */
        if (found >= bide__covered_count)
            EXPECT_EQ(found, i);
        if (c.kind)
            EXPECT_TRUE(c.kind->name[0] && c.kind->why[0]);
    }
}

UNIT(names_are_found_in_each_of_their_spellings)
{
    EXPECT_STR(kind_of("recv"), "covered");
    EXPECT_STR(kind_of("__recv_chk"), "covered");
    EXPECT_STR(kind_of("__recv"), "covered");
    EXPECT_STR(kind_of("__libc_recv"), "alias");
    EXPECT_STR(kind_of("fgets"), "stdio");
    EXPECT_STR(kind_of("__fgets_unlocked_chk"), "stdio");
    EXPECT_STR(kind_of("__isoc99_fscanf"), "stdio");
    EXPECT_STR(kind_of("_IO_getc"), "stdio");
    EXPECT_STR(kind_of("pread64"), "disk");
    EXPECT_STR(kind_of("strlen"), "unknown");
    EXPECT_STR(kind_of(""), "unknown");
    EXPECT_STR(kind_of("_"), "unknown");
    EXPECT_STR(kind_of("a_name_of_a_function_that_is_longer_than_any_that_we_know_of"), "unknown");
}
