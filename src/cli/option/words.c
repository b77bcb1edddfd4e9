/* SPDX-License-Identifier: MIT */
/*
 * words.c - a command line as what it says, one thing after the other.
 *
 * It reads what people type: --name=V, --name V, -nV, -n V, -abc, --no-name, "--" and then operands only.  Options and
 * operands may be mixed; "-" is an operand.  Names are not abbreviated, so that a new option breaks no script.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/option/opt.h"

static const struct opt *find_name(const struct opt_reader *r, const char *name, size_t len)
{
    const struct opt *row = opt_find(r->command, name, len);

    return row || !r->other ? row : opt_find(r->other, name, len);
}

static const struct opt *find_letter(const struct command *c, char letter)
{
    for (const struct opt *o = c ? c->options : NULL; o && o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

/* May the next word be the value of an option that need not have one?  A URL or another option is not. */
static bool value_follows(const struct opt_reader *r)
{
    const char *next = r->at < r->argc ? r->argv[r->at] : NULL;

    return next && !(next[0] == '-' && next[1]) && !strstr(next, "://");
}

static void take_value(struct opt_reader *r, struct opt_word *w, const char *attached)
{
    w->said = SAID_VALUE;
    if (attached)
        w->value = attached;
    else if (w->row->bare && !value_follows(r))
        w->said = SAID_BARE;
    else if (r->at < r->argc)
        w->value = r->argv[r->at++];
    else
        w->said = SAID_MISSING;
}

static bool is_number(const char *text)
{
    return text && text[0] && strspn(text, "0123456789") == strlen(text);
}

static void read_letter(struct opt_reader *r, struct opt_word *w)
{
    w->letter = *r->letters++;
    w->row = find_letter(r->command, w->letter);
    if (!w->row)
        w->row = find_letter(r->other, w->letter);
    snprintf(w->shown, sizeof w->shown, "-%c", w->letter);
    if (w->row && w->row->arg) {
        w->is_attached = r->letters[0];
        take_value(r, w, r->letters[0] ? r->letters : NULL);
        r->letters = NULL;
    } else if (w->row) {
        w->said = SAID_FLAG;
    } else if (w->letter == 'h') {
        w->said = SAID_HELP;
        w->on = false;
    } else if (w->letter == 'V') {
        w->said = SAID_VERSION;
    } else {
        w->said = SAID_UNKNOWN;
        w->has_number = r->letters[0] ? isdigit((unsigned char)r->letters[0]) : r->at < r->argc && is_number(r->argv[r->at]);
    }
}

/* The flag that a word takes back: --no-NAME one that is called NAME, --NAME one that is called no-NAME. */
static const struct opt *find_opposite(const struct opt_reader *r, const char *name, size_t len)
{
    char opposite[64];

    if (len > 3 && memcmp(name, "no-", 3) == 0)
        return find_name(r, name + 3, len - 3);
    int n = snprintf(opposite, sizeof opposite, "no-%.*s", (int)len, name);
    return len < sizeof opposite && (size_t)n < sizeof opposite ? find_name(r, opposite, (size_t)n) : NULL;
}

/* Another flag taken back, or nothing that is known. */
static void read_negated(const struct opt_reader *r, struct opt_word *w)
{
    const struct opt *row = find_opposite(r, w->name, w->len);

    w->said = SAID_UNKNOWN;
    if (row && row->kind == OPT_KIND_FLAG && !row->not_in_files) {
        w->said = w->value ? SAID_EXTRA : SAID_FLAG;
        w->row = row;
        w->on = false;
    }
}

static void read_name(struct opt_reader *r, struct opt_word *w)
{
    w->name = w->word + 2;
    w->value = strchr(w->name, '=');
    w->len = w->value ? (size_t)(w->value - w->name) : strlen(w->name);
    w->row = find_name(r, w->name, w->len);
    snprintf(w->shown, sizeof w->shown, "--%.*s", (int)(w->len < 60 ? w->len : 60), w->name);
    if (w->value)
        w->value++;
    if (!w->row && w->len == 4 && memcmp(w->name, "help", 4) == 0)
        w->said = SAID_HELP;
    else if (!w->row && w->len == 7 && memcmp(w->name, "version", 7) == 0)
        w->said = SAID_VERSION;
    else if (!w->row)
        read_negated(r, w);
    else if (w->row->arg)
        take_value(r, w, w->value);
    else
        w->said = w->value ? SAID_EXTRA : SAID_FLAG;
}

bool opt_next(struct opt_reader *r, struct opt_word *w)
{
    const char *cluster = r->letters && r->letters[0] ? r->argv[r->at - 1] : NULL;

    *w = (struct opt_word){.on = true, .word = cluster};
    if (!cluster && r->at < r->argc && !r->is_over && strcmp(r->argv[r->at], "--") == 0) {
        r->is_over = true;
        r->at++;
    }
    if (!cluster && r->at >= r->argc)
        return false;
    if (!cluster)
        w->word = r->argv[r->at++];
    if (!cluster && (r->is_over || w->word[0] != '-' || w->word[1] == '\0')) {
        w->said = SAID_OPERAND;
        w->value = w->word;
    } else if (!cluster && w->word[1] == '-') {
        read_name(r, w);
    } else if (!cluster && foreign_word(r->command, w->word, NULL) != FOREIGN_UNKNOWN) {
        w->said = SAID_FOREIGN;
    } else {
        r->letters = cluster ? r->letters : w->word + 1;
        read_letter(r, w);
    }
    return true;
}
