/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the name of a place in code: function, file and line.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

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

/* ---- by debug information ---- */

enum { DW_TAG_inlined_subroutine = 0x1d, DW_TAG_subprogram = 0x2e, DW_AT_call_file = 0x58, DW_AT_call_line = 0x59 };

/* A line of a source, and the function that it is in. */
struct spot {
    const char *function, *file;
    int line;
    bool is_inlined;
};

static bool is_header_of_the_system(const char *path)
{
    return strncmp(path, "/usr/include/", 13) == 0 || strncmp(path, "/usr/lib/gcc", 12) == 0;
}

static uint64_t number(const struct libdw *dw, Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute a;
    uint64_t n;

    return dw->dwarf_attr(die, attribute, &a) && dw->dwarf_formudata(&a, &n) == 0 ? n : 0;
}

/* The code came from a function that was inlined: where was that called? */
static bool to_caller(const struct libdw *dw, Dwarf_Die *unit, Dwarf_Die *inlined, struct spot *s)
{
    Dwarf_Files *files;
    size_t n;
    uint64_t file = number(dw, inlined, DW_AT_call_file), line = number(dw, inlined, DW_AT_call_line);
    if (line == 0 || dw->dwarf_getsrcfiles(unit, &files, &n) != 0 || file >= n)
        return false;
    const char *path = dw->dwarf_filesrc(files, file, NULL, NULL);

    s->file = path ? path : s->file;
    s->line = (int)line;
    return path != NULL;
}

/* gcc lists which unit has which addresses (.debug_aranges); clang does not, so all are asked. */
static Dwarf_Die *unit_of(const struct libdw *dw, Dwfl_Module *m, uintptr_t pc, uint64_t *bias)
{
    Dwarf_Die *unit = dw->dwfl_module_addrdie(m, pc, bias);
    if (unit)
        return unit;

    while ((unit = dw->dwfl_module_nextcu(m, unit, bias)))
        if (dw->dwarf_haspc(unit, pc - *bias) > 0)
            break;
    return unit;
}

/*
 * s is where the code came from, in the function that the linker knows.  What is inlined there has a name of its own; and a line of
 * a header of the system, where read() and its kin are wrapped, is of less use than the call of that.
 */
static void look_into(const struct libdw *dw, Dwarf_Die *unit, uint64_t pc, struct spot *s)
{
    Dwarf_Die *scopes = NULL;
    int n = dw->dwarf_getscopes(unit, pc, &scopes);

    for (int i = 0; i < n; i++) {
        int tag = dw->dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_subprogram || (tag == DW_TAG_inlined_subroutine && !is_header_of_the_system(s->file))) {
            const char *name = dw->dwarf_diename(&scopes[i]);
            s->function = name ? name : s->function;
            s->is_inlined = tag == DW_TAG_inlined_subroutine;
            break;
        }
        if (tag == DW_TAG_inlined_subroutine && !to_caller(dw, unit, &scopes[i], s))
            break;
    }
    free(scopes);
}

static bool by_libdw(char *buf, size_t cap, uintptr_t pc)
{
    Dwfl *dwfl;
    const struct libdw *dw = bide__libdw_lock(&dwfl);
    if (!dw)
        return false;

    struct spot s = {0};
    Dwfl_Module *m = dw->dwfl_addrmodule(dwfl, pc);
    const char *linked = m ? dw->dwfl_module_addrname(m, pc) : NULL;
    uint64_t bias = 0;
    Dwarf_Die *unit = m ? unit_of(dw, m, pc, &bias) : NULL;
    Dwarf_Line *l = unit ? dw->dwarf_getsrc_die(unit, pc - bias) : NULL;
    s.file = l ? dw->dwarf_linesrc(l, NULL, NULL) : NULL;
    s.function = linked ? linked : "?";
    if (s.file) {
        dw->dwarf_lineno(l, &s.line);
        look_into(dw, unit, pc - bias, &s);
        int n = (int)strcspn(s.function, "@"); /* without the version: "nanosleep@GLIBC_2.2.5" */
        snprintf(buf, cap, "%.*s (%s:%d)%s%s", n, s.function, last_two(s.file), s.line, s.is_inlined && linked ? ", inlined in " : "",
                 s.is_inlined && linked ? linked : "");
    }
    bide__libdw_unlock();
    return s.file != NULL;
}

/* ---- all of it ---- */

static const char *object_of(uintptr_t pc)
{
    Dl_info info;

    return dladdr((const void *)pc, &info) && info.dli_fname ? info.dli_fname : "";
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
