/* SPDX-License-Identifier: MIT */
/*
 * cli.h - between the files of the command line: exit codes, commands, and how it speaks.
 *
 * What every room knows: README.md has the rooms in reading order.  main.c finds the command among those of commands.c,
 * whose command.c has a table of options and a main.
 */
#ifndef BIDE_CLI_CLI_H
#define BIDE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <bide/object.h>

/* `bide help exit-codes` says the same in more words. */
enum {
    EXIT_OK = 0,
    EXIT_SOME_FAILED = 1, /* finished, but some URLs failed for good */
    EXIT_USAGE = 2,       /* nothing was done */
    EXIT_LOCAL = 3,       /* this machine: cannot write, disk full */
    EXIT_NOTHING = 4,     /* no URL succeeded */
    EXIT_LIMIT = 5,       /* a limit that the user set */
    EXIT_COORDINATOR = 6, /* Redis cannot be reached, or does not let us in */
};

/* ---- commands ---- */

struct opt;
struct command;

/*
 * Run a command; argv[0] is its name.  Returns an exit code, or the number of a signal as -signal: main() restores that
 * signal's default and raises it again, so that the shell sees what ended the program.
 */
typedef int command_main(const struct command *self, int argc, char **argv);

struct command {
    const char *name;
    const char *operands; /* "URL...", as help shows it; NULL: takes none */
    const char *brief;    /* a line without a full stop */
    const char *about;    /* paragraphs, divided by an empty line; a line that starts with a space stays as it is */
    const char *const *examples; /* NULL-ended, pairs: what it does, the command line */
    const struct opt *options;   /* ended by a row without a name; may be NULL */
    bool is_client;              /* users of curl and wget may look for their options here (option/foreign.c) */
    command_main *main;
};

/* What options, help and configuration need of the whole; without commands until commands_open. */
struct program {
    const struct command *const *commands; /* in the order of help; ended by NULL */
    int (*help)(const struct command *c, bool all);
    int (*version)(void);
};

extern struct program program;
const struct command *command_find(const char *name);
/* commands.c: those that there are.  main() calls it first. */
void commands_open(void);

/* ---- terminal/say.c: messages, always on stderr, one line, one write, control characters as \xNN ---- */

/* "bide: " and the text.  The program's name becomes "bide get" once say_as("get") was called; with colour it is red. */
void say(const char *format, ...) BIDE_PRINTF(1, 2);
/* The same, of what is no failure: without colour. */
void say_note(const char *format, ...) BIDE_PRINTF(1, 2);
void say_as(const char *command);

/* Make a text fit for a terminal: bide_printable() of it.  Returns: out. */
char *say_clean(const char *text, char *out, size_t size);

/* A text of a server's as messages quote it: the same, and 64 bytes of it at most.  Returns: out. */
#define SAY_QUOTE_MAX  64
#define SAY_QUOTE_SIZE (SAY_QUOTE_MAX + sizeof "...")
char *say_quote(const char *text, char out[SAY_QUOTE_SIZE]);

/* Returns: EXIT_LOCAL, after the message. */
int say_no_memory(void);

/* What was printed by printf has gone out?  Returns: EXIT_OK, EXIT_LOCAL after a message, -SIGPIPE. */
int say_flush(void);

/* ---- terminal/colour.c ---- */

enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* --color; COLOUR_AUTO until it is read. */
void colour_choose(enum colour_when when);
/* May what is written to this descriptor have colour? */
bool colour_on(int fd);

#define COLOUR_RED  "\033[31m"
#define COLOUR_NONE "\033[0m"

/* ---- option/secrets.c: passwords on the command line ---- */

/* Take user and password out of all URLs that other users can read; argv gets copies.  Returns: EXIT_OK, EXIT_LOCAL. */
int secrets_hide(int argc, char **argv);
void secrets_free(void);
/* Make an argument that has been read unreadable. */
void secrets_wipe(char *text);
/* Has the URL a user or a password?  They are url[begin..end), with the @. */
bool secrets_in_url(const char *url, size_t *begin, size_t *end);
/* A URL as messages show it: without user name and password.  Returns: out. */
const char *secrets_shown_url(const char *url, char *out, size_t size);

/* ---- terminal/output.c: standard output from inside the loop ---- */

/*
 * Write all of it, without ever holding up the loop: a pipe that is full is waited for.  On a terminal, what is no text comes
 * out as \\xNN, unless output_raw was called.
 *
 * Suspends:  until the kernel has taken it; a cancellation point
 * Returns:   0
 * Errors:    those of write(2); output_exit_code says what becomes of the program then
 */
int output_write(const void *data, size_t len);
/* Behind the last one: what it held back, because the rest of a character could have followed.  As output_write. */
int output_end(void);
void output_raw(void);

/* Is the path one for a descriptor that is open here: /dev/stdout, /dev/fd/N, /proc/self/fd/N? */
bool output_names_descriptor(const char *path);
/* Does it mean standard output: "-", or that descriptor?  Opened anew, what others write there would be overwritten. */
bool output_is_stdout(const char *path);

/* Does a terminal have this name? */
bool output_is_terminal(const char *path);
/* If a terminal has this name (/dev/tty, /dev/pts/3), it takes the place of standard output: what it is sent is fit for it. */
bool output_take_terminal(const char *path);

/* For an error of output_write: EXIT_LOCAL after a message, or -SIGPIPE. */
int output_exit_code(int error);

/* ---- terminal/descriptors.c ---- */

/* Let this process have as many as it can: main() asks once. */
void descriptors_raise(void);
/* May so many files be open?  If not: false, after a message. */
bool descriptors_suffice(int needed);
/* Of so many connections, how many can be open at once: at least one.  More would only wait for each other. */
int descriptors_allow(int wanted);

/* ---- help/help.c ---- */

/* Print a command's help to stdout: all of it, or one screen.  Returns: as say_flush. */
int help_command(const struct command *c, bool all);
/* The version to stdout.  Returns: as say_flush. */
int version_print(void);
/* What `bide` alone and `bide help` show. */
void help_overview(FILE *to);

/* Does help show the row's default?  Not those that mean "nothing". */
bool help_shows_default(const struct opt *o);

/* ---- help/topics.c: `bide help exit-codes`, also a section of the man page ---- */

struct text;

struct topic {
    const char *name;
    const char *brief;
    const char *text;                 /* as a command's about */
    void (*describe)(struct text *to); /* or this makes it, of tables */
};

/* Ended by one without a name. */
extern const struct topic topics[];
/* Its text; made is where it may have to be put together.  NULL: there is no memory for that. */
const char *topic_text(const struct topic *t, struct text *made);
/* Returns: as say_flush, EXIT_LOCAL without memory. */
int help_topic(const struct topic *t);

/* ---- help/man.c, help/completion_*.c: to stdout ---- */

/* bide(1), and bide-COMMAND(1).  Returns: EXIT_OK; EXIT_LOCAL without memory, after a message. */
int man_print(void);
int man_print_command(const struct command *c);
void completion_print_bash(void);
void completion_print_zsh(void);
void completion_print_fish(void);

/* ---- bare.c ---- */

/* `bide [OPTION]... URL...`, without a command: which one it is.  Returns: OPT_GO, or an exit code. */
int bare_command(int argc, char **argv, const struct command **out);
/* Its first operand; NULL: there is none. */
const char *bare_operand(int argc, char **argv);

/* ---- option/nearest.c: did you mean ...? ---- */

struct nearest {
    const char *wanted;
    const char *best; /* NULL: nothing is near */
    unsigned distance;
};

void nearest_try(struct nearest *n, const char *candidate);

#endif
