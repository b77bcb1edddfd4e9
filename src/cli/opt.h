/* SPDX-License-Identifier: MIT */
/*
 * opt.h - one table of options per command; parser, help, man page and completion are made from it.
 *
 *     static const struct opt options[] = {
 *         {"concurrency", 'c', "N", OPT_INT(struct fetch_options, concurrency), .min = 1, .max = 10000, .def = "64",
 *          .group = "Speed", .help = "requests at once"},
 *         {0},
 *     };
 *
 * The OPT_... macro says of what kind a row is and where its value goes; a member of another type does not compile.
 * Defaults are texts that go through the same parser, so that help cannot lie about them.
 */
#ifndef BIDE_CLI_OPT_H
#define BIDE_CLI_OPT_H

#include "cli/cli.h"

enum opt_kind {
    OPT_KIND_FLAG,     /* bool; --no-NAME takes it back, and --NAME what is called no-NAME */
    OPT_KIND_COUNT,    /* int: how many times it was given */
    OPT_KIND_INT,      /* int, min to max */
    OPT_KIND_DURATION, /* int64_t, milliseconds: 500ms 10s 5m 1h 1.5 (seconds) */
    OPT_KIND_MILLISECONDS, /* the same, but a bare number is milliseconds */
    OPT_KIND_TIMEOUT,  /* as duration, but 0 is no limit: BIDE_FOREVER */
    OPT_KIND_SIZE,     /* int64_t, bytes: 10M 64KiB 1.5G; letters are powers of 1024 */
    OPT_KIND_RATE,     /* double, per second: 50 50/s 600/m 1000/h; 0: no limit */
    OPT_KIND_STRING,   /* const char * */
    OPT_KIND_LIST,     /* struct opt_list: may be given several times */
    OPT_KIND_CHOICE,   /* int: which of the choices, from 0 */
};

/* Texts of argv, in order; items is NULL-ended, or NULL when there are none. */
struct opt_list {
    const char **items;
    size_t len;
};

/* In the order of the rows.  NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct opt {
    const char *name;
    char letter;     /* 0: none */
    const char *arg; /* how help calls the value; NULL: takes none */
    enum opt_kind kind;
    size_t offset;
    int64_t min, max;           /* of int, duration, size; max 0: no limit */
    const char *def;            /* NULL: zero */
    const char *const *choices; /* NULL-ended */
    const char *group;          /* heading in help; NULL: that of the row before */
    const char *help;           /* without a full stop, begins lower case */
    bool rare;                  /* --help and the man page have it, -h does not; not the first row of a group */
};

#define OPT_TO(kind_, type, struct_, member)                                                                          \
    OPT_KIND_##kind_, offsetof(struct_, member) + 0 * sizeof(_Generic(&((struct_ *)0)->member, type * : 1))

#define OPT_FLAG(struct_, member)     OPT_TO(FLAG, bool, struct_, member)
#define OPT_COUNT(struct_, member)    OPT_TO(COUNT, int, struct_, member)
#define OPT_INT(struct_, member)      OPT_TO(INT, int, struct_, member)
#define OPT_DURATION(struct_, member) OPT_TO(DURATION, int64_t, struct_, member)
#define OPT_MILLISECONDS(struct_, member) OPT_TO(MILLISECONDS, int64_t, struct_, member)
#define OPT_TIMEOUT(struct_, member)  OPT_TO(TIMEOUT, int64_t, struct_, member)
#define OPT_SIZE(struct_, member)     OPT_TO(SIZE, int64_t, struct_, member)
#define OPT_RATE(struct_, member)     OPT_TO(RATE, double, struct_, member)
#define OPT_STRING(struct_, member)   OPT_TO(STRING, const char *, struct_, member)
#define OPT_LIST(struct_, member)     OPT_TO(LIST, struct opt_list, struct_, member)
#define OPT_CHOICE(struct_, member)   OPT_TO(CHOICE, int, struct_, member)

/* What opt_parse returns when the command shall run. */
#define OPT_GO (-1)

/*
 * Read a command's arguments.  into is filled with the defaults first; operands are moved to the front of argv, behind
 * argv[0], in order, and *argc is made to fit; argv[*argc] is NULL.  --help and -h are answered here.
 *
 * Returns:   OPT_GO; or an exit code, after the help or one line that says what is wrong
 * Owns:      texts are borrowed from argv; opt_free(command, into) frees the lists
 */
int opt_parse(const struct command *command, int *argc, char **argv, void *into);
void opt_free(const struct command *command, void *into);

/* ---- opt_value.c ---- */

/* Store a text as the row's value in its member; of a flag "yes" or "no".  Returns: false if it is no such value. */
bool opt_store(const struct opt *row, const char *text, void *into);

/* What the row's value may be, for messages: "a whole number from 1 to 10000".  Returns: out. */
const char *opt_expected(const struct opt *row, char *out, size_t size);

/* Texts into values.  Returns: false if it is none. */
bool opt_read_int(const char *text, int64_t *out);
bool opt_read_duration(const char *text, int64_t *ms);
bool opt_read_milliseconds(const char *text, int64_t *ms);
bool opt_read_size(const char *text, int64_t *bytes);
bool opt_read_rate(const char *text, double *per_second);

#endif
