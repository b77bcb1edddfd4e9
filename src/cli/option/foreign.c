/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - options of curl, wget and aria2: what their users type out of habit.
 *
 * One that changes nothing here is taken without a word; one that has another name is answered with that name, and not
 * obeyed: scripts are to be written in one language.  An option of our own always comes first, so that -c is --concurrency.
 */
#include <stdio.h>
#include <string.h>

#include "cli/option/foreign.h"
#include "cli/option/opt.h"
#include "cli/terminal/text.h"

/* wget has options of two letters, which to others are two options. */
static const struct word pairs[] = {
    {"wget", "nv", 0, SET, "quiet"},
    {"wget", "nc", 0, OURS, "skip-existing"},
    {"wget", "nd", 0, SAY, "-o '{name}'"},
    {"wget", "nH", 0, SAY, "-o '{path}'"},
    {"wget", "np", 0, TAKEN, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct opt *row_of(const struct command *c, const char *name)
{
    return opt_find(c, name, strlen(name));
}

/* ---- answers ---- */

static const struct command *owner(const char *name)
{
    for (const struct command *const *c = program.commands; *c; c++)
        if ((*c)->is_client && row_of(*c, name))
            return *c;
    return NULL;
}

static void add_none(struct text *t, const struct word *w, const char *instead)
{
    text_format(t, "bide has nothing like %s's", w->tool);
    if (instead)
        text_format(t, " (%s)", instead);
}

/* "curl's is --timeout here" */
static void add_answer(struct text *t, const struct command *c, const struct word *w)
{
    bool has_name = w->how == OURS || w->how == SET;
    const struct command *other = has_name && !row_of(c, w->ours) ? owner(w->ours) : NULL;

    if (w->how == NONE)
        add_none(t, w, w->ours);
    else if (w->how == SAY)
        text_format(t, "%s's is %s here", w->tool, w->ours);
    else if (row_of(c, w->ours))
        text_format(t, "%s's is --%s here", w->tool, w->ours);
    else if (other)
        text_format(t, "%s's is --%s of `bide %s`", w->tool, w->ours, other->name);
    else
        add_none(t, w, NULL);
}

/* The first answer has a head. */
static void add(struct text *why, const struct command *c, const struct word *w, const char *shown)
{
    if (why->len == 0)
        text_format(why, "unknown option %s: ", shown);
    else
        text_add_string(why, "; ");
    add_answer(why, c, w);
}

static enum foreign take(const struct command *c, const struct word *w, const struct opt **set)
{
    const struct opt *row = w->how == SET ? row_of(c, w->ours) : NULL;

    if (!row && w->how == SET && strcmp(w->ours, "quiet") == 0)
        row = row_of(c, "no-progress"); /* of get, which says nothing else */
    if (row)
        *set = row;
    return row ? FOREIGN_SET : FOREIGN_TAKEN;
}

static bool is_harmless(const struct word *w)
{
    return w->how == TAKEN || w->how == SET;
}

/* ---- what was written ---- */

enum foreign foreign_name(const struct command *c, const char *name, size_t len, const struct opt **set, struct text *why)
{
    char shown[64];

    snprintf(shown, sizeof shown, "--%.*s", (int)(len < 60 ? len : 60), name);
    for (const struct word *w = foreign_words; w->name && c->is_client; w++) {
        if (strlen(w->name) != len || memcmp(w->name, name, len) != 0)
            continue;
        if (is_harmless(w))
            return take(c, w, set);
        add(why, c, w, shown);
    }
    for (const struct word *w = foreign_families; w->name && c->is_client && why->len == 0; w++)
        if (strncmp(name, w->name, strlen(w->name)) == 0)
            add(why, c, w, shown);
    return why->len > 0 || why->no_memory ? FOREIGN_REFUSED : FOREIGN_UNKNOWN;
}

static enum foreign letter_of(const char *tool, const struct command *c, char letter, const struct opt **set, struct text *why)
{
    const char shown[] = {'-', letter, '\0'};

    for (const struct word *w = foreign_words; w->name && c->is_client; w++) {
        if (w->letter != letter || (tool && strcmp(w->tool, tool) != 0))
            continue;
        if (is_harmless(w))
            return take(c, w, set);
        add(why, c, w, shown);
    }
    return why->len > 0 || why->no_memory ? FOREIGN_REFUSED : FOREIGN_UNKNOWN;
}

/* A number behind -s or -x is aria2's: curl's have none. */
enum foreign foreign_letter(const struct command *c, char letter, bool number, const struct opt **set, struct text *why)
{
    enum foreign is = number ? letter_of("aria2", c, letter, set, why) : FOREIGN_UNKNOWN;

    return is == FOREIGN_UNKNOWN ? letter_of(NULL, c, letter, set, why) : is;
}

enum foreign foreign_word(const struct command *c, const char *word, struct text *why)
{
    bool is_ours = false; /* -n is an option here: the word could mean two of ours */

    for (const struct opt *o = c->options; o && o->name; o++)
        is_ours |= o->letter == 'n';
    for (size_t i = 0; i < COUNT(pairs) && c->is_client; i++) {
        if (strcmp(word + 1, pairs[i].name) != 0)
            continue;
        if (is_harmless(&pairs[i]) && !is_ours)
            return FOREIGN_TAKEN;
        if (!why)
            return FOREIGN_REFUSED;
        if (pairs[i].how == TAKEN)
            text_format(why, "unknown option %s: wget's changes nothing here, leave it out", word);
        else
            add(why, c, &pairs[i], word);
        if (is_ours)
            text_format(why, "; two options of bide's are written apart: -n -%c", word[2]);
        return FOREIGN_REFUSED;
    }
    return FOREIGN_UNKNOWN;
}

const char *foreign_hint(const struct command *c, char letter, const char *value)
{
    bool is_url = strstr(value, "://");

    if (!c->is_client || !is_url)
        return "";
    return letter == 'c'   ? "; wget's -c, which goes on with a partial file, is --continue - here"
           : letter == 'i' ? "; the head of an answer is shown by `bide get --include`"
           : letter == 'r' ? "; wget's -r, which follows links, is not known here"
                           : "";
}

/* ---- the list of them ---- */

static void add_word(struct text *to, const struct word *w)
{
    if (w->letter)
        text_format(to, "-%c ", w->letter);
    text_format(to, "--%s", w->name);
}

static void add_harmless(struct text *to)
{
    const char *before = "";

    for (const struct word *w = foreign_words; w->name; w++)
        if (is_harmless(w)) {
            text_add_string(to, before);
            add_word(to, w);
            before = ", ";
        }
}

static void add_line(struct text *to, const struct word *w)
{
    struct text left = {0};

    add_word(&left, w);
    text_format(to, "    %-6s  %-30s  %s%s\n", w->tool, text_string(&left), w->how == OURS ? "--" : "", w->ours);
    to->no_memory |= left.no_memory;
    text_free(&left);
}

/* Those of a tool follow one another. */
static void add_missing(struct text *to)
{
    const char *tool = "";

    for (const struct word *w = foreign_words; w->name; w++) {
        if (w->how != NONE && (w->how != OURS || owner(w->ours)))
            continue;
        if (strcmp(w->tool, tool) != 0)
            text_format(to, "%s\n%s: ", *tool ? ".\n" : "", w->tool);
        else
            text_add_string(to, ", ");
        tool = w->tool;
        add_word(to, w);
    }
    text_add_string(to, ".\n");
}

/* One that is not there, which help would not speak of, is left out. */
static void add_same(struct text *to)
{
    const char *before = "";

    for (const char *const *name = foreign_same; *name; name++)
        if (owner(*name)) {
            text_format(to, "%s--%s", before, *name);
            before = ", ";
        }
}

void foreign_describe(struct text *to)
{
    text_add_string(to, "These mean what they mean in curl, and have its letters:\n\n");
    add_same(to);
    text_add_string(to, ".\n\n");
    text_add_string(to, "`bide get` and `bide fetch` take these, and go on as they would without: redirects are followed, many URLs are asked for at "
                        "once, directories are made, statuses of 400 and more are failures of fetch. -s is -q.\n\n");
    add_harmless(to);
    text_add_string(to, ".\n\n-O URL, without a directory, is -o '{name}' URL. -c is --concurrency, -r --rate, -d a body, -n "
                        "--dry-run, -i --input; what these mean elsewhere is below, as is what else has another name here:\n\n");
    for (const struct word *w = foreign_words; w->name; w++)
        if ((w->how == OURS && owner(w->ours)) || w->how == SAY)
            add_line(to, w);
    text_add_string(to, "\nNothing like these is there:\n");
    add_missing(to);
}
