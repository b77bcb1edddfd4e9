/* SPDX-License-Identifier: MIT */
/*
 * remote.c - fuzz target: the memory of a process that `bide ps` looks at.
 *
 * A small memory as it should be: an ELF header, the note, the root, a loop with eight tasks that wait for this and that, with
 * the input over it (where: 2 bytes).  It may say anything: looking at it ends, stays within our memory and its own ceilings, and what comes
 * out of it can be shown.
 */
#include <elf.h>

#include "cli/remote/picture.h"
#include "fake_memory.h"
#include "inspect/root.h"

#define BYTES 0x10000u
#define TASKS 8

enum { ROOT = 0x400, LAYOUT = 0x1000, GLOBALS = 0x2f00, LOOP = 0x3000, CHUNK = 0x4000, STACKS = 0x6000, STACK_STEP = 0x800, OTHERS = 0xc000,
       TEXTS = 0xe000 };

static char image[BYTES];
static struct layout plan; /* as it is written there */

/* ---- a memory that is as it should be ---- */

static void put(uint32_t at, uint64_t value)
{
    memcpy(image + at, &value, 8);
}

static void set(uint32_t object, enum layout_member i, uint64_t value)
{
    put(object + plan.members[i].offset, value);
}

static uint32_t size_of(const char *name, uint32_t most)
{
    static const struct {
        const char *name;
        uint32_t size;
    } sizes[] = {{"loop", 256}, {"chunk", 8 + TASKS * 256}, {"chunk.tasks", TASKS * 256}, {"task", 256}, {"task.timer", 16},
                 {"top", 64},   {"stack", 64},               {"wait", 64},                {"watch", 64}, {"ended", 64},
                 {"list.all", 64}};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(name, sizes[i].name) == 0)
            return sizes[i].size;
    return most;
}

/* The members of each struct one behind the other. */
static void write_layout(void)
{
#define ENTRY(ours, theirs, most) {theirs, most},
    static const struct {
        const char *name;
        uint32_t most;
    } names[M_COUNT] = {LAYOUT_MEMBERS(ENTRY)};
    uint32_t offset = 0;

    for (uint32_t i = 0; i < M_COUNT; i++) {
        struct root_member m = {.size = size_of(names[i].name, names[i].most)};
        const char *dot = strchr(names[i].name, '.'), *before = i > 0 ? strchr(names[i - 1].name, '.') : NULL;
        if (!dot || !before || dot - names[i].name != before - names[i - 1].name ||
            strncmp(names[i].name, names[i - 1].name, (size_t)(dot - names[i].name)) != 0)
            offset = strncmp(names[i].name, "choice.", 7) == 0 || strncmp(names[i].name, "next.", 5) == 0 ? 64 : 0; /* behind the wait */
        memcpy(m.name, names[i].name, strlen(names[i].name));
        m.offset = names[i].most == 0 ? i : dot ? offset : 0;
        plan.members[i].offset = m.offset;
        plan.members[i].size = m.size;
        offset += dot ? m.size : 0;
        if (names[i].most == 0)
            m.size = ROOT_VALUE;
        memcpy(image + LAYOUT + i * sizeof m, &m, sizeof m);
    }
}

static void write_elf(void)
{
    Elf64_Ehdr e = {.e_phoff = sizeof e, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2};
    Elf64_Phdr p[2] = {{.p_type = PT_LOAD, .p_memsz = BYTES}, {.p_type = PT_NOTE, .p_vaddr = 0x200, .p_memsz = 64, .p_align = 4}};
    Elf64_Nhdr n = {.n_namesz = 5, .n_descsz = 24, .n_type = ROOT_NOTE_TYPE};
    struct root root = {.magic = ROOT_MAGIC, .version = ROOT_VERSION, .size = sizeof root, .members = M_COUNT, .release = "0.1.0",
                        .member_size = sizeof(struct root_member)};

    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS64;
    memcpy(image, &e, sizeof e);
    memcpy(image + sizeof e, p, sizeof p);
    memcpy(image + 0x200, &n, sizeof n);
    memcpy(image + 0x200 + sizeof n, "bide", 5);
    put(0x200 + 20 + 8, ROOT - (0x200 + 20 + 8));
    memcpy(image + ROOT, &root, sizeof root);
    put(ROOT + offsetof(struct root, layout), BASE + LAYOUT);
    put(ROOT + offsetof(struct root, loops), BASE + GLOBALS);
    put(ROOT + offsetof(struct root, process), BASE + GLOBALS + 32);
    put(ROOT + offsetof(struct root, alone), BASE + GLOBALS + 40);
    put(GLOBALS, BASE + LOOP + plan.members[M_LOOP_ALIVE].offset);
}

static void write_task(unsigned i)
{
    static const uint8_t kinds[TASKS] = {M_KIND_TIME, M_KIND_READ, M_KIND_NAMED, M_KIND_OPERATION, M_KIND_MEMBERS, M_KIND_COMPLETED, 0, 0};
    uint32_t task = CHUNK + plan.members[M_CHUNK_TASKS].offset + i * 256, stack = STACKS + i * STACK_STEP + 0x700, wait = stack - 0x200;
    uint32_t top = stack - plan.members[M_TOP].size;

    set(task, M_TASK_WORD, 0xb1de0b1e);
    set(task, M_TASK_LOOP, BASE + LOOP);
    set(task, M_TASK_STARTED, 1);
    set(task, M_TASK_STACK, BASE + stack);
    set(task, M_TASK_WAIT, BASE + wait);
    set(task, M_TASK_SP, BASE + wait - 64);
    set(task, M_TASK_SCOPES, BASE + OTHERS + 0x400);
    set(task, M_TASK_ID, i + 1);
    set(task, M_TASK_EXTRA, BASE + OTHERS);
    set(task, M_TASK_ALL, BASE + (i + 1 < TASKS ? task + 256 + plan.members[M_TASK_ALL].offset : LOOP + plan.members[M_LOOP_TASKS].offset));
    set(top, M_TOP_FUNCTION, BASE + TEXTS);
    set(top, M_TOP_DOING, BASE + OTHERS + 0x500);
    set(stack, M_STACK_LOW, BASE + STACKS + i * STACK_STEP);
    set(wait, M_WAIT_KIND, kinds[i] ? plan.members[kinds[i]].offset : 0);
    set(wait, M_WAIT_ON, BASE + OTHERS + 0x100);
    set(wait, M_CHOICE_OPERATION, BASE + OTHERS + 0x200);
    if (i == 6)
        set(wait, M_WAIT_AWAITS, BASE + CHUNK + plan.members[M_CHUNK_TASKS].offset);
    if (i == 7)
        set(wait, M_WAIT_GROUP, BASE + OTHERS + 0x600);
}

static void write_others(void)
{
    uint32_t task = CHUNK + plan.members[M_CHUNK_TASKS].offset;

    memcpy(image + TEXTS, "function\0\033[31mGET\0", 18);
    set(OTHERS, M_EXTRA_NAME, BASE + TEXTS);
    put(OTHERS + 0x100, BASE + OTHERS + 0x140);
    put(OTHERS + 0x140, BASE + OTHERS + 0x100);
    set(OTHERS + 0x200, M_OPERATION_OPS, BASE + OTHERS + 0x300);
    set(OTHERS + 0x200, M_OPERATION_OBJECT, BASE + OTHERS + 0x100);
    set(OTHERS + 0x300, M_OPS_NAME, BASE + TEXTS);
    set(OTHERS + 0x300, M_OPS_HOLDER_AT, 8);
    set(OTHERS + 0x400, M_SCOPE_WHEN, 12345);
    set(OTHERS + 0x500, M_DOING_WHAT, BASE + TEXTS + 9);
    set(OTHERS + 0x600, M_GROUP_STARTED, 2);
    set(OTHERS + 0x600, M_GROUP_WATCHES, BASE + OTHERS + 0x700);
    set(OTHERS + 0x700, M_WATCH_FUTURE, BASE + task);
    set(OTHERS + 0x740, M_WATCH_FUTURE, BASE + task + 256);
}

static void write_image(void)
{
    memset(image, 0, sizeof image);
    fake.bytes = image;
    fake.len = sizeof image;
    write_layout();
    write_elf();
    set(LOOP, M_LOOP_WORD, 0xb1de0b1e);
    set(LOOP, M_LOOP_ALIVE, BASE + GLOBALS);
    set(LOOP, M_LOOP_CHUNKS, BASE + CHUNK);
    set(LOOP, M_LOOP_TASKS, BASE + CHUNK + plan.members[M_CHUNK_TASKS].offset + plan.members[M_TASK_ALL].offset);
    for (unsigned i = 0; i < TASKS; i++)
        write_task(i);
    write_others();
}

/* ---- looking at it ---- */

static void check_text(const struct picture *p, uint32_t text)
{
    must(text == 0 || text < p->texts_len);
    for (const char *c = picture_text(p, text); *c; c++)
        must((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void check_picture(const struct picture *p)
{
    must(p->nloops <= PICTURE_LOOPS_MAX && p->ntasks <= PICTURE_TASKS_MAX);
    for (size_t i = 0; i < p->ntasks; i++) {
        const struct seen_task *t = &p->tasks[i];
        must(t->loop < p->nloops && t->state <= SEEN_RUNNING && t->waits <= WAITS_THREAD && t->n <= PICTURE_EDGES_MAX);
        for (uint32_t k = 0; k < t->n; k++)
            must(t->first + k < p->nedges && p->edges[t->first + k] < p->ntasks);
        const uint32_t texts[] = {t->name, t->function, t->doing, t->doing_of, t->text, t->label};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            check_text(p, texts[k]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t headers[] = {BASE};
    static struct memory m = {.read = fake_memory_read}; /* its pages are many to make anew */
    struct picture p = {.nloops = 0};

    memory_forget(&m);
    write_image();
    fake_memory_overwrite(data, size, 2);
    enum layout_found found = layout_find(&p.layout, &m, headers, 1);
    must(size > 3 || found == LAYOUT_FOUND);
    if (found == LAYOUT_FOUND) {
        must(picture_take(&p, &m));
        check_picture(&p);
        must(size > 3 || (p.ntasks == TASKS && p.tasks[7].n == 2 && p.tasks[6].n == 1 && p.tasks[0].waits == WAITS_TIME));
    }
    picture_free(&p);
    return 0;
}
