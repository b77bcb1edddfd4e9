/* SPDX-License-Identifier: MIT */
/*
 * help.c - the option tables as text for a terminal.
 */
#include <string.h>

#include "cli/option/opt.h"
#include "cli/terminal/text.h"

#define WIDTH 80
#define COLUMN 28 /* where the explanation of an option begins */
#define SHORT_GROUP "11" /* columns of -h: for the heading of a group, and an option */
#define SHORT_OPTION "24"

/* ---- words into lines ---- */

/* Print a paragraph, words broken at WIDTH; `at` is the column where we stand, further lines begin at `indent`. */
static void print_wrapped(const char *text, size_t len, size_t indent, size_t at)
{
    const char *end = text + len;

    while (text < end) {
        size_t n = strcspn(text, " \n");
        n = text + n > end ? (size_t)(end - text) : n;
        if (at > indent && at + 1 + n > WIDTH) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        }
        at += (size_t)printf("%s%.*s", at > indent ? " " : "", (int)n, text);
        text += n;
        text += text < end ? strspn(text, " \n") : 0;
    }
    putchar('\n');
}

/* Paragraphs are divided by an empty line; lines that start with a space stay as they are. */
static void print_paragraphs(const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        if (text[0] == ' ')
            printf("%.*s\n", (int)len, text);
        else
            print_wrapped(text, len, 0, 0);
        if (end)
            putchar('\n');
        text += len;
        text += strspn(text, "\n");
    }
}

/* ---- options ---- */

/* How an option is written, for people: "-c, --concurrency N".  Returns: out. */
static const char *option_words(const struct opt *o, char *out, size_t size)
{
    char letter[8] = "    ";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(out, size, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    return out;
}

bool help_shows_default(const struct opt *o)
{
    return o->def && o->def[0] && strcmp(o->def, "0") != 0;
}

static void print_option(const struct opt *o)
{
    char left[80], right[512];

    snprintf(right, sizeof right, "%s%s%s%s", o->help, help_shows_default(o) ? " [" : "",
             help_shows_default(o) ? o->def : "", help_shows_default(o) ? "]" : "");
    size_t at = (size_t)printf("  %s", option_words(o, left, sizeof left));
    if (at + 2 > COLUMN) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", (int)(COLUMN - at), "");
    print_wrapped(right, strlen(right), COLUMN, COLUMN);
}

static void print_rows(const struct opt *rows)
{
    const char *group = rows ? rows->group : NULL;

    if (rows)
        printf("\n%s:\n", group ? group : "Options");
    for (const struct opt *o = rows; o && o->name; o++) {
        if (o->group && o->group != group)
            printf("\n%s:\n", group = o->group);
        print_option(o);
    }
}

/* ---- one screen ---- */

/* As much of an explanation as fits: all, or up to a mark that ends a thought. */
static int short_length(const char *text, size_t room)
{
    size_t best = 0, len = strlen(text);

    if (len <= room)
        return (int)len;
    for (size_t i = 0; i <= room; i++)
        if (strchr(";:,(", text[i]))
            best = i;
    if (best == 0)
        for (size_t i = 0; i <= room; i++)
            best = text[i] == ' ' ? i : best;
    while (best > 0 && text[best - 1] == ' ')
        best--;
    return (int)best;
}

static void print_short_option(const struct opt *o, const char *group)
{
    char left[80], def[32] = "";
    size_t at = (size_t)printf("%-" SHORT_GROUP "s%-" SHORT_OPTION "s ", group, option_words(o, left, sizeof left));

    const char *about = o->brief ? o->brief : o->help;

    if (help_shows_default(o))
        snprintf(def, sizeof def, " [%s]", o->def);
    printf("%.*s%s\n", short_length(about, WIDTH - at - strlen(def)), about, def);
}

/* Those that are needed often, a line each; the heading of a group stands beside its first. */
static void print_short_options(const struct command *c)
{
    const char *group = "", *shown = NULL;

    putchar('\n');
    for (const struct opt *o = c->options; o && o->name; o++) {
        group = o->group ? o->group : group;
        if (o->rare)
            continue;
        print_short_option(o, group == shown ? "" : group);
        shown = group;
    }
    print_short_option(&opt_help, "");
}

/* ---- a command, and all of them ---- */

static void print_examples(const struct command *c)
{
    for (const char *const *e = c->examples; e && e[0]; e += 2)
        printf("%s  # %s\n    %s\n", e == c->examples ? "\nExamples:\n" : "", e[0], e[1]);
}

int help_command(const struct command *c, bool all)
{
    printf("bide %s: %s\n%sUsage: bide %s%s%s%s\n", c->name, c->brief, all ? "\n" : "", c->name,
           c->options ? " [OPTION]..." : "", c->operands ? " " : "", c->operands ? c->operands : "");
    if (!all) {
        print_short_options(c);
        return say_flush();
    }
    if (c->about) {
        putchar('\n');
        print_paragraphs(c->about);
    }
    print_rows(c->options);
    print_rows(common_rows);
    print_option(&opt_help);
    print_option(&opt_version);
    print_examples(c);
    return say_flush();
}

int help_topic(const struct topic *t)
{
    struct text made = {0};
    const char *text = topic_text(t, &made);

    if (text) {
        printf("%s: %s\n\n", t->name, t->brief);
        print_paragraphs(text);
    }
    text_free(&made);
    return text ? say_flush() : say_no_memory();
}

void help_overview(FILE *to)
{
    fputs("bide: get many URLs at once\n\n"
          "  bide get https://a.example/ https://b.example/   bodies to standard output\n"
          "  bide fetch 'https://a.example/[1-100]' -o '{1}'  each into a file of its own\n"
          "  bide serve --delay 100                           to try clients against\n\n"
          "Commands (`bide help COMMAND`; `bide URL` prints, `bide URL... -O DIR` saves):\n",
          to);
    for (const struct command *const *c = program.commands; *c; c++)
        fprintf(to, "  %-12s %s\n", (*c)->name, (*c)->brief);
    fputs("\nTopics (`bide help TOPIC`):\n", to);
    for (const struct topic *t = topics; t->name; t++)
        fprintf(to, "  %-12s %s\n", t->name, t->brief);
}
