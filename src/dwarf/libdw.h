/* SPDX-License-Identifier: MIT */
/*
 * libdw.h - what we use of libdw (elfutils): names for addresses, and the frames of stacks.  It is loaded when first needed, and optional.
 *
 * The functions are part of its stable interface, and declared here so that its headers are not needed to build.
 */
#ifndef BIDE_DWARF_LIBDW_H
#define BIDE_DWARF_LIBDW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Dwfl Dwfl;
typedef struct Dwfl_Module Dwfl_Module;
typedef struct Dwfl_Thread Dwfl_Thread;
typedef struct Dwfl_Frame Dwfl_Frame;
typedef struct Elf Elf;

typedef struct {
    void *addr, *cu, *abbrev;
    long padding;
} Dwarf_Die;
typedef struct {
    unsigned code, form;
    unsigned char *value;
    void *cu;
} Dwarf_Attribute;
typedef struct Dwarf_Files_s Dwarf_Files;
typedef struct Dwarf_Line_s Dwarf_Line;

struct dwfl_callbacks {
    int (*find_elf)(Dwfl_Module *, void **, const char *, uint64_t, char **, Elf **);
    int (*find_debuginfo)(Dwfl_Module *, void **, const char *, uint64_t, const char *, const char *, uint32_t, char **);
    int (*section_address)(Dwfl_Module *, void **, const char *, uint64_t, const char *, uint32_t, const void *, uint64_t *);
    char **debuginfo_path;
};

struct dwfl_thread_callbacks {
    pid_t (*next_thread)(Dwfl *, void *, void **);
    bool (*get_thread)(Dwfl *, pid_t, void *, void **);
    bool (*memory_read)(Dwfl *, uint64_t, uint64_t *, void *);
    bool (*set_initial_registers)(Dwfl_Thread *, void *);
    void (*detach)(Dwfl *, void *);
    void (*thread_detach)(Dwfl_Thread *, void *);
};

/* The functions: return type, name, parameters. */
#define LIBDW_FUNCTIONS(F) \
    F(Dwfl *, dwfl_begin, (const struct dwfl_callbacks *)) \
    F(void, dwfl_end, (Dwfl *)) \
    F(unsigned, elf_version, (unsigned)) \
    F(Elf *, elf_begin, (int, int, Elf *)) \
    F(int, elf_end, (Elf *)) \
    F(int, dwfl_core_file_report, (Dwfl *, Elf *, const char *)) \
    F(int, dwfl_build_id_find_elf, (Dwfl_Module *, void **, const char *, uint64_t, char **, Elf **)) \
    F(int, dwfl_offline_section_address, (Dwfl_Module *, void **, const char *, uint64_t, const char *, uint32_t, const void *, uint64_t *)) \
    F(int, dwfl_linux_proc_report, (Dwfl *, pid_t)) \
    F(int, dwfl_report_end, (Dwfl *, int (*)(Dwfl_Module *, void *, const char *, uint64_t, void *), void *)) \
    F(int, dwfl_linux_proc_find_elf, (Dwfl_Module *, void **, const char *, uint64_t, char **, Elf **)) \
    F(ptrdiff_t, dwfl_getmodules, (Dwfl *, int (*)(Dwfl_Module *, void **, const char *, uint64_t, void *), void *, ptrdiff_t)) \
    F(int, dwfl_standard_find_debuginfo, (Dwfl_Module *, void **, const char *, uint64_t, const char *, const char *, uint32_t, char **)) \
    F(int, dwfl_build_id_find_debuginfo, (Dwfl_Module *, void **, const char *, uint64_t, const char *, const char *, uint32_t, char **)) \
    F(Dwfl_Module *, dwfl_addrmodule, (Dwfl *, uint64_t)) \
    F(const char *, dwfl_module_info, (Dwfl_Module *, void ***, uint64_t *, uint64_t *, uint64_t *, uint64_t *, const char **, const char **)) \
    F(const char *, dwfl_module_addrname, (Dwfl_Module *, uint64_t)) \
    F(Dwarf_Die *, dwfl_module_addrdie, (Dwfl_Module *, uint64_t, uint64_t *)) \
    F(Dwarf_Die *, dwfl_module_nextcu, (Dwfl_Module *, Dwarf_Die *, uint64_t *)) \
    F(int, dwarf_haspc, (Dwarf_Die *, uint64_t)) \
    F(Dwarf_Line *, dwarf_getsrc_die, (Dwarf_Die *, uint64_t)) \
    F(const char *, dwarf_linesrc, (Dwarf_Line *, uint64_t *, uint64_t *)) \
    F(int, dwarf_lineno, (Dwarf_Line *, int *)) \
    F(int, dwarf_getscopes, (Dwarf_Die *, uint64_t, Dwarf_Die **)) \
    F(int, dwarf_tag, (Dwarf_Die *)) \
    F(const char *, dwarf_diename, (Dwarf_Die *)) \
    F(Dwarf_Attribute *, dwarf_attr, (Dwarf_Die *, unsigned, Dwarf_Attribute *)) \
    F(int, dwarf_formudata, (Dwarf_Attribute *, uint64_t *)) \
    F(int, dwarf_getsrcfiles, (Dwarf_Die *, Dwarf_Files **, size_t *)) \
    F(const char *, dwarf_filesrc, (Dwarf_Files *, size_t, uint64_t *, uint64_t *)) \
    F(bool, dwfl_attach_state, (Dwfl *, Elf *, pid_t, const struct dwfl_thread_callbacks *, void *)) \
    F(int, dwfl_getthread_frames, (Dwfl *, pid_t, int (*)(Dwfl_Frame *, void *), void *)) \
    F(bool, dwfl_frame_pc, (Dwfl_Frame *, uint64_t *, bool *)) \
    F(bool, dwfl_thread_state_registers, (Dwfl_Thread *, int, unsigned, const uint64_t *)) \
    F(void, dwfl_thread_state_register_pc, (Dwfl_Thread *, uint64_t))

#define LIBDW_MEMBER(type, name, parameters) type (*name) parameters;
struct libdw {
    LIBDW_FUNCTIONS(LIBDW_MEMBER)
};
#undef LIBDW_MEMBER

/* load.c.  NULL: libdw is not installed, or too old.  By one thread at a time. */
const struct libdw *bide__libdw_load(void);

/* symbol.c: "get (src/fetch.c:32)" for the address of a call.  False: there is no debug information of it. */
bool bide__dwarf_text(const struct libdw *dw, Dwfl *dwfl, uint64_t pc, char *buf, size_t cap);

#endif
