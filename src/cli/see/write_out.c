/* SPDX-License-Identifier: MIT */
/*
 * write_out.c - --write-out: a format in curl's language, printed after each URL.
 *
 *     %{name}  a variable       %header{Name}  a field of the answer      %%  a percent sign
 *     %{json} %{stdout} %{stderr} %{onerror}                              \n \r \t
 */
#include "cli/see/see.h"

#include <string.h>
#include <unistd.h>

/* ---- the language ---- */

enum piece_kind { PIECE_TEXT, PIECE_CHARACTER, PIECE_VARIABLE, PIECE_HEADER, PIECE_UNENDED };

struct piece {
    enum piece_kind kind;
    const char *at; /* a text, or a name */
    size_t len;
};

/* What stands in braces behind `at`. */
static struct piece in_braces(enum piece_kind kind, const char *at)
{
    size_t len = strcspn(at, "}");

    return (struct piece){at[len] ? kind : PIECE_UNENDED, at, len};
}

static struct piece escaped(const char *at)
{
    static const char from[] = "nrt", to[] = "\n\r\t";
    const char *found = at[1] ? strchr(from, at[1]) : NULL;

    return found ? (struct piece){PIECE_CHARACTER, to + (found - from), 1} : (struct piece){PIECE_TEXT, at, 1 + (at[1] != '\0')};
}

/* The next one; false: that was all. */
static bool next_piece(const char **at, struct piece *p)
{
    const char *from = *at;
    if (!*from)
        return false;

    if (strncmp(from, "%{", 2) == 0)
        *p = in_braces(PIECE_VARIABLE, from + 2);
    else if (strncmp(from, "%header{", 8) == 0)
        *p = in_braces(PIECE_HEADER, from + 8);
    else if (strncmp(from, "%%", 2) == 0)
        *p = (struct piece){PIECE_CHARACTER, from, 1};
    else if (*from == '\\')
        *p = escaped(from);
    else
        *p = (struct piece){PIECE_TEXT, from, 1 + strcspn(from + 1, "%\\")};
    *at = p->at + p->len + (p->kind == PIECE_VARIABLE || p->kind == PIECE_HEADER);
    if (p->kind == PIECE_CHARACTER)
        *at = from + 2;
    return true;
}

static const char *const others[] = {"json", "onerror", "stderr", "stdout", NULL};

static bool is_name(const struct piece *p, const char *name)
{
    return strlen(name) == p->len && memcmp(p->at, name, p->len) == 0;
}

static bool is_known(const struct piece *p)
{
    for (const char *const *o = others; *o; o++)
        if (is_name(p, *o))
            return true;
    return facts_know(p->at, p->len);
}

static int refuse(const struct piece *p)
{
    struct text names = {0};

    facts_list(&names);
    if (p->kind == PIECE_UNENDED)
        say("--write-out: a } is missing behind '{%.*s'", (int)(p->len < 64 ? p->len : 64), p->at);
    else
        say("--write-out: there is no %%{%.*s}; there are %s, json, onerror, stderr, stdout", (int)(p->len < 64 ? p->len : 64), p->at,
            text_string(&names));
    text_free(&names);
    return EXIT_USAGE;
}

int write_out_check(const char *format)
{
    struct piece p;

    while (next_piece(&format, &p))
        if (p.kind == PIECE_UNENDED || (p.kind == PIECE_VARIABLE && !is_known(&p)))
            return refuse(&p);
    return EXIT_OK;
}

void write_out_describe(struct text *to)
{
    text_add_string(to, "FORMAT of --write-out is printed to standard output after each URL, also one that has failed. In it stand\n\n"
                        "    %{NAME}          a variable of those below\n"
                        "    %header{NAME}    the first field of that name of the answer\n"
                        "    %{json}          all variables as an object of JSON\n"
                        "    %{stderr}        what follows goes to standard error\n"
                        "    %{stdout}        and from here on to standard output again\n"
                        "    %{onerror}       what follows is for URLs that have failed\n"
                        "    \\n \\r \\t %%      a line end, CR, a tab, a percent sign\n\nThe variables are ");
    facts_list(to);
    text_add_string(to, ".\n\nThey are curl's, with its meanings. Times are seconds since the request began; of several attempts the last "
                        "counts. size_download has the bytes as they came, before a coding was taken off; size_request the heads "
                        "that were sent. exitcode is bide's for this URL alone, and ssl_verify_result is 0 where nothing was wrong, "
                        "1 for a certificate that was not accepted, and empty with --insecure.");
}

/* ---- printing ---- */

static void add(struct text *to, const struct piece *p, const struct seen *s, const struct ending *end)
{
    if (p->kind == PIECE_TEXT || p->kind == PIECE_CHARACTER)
        text_add(to, p->at, p->len);
    else if (p->kind == PIECE_HEADER)
        facts_add_header(to, s, p->at, p->len);
    else if (is_name(p, "json"))
        facts_add_json(to, s, end);
    else
        facts_add(to, p->at, p->len, s, end);
}

/* Others may come with theirs while this waits: it writes these, too. */
static int flush(struct see *see)
{
    struct text going;
    int code = 0;
    if (see->is_printing)
        return 0;

    see->is_printing = true;
    while (see->waiting.len > 0 && code == 0) {
        going = see->waiting;
        see->waiting = (struct text){0};
        code = going.no_memory ? bide_fail(BIDE_ENOMEM, "--write-out: out of memory") : output_write(going.data, going.len);
        text_free(&going);
    }
    see->is_printing = false;
    return code;
}

int write_out_print(struct seen *s, const struct ending *end)
{
    struct see *see = s->see;
    const char *format = see->format;
    struct text *to = &see->waiting, errors = {0};
    struct piece p;
    if (!format)
        return 0;

    while (next_piece(&format, &p)) {
        if (p.kind == PIECE_VARIABLE && is_name(&p, "onerror")) {
            if (end->code == EXIT_OK)
                break;
        } else if (p.kind == PIECE_VARIABLE && is_name(&p, "stderr")) {
            to = &errors;
        } else if (p.kind == PIECE_VARIABLE && is_name(&p, "stdout")) {
            to = &see->waiting;
        } else {
            add(to, &p, s, end);
        }
    }
    see_print(see, STDERR_FILENO, &errors);
    text_free(&errors);
    return flush(see);
}
