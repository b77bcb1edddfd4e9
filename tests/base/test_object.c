/* SPDX-License-Identifier: MIT */
/* test_object.c - one way to let go of any object; and bide_auto, which is `async with`. */
#include "base/base.h"
#include "harness/harness.h"

static int destroyed, released;

static void destroy(void *object)
{
    (void)object;
    destroyed++;
}

static void release(void *object)
{
    released++;
    bide__object_unref(object);
}

static const struct object_type plain = {.name = "plain", .destroy = destroy};
static const struct object_type special = {.name = "special", .destroy = destroy, .release = release};

UNIT(object_lives_until_its_last_share_is_gone)
{
    struct object o;
    bide__object_init(&o, &plain);
    EXPECT_TRUE(bide_retain(&o) == &o);
    bide_release(&o);
    EXPECT_EQ(destroyed, 0);
    bide_release(&o);
    EXPECT_EQ(destroyed, 1);
    bide_release(NULL);
}

UNIT(object_with_a_release_of_its_own)
{
    struct object o;
    bide__object_init(&o, &special);
    bide_release(&o);
    EXPECT_TRUE(released == 1 && destroyed == 1);
}

static struct object *make(struct object *o)
{
    bide__object_init(o, &plain);
    bide_auto struct object *mine = o;
    return bide_take(mine);
}

UNIT(auto_releases_on_every_path_and_take_moves_out)
{
    struct object a, b;
    for (int i = 0; i < 2; i++) {
        bide__object_init(&a, &plain);
        bide_auto struct object *x = &a;
        bide_auto struct object *nothing = NULL;
        if (i == 0)
            continue;
    }
    EXPECT_EQ(destroyed, 2);
    bide_auto struct object *kept = make(&b);
    EXPECT_EQ(destroyed, 2);
    EXPECT_EQ(kept->refs, 1);
}
