/* SPDX-License-Identifier: MIT */
/*
 * man.c - the option tables as the manual page bide(1), in roff.
 *
 * `bide help --man` prints it; the build keeps it as bide.1.
 */
#include <ctype.h>
#include <string.h>

#include <bide/version.h>

#include "cli/opt.h"

/* A backslash, a hyphen and quotes mean something else to roff, as does a dot or quote that begins a line. */
static void print_char(char c)
{
    if (c == '\\')
        fputs("\\e", stdout);
    else if (c == '-')
        fputs("\\-", stdout);
    else if (c == '\'')
        fputs("\\(aq", stdout);
    else if (c == '`')
        fputs("\\(ga", stdout);
    else if (c == '^')
        fputs("\\(ha", stdout);
    else if (c == '~')
        fputs("\\(ti", stdout);
    else
        putchar(c);
}

static void print_text(const char *text, size_t len)
{
    bool is_line_start = true;

    for (size_t i = 0; i < len; i++) {
        if (is_line_start && text[i] == '.')
            fputs("\\&", stdout);
        print_char(text[i]);
        is_line_start = text[i] == '\n';
    }
}

static void print_line(const char *text)
{
    print_text(text, strlen(text));
    putchar('\n');
}

static void print_upper(const char *text)
{
    for (; *text; text++)
        print_char((char)toupper((unsigned char)*text));
}

/* As print_paragraphs of help.c: a paragraph that starts with a space stays as it is. */
static void print_paragraphs(const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        bool verbatim = text[0] == ' ';

        puts(verbatim ? ".PP\n.nf" : ".PP");
        print_text(text, len);
        puts(verbatim ? "\n.fi" : "");
        text += len;
        text += strspn(text, "\n");
    }
}

static void print_option(const struct opt *o)
{
    fputs(".TP\n\\fB", stdout);
    if (o->letter)
        printf("\\-%c\\fR, \\fB", o->letter);
    fputs("\\-\\-", stdout);
    print_text(o->name, strlen(o->name));
    fputs("\\fR", stdout);
    if (o->arg) {
        fputs(" \\fI", stdout);
        print_text(o->arg, strlen(o->arg));
        fputs("\\fR", stdout);
    }
    putchar('\n');
    print_text(o->help, strlen(o->help));
    if (help_shows_default(o)) {
        fputs("; default: ", stdout);
        print_text(o->def, strlen(o->def));
    }
    puts(".");
}

static void print_options(const struct command *c)
{
    const char *group = NULL;

    for (const struct opt *o = c->options; o && o->name; o++) {
        if (o->group && o->group != group) {
            fputs(".PP\n\\fI", stdout);
            print_text(group = o->group, strlen(o->group));
            puts("\\fR");
        }
        print_option(o);
    }
}

static void print_synopsis(const struct command *c)
{
    fputs("\\fBbide ", stdout);
    print_text(c->name, strlen(c->name));
    fputs("\\fR", stdout);
    if (c->options)
        fputs(" [\\fIOPTION\\fR]...", stdout);
    if (c->operands) {
        fputs(" \\fI", stdout);
        print_text(c->operands, strlen(c->operands));
        fputs("\\fR", stdout);
    }
    putchar('\n');
}

static void print_command(const struct command *c)
{
    fputs(".SS \"bide ", stdout);
    print_text(c->name, strlen(c->name));
    fputs(" \\- ", stdout);
    print_text(c->brief, strlen(c->brief));
    puts("\"");
    if (c->about)
        print_paragraphs(c->about);
    print_options(c);
}

static void print_examples(void)
{
    puts(".SH EXAMPLES");
    for (const struct command *const *c = commands; *c; c++)
        for (const char *const *e = (*c)->examples; e && e[0]; e += 2) {
            puts(".TP");
            print_line(e[0]);
            fputs("\\fB", stdout);
            print_text(e[1], strlen(e[1]));
            puts("\\fR");
        }
}

static void print_head(void)
{
    printf(".TH BIDE 1 \"\" \"bide %s\" \"User Commands\"\n.SH NAME\nbide \\- get many URLs at once\n.SH SYNOPSIS\n.nf\n",
           BIDE_VERSION);
    for (const struct command *const *c = commands; *c; c++)
        print_synopsis(*c);
    puts("\\fBbide\\fR \\fIURL...\\fR\n.fi\n.SH DESCRIPTION");
    print_paragraphs("bide asks many servers at once and waits for all of them in one thread. Each command has options of "
                     "its own; `bide URL...` is `bide fetch URL...`. Options and operands may be mixed; `--` ends the "
                     "options. What was asked for goes to standard output, everything else to standard error.");
}

void man_print(void)
{
    print_head();
    puts(".SH COMMANDS");
    for (const struct command *const *c = commands; *c; c++)
        print_command(*c);
    for (const struct topic *t = topics; t->name; t++) {
        fputs(".SH \"", stdout);
        print_upper(t->name);
        fputs(": ", stdout);
        print_upper(t->brief);
        puts("\"");
        print_paragraphs(t->text);
    }
    print_examples();
    puts(".SH ENVIRONMENT\n.TP\n\\fBSSL_CERT_FILE\\fR, \\fBSSL_CERT_DIR\\fR\nwhere the trusted certificates are, in place "
         "of the system\\(aqs.");
}
