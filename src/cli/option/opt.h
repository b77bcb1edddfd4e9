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
#ifndef BIDE_CLI_OPTION_OPT_H
#define BIDE_CLI_OPTION_OPT_H

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
    bool rare;                  /* --help and the man page have it, -h, a screen of 24 lines, does not */
    const char *brief;          /* what -h says, which has one line for it; NULL: as much of help as fits */
    const char *bare;           /* "output={name}": what it stands for when no value follows; NULL: one must */
    const char *excludes;       /* a row of which a value from a lower layer counts no more when this has one */
    bool secret;                /* not shown, and taken out of the environment */
    bool own;                   /* other commands, or the library (BIDE_TRACE), call something else so: neither a variable nor a line for all commands sets it */
    bool not_in_files;          /* it says which files are read */
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
/* Return what is not OPT_GO. */
#define OPT_TRY(call)                                                                                                  \
    do {                                                                                                              \
        int code_ = (call);                                                                                           \
        if (code_ != OPT_GO)                                                                                          \
            return code_;                                                                                             \
    } while (0)

/* ---- where a value came from ---- */

/* The lowest first: a value of a higher one replaces it, a whole list too. */
enum opt_layer { OPT_DEFAULT, OPT_SYSTEM, OPT_USER, OPT_FILE, OPT_ENVIRONMENT, OPT_WORDS };

struct opt_origin {
    enum opt_layer layer;
    const char *where; /* the path of the file */
    int line;
    const char *text;  /* as it was written; NULL: there is none.  Of a list: the last */
};

#define OPT_ROWS_MAX   120 /* of a command */
#define OPT_COMMON_MAX 4   /* rows that every command has */
#define OPT_INTO_MAX   4096 /* bytes of a command's struct */

/* A command's options while they are read. */
struct opt_values {
    const struct command *command;
    void *into;
    struct opt_origin origins[OPT_ROWS_MAX + OPT_COMMON_MAX];
};

/*
 * Read a command's arguments.  into is filled with the defaults first; operands are moved to the front of argv, behind
 * argv[0], in order, and *argc is made to fit; argv[*argc] is NULL.  --help and -h are answered here.
 *
 * Returns:   OPT_GO; or an exit code, after the help or one line that says what is wrong
 * Owns:      texts are borrowed from argv; opt_free(command, into) frees the lists
 */
int opt_parse(const struct command *command, int *argc, char **argv, void *into);
void opt_free(const struct command *command, void *into);

/* The same without the command's own options: what files and the environment say.  argv stays as it is. */
int opt_peek(const struct command *command, int argc, char **argv, void *into);

/* A look at words without obeying them, for `bide URL`, where the command is not known yet. */
struct opt_glance {
    const struct command *first, *second;
    bool needs_first;    /* an option is among them that the second command has not, or --output */
    bool needs_second;   /* the other way round */
    bool is_literal;     /* --no-glob */
    int operands;
    const char *operand; /* the first */
};
void opt_look(struct opt_glance *g, int argc, char **argv);

/* ---- words.c: a command line as what it says ---- */

enum opt_said {
    SAID_OPERAND,
    SAID_VALUE,   /* row and value */
    SAID_FLAG,    /* row, and on or off */
    SAID_BARE,    /* row; no value follows, and it need not */
    SAID_MISSING, /* row; a value must follow */
    SAID_EXTRA,   /* row and value, which it does not take */
    SAID_HELP,    /* on: all of it */
    SAID_VERSION,
    SAID_UNKNOWN,
    SAID_FOREIGN, /* the whole word is wget's */
};

struct opt_word {
    enum opt_said said;
    const struct opt *row;
    const char *value; /* of an operand: the word */
    bool on;
    bool is_attached;  /* the value stands in the same word as a letter: -Odir */
    bool has_number;   /* SAID_UNKNOWN: behind it stands a number */
    const char *name;  /* SAID_UNKNOWN: of a long option; NULL: it is the letter */
    size_t len;
    char letter;
    const char *word;  /* all of it */
    char shown[64];    /* how the option was written */
};

struct opt_reader {
    const struct command *command, *other; /* rows are looked up in both; other may be NULL */
    int argc, at;                          /* argv[at] is read next */
    char **argv;
    const char *letters; /* the rest of -abc; NULL or "": none */
    bool is_over;        /* behind "--" */
};

/* What comes next; false: nothing. */
bool opt_next(struct opt_reader *r, struct opt_word *w);

/* ---- common.c: the options of every command ---- */

struct common_options {
    int color; /* enum colour_when */
    const char *config;
    bool no_config;
};

extern struct common_options common;
extern const struct opt common_rows[]; /* ended by one without a name */
/* Is the row one of these? */
bool opt_is_common(const struct opt *row);
/* The row of that name, of the command or of all; NULL: there is none. */
const struct opt *opt_find(const struct command *c, const char *name, size_t len);
/* And what they all obey, which are no options with a value. */
extern const struct opt opt_help, opt_version;

/* ---- layers.c ---- */

/* Give the row a value, unless a higher layer has.  shown: what messages call it.  Returns: OPT_GO, or after a message. */
int opt_assign(struct opt_values *v, const struct opt *row, const struct opt_origin *from, const char *shown);
/* One without an argument, from the command line. */
int opt_set(struct opt_values *v, const struct opt *row, bool on);
/* Where the value is from, and what its member is. */
struct opt_origin *opt_origin(struct opt_values *v, const struct opt *row);
void *opt_member(const struct opt_values *v, const struct opt *row);
/* Everything below the command line; the common rows must have been read from there.  Returns: as opt_assign. */
int opt_load(struct opt_values *v);

/* ---- foreign.c: words of other tools ---- */

struct text;

enum foreign { FOREIGN_UNKNOWN, FOREIGN_TAKEN, FOREIGN_SET, FOREIGN_REFUSED };

/*
 * Is this an option of curl, wget or aria2 that the command has not?  number: a number follows, as in -s16.
 *
 * Returns:   FOREIGN_TAKEN: it changes nothing; FOREIGN_SET: *set means the same; FOREIGN_REFUSED: *why says what to write
 */
enum foreign foreign_name(const struct command *c, const char *name, size_t len, const struct opt **set, struct text *why);
enum foreign foreign_letter(const struct command *c, char letter, bool number, const struct opt **set, struct text *why);
/* wget's -nv, -nc, ...: the whole word. */
enum foreign foreign_word(const struct command *c, const char *word, struct text *why);
/* What it may have meant, when a value does not fit: "; wget's -c ..."; "". */
const char *foreign_hint(const struct command *c, char letter, const char *value);
/* `bide help curl`: all of them. */
void foreign_describe(struct text *to);

/* ---- value.c ---- */

/* Store a text as the row's value in its member; of a flag yes, no, true, false, on, off, 1, 0.  Returns: false if it is no such value. */
bool opt_store(const struct opt *row, const char *text, void *into);

/* Make the member what it is without a value. */
void opt_clear(const struct opt *row, void *member);

/* What the row's value may be, for messages: "a whole number from 1 to 10000".  Returns: out. */
const char *opt_expected(const struct opt *row, char *out, size_t size);

/* Texts into values.  Returns: false if it is none. */
bool opt_read_int(const char *text, int64_t *out);
bool opt_read_duration(const char *text, int64_t *ms);
bool opt_read_milliseconds(const char *text, int64_t *ms);
bool opt_read_size(const char *text, int64_t *bytes);
bool opt_read_rate(const char *text, double *per_second);

#endif
