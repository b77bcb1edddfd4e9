/* SPDX-License-Identifier: MIT */
/*
 * list.h - a list of URLs, one entry after the other, whatever its form is.
 *
 *     lines    a URL a line                                          LIST_LINES
 *     aria2    URLs of one file, tabs between; below it options:     LIST_ARIA2
 *                http://a.example/x.iso
 *                  out=disk.iso
 *                  header=X-Token: 1
 *     tsv      fields with tabs between; --columns or the first      LIST_TSV
 *              line says what they are
 *     jsonl    {"url": ..., "name": ..., "method": ...} a line       LIST_JSONL
 *
 * LIST_AUTO finds out: by its first line if it is jsonl or tsv; else each entry is taken for what it looks like, a URL
 * alone, one with options of aria2's below it, several with tabs between, or a URL, a tab and a file name.
 *
 * Files: list.c (which form; lines into entries), aria2.c, tsv.c, jsonl.c (one entry), salvage.c, request/extras.h
 * (what it says besides its URL), lines.h and unpack.h (the lines).
 */
#ifndef BIDE_CLI_LIST_LIST_H
#define BIDE_CLI_LIST_LIST_H

#include "cli/list/lines.h"
#include "cli/request/extras.h"

#define LIST_COLUMNS  32
#define LIST_VARIABLES 32

enum list_form { LIST_AUTO, LIST_LINES, LIST_ARIA2, LIST_TSV, LIST_JSONL };

/* ---- columns ---- */

struct column {
    enum { COLUMN_OTHER, COLUMN_URL, COLUMN_BASE64, COLUMN_ITEM, COLUMN_HEADER } kind;
    enum item item;     /* COLUMN_ITEM */
    const char *header; /* COLUMN_HEADER: "header:X-Token"; else NULL */
    const char *name;
    int variable;       /* of -o that has this name; -1: none */
};

struct columns {
    struct columns *next; /* in list_rules.heads */
    struct column at[LIST_COLUMNS];
    size_t n;
    char *texts; /* owned */
};

/* What the options say of all lists. */
struct list_rules {
    enum list_form form;
    struct columns columns;                  /* of --columns; n 0: none */
    struct columns *heads;                   /* of lists that have some: kept, because lists are read again; owned */
    const char *variables[LIST_VARIABLES];   /* that -o has and a list may give a value, borrowed */
    int nvariables;
};

void list_rules_free(struct list_rules *rules);
/* Which variable of -o has this name?  -1: none. */
int list_variable(const struct list_rules *rules, const char *name, size_t len);

/* ---- tsv.c ---- */

/* Read names with `separator` between.  Returns: NULL, or what is wrong, in why; there is something to free anyway. */
const char *columns_parse(struct columns *c, const struct list_rules *rules, const char *names, size_t len, char separator,
                          struct text *why);
void columns_free(struct columns *c);
/* list.c: it, those behind it, and their memory. */
void columns_free_all(struct columns *first);
/* Is this line a head: is one of its fields called url? */
bool columns_is_head(const char *line, size_t len, char separator);
/* One line.  Its URL is *url, within the line. */
void tsv_parse(struct draft *d, const struct columns *c, const char *line, size_t len, const char **url, size_t *url_len);

/* ---- aria2.c ---- */

/* Is this indented line, without its white space, an option: "out=..."? */
bool aria2_is_option(const char *line, size_t len);
/* *ignored: the name of one that means nothing here, or NULL. */
void aria2_option(struct draft *d, const struct list_rules *rules, const char *line, size_t len, const char **ignored);
/* A number for that name, below 64. */
unsigned aria2_ignored_number(const char *name);
/* The fields of a line with tabs: *url_len: of its first; the others are mirrors, or (may_name) a file name. */
void aria2_fields(struct draft *d, const struct list_rules *rules, const char *line, size_t len, bool may_name, size_t *url_len);

/* ---- jsonl.c ---- */

/* One line.  Its URL goes to *url. */
void jsonl_parse(struct draft *d, const struct list_rules *rules, const char *line, size_t len, struct text *url);

/* ---- salvage.c: the URL of a line that cannot be used ---- */

/* How much of a URL such a line's record has. */
size_t salvage_length(const char *url, size_t len);
/* Append it: of what should be an object; of a line of that form. */
void salvage_json(const char *line, size_t len, struct text *url);
void salvage_line(struct draft *d, enum list_form form, const struct columns *columns, const char *line, size_t len,
                  struct text *url);

/* ---- list.c ---- */

struct list {
    struct list_rules *rules;
    enum list_form form;    /* LIST_AUTO: not known, or mixed */
    bool is_known;          /* the first line has been seen */
    const struct columns *columns; /* LIST_TSV */
    struct draft draft;
    struct text url;        /* of the entry that is being read */
    bool is_open;           /* an entry is: options may follow */
    bool has_options;
    uint64_t first, begin, end; /* of it: the number of its first line, where it stands */
    uint64_t line;          /* that is to be named: the first one, or one with a fault */
    bool is_held;           /* a line was read that belongs to the next entry: */
    int held;               /* what lines_next said of it */
    char *held_line;
    size_t held_len;
    const char *held_fault;
    struct lines lines;     /* last: it is long */
};

enum {
    LIST_MORE = LINES_MORE, /* list_fill, then ask again */
    LIST_GOT = LINES_GOT,
    LIST_END = LINES_END,
    LIST_BAD = LINES_BAD,    /* the entry cannot be used */
    LIST_REFUSED = -2,       /* the whole list cannot: it is something else */
    LIST_NOTE = 3,           /* no entry: something to be said of a line */
};

struct list_entry {
    const char *url;       /* until the next call; NULL: LIST_BAD without one */
    size_t len;
    const char *fault;     /* LIST_BAD, LIST_REFUSED, LIST_NOTE: what to say; until the next call */
    uint64_t line;         /* of the URL, or of the fault */
    uint64_t begin, end;   /* where it stands */
    enum list_form form;   /* in which it can be read again, from begin to end; LIST_LINES: a URL alone */
    const struct columns *columns; /* LIST_TSV */
    struct extras *extras; /* owned by the caller; NULL: none */
};

/* As lines_open, lines_close.  rules are borrowed as long as anything of the list is. */
int list_open(struct list *l, const char *path, struct list_rules *rules);
void list_close(struct list *l);
/* All but the lines, which are put into l->lines by hand: entries of a known form. */
void list_begin(struct list *l, struct list_rules *rules, enum list_form form, const struct columns *columns);
void list_end(struct list *l);

/* Where the next entry begins, behind those that were given; *line: its number. */
uint64_t list_place(const struct list *l, uint64_t *line);

/* lines_fill failed: what follows is lost, and so is an entry that it would be a part of. */
void list_cut(struct list *l);

/* The next entry.  Never reads. */
int list_next(struct list *l, struct list_entry *e);

#endif
