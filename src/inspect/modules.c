/* SPDX-License-Identifier: MIT */
/*
 * modules.c - libdw for the files that this process has loaded.
 *
 * What libdw has read is kept until its last user ends: the second lookup is a hundred times as fast as the first.  When the process has
 * loaded another library meanwhile, everything is read again.  Debug information is searched only on this machine: a report must not wait
 * for a server.
 */
#include "inspect/modules.h"

#include <link.h>
#include <pthread.h>
#include <unistd.h>

#include "base/base.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct libdw *libdw; /* NULL: not tried yet, or not there */
static unsigned users;
static struct dwfl_callbacks callbacks;
static Dwfl *shown; /* NULL: nothing was read yet */
static unsigned long long loads; /* libraries that had been loaded then */

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
        libdw->dwfl_end(shown);
    loads = now;
    callbacks = (struct dwfl_callbacks){.find_elf = libdw->dwfl_linux_proc_find_elf, .find_debuginfo = libdw->dwfl_build_id_find_debuginfo};
    shown = libdw->dwfl_begin(&callbacks);
    if (shown && (libdw->dwfl_linux_proc_report(shown, getpid()) != 0 || libdw->dwfl_report_end(shown, NULL, NULL) != 0)) {
        libdw->dwfl_end(shown);
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
        libdw->dwfl_end(shown);
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
    libdw = bide__libdw_load();
    if (libdw)
        show_modules();
    *dwfl = shown;
    if (shown)
        return libdw;
    pthread_mutex_unlock(&lock);
    return NULL;
}

void bide__libdw_unlock(void)
{
    pthread_mutex_unlock(&lock);
}
