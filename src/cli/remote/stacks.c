/* SPDX-License-Identifier: MIT */
/*
 * stacks.c - the stacks of all tasks of a picture, copied many at a time, and names for what is on them.
 *
 * A task that ran while its stack was copied has another stack pointer, or another number, than before; its stack is dropped.
 *
 * The files of a process in another mount namespace (a container) are opened below /proc/PID/root: others may have the same name here.
 */
#include "cli/remote/stacks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE    256
#define ROOM_BYTES (4u << 20)

/* ---- life ---- */

/* libdw; debug information is looked for on this machine alone. */
static const struct libdw *load(void)
{
    unsetenv("DEBUGINFOD_URLS");
    return bide__libdw_load();
}

/* A module's own word is 0, or the process in whose mount namespace it lies. */
static int note_process(Dwfl_Module *module, void **word, const char *name, uint64_t base, void *pid)
{
    (void)module, (void)name, (void)base;
    *word = pid;
    return 0;
}

static bool is_elsewhere(int pid)
{
    char path[64];
    struct stat ours, its;

    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    return stat("/proc/self/ns/mnt", &ours) == 0 && stat(path, &its) == 0 && (ours.st_ino != its.st_ino || ours.st_dev != its.st_dev);
}

static int find_elf(Dwfl_Module *module, void **word, const char *name, uint64_t base, char **file, Elf **elf)
{
    char path[4200];
    struct stat st;
    if (!*word || name[0] != '/')
        return bide__libdw_load()->dwfl_linux_proc_find_elf(module, word, name, base, file, elf);

    snprintf(path, sizeof path, "/proc/%d/root%s", (int)(intptr_t)*word, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (*file = strdup(path)))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

void stacks_open_process(struct stacks *s, struct memory *m, int pid)
{
    static struct dwfl_callbacks callbacks;

    *s = (struct stacks){.memory = m, .pid = pid, .dw = load()};
    if (!s->dw)
        return;
    callbacks = (struct dwfl_callbacks){.find_elf = find_elf, .find_debuginfo = s->dw->dwfl_standard_find_debuginfo};
    s->dwfl = s->dw->dwfl_begin(&callbacks);
    if (s->dwfl && (s->dw->dwfl_linux_proc_report(s->dwfl, pid) != 0 || s->dw->dwfl_report_end(s->dwfl, NULL, NULL) != 0)) {
        s->dw->dwfl_end(s->dwfl);
        s->dwfl = NULL;
    }
    if (s->dwfl && is_elsewhere(pid))
        s->dw->dwfl_getmodules(s->dwfl, note_process, (void *)(intptr_t)pid, 0);
}

void stacks_open_core(struct stacks *s, struct core_memory *c)
{
    static struct dwfl_callbacks callbacks;
    enum { CURRENT = 1, ELF_C_READ = 1 };

    *s = (struct stacks){.memory = &c->memory, .pid = 1, .core = c, .dw = load()};
    if (!s->dw)
        return;
    callbacks = (struct dwfl_callbacks){.find_elf = s->dw->dwfl_build_id_find_elf,
                                        .find_debuginfo = s->dw->dwfl_standard_find_debuginfo,
                                        .section_address = s->dw->dwfl_offline_section_address};
    s->dw->elf_version(CURRENT);
    s->elf = s->dw->elf_begin(c->fd, ELF_C_READ, NULL);
    s->dwfl = s->elf ? s->dw->dwfl_begin(&callbacks) : NULL;
    if (s->dwfl && (s->dw->dwfl_core_file_report(s->dwfl, s->elf, core_memory_program(c)) < 0 ||
                    s->dw->dwfl_report_end(s->dwfl, NULL, NULL) != 0)) {
        s->dw->dwfl_end(s->dwfl);
        s->dwfl = NULL;
    }
}

void stacks_close(struct stacks *s)
{
    if (s->dwfl)
        s->dw->dwfl_end(s->dwfl);
    if (s->elf)
        s->dw->elf_end(s->elf);
    for (size_t i = 0; i < s->names_cap; i++)
        free(s->names[i].text);
    free(s->names);
    free(s->kinds);
    free(s->of);
    *s = (struct stacks){0};
}

/* ---- names ---- */

static size_t place_of(const struct frame_name *names, size_t cap, uint64_t pc)
{
    size_t at = (size_t)(pc * 0x9e3779b97f4a7c15u >> 32) & (cap - 1);

    while (names[at].text && names[at].pc != pc)
        at = (at + 1) & (cap - 1);
    return at;
}

static bool grow_names(struct stacks *s)
{
    size_t cap = s->names_cap ? s->names_cap * 2 : 256;
    struct frame_name *names = calloc(cap, sizeof *names);
    if (!names)
        return false;

    for (size_t i = 0; i < s->names_cap; i++)
        if (s->names[i].text)
            names[place_of(names, cap, s->names[i].pc)] = s->names[i];
    free(s->names);
    s->names = names;
    s->names_cap = cap;
    return true;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Without debug information: symbol and offset in the file, for addr2line. */
static void look_up(const struct stacks *s, uint64_t pc, char *buf, size_t cap)
{
    uint64_t low = 0;
    Dwfl_Module *module = s->dwfl ? s->dw->dwfl_addrmodule(s->dwfl, pc) : NULL;
    if (module && bide__dwarf_text(s->dw, s->dwfl, pc, buf, cap))
        return;

    const char *symbol = module ? s->dw->dwfl_module_addrname(module, pc) : NULL;
    const char *file = module ? s->dw->dwfl_module_info(module, NULL, &low, NULL, NULL, NULL, NULL, NULL) : NULL;
    if (file)
        snprintf(buf, cap, "%.*s%s%s+0x%llx%s", symbol ? (int)strcspn(symbol, "@") : 0, symbol ? symbol : "", symbol ? " (" : "",
                 last_part(file), (unsigned long long)(pc - low), symbol ? ")" : "");
    else
        snprintf(buf, cap, "0x%llx", (unsigned long long)pc);
}

const char *stacks_name(struct stacks *s, uint64_t pc)
{
    char text[STACKS_NAME_MAX];
    if (s->nnames * 2 >= s->names_cap && !grow_names(s))
        return "?";
    struct frame_name *name = &s->names[place_of(s->names, s->names_cap, pc)];
    if (name->text)
        return name->text;

    look_up(s, pc, text, sizeof text);
    char *copy = strdup(text);
    if (!copy)
        return "?";
    *name = (struct frame_name){.pc = pc, .text = copy};
    s->nnames++;
    return copy;
}

/* ---- stacks ---- */

void stance_set(struct stance *at, unsigned number, uint64_t value)
{
    if (number >= 32)
        return;
    at->registers[number] = value;
    at->known |= (uint32_t)1 << number;
}

static void follow(struct stacks *s, const struct picture *p, uint32_t index, const struct piece *piece)
{
    const struct seen_task *t = &p->tasks[index];
    struct stance at = {.sp = t->sp, .pc = t->pc ? t->pc : p->layout.resume, .top = t->top, .function = t->function,
                        .stack = piece->to, .len = piece->len};

    stance_set(&at, DWARF_SP, t->sp);
    stance_set(&at, DWARF_PC, at.pc);
    if (t->pc)
        stance_set(&at, DWARF_FP, t->fp);
    s->of[index] = stacks_follow(s, &at);
}

/* Copy and unwind the stacks of some tasks that fit into the buffer; drop those that ran meanwhile. */
static void follow_some(struct stacks *s, const struct picture *p, const uint32_t *which, struct piece *pieces, size_t n)
{
    const struct layout *l = &p->layout;
    struct piece again[AT_ONCE * 2];
    uint64_t sp[AT_ONCE] = {0}, id[AT_ONCE] = {0};

    s->memory->read(s->memory, pieces, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t task = p->tasks[which[i]].address;
        again[2 * i] = (struct piece){.at = task + l->members[M_TASK_SP].offset, .to = &sp[i], .len = 8};
        again[2 * i + 1] = (struct piece){.at = task + l->members[M_TASK_ID].offset, .to = &id[i], .len = 8};
    }
    s->memory->read(s->memory, again, 2 * n);
    for (size_t i = 0; i < n; i++)
        if (pieces[i].came && sp[i] == p->tasks[which[i]].sp && id[i] == p->tasks[which[i]].id)
            follow(s, p, which[i], &pieces[i]);
}

static bool is_suspended(const struct picture *p, const struct seen_task *t)
{
    return (t->state == SEEN_WAITING || t->state == SEEN_READY) && !t->moved && !t->is_stackless && t->top != 0 && t->sp >= t->low &&
           t->sp < t->top && (t->pc != 0 || p->layout.resume != 0);
}

static void take_suspended(struct stacks *s, const struct picture *p, char *room)
{
    struct piece pieces[AT_ONCE];
    uint32_t which[AT_ONCE];
    size_t n = 0, used = 0;

    for (uint32_t i = 0; i < p->ntasks; i++) {
        const struct seen_task *t = &p->tasks[i];
        if (!is_suspended(p, t))
            continue;
        size_t len = t->top - t->sp < STACKS_BYTES_MAX ? (size_t)(t->top - t->sp) : STACKS_BYTES_MAX;
        if (n == AT_ONCE || used + len > ROOM_BYTES) {
            follow_some(s, p, which, pieces, n);
            n = used = 0;
        }
        which[n] = i;
        pieces[n++] = (struct piece){.at = t->sp, .to = room + used, .len = len};
        used += len;
    }
    follow_some(s, p, which, pieces, n);
}

static bool find_stance(const struct stacks *s, struct stance *at, int thread, uint64_t top, char *room)
{
    if (!s->core)
        return thread_stance(at, s->memory, s->pid, thread, top, room);
    for (size_t i = 0; i < s->core->nthreads; i++)
        if (s->core->threads[i].id == thread)
            return core_stance(at, s->memory, &s->core->threads[i], top, room);
    return false;
}

/* The registers of a running task are in the processor, or in the kernel. */
static void take_running(struct stacks *s, const struct picture *p, char *room)
{
    for (size_t i = 0; i < p->nloops; i++) {
        uint32_t index = p->loops[i].runs ? picture_find(p, p->loops[i].current) : UINT32_MAX;
        struct stance at;
        if (index == UINT32_MAX || p->loops[i].thread <= 0)
            continue;
        uint64_t top = p->tasks[index].top;
        if (!find_stance(s, &at, p->loops[i].thread, top, room))
            continue;
        at.function = p->tasks[index].function;
        s->of[index] = stacks_follow(s, &at);
    }
}

bool stacks_take(struct stacks *s, const struct picture *p)
{
    char *room = malloc(ROOM_BYTES);

    free(s->of);
    s->of = malloc((p->ntasks + 1) * sizeof *s->of);
    s->nkinds = 0;
    if (!room || !s->of) {
        free(room);
        return false;
    }
    memset(s->of, 0xff, (p->ntasks + 1) * sizeof *s->of);
    if (s->dwfl) {
        take_suspended(s, p, room);
        take_running(s, p, room);
    }
    for (size_t i = 0; i < p->ntasks; i++)
        if (s->of[i] != NO_STACK)
            s->kinds[s->of[i]].tasks++;
    free(room);
    return true;
}
