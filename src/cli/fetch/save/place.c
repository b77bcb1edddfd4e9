/* SPDX-License-Identifier: MIT */
/*
 * place.c - names below the root: what is in their way, and giving them to files.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/fetch/save/save.h"

size_t fetch_file_in_way(const char *path, size_t len)
{
    struct stat st;

    for (size_t i = 1; i <= len; i++) {
        if ((i < len && path[i] != '/') || path[i - 1] == '/')
            continue;
        char *part = strndup(path, i);
        bool is_file = part && stat(part, &st) == 0 && !S_ISDIR(st.st_mode);
        free(part);
        if (is_file)
            return i;
    }
    return 0;
}

/* As saver_write_now: what is in it, its name, its directory. */
int fetch_close_durably(const struct fetch *f, bide_file *taken, const char *path)
{
    bide_auto bide_file *file = taken;
    bool syncs = f->options->durability && !f->naming.direct;

    if (syncs)
        BIDE_TRY(bide_file_sync(file));
    int code = bide_file_close(bide_take(file));
    return code == 0 && syncs ? durable_name(f->naming.root_fd, path) : code;
}
