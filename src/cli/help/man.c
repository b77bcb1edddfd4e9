/* SPDX-License-Identifier: MIT */
/*
 * man.c - the option tables as manual pages, in roff: bide(1), and one for each command, such as bide-fetch(1).
 *
 * `bide help --man` and `bide help --man fetch` print them; the build keeps them as bide.1 and bide-fetch.1.
 */
#include <ctype.h>
#include <string.h>

#include <bide/version.h>

#include "cli/option/opt.h"
#include "cli/terminal/text.h"

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

static void print_string(const char *text)
{
    print_text(text, strlen(text));
}

static void print_line(const char *text)
{
    print_string(text);
    putchar('\n');
}

static void print_upper(const char *text)
{
    for (; *text; text++)
        print_char((char)toupper((unsigned char)*text));
}

/* As print_paragraphs of help.c: a paragraph that starts with a space stays as it is.  after_heading: the first needs no .PP. */
static void print_paragraphs(const char *text, bool after_heading)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        bool verbatim = text[0] == ' ';

        while (len > 0 && text[len - 1] == '\n')
            len--;
        if (!after_heading)
            puts(".PP");
        after_heading = false;
        if (verbatim)
            puts(".nf");
        print_text(text, len);
        puts(verbatim ? "\n.fi" : "");
        text += end ? (size_t)(end - text) : strlen(text);
        text += strspn(text, "\n");
    }
}

static void print_option(const struct opt *o)
{
    fputs(".TP\n\\fB", stdout);
    if (o->letter)
        printf("\\-%c\\fR, \\fB", o->letter);
    fputs("\\-\\-", stdout);
    print_string(o->name);
    fputs("\\fR", stdout);
    if (o->arg) {
        fputs(" \\fI", stdout);
        print_string(o->arg);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    print_string(o->help);
    if (help_shows_default(o)) {
        fputs("; default: ", stdout);
        print_string(o->def);
    }
    puts(".");
}

static void print_options(const struct opt *rows)
{
    const char *group = NULL;

    for (const struct opt *o = rows; o && o->name; o++) {
        if (o->group && o->group != group) {
            fputs(".SS \"", stdout);
            print_string(group = o->group);
            puts("\"");
        }
        print_option(o);
    }
}

static void print_synopsis(const struct command *c)
{
    fputs("\\fBbide ", stdout);
    print_string(c->name);
    fputs("\\fR", stdout);
    if (c->options)
        fputs(" [\\fIOPTION\\fR]...", stdout);
    if (c->operands) {
        fputs(" \\fI", stdout);
        print_string(c->operands);
        fputs("\\fR", stdout);
    }
    putchar('\n');
}

static void print_examples(const struct command *c)
{
    for (const char *const *e = c->examples; e && e[0]; e += 2) {
        puts(".TP");
        print_line(e[0]);
        fputs("\\fB", stdout);
        print_string(e[1]);
        puts("\\fR");
    }
}

/* ---- bide-fetch(1) ---- */

/* What their users know is not there, or has another name. */
static int print_foreign(void)
{
    struct text made = {0};

    foreign_describe(&made);
    if (!made.no_memory) {
        puts(".SH \"COMING FROM CURL, WGET, ARIA2\"");
        print_paragraphs(text_string(&made), true);
    }
    int code = made.no_memory ? say_no_memory() : EXIT_OK;
    text_free(&made);
    return code;
}

static void print_see_also(const struct command *than)
{
    puts(".SH \"SEE ALSO\"");
    if (than)
        puts("\\fBbide\\fR(1) has the exit status, and the environment, \\fBbide\\-config\\fR(1) configuration files.");
    for (const struct command *const *c = program.commands; !than && *c; c++) {
        fputs("\\fBbide\\-", stdout);
        print_string((*c)->name);
        puts(c[1] ? "\\fR(1)," : "\\fR(1)");
    }
}

int man_print_command(const struct command *c)
{
    fputs(".TH BIDE\\-", stdout);
    print_upper(c->name);
    printf(" 1 \"\" \"bide %s\" \"User Commands\"\n.SH NAME\nbide\\-%s \\- ", BIDE_VERSION, c->name);
    print_line(c->brief);
    puts(".SH SYNOPSIS\n.nf");
    print_synopsis(c);
    puts(".fi");
    if (c->about) {
        puts(".SH DESCRIPTION");
        print_paragraphs(c->about, true);
    }
    puts(".SH OPTIONS");
    if (c->options && !c->options->group)
        puts(".SS \"Options\"");
    print_options(c->options);
    print_options(common_rows);
    if (c->examples) {
        puts(".SH EXAMPLES");
        print_examples(c);
    }
    int code = c->is_client ? print_foreign() : EXIT_OK;
    print_see_also(c);
    return code;
}

/* ---- bide(1) ---- */

static void print_head(void)
{
    printf(".TH BIDE 1 \"\" \"bide %s\" \"User Commands\"\n.SH NAME\nbide \\- get many URLs at once\n.SH SYNOPSIS\n.nf\n",
           BIDE_VERSION);
    for (const struct command *const *c = program.commands; *c; c++)
        print_synopsis(*c);
    puts("\\fBbide\\fR [\\fIOPTION\\fR]... \\fIURL...\\fR\n.fi\n.SH DESCRIPTION");
    print_paragraphs("bide asks many servers at once and waits for all of them in one thread. Each command has options of "
                     "its own, and a page of its own. `bide URL` is `bide get URL`, which prints; with an option that only fetch has, such as "
                     "-O DIR, and with several URLs it is `bide fetch URL...`, which saves. Options and operands may be mixed; `--` ends the "
                     "options. What was asked for goes to standard output, everything else to standard error.", true);
}

static void print_commands(void)
{
    puts(".SH COMMANDS");
    for (const struct command *const *c = program.commands; *c; c++) {
        fputs(".TP\n\\fBbide\\-", stdout);
        print_string((*c)->name);
        puts("\\fR(1)");
        print_string((*c)->brief);
        puts(".");
    }
}

static int print_topics(void)
{
    for (const struct topic *t = topics; t->name; t++) {
        struct text made = {0};
        const char *text = topic_text(t, &made);
        if (!text) {
            text_free(&made);
            return say_no_memory();
        }
        fputs(".SH \"", stdout);
        print_upper(t->name);
        fputs(": ", stdout);
        print_upper(t->brief);
        puts("\"");
        print_paragraphs(text, true);
        text_free(&made);
    }
    return EXIT_OK;
}

int man_print(void)
{
    print_head();
    print_commands();
    puts(".SH OPTIONS");
    print_options(common_rows);
    int code = print_topics();
    if (code != EXIT_OK)
        return code;
    puts(".SH EXAMPLES");
    for (const struct command *const *c = program.commands; *c; c++)
        print_examples(*c);
    puts(".SH ENVIRONMENT\n.TP\n\\fBBIDE_\\fR\\fINAME\\fR\nthe value of the option \\fB\\-\\-\\fR\\fINAME\\fR, as \\fBbide\\-config\\fR(1) says.\n"
         ".TP\n\\fBNO_COLOR\\fR, \\fBFORCE_COLOR\\fR, \\fBCLICOLOR_FORCE\\fR\nno colour; colour also where there is no terminal.\n"
         ".TP\n\\fBSSL_CERT_FILE\\fR, \\fBSSL_CERT_DIR\\fR\nwhere the trusted certificates are, in place "
         "of the system\\(aqs.");
    puts(".SH FILES\n.TP\n\\fI$XDG_CONFIG_HOME/bide/config\\fR, \\fI\\(ti/.config/bide/config\\fR, \\fI/etc/bide/config\\fR\n"
         "settings, as \\fBbide\\-config\\fR(1) says.");
    print_see_also(NULL);
    return EXIT_OK;
}
