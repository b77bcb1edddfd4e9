/* SPDX-License-Identifier: MIT */
/*
 * command_config.c - `bide config show`: which value each option has, and where it is from.
 *
 * What it prints can be read again as a configuration.  What may be a secret is printed as ***.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/option/config.h"
#include "cli/terminal/text.h"

struct config_options {
    bool origin;
};

static const struct opt options[] = {
    {"origin", 0, NULL, OPT_FLAG(struct config_options, origin), .group = "Output", .help = "and where each value is from"},
    {0},
};

/* ---- secrets ---- */

/* Fields that carry none; of all others the value is not shown. */
static bool is_harmless_field(const char *line, size_t len)
{
    static const char *const names[] = {"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Type",
                                        "User-Agent", "Range", "If-Modified-Since"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && strncasecmp(line, names[i], len) == 0)
            return true;
    return false;
}

static void add_redacted(struct text *to, const struct opt *row, const char *value)
{
    size_t name = row->kind == OPT_KIND_LIST ? strcspn(value, ":") : 0;

    if (value[0] == '@' || (name > 0 && is_harmless_field(value, name)))
        text_add_string(to, value);
    else if (name > 0 && value[name] == ':')
        text_format(to, "%.*s: ***", (int)name, value);
    else
        text_add_string(to, "***");
}

/* A URL in it is shown without user and password. */
static void add_shown(struct text *to, const struct opt *row, const char *value)
{
    size_t begin = 0, end = 0;

    if (row->secret) {
        add_redacted(to, row, value);
        return;
    }
    if (secrets_in_url(value, &begin, &end)) {
        text_add(to, value, begin);
        text_add_string(to, "***@");
    }
    text_add_string(to, value + end);
}

/* ---- one value ---- */

static bool needs_quotes(const char *value)
{
    size_t len = strlen(value);

    return len > 0 && (value[0] == '"' || value[0] == ' ' || value[0] == '\t' || value[len - 1] == ' ' || value[len - 1] == '\t');
}

static void add_quoted(struct text *to, const char *value)
{
    text_add_char(to, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            text_add_char(to, '\\');
        text_add_char(to, *value);
    }
    text_add_char(to, '"');
}

static void add_value(struct text *to, const struct opt *row, const char *value)
{
    struct text shown = {0};

    add_shown(&shown, row, value);
    if (needs_quotes(text_string(&shown)))
        add_quoted(to, text_string(&shown));
    else
        text_add_string(to, text_string(&shown));
    to->no_memory |= shown.no_memory;
    text_free(&shown);
}

static void add_origin(struct text *to, const struct opt *row, const struct opt_origin *from)
{
    char name[ENVIRONMENT_NAME];

    switch (from->layer) {
    case OPT_DEFAULT:
        text_add_string(to, "default");
        break;
    case OPT_SYSTEM:
    case OPT_USER:
    case OPT_FILE:
        text_format(to, "%s:%d", from->where, from->line);
        break;
    case OPT_ENVIRONMENT:
        text_add_string(to, environment_name(row, name));
        break;
    case OPT_WORDS:
        text_format(to, "--%s", row->name);
        break;
    }
}

static void add_line(struct text *to, const struct opt *row, const struct opt_origin *from, const char *value, bool origin)
{
    size_t begin = to->len;

    text_format(to, "%s =", row->name);
    if (value && value[0]) {
        text_add_char(to, ' ');
        add_value(to, row, value);
    }
    if (origin) {
        size_t width = to->len - begin;
        text_format(to, "%*s# ", width < 38 ? (int)(40 - width) : 2, "");
        add_origin(to, row, from);
    }
    text_add_char(to, '\n');
}

static const char *no_value(const struct opt *row)
{
    return row->kind == OPT_KIND_FLAG ? "no" : row->kind == OPT_KIND_COUNT ? "0" : NULL;
}

static void add_row(struct text *to, struct opt_values *v, const struct opt *row, bool origin)
{
    const struct opt_origin *from = opt_origin(v, row);
    const struct opt_list *list = row->kind == OPT_KIND_LIST ? opt_member(v, row) : NULL;

    for (size_t i = 0; list && i < list->len; i++)
        add_line(to, row, from, list->items[i], origin);
    if (!list || list->len == 0)
        add_line(to, row, from, list ? NULL : from->text ? from->text : row->def ? row->def : no_value(row), origin);
}

/* ---- all of them ---- */

static int add_command(struct text *to, const struct command *c, bool origin)
{
    char *into = calloc(1, OPT_INTO_MAX);
    if (!into)
        return say_no_memory();
    struct opt_values v = {.command = c, .into = into};
    int code = opt_load(&v);

    if (code == OPT_GO && to->len == 0)
        add_row(to, &v, common_rows, origin);
    if (code == OPT_GO)
        text_format(to, "\n[%s]\n", c->name);
    for (const struct opt *o = c->options; code == OPT_GO && o && o->name; o++)
        add_row(to, &v, o, origin);
    opt_free(c, into);
    free(into);
    return code;
}

static int show(const struct command *self, const struct command *only, bool origin)
{
    struct text t = {0};
    int code = OPT_GO;

    for (const struct command *const *c = program.commands; *c && code == OPT_GO; c++)
        if (only ? *c == only : (*c)->options && *c != self)
            code = add_command(&t, *c, origin);
    if (code == OPT_GO && t.no_memory)
        code = say_no_memory();
    if (code == OPT_GO) {
        fputs(text_string(&t), stdout);
        code = say_flush();
    }
    text_free(&t);
    return code;
}

static int config_main(const struct command *self, int argc, char **argv)
{
    struct config_options o = {0};
    int result = opt_parse(self, &argc, argv, &o);
    if (result != OPT_GO)
        return result;

    const struct command *only = argc == 3 ? command_find(argv[2]) : NULL;
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "show") == 0 && (argc == 2 || only))
        return show(self, only, o.origin);
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        say("there is no command '%s'; `bide help` lists them", argv[2]);
    else
        say("expected show, or show COMMAND");
    return EXIT_USAGE;
}

static const char *const examples[] = {
    "what counts, and where it is from", "bide config show --origin",
    "of one command", "bide config show fetch",
    NULL,
};

const struct command command_config = {
    .name = "config",
    .operands = "show [COMMAND]",
    .brief = "show what files and the environment set",
    .about =
        "`bide config show` prints each option with the value that it has when the command line says nothing, in the form of a "
        "configuration file. Passwords, bodies and the values of most headers are shown as ***, and URLs without user and "
        "password.\n"
        "\n"
        "A value is taken from the first of these that has one:\n"
        "\n"
        "    1  the command line\n"
        "    2  the environment: BIDE_ and the option's name in capitals, with _\n"
        "       for -, such as BIDE_PER_HOST=4; empty is as if it were not set\n"
        "    3  the file of --config FILE\n"
        "    4  $XDG_CONFIG_HOME/bide/config, else ~/.config/bide/config\n"
        "    5  /etc/bide/config\n"
        "    6  the default\n"
        "\n"
        "A list, such as that of --header, counts as one value. In a variable it has one item a line, in a file one line for each. "
        "Of two options that exclude each other, such as --output and --output-dir, the one from the higher place counts.\n"
        "\n"
        "    # a file\n"
        "    user-agent = example-fetcher/1.0\n"
        "    color = never\n"
        "\n"
        "    [fetch]\n"
        "    per-host = 4\n"
        "    header = \"X-Note: in quotes a text keeps its spaces\"\n"
        "\n"
        "Keys are the long names of options. In front of the first section stands what is for all commands that have such an "
        "option; in [fetch], what is for `bide fetch`. Options without a value are yes or no. A comment has a line of its own. An "
        "empty value is the default.\n"
        "\n"
        "--no-config (or BIDE_NO_CONFIG=1) reads neither 4 nor 5. What is wrong in a file or a variable is a usage error, with file "
        "and line, or with the name of the variable. `bide config show --origin` prints what counts and where it is from. Passwords, headers and bodies "
        "are taken out of the environment when they have been read. Programs that use the library read none "
        "of this.",
    .examples = examples,
    .options = options,
    .main = config_main,
};
