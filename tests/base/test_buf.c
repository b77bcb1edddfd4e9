/* SPDX-License-Identifier: MIT */
/* test_buf.c - bytes that grow at the end, are taken from the front, and have a ceiling. */
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"
#include "harness/harness.h"

static struct buf b;

UNIT(buf_appends_and_consumes)
{
    bide__buf_init(&b, 1000);
    EXPECT_EQ(bide__buf_len(&b), 0);
    EXPECT_EQ(bide__buf_append(&b, "hello ", 6), 0);
    EXPECT_EQ(bide__buf_append(&b, "world", 5), 0);
    bide__buf_consume(&b, 6);
    EXPECT_EQ(bide__buf_len(&b), 5);
    EXPECT_MEM(bide__buf_head(&b), "world", 5);
    bide__buf_consume(&b, 5);
    EXPECT_TRUE(b.start == 0 && b.end == 0); /* all is free again */
    bide__buf_free(&b);
}

UNIT(buf_against_a_model)
{
    static char model[4096];
    size_t len = 0;
    unsigned next = 0;
    srand(7);
    bide__buf_init(&b, 2000);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)rand() % 300;
        if (rand() % 2) {
            char chunk[300];
            for (size_t k = 0; k < n; k++)
                chunk[k] = (char)next++;
            int r = bide__buf_append(&b, chunk, n);
            EXPECT_EQ(r, len + n > 2000 ? BIDE_ELIMIT : 0);
            bide_error_clear();
            if (r < 0)
                continue;
            memcpy(model + len, chunk, n);
            len += n;
        } else {
            if (n > len)
                n = len;
            bide__buf_consume(&b, n);
            memmove(model, model + n, len - n);
            len -= n;
        }
        EXPECT_EQ(bide__buf_len(&b), len);
        EXPECT_MEM(bide__buf_head(&b), model, len);
        EXPECT_LE(b.cap, 2000);
    }
    bide__buf_free(&b);
}

UNIT(buf_reserve_of_too_much_is_an_error)
{
    bide__buf_init(&b, 100);
    EXPECT_EQ(bide__buf_append(&b, "x", 1), 0);
    EXPECT_NULL(bide__buf_reserve(&b, 100));
    EXPECT_EQ(bide_error_code(), BIDE_ELIMIT);
    EXPECT_NULL(bide__buf_reserve(&b, SIZE_MAX));
    EXPECT_NOT_NULL(bide__buf_reserve(&b, 99));
    bide__buf_free(&b);
}

UNIT(buf_without_memory_keeps_what_it_has)
{
    bide__buf_init(&b, 100000);
    EXPECT_EQ(bide__buf_append(&b, "kept", 4), 0);
    bide__alloc_fail_at(0);
    EXPECT_NULL(bide__buf_reserve(&b, 50000));
    EXPECT_EQ(bide_error_code(), BIDE_ENOMEM);
    EXPECT_MEM(bide__buf_head(&b), "kept", 4);
    bide__buf_free(&b);
}
