/* SPDX-License-Identifier: MIT */
/*
 * config.h - settings that are not on the command line: files, and the environment.
 *
 *     # a comment
 *     user-agent = example-fetcher/1.0
 *     [fetch]
 *     per-host = 4
 *     header = "X-Note: in quotes a text keeps its spaces"
 *
 * Keys are the long names of options.  In front of the first section stands what is for all commands that have such an
 * option, in [fetch] what is for `bide fetch`.  An option that may be given several times may have several lines.  A value
 * that is empty is the default.
 *
 * In reading order: config.c (the text), config_files.c (which files), environment.c ($BIDE_...), layers.c (which value
 * counts), help/command_config.c (shows it).
 */
#ifndef BIDE_CLI_OPTION_CONFIG_H
#define BIDE_CLI_OPTION_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/option/opt.h"

/* ---- config.c ---- */

struct config_entry {
    const char *section; /* NULL: all commands */
    const char *key, *value;
    int line;
};

/* What is wrong with a text, and where. */
struct config_fault {
    int line;
    char what[200];
};

/*
 * Cut a text into entries, in place; text[len] is a NUL.
 *
 * Returns:   how many; -1: *fault says why not, or, if its line is 0, that there is no memory
 * Owns:      *entries is owned; its texts are borrowed from text
 */
ptrdiff_t config_parse(char *text, size_t len, struct config_entry **entries, struct config_fault *fault);

/* ---- config_files.c ---- */

struct config_file {
    enum opt_layer layer;
    char *path, *text;
    size_t len;
    struct config_entry *entries;
    size_t n;
};

#define CONFIG_FILES 3

/*
 * Read the files that there are, in the order of their layers; the second time, nothing.
 *
 * none: no file.  named: one more, which must be there; or NULL.
 *
 * Returns:   OPT_GO; EXIT_USAGE, EXIT_LOCAL after a message
 */
int config_load(bool none, const char *named);
const struct config_file *config_files(size_t *n);
/* Wipe and free what both gave. */
void config_free(void);

/* ---- environment.c ---- */

/* "BIDE_PER_HOST" of "per-host". */
#define ENVIRONMENT_NAME 48
const char *environment_name(const struct opt *row, char out[ENVIRONMENT_NAME]);
/*
 * The value of the row's variable: a copy, that lives until environment_free.  A secret is taken out of the environment: it is not
 * for programs that are started here, nor for /proc.
 *
 * Returns:   OPT_GO: *value has it, and a NUL behind its len bytes; NULL if there is none; EXIT_LOCAL after a message
 */
int environment_get(const struct opt *row, char **value, size_t *len);
void environment_free(void);

#endif
