/* SPDX-License-Identifier: MIT */
/*
 * completion_zsh.c - the option tables as a completion script for zsh.
 *
 * zsh's own _arguments reads a specification of each option: which exclude it, what it is for, what its value may be.
 */
#include <string.h>

#include "cli/option/opt.h"

/* A text in single quotes; in a specification [ ] : and \ end something. */
static void print_escaped(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
}

/* ":FILE:_files", as much as the kind of value says. */
static void print_value(const struct opt *o)
{
    fputs(":", stdout);
    print_escaped(o->arg);
    fputs(":", stdout);
    if (o->kind == OPT_KIND_CHOICE) {
        fputs("(", stdout);
        for (const char *const *w = o->choices; *w; w++)
            printf("%s%s", w == o->choices ? "" : " ", *w);
        fputs(")", stdout);
    } else if (strncmp(o->arg, "DIR", 3) == 0) {
        fputs("_files -/", stdout);
    } else if (strncmp(o->arg, "FILE", 4) == 0) {
        fputs("_files", stdout);
    } else {
        fputs(" ", stdout);
    }
}

static bool may_repeat(const struct opt *o)
{
    return o->kind == OPT_KIND_LIST || o->kind == OPT_KIND_COUNT;
}

/* '(-c --concurrency)'{-c+,--concurrency=}'[requests at once]:N: ' */
static void print_option(const struct opt *o)
{
    const char *of_letter = o->arg ? "+" : "", *of_name = o->arg ? "=" : "";

    fputs("        ", stdout);
    if (may_repeat(o))
        fputs("'*'", stdout);
    else if (o->letter)
        printf("'(-%c --%s)'", o->letter, o->name);
    if (o->letter)
        printf("{-%c%s,--%s%s}'[", o->letter, of_letter, o->name, of_name);
    else
        printf("'--%s%s[", o->name, of_name);
    print_escaped(o->help);
    fputs("]", stdout);
    if (o->arg)
        print_value(o);
    puts("' \\");
}

static void print_rows(const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++)
        print_option(o);
}

static void print_names_of_topics(void)
{
    fputs("        '1:command or topic:(", stdout);
    for (const struct command *const *c = program.commands; *c; c++)
        printf("%s ", (*c)->name);
    for (const struct topic *t = topics; t->name; t++)
        printf("%s%s", t == topics ? "" : " ", t->name);
    puts(")'");
}

static void print_operands(const struct command *c)
{
    if (strcmp(c->name, "help") == 0)
        print_names_of_topics();
    else if (strcmp(c->name, "completion") == 0)
        puts("        '1:shell:(bash zsh fish)'");
    else if (strcmp(c->name, "config") == 0)
        puts("        '1:what:(show)' '2:command:_bide_commands'");
    else if (c->is_client)
        puts("        '*:URL:_urls'");
    else
        puts("        '*:operand:_default'");
}

static void print_command(const struct command *c)
{
    printf("    %s)\n        _arguments -s -S \\\n", c->name);
    print_rows(c->options);
    print_rows(common_rows);
    print_option(&opt_help);
    print_option(&opt_version);
    print_operands(c);
    puts("        ;;");
}

static void print_commands(void)
{
    puts("_bide_commands()\n{\n    local -a commands\n    commands=(");
    for (const struct command *const *c = program.commands; *c; c++) {
        printf("        '%s:", (*c)->name);
        print_escaped((*c)->brief);
        puts("'");
    }
    puts("    )\n    _describe command commands\n}\n");
}

void completion_print_zsh(void)
{
    puts("#compdef bide\n# zsh completion for bide, printed by `bide completion zsh`\n");
    print_commands();
    puts("# The options of a command.\n_bide_command()\n{\n    case $1 in");
    for (const struct command *const *c = program.commands; *c; c++)
        print_command(*c);
    puts("    esac\n}\n\n"
         "_bide()\n"
         "{\n"
         "    if (( CURRENT == 2 )); then\n"
         "        if [[ $PREFIX == -* ]]; then\n"
         "            compadd -- --help --version\n"
         "        else\n"
         "            _bide_commands\n"
         "        fi\n"
         "        return\n"
         "    fi\n"
         "    local name=$words[2]\n"
         "    [[ $name == *://* ]] && name=fetch\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    _bide_command $name\n"
         "}\n\n"
         "if [[ $funcstack[1] == _bide ]]; then\n"
         "    _bide \"$@\"\n"
         "else\n"
         "    compdef _bide bide\n"
         "fi");
}
