/* SPDX-License-Identifier: MIT */
/*
 * template.h - the name of the file that a URL is saved as: -o 'test/{1}.json'.
 *
 *     {1} ... {16}  value of the n-th glob       {i}  number of the URL, from 0     {host}  example.com
 *     {page}        value of the glob <page>     {n}  the same, from 1              {path}  a/b.html, of http://h/a/b.html?q
 *     {i:06}        zeros in front               {{   a brace; so is }}             {name}  b.html
 *     {stem} {ext}  b and html; without one, the extension of the answer's type     {query} q
 *     {status} {sha256}  of the answer, and its body                                {date}  2026-11-29, of the run's start
 *
 * What stands before the first variable, up to its last slash, is the root: no URL and no value of a glob leads out of
 * it.  A path that ends in a slash has the name index.html.  A component that variables made too long for a file system
 * is cut: see names_shorten.
 */
#ifndef BIDE_CLI_PATTERN_TEMPLATE_H
#define BIDE_CLI_PATTERN_TEMPLATE_H

#include "cli/pattern/glob.h"
#include "cli/pattern/names.h"

#define TEMPLATE_PARTS  64
#define TEMPLATE_DIGITS 18 /* of a width */

enum template_kind {
    TEMPLATE_TEXT, TEMPLATE_DATE,
    TEMPLATE_GLOB, TEMPLATE_I, TEMPLATE_N,
    TEMPLATE_HOST, TEMPLATE_PATH, TEMPLATE_NAME, TEMPLATE_STEM, TEMPLATE_QUERY, TEMPLATE_EXT, /* of the URL; EXT perhaps of the answer */
    TEMPLATE_STATUS, TEMPLATE_SHA256, /* of the answer */
};

struct template_part {
    enum template_kind kind;
    const char *text;  /* TEMPLATE_TEXT, in template.texts */
    size_t len;
    int glob;          /* TEMPLATE_GLOB: 1 to 16; 0: by name */
    char name[GLOB_NAME_MAX];
    bool is_hash;      /* it was written as curl has it: #1, #<page> */
    int width;         /* 0: as it is */
    int column;        /* of a list, which may give it another value: its number, from 1; 0: none */
};

struct template {
    const char *source; /* borrowed */
    char *texts;
    struct template_part parts[TEMPLATE_PARTS];
    size_t nparts;
    size_t root_len;    /* bytes of every name that are the root, its slash included */
    bool has_variable, needs_url;
    bool has_number;    /* two lines with the same URL have different names */
    bool needs_answer;  /* it is known only when an answer has come */
    bool needs_end, needs_sha256; /* nothing is known of it before; not before the whole body has come */
};

/* Which glob of one pattern each part means. */
struct template_binding {
    int glob[TEMPLATE_PARTS];
};

/*
 * Read a template.  has_globs: #1 is {1}, as in curl; else a # is nothing special.
 *
 * Returns:   0, or an exit code after writing what is wrong to why
 * Owns:      source is borrowed; template_free(t) frees the rest, also after a failure
 */
int template_parse(struct template *t, const char *source, bool has_globs, struct text *why);
void template_free(struct template *t);

/* Find the globs that it names in a pattern; NULL: a list, which has none.  Returns: as template_parse. */
int template_bind(const struct template *t, const struct glob *g, struct template_binding *b, struct text *why);

/* What a name is made of, for one URL. */
struct template_values {
    const struct glob *glob; /* NULL: none */
    const uint64_t *which;
    const struct template_binding *binding;
    uint64_t number;         /* {i} */
    const char *host, *path, *query; /* needs_url: of the URL; path begins with a slash */
    const char *date;
    const char *extension, *sha256; /* of the answer; NULL: not known, as is a status of 0: then the variable stands there */
    int status;
    const char *const *columns; /* of its entry in a list, each of them or NULL; or NULL: it has none */
};

/* template_name.c: the variable that has no value for this one; NULL: they all have. */
const struct template_part *template_lacks(const struct template *t, const struct template_values *v);

/* Append the name; it is not checked. */
void template_add_name(const struct template *t, const struct template_values *v, struct text *to);

/*
 * May a file be called so?  From root_len on, no component is empty, "." or "..", or longer than file systems allow.
 *
 * Returns:   NULL, or what is wrong
 */
const char *template_name_fault(const char *name, size_t root_len);

#endif
