/* SPDX-License-Identifier: MIT */
/*
 * file.c - what a comparison leaves in files.
 */
#include "cli/compare/compare.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/file.h>

/* A new file will take its name: may there be one?  Asked without making one, which a kill would leave behind. */
static int try_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!directory)
        return ENOMEM;

    int error = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
    free(directory);
    return error;
}

static int try_to_write(const char *path)
{
    struct stat st;

    if (!*path)
        return ENOENT;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? try_beside(path) : errno;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK); /* as it is; a directory is refused here */
    if (fd < 0)
        return errno;
    close(fd);
    return S_ISREG(st.st_mode) ? try_beside(path) : 0;
}

int compare_file_check(const char *option, const char *path)
{
    int error = path && !output_is_stdout(path) ? try_to_write(path) : 0;
    if (error == 0)
        return EXIT_OK;
    say("%s %s: %s", option, path, strerror(error));
    return EXIT_USAGE;
}

int compare_file_save(const char *path, const struct text *t)
{
    if (t->no_memory) {
        say("%s: out of memory", path);
        return EXIT_LOCAL;
    }
    if (output_is_stdout(path))
        return fwrite(t->data, 1, t->len, stdout) == t->len ? EXIT_OK : say_flush();
    if (bide_file_write_all(path, t->data, t->len) == 0)
        return EXIT_OK;
    say("%s", bide_error_text());
    return EXIT_LOCAL;
}
