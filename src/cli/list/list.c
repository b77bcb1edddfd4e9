/* SPDX-License-Identifier: MIT */
/*
 * list.c - entries of a list: finding out its form, and lines into entries.
 *
 * A URL alone is given from the buffer as it is.  Where options of aria2's may follow, an entry is kept until the first
 * line that is none; a line that belongs to the next entry is held back.  A pipe that gives nothing for a while ends the
 * entry: who writes a URL waits for it to be fetched.
 */
#include "cli/list/list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"

#define IDLE_MS 100
#define LONGEST_OBJECT ((1 << 20) - 1) /* a line of JSON has a body, perhaps */

void list_begin(struct list *l, struct list_rules *rules, enum list_form form, const struct columns *columns)
{
    memset(l, 0, offsetof(struct list, lines));
    l->rules = rules;
    l->form = form;
    l->is_known = true;
    l->columns = columns;
}

int list_open(struct list *l, const char *path, struct list_rules *rules)
{
    list_begin(l, rules, rules->form, &rules->columns);
    l->is_known = rules->form == LIST_LINES;
    int code = lines_open(&l->lines, path);
    l->lines.longest = rules->form == LIST_AUTO || rules->form == LIST_JSONL ? LONGEST_OBJECT : 0;
    return code;
}

void list_end(struct list *l)
{
    draft_free(&l->draft);
    text_free(&l->url);
}

void list_close(struct list *l)
{
    lines_close(&l->lines);
    list_end(l);
}

uint64_t list_place(const struct list *l, uint64_t *line)
{
    *line = l->is_open ? l->first : l->is_held ? l->lines.number : l->lines.number + 1;
    return l->is_open ? l->begin : l->is_held ? l->lines.begin : l->lines.offset;
}

void columns_free_all(struct columns *first)
{
    for (struct columns *c = first, *next; c; c = next) {
        next = c->next;
        columns_free(c);
        free(c);
    }
}

void list_rules_free(struct list_rules *rules)
{
    columns_free_all(rules->heads);
    columns_free(&rules->columns);
    *rules = (struct list_rules){0};
}

/* ---- giving ---- */

static int bad(struct list *l, struct list_entry *e, int code, const char *fault)
{
    e->fault = fault;
    e->line = l->lines.number;
    return code;
}

/* <http://...> and "http://..." are what stands between. */
static void strip(const char **text, size_t *len)
{
    const char *s = *text;

    while (*len > 0 && (*s == ' ' || *s == '\t')) {
        s++;
        (*len)--;
    }
    while (*len > 0 && (s[*len - 1] == ' ' || s[*len - 1] == '\t'))
        (*len)--;
    if (*len > 2 && ((s[0] == '<' && s[*len - 1] == '>') || (s[0] == '"' && s[*len - 1] == '"'))) {
        s++;
        *len -= 2;
    }
    *text = s;
}

static int give(struct list *l, struct list_entry *e, const char *url, size_t len)
{
    strip(&url, &len);
    e->url = url;
    e->len = len;
    if (len <= LINES_LONGEST)
        return LIST_GOT;
    e->len = salvage_length(url, len);
    return bad(l, e, LIST_BAD, "the URL is longer than 65535 bytes");
}

static void note_place(struct list *l)
{
    l->line = l->first = l->lines.number;
    l->begin = l->lines.begin;
    l->end = l->lines.offset;
}

/* Of a form that may be mixed, what is a URL alone is read again as such. */
static void set_place(const struct list *l, struct list_entry *e)
{
    bool is_alone = !l->has_options && !e->extras && (l->form == LIST_AUTO || l->form == LIST_ARIA2);

    e->line = l->line;
    e->begin = l->begin;
    e->end = l->end;
    e->form = is_alone ? LIST_LINES : l->form;
    e->columns = l->columns;
}

/* The entry in l->url and l->draft. */
static int give_entry(struct list *l, struct list_entry *e)
{
    const char *fault = l->url.no_memory ? extras_no_memory : extras_new(&l->draft, l->rules->nvariables, &e->extras);
    int code = give(l, e, text_string(&l->url), l->url.len);

    l->is_open = false;
    l->lines.wait_ms = 0;
    set_place(l, e);
    e->fault = fault ? fault : e->fault;
    return fault ? LIST_BAD : code;
}

/* ---- which form ---- */

static bool is_markup(const char *line, size_t len)
{
    return line[0] == '<' && !(line[len - 1] == '>' && memmem(line, len, "://", 3) && !memchr(line, ' ', len) &&
                               !memmem(line, len, "</", 2));
}

static int find_head(struct list *l, struct list_entry *e)
{
    struct columns *c = calloc(1, sizeof *c);
    if (!c)
        return bad(l, e, LIST_REFUSED, extras_no_memory);

    const char *fault = columns_parse(c, l->rules, l->lines.raw, l->lines.raw_len, '\t', &l->draft.why);
    c->next = l->rules->heads;
    l->rules->heads = c;
    l->columns = c;
    l->form = LIST_TSV;
    l->lines.has_no_comments = c->at[0].kind != COLUMN_URL;
    return fault ? bad(l, e, LIST_REFUSED, fault) : LIST_NOTE;
}

/* By its first line.  Returns: LIST_REFUSED; LIST_NOTE: this line is no entry; LIST_GOT: it is one. */
static int find_form(struct list *l, struct list_entry *e, const char *line, size_t len)
{
    bool is_auto = l->form == LIST_AUTO;
    const struct columns *given = &l->rules->columns;

    l->is_known = true;
    if (is_auto && given->n > 0)
        l->form = LIST_TSV;
    if (is_auto && given->n == 0 && line[0] == '{')
        l->form = LIST_JSONL;
    if (is_auto && line[0] == '[')
        return bad(l, e, LIST_REFUSED, "this is an array; lines of JSON are read, one object each: jq -c '.[]' makes them");
    if (is_auto && is_markup(line, len))
        return bad(l, e, LIST_REFUSED, strncasecmp(line, "<?xml", len < 5 ? len : 5) == 0 ? "this is XML, no list of URLs"
                                                                                             : "this is HTML, no list of URLs");
    if (is_auto && !memchr(line, '\t', len) && memchr(line, ',', len) && columns_is_head(line, len, ','))
        return bad(l, e, LIST_REFUSED, "there are commas between the names of columns; tabs are read: --columns url,name,...");
    l->lines.longest = l->form == LIST_JSONL ? LONGEST_OBJECT : 0;
    bool is_head = (is_auto || l->form == LIST_TSV) && columns_is_head(line, len, '\t');
    if (is_head && given->n == 0)
        return find_head(l, e);
    if (l->form == LIST_TSV && given->n == 0)
        return bad(l, e, LIST_REFUSED, "the first line does not name the columns; --columns url,... does");
    l->lines.has_no_comments = l->form == LIST_TSV && given->at[0].kind != COLUMN_URL;
    return is_head ? LIST_NOTE : LIST_GOT;
}

/* ---- one line each ---- */

static int give_tsv(struct list *l, struct list_entry *e)
{
    const char *url = NULL;
    size_t len = 0;

    tsv_parse(&l->draft, l->columns, l->lines.raw, l->lines.raw_len, &url, &len);
    text_add(&l->url, url ? url : "", len);
    return give_entry(l, e);
}

static int give_jsonl(struct list *l, struct list_entry *e, const char *line, size_t len)
{
    jsonl_parse(&l->draft, l->rules, line, len, &l->url);
    return give_entry(l, e);
}

/* ---- URLs, and options below them ---- */

static bool may_options_follow(const struct list *l)
{
    int next = lines_peek(&l->lines);

    return next != -1 && strchr(" \t#\r\n", next == LINES_UNKNOWN ? ' ' : next);
}

static void keep_open(struct list *l, const char *line, size_t len)
{
    text_add(&l->url, line, len);
    l->is_open = true;
    l->lines.wait_ms = l->lines.is_file ? 0 : IDLE_MS;
}

static int begin_entry(struct list *l, struct list_entry *e, const char *line, size_t len, bool is_indented)
{
    size_t url_len = len;

    if (l->form == LIST_AUTO && is_markup(line, len))
        return bad(l, e, LIST_BAD, "this is markup, and no URL");
    if (is_indented && aria2_is_option(line, len))
        return bad(l, e, LIST_BAD, "an option, and no URL above it");
    if (memchr(line, '\t', len))
        aria2_fields(&l->draft, l->rules, line, len, l->form == LIST_AUTO, &url_len);
    if (may_options_follow(l)) {
        keep_open(l, line, url_len);
        return LIST_NOTE;
    }
    if (url_len < len) {
        text_add(&l->url, line, url_len);
        return give_entry(l, e);
    }
    set_place(l, e);
    return give(l, e, line, len);
}

/* Returns: LIST_GOT: there is nothing to say */
static int take_option(struct list *l, struct list_entry *e, const char *line, size_t len)
{
    const char *ignored, *before = l->draft.fault;

    aria2_option(&l->draft, l->rules, line, len, &ignored);
    l->has_options = true;
    l->end = l->lines.offset;
    if (l->draft.fault && !before)
        l->line = l->lines.number;
    return ignored ? bad(l, e, LIST_NOTE, ignored) : LIST_GOT;
}

/* ---- all ---- */

static int hold(struct list *l, int got, char *line, size_t len, const char *fault)
{
    l->is_held = true;
    l->held = got;
    l->held_line = line;
    l->held_len = len;
    l->held_fault = fault;
    return LIST_END;
}

void list_cut(struct list *l)
{
    int next = lines_peek(&l->lines);

    if (l->is_open && (next == ' ' || next == '\t'))
        draft_fault(&l->draft, "the list is cut off within its options");
    lines_cut(&l->lines);
}

static int next_line(struct list *l, char **line, size_t *len, const char **fault)
{
    if (!l->is_held)
        return lines_next(&l->lines, line, len, fault);
    l->is_held = false;
    *line = l->held_line;
    *len = l->held_len;
    *fault = l->held_fault;
    return l->held;
}

/* One that cannot be read, and is no option either. */
static int bad_line(struct list *l, struct list_entry *e, const char *line, size_t len, const char *fault)
{
    bool is_table = l->form == LIST_TSV;

    text_clear(&l->url);
    draft_clear(&l->draft);
    if (line == l->lines.raw || !aria2_is_option(line, len))
        salvage_line(&l->draft, l->form, l->columns, is_table ? l->lines.raw : line, is_table ? l->lines.raw_len : len, &l->url);
    e->url = text_string(&l->url);
    e->len = l->url.no_memory ? 0 : l->url.len;
    return bad(l, e, LIST_BAD, l->url.no_memory ? extras_no_memory : fault);
}

/* A line that begins an entry. */
static int take_line(struct list *l, struct list_entry *e, char *line, size_t len)
{
    int code = l->is_known ? LIST_GOT : find_form(l, e, line, len);
    if (code != LIST_GOT)
        return code;

    note_place(l);
    draft_clear(&l->draft);
    text_clear(&l->url);
    l->has_options = false;
    if (l->form == LIST_TSV)
        return give_tsv(l, e);
    if (l->form == LIST_JSONL)
        return give_jsonl(l, e, line, len);
    return begin_entry(l, e, line, len, line > l->lines.raw);
}

int list_next(struct list *l, struct list_entry *e)
{
    char *line = NULL;
    const char *fault = NULL;
    size_t len = 0;

    *e = (struct list_entry){0};
    for (;;) {
        int got = next_line(l, &line, &len, &fault);
        bool is_option = got == LINES_GOT && l->is_open && line > l->lines.raw && aria2_is_option(line, len);
        if (l->is_open && (got == LINES_END || (got == LINES_MORE && l->lines.is_idle)))
            return give_entry(l, e);
        if (l->is_open && got != LINES_MORE && !is_option) {
            hold(l, got, line, len, fault);
            return give_entry(l, e);
        }
        if (got == LINES_MORE || got == LINES_END)
            return got;
        if (got == LINES_BAD)
            return bad_line(l, e, line, len, fault);
        if (l->form == LIST_LINES) {
            note_place(l);
            set_place(l, e);
            return give(l, e, line, len);
        }
        int code = is_option ? take_option(l, e, line, len) : take_line(l, e, line, len);
        if (is_option ? code != LIST_GOT : code != LIST_NOTE || e->fault)
            return code;
    }
}
