/* SPDX-License-Identifier: MIT */
/*
 * libdw.h - what we use of libdw (elfutils), which is loaded when it is first needed, and may not be there.
 *
 * Declared here, so that its headers are not needed to build: they are its stable interface.
 */
#ifndef BIDE_INSPECT_LIBDW_H
#define BIDE_INSPECT_LIBDW_H

#include <stdbool.h>
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

/* Each is a function of that name. */
struct libdw {
    Dwfl *(*dwfl_begin)(const struct dwfl_callbacks *);
    void (*dwfl_end)(Dwfl *);
    int (*dwfl_linux_proc_report)(Dwfl *, pid_t);
    int (*dwfl_report_end)(Dwfl *, int (*)(Dwfl_Module *, void *, const char *, uint64_t, void *), void *);
    int (*dwfl_linux_proc_find_elf)(Dwfl_Module *, void **, const char *, uint64_t, char **, Elf **);
    int (*dwfl_build_id_find_debuginfo)(Dwfl_Module *, void **, const char *, uint64_t, const char *, const char *, uint32_t, char **);
    Dwfl_Module *(*dwfl_addrmodule)(Dwfl *, uint64_t);
    const char *(*dwfl_module_info)(Dwfl_Module *, void ***, uint64_t *, uint64_t *, uint64_t *, uint64_t *, const char **, const char **);
    const char *(*dwfl_module_addrname)(Dwfl_Module *, uint64_t);
    Dwarf_Die *(*dwfl_module_addrdie)(Dwfl_Module *, uint64_t, uint64_t *);
    Dwarf_Die *(*dwfl_module_nextcu)(Dwfl_Module *, Dwarf_Die *, uint64_t *);
    int (*dwarf_haspc)(Dwarf_Die *, uint64_t);
    Dwarf_Line *(*dwarf_getsrc_die)(Dwarf_Die *, uint64_t);
    const char *(*dwarf_linesrc)(Dwarf_Line *, uint64_t *, uint64_t *);
    int (*dwarf_lineno)(Dwarf_Line *, int *);
    int (*dwarf_getscopes)(Dwarf_Die *, uint64_t, Dwarf_Die **);
    int (*dwarf_tag)(Dwarf_Die *);
    const char *(*dwarf_diename)(Dwarf_Die *);
    Dwarf_Attribute *(*dwarf_attr)(Dwarf_Die *, unsigned, Dwarf_Attribute *);
    int (*dwarf_formudata)(Dwarf_Attribute *, uint64_t *);
    int (*dwarf_getsrcfiles)(Dwarf_Die *, Dwarf_Files **, size_t *);
    const char *(*dwarf_filesrc)(Dwarf_Files *, size_t, uint64_t *, uint64_t *);
    bool (*dwfl_attach_state)(Dwfl *, Elf *, pid_t, const struct dwfl_thread_callbacks *, void *);
    int (*dwfl_getthread_frames)(Dwfl *, pid_t, int (*)(Dwfl_Frame *, void *), void *);
    bool (*dwfl_frame_pc)(Dwfl_Frame *, uint64_t *, bool *);
    bool (*dwfl_thread_state_registers)(Dwfl_Thread *, int, unsigned, const uint64_t *);
    void (*dwfl_thread_state_register_pc)(Dwfl_Thread *, uint64_t);
};

/* What is read in between is kept; it has descriptors open.  They nest. */
void bide__libdw_begin(void);
void bide__libdw_end(void);
/* In the child of a fork: what was read stays, unused, for the lock over it may have been held. */
void bide__libdw_forget(void);
/* Inside of these: NULL: it is not there.  The modules are those that are loaded now; locked until libdw_unlock. */
const struct libdw *bide__libdw_lock(Dwfl **dwfl);
void bide__libdw_unlock(void);

#endif
