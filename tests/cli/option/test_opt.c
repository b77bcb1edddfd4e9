/* SPDX-License-Identifier: MIT */
/* test_opt.c - the option table: what is read, what is refused, and that the tables themselves are in order. */
#include <ctype.h>

#include "cli/option/opt.h"
#include "harness/harness.h"

/* ---- values ---- */

struct amount {
    const char *text;
    int64_t value; /* -1: refused */
};

static void check_amounts(bool (*read)(const char *, int64_t *), const struct amount *a)
{
    for (; a->text; a++) {
        int64_t got = -1;
        bool ok = read(a->text, &got);
        if (ok != (a->value >= 0) || (ok && got != a->value))
            FAIL("'%s' gave %s %lld", a->text, ok ? "yes" : "no", (long long)got);
    }
}

UNIT(opt_duration_reads_units_and_fractions)
{
    check_amounts(opt_read_duration, (struct amount[]){{"0", 0},
                                                       {"10", 10000},
                                                       {"1.5", 1500},
                                                       {".5", 500},
                                                       {"0.1s", 100},
                                                       {"500ms", 500},
                                                       {"500MS", 500},
                                                       {"5m", 300000},
                                                       {"1h", 3600000},
                                                       {"2d", 172800000},
                                                       {"0.0001", 1}, /* not nothing */
                                                       {"", -1},
                                                       {".", -1},
                                                       {"-1", -1},
                                                       {"+1", -1},
                                                       {" 1", -1},
                                                       {"1 s", -1},
                                                       {"1x", -1},
                                                       {"1.2.3", -1},
                                                       {"99999999999999999999", -1},
                                                       {"9999999999999999d", -1},
                                                       {NULL, 0}});
}

UNIT(opt_milliseconds_reads_a_bare_number_as_such)
{
    check_amounts(opt_read_milliseconds,
                  (struct amount[]){{"100", 100}, {"100ms", 100}, {"1.5s", 1500}, {"1m", 60000}, {"x", -1}, {NULL, 0}});
}

UNIT(opt_size_reads_units)
{
    check_amounts(opt_read_size, (struct amount[]){{"0", 0},
                                                   {"500", 500},
                                                   {"1k", 1024},
                                                   {"1KiB", 1024},
                                                   {"1kb", 1000},
                                                   {"1.5M", 1572864},
                                                   {"2G", 2147483648},
                                                   {"1T", 1099511627776},
                                                   {"8388608T", -1},
                                                   {"1X", -1},
                                                   {"-5", -1},
                                                   {NULL, 0}});
}

UNIT(opt_rate_reads_per_second_minute_hour)
{
    double rate;

    EXPECT_TRUE(opt_read_rate("50", &rate) && rate == 50);
    EXPECT_TRUE(opt_read_rate("50/s", &rate) && rate == 50);
    EXPECT_TRUE(opt_read_rate("600/m", &rate) && rate == 10);
    EXPECT_TRUE(opt_read_rate("1800/h", &rate) && rate == 0.5);
    EXPECT_TRUE(opt_read_rate("0.5", &rate) && rate == 0.5);
    EXPECT_FALSE(opt_read_rate("50/d", &rate) || opt_read_rate("-1", &rate) || opt_read_rate("", &rate));
}

/* ---- the parser, with a table that has one of each ---- */

struct all {
    bool flag, no_color;
    int count, number, choice;
    int64_t duration, timeout, size;
    double rate;
    const char *string;
    struct opt_list list;
};

static const struct opt rows[] = {
    {"flag", 'f', NULL, OPT_FLAG(struct all, flag), .help = "x"},
    {"no-shape", 0, NULL, OPT_FLAG(struct all, no_color), .help = "x"},
    {"count", 'v', NULL, OPT_COUNT(struct all, count), .help = "x"},
    {"number", 'n', "N", OPT_INT(struct all, number), .min = 1, .max = 9, .def = "5", .help = "x"},
    {"choice", 0, "X", OPT_CHOICE(struct all, choice), .choices = (const char *const[]){"red", "green", NULL}, .help = "x"},
    {"duration", 0, "T", OPT_DURATION(struct all, duration), .help = "x"},
    {"timeout", 0, "T", OPT_TIMEOUT(struct all, timeout), .def = "10s", .help = "x"},
    {"size", 0, "S", OPT_SIZE(struct all, size), .help = "x"},
    {"rate", 'r', "R", OPT_RATE(struct all, rate), .help = "x"},
    {"string", 's', "T", OPT_STRING(struct all, string), .help = "x"},
    {"list", 'l', "T", OPT_LIST(struct all, list), .help = "x"},
    {0},
};

static const struct command command = {.name = "test", .operands = "[X]...", .brief = "x", .options = rows};

static struct all all;
static int argc;
static char *argv[16];

/* Parse these words; argc and argv are what is left. */
static int parse(const char *const *words)
{
    all = (struct all){0};
    argv[0] = (char *)(uintptr_t) "test";
    for (argc = 1; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    argv[argc] = NULL;
    return opt_parse(&command, &argc, argv, &all);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

UNIT(opt_defaults_are_set)
{
    EXPECT_EQ(PARSE(NULL), OPT_GO);
    EXPECT_EQ(all.number, 5);
    EXPECT_EQ(all.timeout, 10000);
    EXPECT_NULL(all.string);
    EXPECT_NULL(all.list.items);
    EXPECT_EQ(argc, 1);
}

UNIT(opt_all_ways_to_write_one)
{
    EXPECT_EQ(PARSE("-fvvn3", "-s", "a", "--list=1", "--list", "2", "-l3", "--choice", "green", "--size=1K", "-r600/m"), OPT_GO);
    EXPECT_TRUE(all.flag);
    EXPECT_EQ(all.count, 2);
    EXPECT_EQ(all.number, 3);
    EXPECT_EQ(all.choice, 1);
    EXPECT_EQ(all.size, 1024);
    EXPECT_TRUE(all.rate == 10);
    EXPECT_STR(all.string, "a");
    EXPECT_EQ(all.list.len, 3);
    EXPECT_STR(all.list.items[2], "3");
    EXPECT_NULL(all.list.items[3]);
    opt_free(&command, &all);
    EXPECT_NULL(all.list.items);
}

UNIT(opt_flag_is_taken_back)
{
    EXPECT_EQ(PARSE("--flag", "--no-flag"), OPT_GO);
    EXPECT_FALSE(all.flag);
    EXPECT_EQ(PARSE("--no-number"), EXIT_USAGE);
    EXPECT_EQ(PARSE("--no-shape", "--shape"), OPT_GO);
    EXPECT_FALSE(all.no_color);
    EXPECT_EQ(PARSE("--no-shape"), OPT_GO);
    EXPECT_TRUE(all.no_color);
}

UNIT(opt_timeout_of_0_is_no_limit)
{
    EXPECT_EQ(PARSE("--timeout", "0", "--duration", "0"), OPT_GO);
    EXPECT_EQ(all.timeout, BIDE_FOREVER);
    EXPECT_EQ(all.duration, 0);
}

UNIT(opt_operands_keep_their_order_among_options)
{
    EXPECT_EQ(PARSE("a", "-f", "-", "-n", "2", "b", "--", "-x", "--flag"), OPT_GO);
    EXPECT_EQ(argc, 6);
    EXPECT_STR(argv[1], "a");
    EXPECT_STR(argv[2], "-");
    EXPECT_STR(argv[3], "b");
    EXPECT_STR(argv[4], "-x");
    EXPECT_STR(argv[5], "--flag");
    EXPECT_NULL(argv[6]);
}

UNIT(opt_empty_values_are_values)
{
    EXPECT_EQ(PARSE("--string=", "-s", ""), OPT_GO);
    EXPECT_STR(all.string, "");
    EXPECT_EQ(PARSE("--number="), EXIT_USAGE);
}

UNIT(opt_what_is_wrong_is_refused)
{
    static const char *const wrong[] = {"--number=0", "--number=10", "--number=2.5", "--number=x", "--number=99999999999",
                                        "--number", "-n", "--choice=blue", "--choice=", "--flag=yes", "--unknown", "-x",
                                        "-fx", "--numbe=3", "--", NULL};
    for (const char *const *w = wrong; *w && strcmp(*w, "--") != 0; w++)
        if (PARSE("-l", "1", *w) != EXIT_USAGE || all.list.items)
            FAIL("%s was not refused, or left a list", *w);
}

UNIT(opt_command_without_operands_takes_none)
{
    static const struct command none = {.name = "none", .brief = "x", .options = rows};
    char *words[] = {(char *)(uintptr_t) "none", (char *)(uintptr_t) "x", NULL};
    int n = 2;

    EXPECT_EQ(opt_parse(&none, &n, words, &all), EXIT_USAGE);
}

/* ---- the tables of the commands ---- */

static bool takes_value(const struct opt *o)
{
    return o->kind != OPT_KIND_FLAG && o->kind != OPT_KIND_COUNT;
}

static void check_row(const struct command *c, const struct opt *o)
{
    if (takes_value(o) != (o->arg != NULL))
        FAIL("bide %s --%s: its kind and its arg do not fit", c->name, o->name);
    if (!o->help || !o->help[0] || o->help[strlen(o->help) - 1] == '.')
        FAIL("bide %s --%s: its help is missing or ends in a full stop", c->name, o->name);
    if (isupper((unsigned char)o->help[0]) && islower((unsigned char)o->help[1]))
        FAIL("bide %s --%s: its help begins with a capital", c->name, o->name);
    for (const struct opt *other = o + 1; other->name; other++)
        if (strcmp(o->name, other->name) == 0 || (o->letter && o->letter == other->letter))
            FAIL("bide %s: --%s and --%s are the same", c->name, o->name, other->name);
}

UNIT(opt_tables_are_in_order)
{
    static char into[4096]; /* larger than any command's struct */

    for (const struct command *const *c = program.commands; *c; c++) {
        char *words[] = {(char *)(uintptr_t)(*c)->name, NULL};
        int n = 1;
        memset(into, 0, sizeof into);
        EXPECT_EQ(opt_parse(*c, &n, words, into), OPT_GO); /* every default is acceptable */
        opt_free(*c, into);
        for (const struct opt *o = (*c)->options; o && o->name; o++)
            check_row(*c, o);
        for (const char *const *e = (*c)->examples; e && e[0]; e += 2)
            EXPECT_NOT_NULL(e[1]);
    }
}
