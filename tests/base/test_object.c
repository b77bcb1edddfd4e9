/* SPDX-License-Identifier: MIT */
/* test_object.c - one way to let go of any object; and bide_auto, which is `async with`. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

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

/* ---- what a program should not hand in ---- */

static char said[512];

/* What goes to standard error while it is released. */
static const char *release_and_listen(void *object)
{
    int before = dup(STDERR_FILENO);
    FILE *f = tmpfile();
    EXPECT_TRUE(f && before >= 0 && dup2(fileno(f), STDERR_FILENO) >= 0);
    bide_release(object);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(f);
    said[fread(said, 1, sizeof said - 1, f)] = '\0';
    fclose(f);
    return said;
}

UNIT(release_of_a_text_says_so_and_does_nothing)
{
    static const _Alignas(16) char aligned[32] = "x";
    for (int shift = 0; shift < 16; shift++)
        EXPECT_CONTAINS(release_and_listen((char *)aligned + shift), "is not an object of bide\n");
    EXPECT_CONTAINS(release_and_listen((void *)3), "bide: bide_release: 0x3 is not an object of bide\n");
}

UNIT(release_at_the_end_of_a_scope_of_what_is_no_object)
{
    int before = dup(STDERR_FILENO);
    FILE *f = tmpfile();
    EXPECT_TRUE(f && before >= 0 && dup2(fileno(f), STDERR_FILENO) >= 0);
    {
        bide_auto char *q = "x";
    }
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(f);
    said[fread(said, 1, sizeof said - 1, f)] = '\0';
    fclose(f);
    EXPECT_CONTAINS(said, "is not an object of bide\n");
}

UNIT(release_of_what_was_released_names_its_type_and_does_nothing)
{
    struct object o;
    bide__object_init(&o, &special);
    bide_release(&o);
    EXPECT_CONTAINS(release_and_listen(&o), "bide: bide_release: the special at 0x");
    EXPECT_CONTAINS(said, " was released before\n");
    EXPECT_TRUE(released == 1 && destroyed == 1);
}

UNIT(retain_of_what_is_no_object_is_an_error)
{
    struct object o;
    bide__object_init(&o, &plain);
    bide_release(&o);
    EXPECT_TRUE((bide_retain)(NULL) == NULL);
    EXPECT_ERR(bide_error_code(), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "bide_retain: NULL");
    EXPECT_TRUE((bide_retain)(&o) == NULL);
    EXPECT_CONTAINS(bide_error_text(), "the plain at 0x");
    EXPECT_TRUE((bide_retain)("a text of some length") == NULL);
    EXPECT_CONTAINS(bide_error_text(), "is not an object of bide");
}

/* ---- the user's pointer ---- */

static struct object *user_freed_of;
static int users_freed;

static void free_user(void *user)
{
    users_freed++;
    *(int *)user += 100;
    if (user_freed_of)
        EXPECT_NULL(bide_user(user_freed_of));
}

UNIT(user_pointer_is_freed_with_the_last_share_before_the_object)
{
    struct object o;
    int user = 1;
    bide__object_init(&o, &special);
    EXPECT_NULL(bide_user(&o));
    EXPECT_EQ(bide_set_user(&o, &user, free_user), 0);
    EXPECT_TRUE(bide_user(&o) == &user);
    EXPECT_TRUE(bide__object_is(&o, &special) && !bide__object_is(&o, &plain));

    EXPECT_TRUE(bide_retain(&o) == &o);
    bide_release(&o);
    EXPECT_EQ(users_freed, 0);
    user_freed_of = &o;
    bide_release(&o);
    EXPECT_TRUE(users_freed == 1 && user == 101 && destroyed == 1 && released == 2);
    EXPECT_TRUE(o.type == &special);
}

UNIT(user_pointer_is_replaced_and_taken_back)
{
    struct object o;
    int first = 1, second = 2;
    bide__object_init(&o, &plain);
    EXPECT_EQ(bide_set_user(&o, &first, free_user), 0);
    EXPECT_EQ(bide_set_user(&o, &second, NULL), 0);
    EXPECT_TRUE(bide_user(&o) == &second && first == 101);
    EXPECT_EQ(bide_set_user(&o, NULL, NULL), 0);
    EXPECT_NULL(bide_user(&o));
    EXPECT_TRUE(o.type == &plain && second == 2 && users_freed == 1);
    bide_release(&o);
}

static void fail_while_freeing(void *user)
{
    BIDE_IGNORE(bide_fail(-EIO, "%s", (const char *)user));
}

UNIT(user_pointer_whose_end_fails_leaves_the_record)
{
    struct object o;
    char text[] = "hidden";
    bide__object_init(&o, &plain);
    EXPECT_EQ(bide_set_user(&o, text, fail_while_freeing), 0);
    BIDE_IGNORE(bide_fail(-ENOENT, "seen"));
    bide__object_unref(&o);
    EXPECT_STR(bide_error_text(), "seen");
}

UNIT(user_pointer_that_is_refused_is_freed)
{
    struct object o;
    int user = 1;
    char text[] = "no object, but long enough for the head of one";
    EXPECT_ERR(bide_set_user(NULL, &user, free_user), -EINVAL);
    EXPECT_TRUE(users_freed == 1 && user == 101); /* taken, also if the call fails */
    EXPECT_CONTAINS(bide_error_text(), "bide_set_user: the object is NULL");
    EXPECT_ERR(bide_set_user(text, &user, free_user), -EINVAL);
    EXPECT_NULL(bide_user(text));
    EXPECT_CONTAINS(bide_error_text(), "bide_user: ");

    bide__object_init(&o, &plain);
    bide__alloc_fail_at(0);
    EXPECT_ERR(bide_set_user(&o, &user, free_user), BIDE_ENOMEM);
    EXPECT_TRUE(users_freed == 3 && user == 301);
    EXPECT_NULL(bide_user(&o));
    bide_release(&o);
}
