/* SPDX-License-Identifier: MIT */
/*
 * load.c - loading libdw.
 */
#include "dwarf/libdw.h"

#include <dlfcn.h>
#include <string.h>

#define NAME(type, name, parameters) {#name, offsetof(struct libdw, name)},

static const struct {
    const char *name;
    size_t offset;
} functions[] = {LIBDW_FUNCTIONS(NAME)};

static struct libdw libdw;

static bool load(void)
{
    void *handle = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; handle && i < sizeof functions / sizeof functions[0]; i++) {
        void *f = dlsym(handle, functions[i].name);
        if (!f) {
            dlclose(handle);
            return false;
        }
        memcpy((char *)&libdw + functions[i].offset, &f, sizeof f);
    }
    return handle != NULL;
}

const struct libdw *bide__libdw_load(void)
{
    static bool was_tried, is_there;

    if (!was_tried) {
        was_tried = true;
        is_there = load();
    }
    return is_there ? &libdw : NULL;
}
