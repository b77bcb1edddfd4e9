/* SPDX-License-Identifier: MIT */
/*
 * glob.h - many URLs written as one: http://{a,b}.example/[001-100].json
 *
 *     [1-100]  [001-100]  [1-100:10]  [9-1]  [a-z]  [a-z:2]     numbers or letters; zeros in front keep their width
 *     {red,green,blue}  {,.sig}                                 one of these texts
 *     [<page>1-9]  {<color>red,green}                           the same with a name, for -o '{page}.html'
 *     \[ \] \{ \} \, \\                                         the character itself
 *
 * The last glob changes fastest.  A glob is never expanded: the k-th URL is computed from k, so that a million of them
 * take no more memory than one.  An IPv6 address in brackets is no glob.
 */
#ifndef BIDE_CLI_PATTERN_GLOB_H
#define BIDE_CLI_PATTERN_GLOB_H

#include "cli/terminal/text.h"

#define GLOB_MAX      16 /* globs in one URL */
#define GLOB_NAME_MAX 24

enum glob_kind { GLOB_TEXT, GLOB_NUMBERS, GLOB_LETTERS, GLOB_SET };

struct glob_part {
    enum glob_kind kind;
    uint64_t count;           /* how many values; of a text: 1 */
    const char *text;         /* GLOB_TEXT; GLOB_SET: the values, one behind the other */
    const uint32_t *ends;     /* GLOB_SET: where the i-th value ends in text */
    uint32_t len;             /* GLOB_TEXT */
    int width;                /* GLOB_NUMBERS: digits at least */
    uint64_t first;           /* GLOB_NUMBERS, GLOB_LETTERS */
    int64_t step;             /* to the next value; not 0 */
    char name[GLOB_NAME_MAX]; /* "" if it has none */
};

struct glob {
    uint64_t count; /* URLs; 1 without a glob */
    size_t nparts, nvars;
    struct glob_part *parts;
    const struct glob_part *vars[GLOB_MAX]; /* the parts that are globs; vars[0] is {1} */
    char *texts;
    uint32_t *ends;
};

/*
 * Read a pattern; literal: nothing in it is a glob.
 *
 * Returns:   0, or an exit code after writing what is wrong to why
 * Owns:      glob_free(g) frees what it holds, also after a failure; text is not needed any more
 */
int glob_parse(struct glob *g, const char *text, bool literal, struct text *why);
void glob_free(struct glob *g);

/* Which value each glob has in the k-th URL. */
void glob_pick(const struct glob *g, uint64_t k, uint64_t which[GLOB_MAX]);
/* Append the value of one glob; the URL that has these values. */
void glob_add_value(const struct glob_part *p, uint64_t which, struct text *to);
void glob_add_url(const struct glob *g, const uint64_t which[GLOB_MAX], struct text *to);
/* The k-th URL. */
void glob_add_nth(const struct glob *g, uint64_t k, struct text *to);

#endif
