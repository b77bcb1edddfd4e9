/* SPDX-License-Identifier: MIT */
/* test_settings.c - the text of a configuration, and that tables fit what reads them. */
#include <stdlib.h>
#include <string.h>

#include "cli/option/config.h"
#include "cli/terminal/text.h"
#include "harness/harness.h"

static struct config_entry *entries;
static struct config_fault fault;

static ptrdiff_t parse(const char *text, size_t len)
{
    static char copy[4096];

    memcpy(copy, text, len);
    copy[len] = '\0';
    return config_parse(copy, len, &entries, &fault);
}

#define PARSE(text) parse(text, sizeof text - 1)

UNIT(config_entries_have_section_key_value_and_line)
{
    EXPECT_EQ(PARSE("# c\n a = 1 \n\n[fetch]\nb-c=x = y # z\r\n[get]\nd ="), 3);
    EXPECT_NULL(entries[0].section);
    EXPECT_STR(entries[0].key, "a");
    EXPECT_STR(entries[0].value, "1");
    EXPECT_EQ(entries[0].line, 2);
    EXPECT_STR(entries[1].section, "fetch");
    EXPECT_STR(entries[1].key, "b-c");
    EXPECT_STR(entries[1].value, "x = y # z");
    EXPECT_EQ(entries[1].line, 5);
    EXPECT_STR(entries[2].section, "get");
    EXPECT_STR(entries[2].value, "");
    free(entries);
}

UNIT(config_quotes_keep_blanks)
{
    EXPECT_EQ(PARSE("a = \" b \"\nc = \"\\\"\\\\\\n\"\nd = e\"f\ng = \"\"\n"), 4);
    EXPECT_STR(entries[0].value, " b ");
    EXPECT_STR(entries[1].value, "\"\\\\n");
    EXPECT_STR(entries[2].value, "e\"f");
    EXPECT_STR(entries[3].value, "");
    free(entries);
}

UNIT(config_empty_texts_have_no_entries)
{
    static const char *const texts[] = {"", "\n", "#", "\xef\xbb\xbf", "  \t\r\n", NULL};

    for (const char *const *t = texts; *t; t++) {
        EXPECT_EQ(parse(*t, strlen(*t)), 0);
        free(entries);
    }
}

UNIT(config_what_is_wrong_is_refused_with_its_line)
{
    static const struct {
        const char *text;
        int line;
    } wrong[] = {{"a", 1}, {"\n\na b", 3}, {"=", 1}, {" = x", 1}, {"[", 1}, {"[a", 1}, {"a = \"", 1}, {"a=1\nb = \"x\" y\n", 2},
                 {"[a]]", 1}, {NULL, 0}};

    for (int i = 0; wrong[i].text; i++)
        if (parse(wrong[i].text, strlen(wrong[i].text)) != -1 || fault.line != wrong[i].line || !fault.what[0])
            FAIL("'%s' was not refused in line %d, but %d: %s", wrong[i].text, wrong[i].line, fault.line, fault.what);
    EXPECT_EQ(PARSE("a = 1\nb\0c = 2\n"), -1);
    EXPECT_EQ(fault.line, 2);
}

/* opt_values and `bide config show` have room for every command's. */
UNIT(settings_have_room_for_every_table)
{
    size_t commons = 0;

    while (common_rows[commons].name)
        commons++;
    EXPECT_TRUE(commons < OPT_COMMON_MAX);
    for (const struct command *const *c = program.commands; *c; c++) {
        size_t rows = 0;
        for (const struct opt *o = (*c)->options; o && o->name; o++, rows++) {
            EXPECT_TRUE(o->offset + sizeof(struct opt_list) <= OPT_INTO_MAX);
            EXPECT_TRUE(strlen(o->name) + sizeof "BIDE_" <= ENVIRONMENT_NAME);
        }
        EXPECT_TRUE(rows <= OPT_ROWS_MAX);
    }
}

/* Two commands that call different things by one name would both obey a variable. */
UNIT(settings_of_one_name_mean_one_thing)
{
    for (const struct command *const *c = program.commands; *c; c++)
        for (const struct opt *o = (*c)->options; o && o->name; o++)
            for (const struct command *const *d = c + 1; *d; d++) {
                const struct opt *other = opt_find(*d, o->name, strlen(o->name));
                bool same = !other || o->own || other->own || !o->arg == !other->arg;
                if (!same || (other && o->arg && !o->own && !other->own && strcmp(o->arg, other->arg) != 0 && strcmp(o->name, "delay") != 0))
                    FAIL("--%s of bide %s and of bide %s differ: one is .own", o->name, (*c)->name, (*d)->name);
            }
}

/* `bide help curl`: each of our options that it names is one. */
UNIT(foreign_words_are_answered_with_options_that_exist)
{
    const struct command *fetch = command_find("fetch");
    struct text t = {0}, why = {0};
    const struct opt *set = NULL;
    size_t words = 0;

    foreign_describe(&t);
    for (char *line = strstr(t.data, "\n    "), *next; line; line = strstr(next, "\n    ")) {
        char *foreign = strstr(line, "--"), *ours = foreign ? strstr(foreign, "  ") : NULL;
        next = strchr(line + 1, '\n');
        EXPECT_NOT_NULL(ours);
        ours += strspn(ours, " ");
        size_t len = strcspn(ours + 2, " \n");
        if (strncmp(ours, "--", 2) == 0 && !opt_find(fetch, ours + 2, len) && !opt_find(command_find("get"), ours + 2, len))
            FAIL("this is none of ours: %.*s", (int)len + 2, ours);
        text_clear(&why);
        enum foreign is = foreign_name(fetch, foreign + 2, strcspn(foreign + 2, " "), &set, &why);
        EXPECT_EQ(is, FOREIGN_REFUSED);
        words++;
    }
    EXPECT_TRUE(words > 30);
    text_free(&t);
    text_free(&why);
}
