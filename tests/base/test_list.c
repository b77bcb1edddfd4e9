/* SPDX-License-Identifier: MIT */
/* test_list.c - the circular list, and the clock. */
#include "base/base.h"
#include "harness/harness.h"

struct item {
    struct list_node node;
    char name;
};

static const char *names(const struct list_node *list)
{
    static char text[64];
    size_t n = 0;
    for (struct list_node *node = list->next; node != list; node = node->next)
        text[n++] = container_of(node, struct item, node)->name;
    text[n] = '\0';
    return text;
}

UNIT(list_append_prepend_remove_splice)
{
    struct list_node a, b;
    struct item x = {.name = 'x'}, y = {.name = 'y'}, z = {.name = 'z'};
    bide__list_init(&a);
    bide__list_init(&b);
    bide__list_init(&x.node);
    EXPECT_TRUE(bide__list_is_empty(&a) && !bide__list_is_linked(&x.node));
    bide__list_append(&a, &x.node);
    bide__list_append(&a, &y.node);
    bide__list_prepend(&b, &z.node);
    EXPECT_STR(names(&a), "xy");
    bide__list_splice(&b, &a);
    EXPECT_STR(names(&b), "zxy");
    EXPECT_TRUE(bide__list_is_empty(&a));
    bide__list_splice(&b, &a); /* of nothing */
    bide__list_remove(&x.node);
    bide__list_remove(&x.node); /* twice does no harm */
    EXPECT_STR(names(&b), "zy");
}

UNIT(clock_never_goes_back)
{
    int64_t before = bide__clock_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = bide__clock_ns();
        EXPECT_LE(before, now);
        before = now;
    }
}

UNIT(random_bytes_differ)
{
    char a[32] = {0}, b[32] = {0};
    bide__random_bytes(a, sizeof a);
    bide__random_bytes(b, sizeof b);
    EXPECT_TRUE(memcmp(a, b, sizeof a) != 0);
    bide__random_bytes(a, 0);
}
