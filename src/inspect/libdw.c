/* SPDX-License-Identifier: MIT */
/*
 * libdw.c - loading libdw, and showing it what this process has loaded.
 *
 * What it has read stays until the last who asks has ended: the second question is a hundred times as fast as the first.  When the
 * process has loaded another library meanwhile, everything is read anew.  Debug information is looked for on this machine alone: a report must not
 * wait for a server.
 */
#include "inspect/libdw.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#include "base/base.h"

#define NAME(f) {#f, offsetof(struct libdw, f)}

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    NAME(dwfl_begin),           NAME(dwfl_end),
    NAME(dwfl_linux_proc_report), NAME(dwfl_report_end),
    NAME(dwfl_linux_proc_find_elf), NAME(dwfl_build_id_find_debuginfo),
    NAME(dwfl_addrmodule),      NAME(dwfl_module_info),
    NAME(dwfl_module_addrname),
    NAME(dwfl_module_addrdie),  NAME(dwarf_getscopes),
    NAME(dwfl_module_nextcu),   NAME(dwarf_haspc),
    NAME(dwarf_getsrc_die),     NAME(dwarf_linesrc),
    NAME(dwarf_lineno),
    NAME(dwarf_tag),            NAME(dwarf_diename),
    NAME(dwarf_attr),           NAME(dwarf_formudata),
    NAME(dwarf_getsrcfiles),    NAME(dwarf_filesrc),
    NAME(dwfl_attach_state),
    NAME(dwfl_getthread_frames), NAME(dwfl_frame_pc),
    NAME(dwfl_thread_state_registers), NAME(dwfl_thread_state_register_pc),
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct libdw libdw;
static bool was_tried, is_there;
static unsigned users;
static struct dwfl_callbacks callbacks;
static Dwfl *shown; /* NULL: nothing was read yet */
static unsigned long long loads; /* libraries that had been loaded then */

static bool load(void)
{
    void *handle = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; handle && i < array_len(functions); i++) {
        void *f = dlsym(handle, functions[i].name);
        if (!f) {
            dlclose(handle);
            return false;
        }
        memcpy((char *)&libdw + functions[i].offset, &f, sizeof f);
    }
    callbacks = (struct dwfl_callbacks){.find_elf = libdw.dwfl_linux_proc_find_elf, .find_debuginfo = libdw.dwfl_build_id_find_debuginfo};
    return handle != NULL;
}

static int count_loads(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    *(unsigned long long *)out = info->dlpi_adds;
    return 1;
}

static void show_modules(void)
{
    unsigned long long now = 0;

    dl_iterate_phdr(count_loads, &now);
    if (shown && now == loads)
        return;
    if (shown)
        libdw.dwfl_end(shown);
    loads = now;
    shown = libdw.dwfl_begin(&callbacks);
    if (shown && (libdw.dwfl_linux_proc_report(shown, getpid()) != 0 || libdw.dwfl_report_end(shown, NULL, NULL) != 0)) {
        libdw.dwfl_end(shown);
        shown = NULL;
    }
}

void bide__libdw_begin(void)
{
    pthread_mutex_lock(&lock);
    users++;
    pthread_mutex_unlock(&lock);
}

void bide__libdw_end(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0 && shown) {
        libdw.dwfl_end(shown);
        shown = NULL;
    }
    pthread_mutex_unlock(&lock);
}

void bide__libdw_forget(void)
{
    pthread_mutex_init(&lock, NULL);
    users = 0;
    shown = NULL;
}

const struct libdw *bide__libdw_lock(Dwfl **dwfl)
{
    pthread_mutex_lock(&lock);
    if (!was_tried) {
        was_tried = true;
        is_there = load();
    }
    if (is_there)
        show_modules();
    *dwfl = shown;
    if (shown)
        return &libdw;
    pthread_mutex_unlock(&lock);
    return NULL;
}

void bide__libdw_unlock(void)
{
    pthread_mutex_unlock(&lock);
}
