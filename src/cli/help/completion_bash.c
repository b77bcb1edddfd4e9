/* SPDX-License-Identifier: MIT */
/*
 * completion_bash.c - the option tables as a completion script for bash.
 *
 * The script holds, for each command, its options and what their values may be; a short function looks them up.
 */
#include <string.h>

#include "cli/option/opt.h"

static void print_words(const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++) {
        printf("--%s ", o->name);
        if (o->letter)
            printf("-%c ", o->letter);
    }
}

static void print_option_words(const struct command *c)
{
    print_words(c->options);
    print_words(common_rows);
    fputs("--help -h --version -V", stdout);
}

/* What bash shall offer as the value: words, files, directories, or nothing. */
static void print_value_of(const struct opt *o)
{
    if (o->kind == OPT_KIND_CHOICE) {
        fputs("_bide_reply -W '", stdout);
        for (const char *const *w = o->choices; *w; w++)
            printf("%s%s", w == o->choices ? "" : " ", *w);
        puts("' ;;");
    } else if (strncmp(o->arg, "DIR", 3) == 0) {
        puts("_bide_reply -d ;;");
    } else if (strncmp(o->arg, "FILE", 4) == 0) {
        puts("_bide_reply -f ;;");
    } else {
        puts("compopt +o default ;;");
    }
}

/* A case of `$command:$prev` for each option that takes a value. */
static void print_values(const char *command, const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++) {
        if (!o->arg)
            continue;
        printf("    %s:--%s", command, o->name);
        if (o->letter)
            printf("|%s:-%c", command, o->letter);
        fputs(") ", stdout);
        print_value_of(o);
    }
}

static void print_names(void)
{
    for (const struct command *const *c = program.commands; *c; c++)
        printf("%s%s", c == program.commands ? "" : " ", (*c)->name);
}

static void print_option_cases(void)
{
    for (const struct command *const *c = program.commands; *c; c++) {
        printf("    %s) _bide_reply -W '", (*c)->name);
        print_option_words(*c);
        puts("' ;;");
    }
}

static void print_operand_cases(void)
{
    fputs("    help) _bide_reply -W '", stdout);
    print_names();
    for (const struct topic *t = topics; t->name; t++)
        printf(" %s", t->name);
    puts("' ;;\n"
         "    completion) _bide_reply -W 'bash zsh fish' ;;\n"
         "    config) _bide_reply -W 'show' ;;");
}

static void print_main(void)
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
         "    [[ $command == *://* ]] && command=fetch");
    fputs("    if [[ $COMP_CWORD -eq 1 ]]; then\n        _bide_reply -W '", stdout);
    print_names();
    puts(" --help --version'\n"
         "    elif ! _bide_value \"$command:$prev\"; then\n"
         "        case $cur in\n"
         "        -*) _bide_option \"$command\" ;;\n"
         "        *) _bide_operand \"$command\" ;;\n"
         "        esac\n"
         "    fi\n"
         "}\n\n"
         "_bide_reply()\n"
         "{\n"
         "    mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$cur\")\n"
         "    [[ $1 == -W ]] || compopt -o filenames\n"
         "}\n");
}

/* A function whose one argument is looked up in cases. */
static void begin_lookup(const char *name, const char *about)
{
    printf("# %s\n%s()\n{\n    case $1 in\n", about, name);
}

static void end_lookup(const char *otherwise)
{
    printf("    *) %s ;;\n    esac\n}\n\n", otherwise);
}

void completion_print_bash(void)
{
    print_main();
    begin_lookup("_bide_value", "The value of the option in command:option; false: it takes none.");
    for (const struct command *const *c = program.commands; *c; c++)
        print_values((*c)->name, (*c)->options);
    print_values("*", common_rows);
    end_lookup("return 1");
    begin_lookup("_bide_option", "The options of a command.");
    print_option_cases();
    end_lookup(":");
    begin_lookup("_bide_operand", "What else it may be given.");
    print_operand_cases();
    end_lookup(":");
    puts("complete -o default -F _bide bide");
}
