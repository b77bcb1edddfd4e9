/* SPDX-License-Identifier: MIT */
/* test_access.c - whom a file that takes the place of another lets in. */
#include <endian.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

#include "files.h"

#define SOMEBODY 65534
#define A_GROUP  12345
#define ACL      "system.posix_acl_access"

static char long_text[300000];

/* A short one, a long one, and one piece by piece. */
static void save(const char *path, int how)
{
    if (how < 2) {
        EXPECT_EQ(bide_file_write_all(path, long_text, how == 0 ? 3 : sizeof long_text), 0);
        return;
    }
    bide_auto bide_file *f = bide_open(path, .atomic = true);
    EXPECT_NOT_NULL(f);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bide_file_write(f, long_text, 100000, -1), 100000);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
}

static struct stat status(const char *path)
{
    struct stat st;

    EXPECT_EQ(stat(path, &st), 0);
    return st;
}

static void keeps_modes(void)
{
    static const mode_t modes[] = {0600, 0640, 0444, 0755, 0666, 0000, 0604};

    for (size_t i = 0; i < 3 * sizeof modes / sizeof *modes; i++) {
        put(at("a"), "old");
        EXPECT_EQ(chmod(at("a"), modes[i / 3]), 0);
        ino_t before = status(at("a")).st_ino;
        save(at("a"), (int)(i % 3));
        EXPECT_NE(status(at("a")).st_ino, before);
        EXPECT_EQ(status(at("a")).st_mode & 07777, modes[i / 3]);
        EXPECT_EQ(status(at("a")).st_size, i % 3 == 0 ? 3 : (off_t)sizeof long_text);
        EXPECT_EQ(unlink(at("a")), 0);
    }
    EXPECT_EQ(names_in(test_tmpdir()), 0);
}

EVERYWHERE(file_replaced_keeps_its_mode_whatever_the_length)
{
    keeps_modes();
}

EVERYWHERE(file_replaced_keeps_its_mode_where_a_file_needs_a_name)
{
    bide__save_by_name = true;
    keeps_modes();
}

/* What a program that was set-user-id did is not what the new content does. */
EVERYWHERE(file_replaced_loses_set_user_id)
{
    put(at("a"), "old");
    EXPECT_EQ(chmod(at("a"), 04755), 0);
    save(at("a"), 0);
    EXPECT_EQ(status(at("a")).st_mode & 07777, 0755);
}

EVERYWHERE(file_new_has_the_mode_that_umask_leaves)
{
    mode_t mask = umask(027);

    for (int how = 0; how < 3; how++) {
        save(at("a"), how);
        EXPECT_EQ(status(at("a")).st_mode & 07777, 0640);
        EXPECT_EQ(unlink(at("a")), 0);
    }
    bide_auto bide_file *f = bide_open(at("b"), .atomic = true, .mode = 0777);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
    EXPECT_EQ(status(at("b")).st_mode & 07777, 0750);
    umask(mask);
}

static void keeps_the_owner(void)
{
    for (int how = 0; how < 3; how++) {
        put(at("a"), "old");
        EXPECT_EQ(chmod(at("a"), 0640), 0);
        EXPECT_EQ(chown(at("a"), SOMEBODY, A_GROUP), 0);
        save(at("a"), how);
        EXPECT_EQ(status(at("a")).st_uid, SOMEBODY);
        EXPECT_EQ(status(at("a")).st_gid, A_GROUP);
        EXPECT_EQ(status(at("a")).st_mode & 07777, 0640);
    }
}

EVERYWHERE(file_replaced_keeps_its_owner_and_group)
{
    if (geteuid() != 0)
        SKIP("needs root");
    keeps_the_owner();
    bide__save_by_name = true;
    keeps_the_owner();
}

/* Our own group may read less than the old one. */
EVERYWHERE(file_replaced_whose_group_cannot_be_kept_shuts_the_new_group_out)
{
    static const mode_t was[] = {0640, 0664, 0604, 0670}, is[] = {0600, 0644, 0644, 0600};
    if (geteuid() != 0)
        SKIP("needs root");

    EXPECT_EQ(chdir(test_tmpdir()), 0); /* the path to it is closed to others */
    EXPECT_EQ(chmod(".", 0777), 0);
    for (int i = 0; i < 4; i++) {
        put("a", "old");
        EXPECT_EQ(chmod("a", was[i]), 0);
        EXPECT_EQ(chown("a", SOMEBODY, A_GROUP), 0);
        EXPECT_EQ(setegid(SOMEBODY), 0);
        EXPECT_EQ(seteuid(SOMEBODY), 0);
        save("a", i % 3);
        EXPECT_EQ(seteuid(0), 0);
        EXPECT_EQ(setegid(0), 0);
        EXPECT_EQ(status("a").st_gid, SOMEBODY);
        EXPECT_EQ(status("a").st_mode & 07777, is[i]);
        EXPECT_EQ(unlink("a"), 0);
    }
    prctl(PR_SET_DUMPABLE, 1); /* so that LeakSanitizer can look into us again */
}

/* ---- lists ---- */

struct acl {
    uint32_t version;
    struct {
        uint16_t tag, perm;
        uint32_t id;
    } entries[5];
};

/* The owner may read and write, somebody may read, the group and others may do nothing.  mode says 0640: the mask. */
static struct acl make_acl(void)
{
    enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, MASK = 16, OTHER = 32 };
    struct acl a = {.version = htole32(2),
                    .entries = {{htole16(USER_OBJ), htole16(6), 0xffffffff},
                                {htole16(USER), htole16(4), htole32(SOMEBODY)},
                                {htole16(GROUP_OBJ), 0, 0xffffffff},
                                {htole16(MASK), htole16(4), 0xffffffff},
                                {htole16(OTHER), 0, 0xffffffff}}};

    return a;
}

EVERYWHERE(file_replaced_keeps_its_access_control_list)
{
    struct acl acl = make_acl(), found;

    for (int how = 0; how < 3; how++) {
        put(at("a"), "old");
        if (setxattr(at("a"), ACL, &acl, sizeof acl, 0) < 0)
            SKIP("no access control lists here");
        EXPECT_EQ(status(at("a")).st_mode & 0777, 0640);
        save(at("a"), how);
        EXPECT_EQ(getxattr(at("a"), ACL, &found, sizeof found), sizeof found);
        EXPECT_MEM(&found, &acl, sizeof acl);
        EXPECT_EQ(unlink(at("a")), 0);
    }
}

/* What is made in that directory lets somebody in; the old file did not. */
EVERYWHERE(file_replaced_without_a_list_does_not_get_its_directorys)
{
    struct acl acl = make_acl(), found;

    put(at("a"), "old");
    EXPECT_EQ(chmod(at("a"), 0660), 0);
    if (setxattr(test_tmpdir(), "system.posix_acl_default", &acl, sizeof acl, 0) < 0)
        SKIP("no access control lists here");
    for (int how = 0; how < 3; how++) {
        save(at("a"), how);
        EXPECT_TRUE(getxattr(at("a"), ACL, &found, sizeof found) < 0 && errno == ENODATA);
        EXPECT_EQ(status(at("a")).st_mode & 07777, 0660);
    }
}

/* ---- secrets ---- */

EVERYWHERE(file_secret_is_its_owners_alone_whoever_could_read_the_old_one)
{
    struct acl acl = make_acl();
    mode_t mask = umask(0);

    EXPECT_EQ(bide__file_write_secret(at("a"), "new", 3), 0);
    EXPECT_EQ(status(at("a")).st_mode & 07777, 0600);
    EXPECT_EQ(chmod(at("a"), 0664), 0);
    EXPECT_EQ(bide__file_write_secret(at("a"), "newer", 5), 0);
    EXPECT_EQ(status(at("a")).st_mode & 07777, 0600);
    EXPECT_EQ(chmod(at("a"), 0444), 0);
    EXPECT_EQ(bide__file_write_secret(at("a"), "newest", 6), 0);
    EXPECT_EQ(status(at("a")).st_mode & 07777, 0600);
    EXPECT_EQ(setxattr(at("a"), ACL, &acl, sizeof acl, 0) < 0 && errno != EOPNOTSUPP, 0);
    EXPECT_EQ(bide__file_write_secret(at("a"), "last", 4), 0);
    EXPECT_EQ(status(at("a")).st_mode & 07777, 0600); /* the mask of a list */
    EXPECT_EQ(status(at("a")).st_size, 4);
    umask(mask);
}
