/* SPDX-License-Identifier: MIT */
/* log_tailer.c - print what is written to a log, and go on with the next one when it is rotated: log_tailer FOLDER NAME */
#include <stdio.h>
#include <string.h>

#include <bide/bide.h>

static int tail(const char *folder, const char *name)
{
    char path[4096], text[16384];
    bide_watch_event event;
    ssize_t n = 0;
    bide_auto bide_watch *watch = BIDE_TRY_PTR(bide_watch_open(folder, BIDE_WATCH_ALL));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bide_auto bide_file *log = bide_open(path); /* NULL: it is still to come */

    do {
        while (log && (n = BIDE_TRY(bide_file_read(log, text, sizeof text, -1))) > 0)
            fwrite(text, 1, (size_t)n, stdout);
        fflush(stdout);
        if (BIDE_TRY(bide_watch_next(watch, &event)) == 0)
            return 0; /* the folder is gone */
        if (strcmp(event.name, name) == 0 && event.kind & (BIDE_WATCH_CREATED | BIDE_WATCH_MOVED | BIDE_WATCH_REMOVED)) {
            bide_release(log); /* another file has the name now, or none */
            log = bide_open(path);
        }
    } while (event.kind != BIDE_WATCH_GONE);
    return 0;
}

int main(int argc, char **argv)
{
    return argc == 3 ? bide_main(bide_coro(tail, argv[1], argv[2])) : (fprintf(stderr, "usage: log_tailer FOLDER NAME\n"), 2);
}
