/* SPDX-License-Identifier: MIT */
/* test_beneath.c - bide_open(.beneath): no name leads out of its directory, whenever a link is put in the way. */
#include "files.h"

static int root = -1;

/* root/ in/ and out/, and what leads from one to the other. */
static void make_places(void)
{
    EXPECT_EQ(mkdir(at("root"), 0755), 0);
    EXPECT_EQ(mkdir(at("root/in"), 0755), 0);
    EXPECT_EQ(mkdir(at("out"), 0755), 0);
    put(at("out/file"), "theirs");
    put(at("root/in/file"), "ours");
    EXPECT_EQ(symlink("../out", at("root/up")), 0);
    EXPECT_EQ(symlink(at("out"), at("root/far")), 0);
    EXPECT_EQ(symlink("../out/file", at("root/leaf")), 0);
    EXPECT_EQ(mkfifo(at("root/fifo"), 0600), 0);
    root = open(at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    EXPECT_TRUE(root >= 0);
}

static int code_of(const char *path, bool atomic)
{
    bide_auto bide_file *f = bide_open(path, .beneath = root, .atomic = atomic, .parents = atomic);
    int code = f ? 0 : bide_error_code();

    if (!f)
        EXPECT_CONTAINS(bide_error_text(), path);
    bide_error_clear();
    return code;
}

static void refuse(bool atomic)
{
    static const char *const names[] = {"../out/file", "up/file", "far/file", "/etc/passwd", "in/../../out/file", "up/new/file"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int code = code_of(names[i], atomic);
        if (code != -EXDEV && code != -ELOOP)
            FAIL("%s: %d", names[i], code);
    }
    EXPECT_EQ(names_in(at("out")), 1);
    expect_file(at("out/file"), "theirs");
}

static void stay_inside(void)
{
    make_places();
    refuse(false);
    refuse(true);
    EXPECT_EQ(code_of("in/file", false), 0);
    EXPECT_EQ(code_of("in/file", true), 0);
    EXPECT_EQ(code_of("in//file", true), 0);
    EXPECT_EQ(code_of("new/and/deep/", true), -EISDIR);
    EXPECT_EQ(code_of("in/file/deeper", true), -ENOTDIR);
    EXPECT_EQ(code_of("fifo", true), -EEXIST);
    EXPECT_TRUE(code_of("leaf", false) < 0);
    close(root);
}

EVERYWHERE(file_beneath_refuses_what_leads_out)
{
    stay_inside();
}

/* Linux before 5.6, or a sandbox. */
UNIT(file_beneath_refuses_what_leads_out_without_openat2)
{
    refuse_syscall(SYS_openat2, ENOSYS);
    stay_inside();
}

EVERYWHERE(file_beneath_makes_its_directories)
{
    make_places();
    bide_auto bide_file *f = bide_open("in/x/y/a", .beneath = root, .atomic = true, .parents = true);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "text", 4, -1), 4);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
    expect_file(at("root/in/x/y/a"), "text");
    close(root);
}

/* The name is a link: that is replaced, and what it leads to stays. */
static void replace_link(void)
{
    struct stat st;
    bide_auto bide_file *f = bide_open("leaf", .beneath = root, .atomic = true);

    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "ours", 4, -1), 4);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
    expect_file(at("out/file"), "theirs");
    expect_file(at("root/leaf"), "ours");
    EXPECT_TRUE(lstat(at("root/leaf"), &st) == 0 && S_ISREG(st.st_mode));
    EXPECT_EQ(st.st_mode & 0077, 0044);
}

EVERYWHERE(file_beneath_with_the_name_of_a_link_replaces_it)
{
    make_places();
    umask(022);
    replace_link();
    bide__save_by_name = true;
    EXPECT_EQ(unlink(at("root/leaf")), 0);
    EXPECT_EQ(symlink("../out/file", at("root/leaf")), 0);
    replace_link();
    close(root);
}

/* It was a directory when the file was begun, and is a link when it is finished. */
static void swap_directory(const char *directory)
{
    bide_file *f = bide_open("in/new", .beneath = root, .atomic = true);

    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "ours", 4, -1), 4);
    EXPECT_EQ(rename(at("root/in"), at(directory)), 0);
    EXPECT_EQ(symlink("../out", at("root/in")), 0);
    int code = bide_file_close(f);
    EXPECT_TRUE(code == -EXDEV || code == -ELOOP);
    EXPECT_CONTAINS(bide_error_text(), "write in/new: ");
    bide_error_clear();
    EXPECT_EQ(names_in(at("out")), 1);
}

EVERYWHERE(file_beneath_whose_directory_becomes_a_link_is_not_saved)
{
    make_places();
    swap_directory("root/in.old");
    EXPECT_EQ(names_in(at("root/in.old")), 1);
    close(root);
}

UNIT(file_beneath_whose_directory_becomes_a_link_is_not_saved_without_openat2)
{
    refuse_syscall(SYS_openat2, ENOSYS);
    make_places();
    swap_directory("root/in.old");
    close(root);
}

EVERYWHERE(file_beneath_the_working_directory)
{
    EXPECT_EQ(chdir(test_tmpdir()), 0);
    bide_auto bide_file *f = bide_open("a", .beneath = AT_FDCWD, .atomic = true);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_close(bide_take(f)), 0);
    EXPECT_TRUE(exists(at("a")));
}

UNIT(directories_are_walked_to_without_following_links)
{
    make_places();
    EXPECT_EQ(mkdir(at("root/in/b"), 0755), 0);
    int fd = bide__walk_beneath(root, "in/b");
    EXPECT_TRUE(fd >= 0);
    close(fd);
    EXPECT_EQ(bide__walk_beneath(root, "up"), -ELOOP);
    EXPECT_EQ(bide__walk_beneath(root, "up/file"), -ELOOP);
    EXPECT_EQ(bide__walk_beneath(root, "in/file/x"), -ENOTDIR);
    EXPECT_EQ(bide__walk_beneath(root, "in/none"), -ENOENT);
    EXPECT_EQ(bide__walk_beneath(root, "in/../.."), -EXDEV);
    close(root);
}
