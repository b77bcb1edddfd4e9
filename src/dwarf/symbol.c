/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the name of an address in code, by debug information: function, file and line.
 */
#include "dwarf/libdw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "src/fetch.c" of "/home/me/app/src/fetch.c". */
static const char *last_two(const char *path)
{
    const char *at = path + strlen(path);

    for (int slashes = 0; at > path; at--)
        if (at[-1] == '/' && ++slashes == 2)
            break;
    return at;
}

enum { DW_TAG_inlined_subroutine = 0x1d, DW_TAG_subprogram = 0x2e, DW_AT_call_file = 0x58, DW_AT_call_line = 0x59 };

/* A line of source, and the function that it is in. */
struct spot {
    const char *function, *file;
    int line;
    bool is_inlined;
};

/* A header of the system, or one of ours: bide_gather() and the like are macros that call an inline function. */
static bool is_in_header(const char *path, const char *function)
{
    size_t len = strlen(path);
    bool is_ours = function && strncmp(function, "bide_", 5) == 0 && len > 2 && strcmp(path + len - 2, ".h") == 0;

    return is_ours || strncmp(path, "/usr/include/", 13) == 0 || strncmp(path, "/usr/lib/gcc", 12) == 0;
}

static uint64_t number(const struct libdw *dw, Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute a;
    uint64_t n;

    return dw->dwarf_attr(die, attribute, &a) && dw->dwarf_formudata(&a, &n) == 0 ? n : 0;
}

/* The code is from an inlined function: where was that called?  False: not known. */
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

/*
 * gcc lists the addresses of each unit (.debug_aranges); clang does not, so try all units.  In a program with units of both, libdw takes
 * what lies between two listed units for a part of the first.
 */
static Dwarf_Die *unit_of(const struct libdw *dw, Dwfl_Module *m, uint64_t pc, uint64_t *bias)
{
    Dwarf_Die *unit = dw->dwfl_module_addrdie(m, pc, bias);
    if (unit && dw->dwarf_haspc(unit, pc - *bias) > 0)
        return unit;

    unit = NULL;
    while ((unit = dw->dwfl_module_nextcu(m, unit, bias)))
        if (dw->dwarf_haspc(unit, pc - *bias) > 0)
            break;
    return unit;
}

/*
 * At first, s has the line of the code, and the function of the symbol table.  If the code is inlined there, take the name of the inlined
 * function; if that is in a header (the wrappers of read() and the like), the line where it was called is more useful.
 */
static void look_into(const struct libdw *dw, Dwarf_Die *unit, uint64_t pc, struct spot *s)
{
    Dwarf_Die *scopes = NULL;
    int n = dw->dwarf_getscopes(unit, pc, &scopes);

    for (int i = 0; i < n; i++) {
        int tag = dw->dwarf_tag(&scopes[i]);
        const char *name = dw->dwarf_diename(&scopes[i]);
        if (tag == DW_TAG_subprogram || (tag == DW_TAG_inlined_subroutine && !is_in_header(s->file, name))) {
            s->function = name ? name : s->function;
            s->is_inlined = tag == DW_TAG_inlined_subroutine;
            break;
        }
        if (tag == DW_TAG_inlined_subroutine && !to_caller(dw, unit, &scopes[i], s))
            break;
    }
    free(scopes);
}

bool bide__dwarf_text(const struct libdw *dw, Dwfl *dwfl, uint64_t pc, char *buf, size_t cap)
{
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
    return s.file != NULL;
}
