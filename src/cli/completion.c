/* SPDX-License-Identifier: MIT */
/*
 * completion.c - the option tables as a completion script for bash.
 *
 * The script holds, for each command, its options and what their values may be; a short function looks them up.
 */
#include <string.h>

#include "cli/opt.h"

static void print_option_words(const struct command *c)
{
    for (const struct opt *o = c->options; o && o->name; o++) {
        printf("--%s ", o->name);
        if (o->letter)
            printf("-%c ", o->letter);
    }
    fputs("--help -h", stdout);
}

/* What bash shall offer as the value: words, files, directories, or nothing. */
static void print_value_of(const struct opt *o)
{
    if (o->kind == OPT_KIND_CHOICE) {
        fputs("COMPREPLY=($(compgen -W '", stdout);
        for (const char *const *w = o->choices; *w; w++)
            printf("%s%s", w == o->choices ? "" : " ", *w);
        puts("' -- \"$cur\")) ;;");
    } else if (strncmp(o->arg, "DIR", 3) == 0) {
        puts("COMPREPLY=($(compgen -d -- \"$cur\")) ;;");
    } else if (strncmp(o->arg, "FILE", 4) == 0) {
        puts("COMPREPLY=($(compgen -f -- \"$cur\")) ;;");
    } else {
        puts("COMPREPLY=() ;;");
    }
}

/* A case of `$command:$prev` for each option that takes a value. */
static void print_values(const struct command *c)
{
    for (const struct opt *o = c->options; o && o->name; o++) {
        if (!o->arg)
            continue;
        printf("    %s:--%s", c->name, o->name);
        if (o->letter)
            printf("|%s:-%c", c->name, o->letter);
        fputs(") ", stdout);
        print_value_of(o);
    }
}

static void print_names(void)
{
    for (const struct command *const *c = commands; *c; c++)
        printf("%s%s", c == commands ? "" : " ", (*c)->name);
}

static void print_option_cases(void)
{
    for (const struct command *const *c = commands; *c; c++) {
        printf("    %s) COMPREPLY=($(compgen -W '", (*c)->name);
        print_option_words(*c);
        puts("' -- \"$cur\")) ;;");
    }
}

static void print_operand_cases(void)
{
    fputs("    help) COMPREPLY=($(compgen -W '", stdout);
    print_names();
    for (const struct topic *t = topics; t->name; t++)
        printf(" %s", t->name);
    puts("' -- \"$cur\")) ;;\n"
         "    completion) COMPREPLY=($(compgen -W 'bash' -- \"$cur\")) ;;");
}

void completion_print_bash(void)
{
    puts("# bash completion for bide, printed by `bide completion bash`\n"
         "_bide()\n"
         "{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
         "    COMPREPLY=()\n"
         "    # bash divides --option=value into three words.\n"
         "    if [[ $prev == = && $COMP_CWORD -ge 3 ]]; then\n"
         "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
         "    elif [[ $cur == = ]]; then\n"
         "        cur=\n"
         "    fi\n"
         "    if [[ $COMP_CWORD -eq 1 ]]; then");
    fputs("        COMPREPLY=($(compgen -W '", stdout);
    print_names();
    puts(" --help --version' -- \"$cur\"))\n"
         "        return\n"
         "    fi\n"
         "    [[ $command == *://* ]] && command=fetch\n"
         "    case $command:$prev in");
    for (const struct command *const *c = commands; *c; c++)
        print_values(*c);
    puts("    *)\n"
         "        case $cur in\n"
         "        -*) _bide_options \"$command\" ;;\n"
         "        *) _bide_operands \"$command\" ;;\n"
         "        esac ;;\n"
         "    esac\n"
         "}\n"
         "\n"
         "_bide_options()\n"
         "{\n"
         "    case $1 in");
    print_option_cases();
    puts("    esac\n"
         "}\n"
         "\n"
         "_bide_operands()\n"
         "{\n"
         "    case $1 in");
    print_operand_cases();
    puts("    esac\n"
         "}\n"
         "\n"
         "complete -o default -F _bide bide");
}
