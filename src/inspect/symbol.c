/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the name of a place in code: function, file and line.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "inspect/inspect.h"
#include "inspect/libdw.h"

/* Of "/home/me/app/src/fetch.c" the end that tells: "src/fetch.c". */
static const char *last_two(const char *path)
{
    const char *at = path + strlen(path);

    for (int slashes = 0; at > path; at--)
        if (at[-1] == '/' && ++slashes == 2)
            break;
    return at;
}

static bool by_libdw(char *buf, size_t cap, uintptr_t pc)
{
    Dwfl *dwfl;
    const struct libdw *dw = bide__libdw_lock(&dwfl);
    if (!dw)
        return false;

    int line = 0;
    Dwfl_Module *m = dw->dwfl_addrmodule(dwfl, pc);
    const char *function = m ? dw->dwfl_module_addrname(m, pc) : NULL;
    Dwfl_Line *l = m ? dw->dwfl_module_getsrc(m, pc) : NULL;
    const char *file = l ? dw->dwfl_lineinfo(l, NULL, &line, NULL, NULL, NULL) : NULL;
    if (file)
        snprintf(buf, cap, "%s (%s:%d)", function ? function : "?", last_two(file), line);
    bide__libdw_unlock();
    return file != NULL;
}

static bool is_own_object(const char *path)
{
    Dl_info own;

    return dladdr((const void *)(uintptr_t)&bide__symbol_text, &own) && own.dli_fname && path && strcmp(own.dli_fname, path) == 0;
}

void bide__symbol_text(char *buf, size_t cap, uintptr_t pc, bool *is_own)
{
    Dl_info info;
    bool found = dladdr((const void *)pc, &info) && info.dli_fname;

    if (is_own)
        *is_own = !found || is_own_object(info.dli_fname);
    if (by_libdw(buf, cap, pc))
        return;
    if (found)
        snprintf(buf, cap, "%s(%s)[0x%zx]", info.dli_fname, info.dli_sname ? info.dli_sname : "", (size_t)(pc - (uintptr_t)info.dli_fbase));
    else
        snprintf(buf, cap, "%p", (void *)pc);
}
