/* SPDX-License-Identifier: MIT */
/* test_root.c - the note in this program leads to the root, and the root to loops and tasks, by nothing but names. */
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <bide/task.h>
#include <bide/version.h>

#include "base/base.h"
#include "harness/harness.h"
#include "inspect/root.h"

static const struct root *found;

/* As `bide ps` does: the first note of ours in any object. */
static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (int i = 0; i < info->dlpi_phnum && !found; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const char *at = (const char *)info->dlpi_addr + p->p_vaddr, *end = at + p->p_memsz;
        size_t align = p->p_align == 8 ? 8 : 4;
        while (p->p_type == PT_NOTE && end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
            ElfW(Nhdr) n;
            memcpy(&n, at, sizeof n);
            const char *desc = at + sizeof n + (n.n_namesz + align - 1) / align * align;
            int64_t distance;
            if (n.n_type == ROOT_NOTE_TYPE && n.n_namesz == 5 && memcmp(at + sizeof n, ROOT_NOTE_NAME, 5) == 0) {
                memcpy(&distance, desc + 8, sizeof distance);
                found = (const struct root *)(const void *)(desc + 8 + distance);
                break;
            }
            at = desc + (n.n_descsz + align - 1) / align * align;
        }
    }
    return found != NULL;
}

static const struct root_member *member(const char *name)
{
    for (uint32_t i = 0; i < found->members; i++)
        if (strcmp(found->layout[i].name, name) == 0)
            return &found->layout[i];
    EXPECT_STR("a member that the layout does not have", name);
    return NULL;
}

static void find_root(void)
{
    dl_iterate_phdr(look_at_object, NULL);
    EXPECT_NOT_NULL(found);
    EXPECT_TRUE(memcmp(found->magic, ROOT_MAGIC, sizeof found->magic) == 0);
}

UNIT(root_is_found_by_its_note)
{
    find_root();
    EXPECT_TRUE(found == &bide__root);
    EXPECT_EQ(found->version, ROOT_VERSION);
    EXPECT_EQ(found->size, sizeof *found);
    EXPECT_STR(found->release, BIDE_VERSION);
}

UNIT(root_layout_names_are_texts_and_different)
{
    find_root();
    for (uint32_t i = 0; i < found->members; i++) {
        EXPECT_TRUE(memchr(found->layout[i].name, '\0', ROOT_NAME_MAX) != NULL);
        EXPECT_TRUE(member(found->layout[i].name) == &found->layout[i]);
    }
}

static uint64_t word(const void *object, const char *name)
{
    uint64_t value = 0;
    const struct root_member *m = member(name);
    memcpy(&value, (const char *)object + m->offset, m->size < sizeof value ? m->size : sizeof value);
    return value;
}

static int look_at_me(void)
{
    find_root();
    const struct list_node *first = ((const struct list_node *)found->loops)->next;
    const char *loop = (const char *)first - member("loop.alive")->offset;
    const void *task = (const void *)(uintptr_t)word(loop, "loop.current");
    EXPECT_TRUE(task == bide_current_task());
    EXPECT_EQ(word(loop, "loop.thread"), gettid());
    EXPECT_EQ(word(task, "task.id"), bide_task_id(bide_current_task()));
    EXPECT_EQ(word(task, "task.word"), OBJECT_LIVE);
    EXPECT_TRUE(word(task, "task.loop") == (uintptr_t)loop);
    return 0;
}

TEST(root_leads_to_the_running_task)
{
    EXPECT_EQ(look_at_me(), 0);
}
