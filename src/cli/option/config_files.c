/* SPDX-License-Identifier: MIT */
/*
 * config_files.c - the configuration files: /etc/bide/config, the user's, that of --config.
 *
 * A file that is not there is no error, but for that of --config.  What is wrong in one is said with file and line, whatever command is
 * run: a key with a typing error would otherwise be a setting that silently does nothing.
 */
#include "cli/option/config.h"


#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bide/error.h>

#define SYSTEM_FILE "/etc/bide/config"
#define MOST ((size_t)1 << 20) /* bytes of a file */

static struct config_file files[CONFIG_FILES];
static size_t nfiles;
static bool is_loaded;
static int result; /* of that */

/* ---- which keys there are ---- */

static const struct opt *find_row(const struct command *c, const char *key)
{
    const struct opt *row = opt_find(c, key, strlen(key));

    return row && !row->not_in_files ? row : NULL;
}

static void try_rows(struct nearest *n, const struct command *c)
{
    for (const struct opt *o = c->options; o && o->name; o++)
        nearest_try(n, o->name);
}

static int unknown_key(const char *path, const struct config_entry *e, const struct command *only)
{
    struct nearest n = {.wanted = e->key + strspn(e->key, "-")};

    for (const struct command *const *c = program.commands; *c; c++)
        if (!only || only == *c)
            try_rows(&n, *c);
    if (strcmp(e->key, "config") == 0 || strcmp(e->key, "no-config") == 0)
        say("%s:%d: --%s says which files are read, and cannot stand in one", path, e->line, e->key);
    else if (n.best)
        say("%s:%d: %s%s has no option '%s'; did you mean %s?", path, e->line, only ? "bide " : "bide", only ? only->name : "",
            e->key, n.best);
    else
        say("%s:%d: %s%s has no option '%s'; `bide help%s%s` lists them", path, e->line, only ? "bide " : "bide",
            only ? only->name : "", e->key, only ? " " : "", only ? only->name : "");
    return EXIT_USAGE;
}

static int unknown_section(const char *path, const struct config_entry *e)
{
    struct nearest n = {.wanted = e->section};

    for (const struct command *const *c = program.commands; *c; c++)
        nearest_try(&n, (*c)->name);
    if (n.best)
        say("%s:%d: there is no command '%s'; did you mean [%s]?", path, e->line, e->section, n.best);
    else
        say("%s:%d: there is no command '%s'; a section is called like one: [fetch]", path, e->line, e->section);
    return EXIT_USAGE;
}

static int check_entry(const char *path, const struct config_entry *e)
{
    const struct command *only = e->section ? command_find(e->section) : NULL;

    if (e->section && !only)
        return unknown_section(path, e);
    for (const struct command *const *c = program.commands; *c; c++)
        if ((!only || only == *c) && find_row(*c, e->key))
            return OPT_GO;
    return unknown_key(path, e, only);
}

/* ---- one file ---- */

/* All of it, with a NUL behind.  Returns: 0, or a negated errno value. */
static int read_all(int fd, struct config_file *file)
{
    char *text = malloc(MOST + 2);
    ssize_t n = 1;

    if (!text)
        return BIDE_ENOMEM;
    file->text = text;
    while (n > 0 && file->len <= MOST) {
        n = read(fd, text + file->len, MOST + 1 - file->len);
        if (n < 0 && errno != EINTR)
            return -errno;
        file->len += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n;
    }
    text[file->len] = '\0';
    return file->len > MOST ? -EFBIG : 0;
}

static int parse(struct config_file *file)
{
    struct config_fault fault;
    ptrdiff_t n = config_parse(file->text, file->len, &file->entries, &fault);
    int code = OPT_GO;

    if (n < 0 && fault.line == 0)
        return say_no_memory();
    if (n < 0) {
        say("%s:%d: %s", file->path, fault.line, fault.what);
        return EXIT_USAGE;
    }
    file->n = (size_t)n;
    for (size_t i = 0; i < file->n && code == OPT_GO; i++)
        code = check_entry(file->path, &file->entries[i]);
    return code;
}

static int refuse(const char *path, int error)
{
    if (error == BIDE_ENOMEM)
        return say_no_memory();
    say("%s: %s", path, error == -EFBIG ? "larger than 1 MiB: this is no configuration" : strerror(-error));
    return EXIT_USAGE;
}

/* A home that this user may not even look into, as after sudo -u, has no file for it. */
static bool is_hidden(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');

    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return access(folder, X_OK) < 0;
}

static bool is_absent(const char *path, enum opt_layer layer, int error)
{
    if (layer == OPT_FILE)
        return false;
    return error == ENOENT || error == ENOTDIR || (error == EACCES && is_hidden(path));
}

/* The path is taken. */
static int load(char *path, enum opt_layer layer)
{
    struct config_file *file = &files[nfiles];
    if (!path)
        return say_no_memory();

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = errno;
    if (fd < 0 && is_absent(path, layer, error)) {
        free(path);
        return OPT_GO;
    }
    *file = (struct config_file){.layer = layer, .path = path};
    nfiles++;
    int code = fd < 0 ? -error : read_all(fd, file);
    if (fd >= 0)
        close(fd);
    return code < 0 ? refuse(path, code) : parse(file);
}

/* ---- all of them ---- */

/* The user's; the XDG Base Directory Specification wants paths that do not begin with a slash ignored. */
static int load_users(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path;

    if (config && config[0] == '/')
        return load(asprintf(&path, "%s/bide/config", config) < 0 ? NULL : path, OPT_USER);
    if (home && home[0] == '/')
        return load(asprintf(&path, "%s/.config/bide/config", home) < 0 ? NULL : path, OPT_USER);
    return OPT_GO;
}

int config_load(bool none, const char *named)
{
    int code = OPT_GO;

    if (is_loaded)
        return result;
    is_loaded = true;
    if (!none) {
        code = load(strdup(SYSTEM_FILE), OPT_SYSTEM);
        code = code == OPT_GO ? load_users() : code;
    }
    if (named && named[0] && code == OPT_GO)
        code = load(strdup(named), OPT_FILE);
    return result = code;
}

const struct config_file *config_files(size_t *n)
{
    *n = nfiles;
    return files;
}

void config_free(void)
{
    for (size_t i = 0; i < nfiles; i++) {
        if (files[i].text)
            explicit_bzero(files[i].text, files[i].len);
        free(files[i].text);
        free(files[i].path);
        free(files[i].entries);
        files[i] = (struct config_file){0};
    }
    nfiles = 0;
    is_loaded = false;
    environment_free();
}
