/* SPDX-License-Identifier: MIT */
/*
 * output.c - where the bodies of `bide get` go: standard output, or a file that appears when all of them are complete.
 *
 * Binary bodies are not for terminals.  As curl does, a body is taken for binary if its first piece has a NUL byte: those
 * of images, archives and programs have one, and no text has that a terminal could show.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/get/get.h"

/* Something that is there and no regular file is written to as it is. */
static bool is_device(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int get_output_open(struct get_output *o, const struct get_options *options, const struct get_resume *resume)
{
    const char *path = options->output;

    *o = (struct get_output){.refuses_binary = !path && !options->raw && isatty(STDOUT_FILENO)};
    if (!path || resume->part_of || output_is_stdout(path) || output_take_terminal(path))
        return 0;
    o->path = path;
    if (is_device(path) || resume->appends)
        o->file = bide_open(path, .flags = O_WRONLY | O_APPEND);
    else
        o->file = bide_open(path, .atomic = true, .parents = true);
    return o->file ? 0 : bide_error_code();
}

int get_output_write(struct get_output *o, const void *data, size_t len)
{
    if (!o->path)
        return output_write(data, len);
    return bide_file_write(o->file, data, len, -1) < 0 ? bide_error_code() : 0;
}

int get_output_end(struct get_output *o, bool is_whole)
{
    if (!o->path)
        return output_end();
    if (is_whole)
        return bide_file_close(bide_take(o->file));
    bide_release(o->file);
    o->file = NULL;
    return 0;
}

int get_output_check(const struct get_output *o, const char *method, const char *url, const char *type, const char *data, size_t len)
{
    char shown[256], quoted[SAY_QUOTE_SIZE];

    if (!o->refuses_binary || !memchr(data, 0, len))
        return 0;
    return bide_fail(-EILSEQ, "%s %s: the body is binary%s%s%s, nothing for a terminal; -o FILE saves it, -o - shows it all the same",
                     method, secrets_shown_url(url, shown, sizeof shown), type ? " (" : "", type ? say_quote(type, quoted) : "",
                     type ? ")" : "");
}
