/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the name of a place in code: function, file and line.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "inspect/inspect.h"
#include "inspect/modules.h"

static bool by_libdw(char *buf, size_t cap, uintptr_t pc)
{
    Dwfl *dwfl;
    const struct libdw *dw = bide__libdw_lock(&dwfl);
    if (!dw)
        return false;

    bool is_known = bide__dwarf_text(dw, dwfl, pc, buf, cap);
    bide__libdw_unlock();
    return is_known;
}

static const char *object_of(uintptr_t pc)
{
    Dl_info info;

    return dladdr((const void *)pc, &info) && info.dli_fname ? info.dli_fname : "";
}

bool bide__symbol_is_of_the_system(uintptr_t pc, const char *symbol)
{
    Dl_info info;

    return !dladdr((const void *)pc, &info) || !info.dli_fname || strstr(info.dli_fname, "/libc.so") ||
           strstr(info.dli_fname, "/ld-linux") || strstr(info.dli_fname, "linux-vdso") || strstr(info.dli_fname, "san.so") ||
           strstr(info.dli_fname, "/libbide-unblock.so") ||
           strncmp(symbol, "__interceptor_", 14) == 0;
}

/* The first object of a process is the program. */
bool bide__symbol_is_own(uintptr_t pc)
{
    const char *own = object_of((uintptr_t)&bide__symbol_text);
    const struct link_map *program = _r_debug.r_map;
    Dl_info info;
    struct link_map *map = NULL;

    bool is_apart = dladdr1((const void *)(uintptr_t)&bide__symbol_text, &info, (void **)&map, RTLD_DL_LINKMAP) && map != program;
    return is_apart && strcmp(own, object_of(pc)) == 0;
}

void bide__symbol_line(char *buf, size_t cap, uintptr_t pc)
{
    if (!by_libdw(buf, cap, pc))
        buf[0] = '\0';
}

void bide__symbol_text(char *buf, size_t cap, uintptr_t pc)
{
    Dl_info info;

    if (by_libdw(buf, cap, pc))
        return;
    if (dladdr((const void *)pc, &info) && info.dli_fname)
        snprintf(buf, cap, "%s(%s)[0x%zx]", info.dli_fname, info.dli_sname ? info.dli_sname : "", (size_t)(pc - (uintptr_t)info.dli_fbase));
    else
        snprintf(buf, cap, "%p", (void *)pc);
}

bool bide__symbol_is_beginning(const char *symbol)
{
    static const char *const names[] = {"bide__call_words", "task_entry", "bide__fiber_entry"};

    for (size_t i = 0; i < array_len(names); i++)
        if (strncmp(symbol, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

bool bide__symbol_is_shown(const uintptr_t *pcs, size_t n, size_t i)
{
    char caller[SYMBOL_TEXT_MAX];
    if (i + 1 == n || !bide__symbol_is_own(pcs[i]) || !bide__symbol_is_own(pcs[i + 1]))
        return true;

    bide__symbol_text(caller, sizeof caller, pcs[i + 1]);
    return bide__symbol_is_beginning(caller); /* the coroutine's last call took its frame */
}
