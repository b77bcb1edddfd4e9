/* SPDX-License-Identifier: MIT */
/*
 * list.c - fuzz target: lists in all their forms, packed or not.
 *
 * The first byte says in which form and in how large pieces the list comes.  However it is cut, the same entries come
 * out; no name leads out of its directory, no header has a line end, and what can be read again is the same again.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bide/error.h>

#include "cli/list/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_name(const char *name)
{
    for (const char *at = name; name; at++) {
        size_t len = strcspn(at, "/");
        must(!(len == 2 && memcmp(at, "..", 2) == 0) && *name != '/');
        at += len;
        if (!*at)
            return;
    }
}

static void check_extras(const struct extras *x)
{
    check_name(x->name);
    check_name(x->dir);
    must(x->bytes >= sizeof *x);
    must(!x->method || (x->method[0] && !strpbrk(x->method, " \r\n\t:")));
    for (const bide_pair *p = x->headers; p && p->name; p++)
        must(p->name[0] && !strpbrk(p->name, " :\r\n") && !strpbrk(p->value, "\r\n"));
}

/* What an entry is, as text. */
static void add_entry(struct text *t, const struct list_entry *e, int got, int nvalues)
{
    const struct extras *x = e->extras;

    text_format(t, "%d %llu ", got, (unsigned long long)e->line);
    if (e->fault)
        text_add_string(t, e->fault);
    text_add(t, e->url ? e->url : "", e->len);
    if (!x)
        return;
    check_extras(x);
    text_format(t, " %s %s %s %zu %d", x->name ? x->name : "-", x->dir ? x->dir : "-", x->method ? x->method : "-", x->body.len, x->is_json);
    for (const bide_pair *p = x->headers; p && p->name; p++)
        text_format(t, " %s:%s", p->name, p->value);
    for (int i = 0; x->values && i < nvalues; i++)
        text_format(t, " {%s}", x->values[i] ? x->values[i] : "-");
}

/* From e->begin to e->end stands the same entry. */
static void read_again(struct list_rules *rules, const char *text, const struct list_entry *e)
{
    static struct list l;
    struct list_entry again;
    struct text a = {0}, b = {0};
    int got;

    if (e->end - e->begin > LINES_BUFFER / 2)
        return;
    list_begin(&l, rules, e->form, e->columns);
    memset(&l.lines, 0, offsetof(struct lines, buffer));
    l.lines.name = "again";
    l.lines.offset = e->begin;
    l.lines.number = e->line - 1;
    l.lines.len = (size_t)(e->end - e->begin);
    l.lines.at_end = l.lines.is_file = true;
    l.lines.has_no_comments = e->form == LIST_TSV && e->columns->at[0].kind != COLUMN_URL;
    memcpy(l.lines.buffer, text + e->begin, l.lines.len);
    while ((got = list_next(&l, &again)) == LIST_NOTE)
        ;
    add_entry(&a, e, LIST_GOT, rules->nvariables);
    add_entry(&b, &again, got, rules->nvariables);
    must(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
    free(again.extras);
    list_end(&l);
    text_free(&a);
    text_free(&b);
}

/* A pipe that gives the text in pieces, one with each read; it holds 256 of them. */
static int open_pieces(const char *text, size_t size, size_t piece)
{
    int ends[2];

    must(pipe2(ends, O_CLOEXEC | O_DIRECT) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 0);
    piece = piece > size / 200 + 1 ? piece : size / 200 + 1;
    piece = piece < 4096 ? piece : 4096;
    for (size_t at = 0; at < size; at += piece)
        must(write(ends[1], text + at, size - at < piece ? size - at : piece) > 0);
    close(ends[1]);
    return ends[0];
}

/* All that the list gives, as text.  Returns: false: it is damaged: how much of it came out is no matter. */
static bool read_all(struct list_rules *rules, const char *text, size_t size, size_t piece, struct text *out)
{
    static struct list l;
    struct list_entry e;
    bool is_good = true;
    list_begin(&l, rules, rules->form, &rules->columns);
    l.is_known = rules->form == LIST_LINES;
    memset(&l.lines, 0, offsetof(struct lines, buffer));
    l.lines.name = "list";
    l.lines.fd = open_pieces(text, size, piece);
    l.lines.wake[0] = l.lines.wake[1] = -1;
    for (int got = LIST_MORE; got != LIST_END && got != LIST_REFUSED;) {
        got = list_next(&l, &e);
        if (got == LIST_MORE) {
            if (lines_fill(&l.lines) < 0) {
                is_good = false;
                list_cut(&l);
            }
            continue;
        }
        if (got == LIST_GOT && !l.lines.unpack && e.end <= size)
            read_again(rules, text, &e);
        add_entry(out, &e, got, rules->nvariables);
        text_add_char(out, '\n');
        free(e.extras);
    }
    must(!out->no_memory);
    bide_error_clear();
    list_close(&l);
    return is_good;
}

static void read_both(enum list_form form, const char *columns, const char *text, size_t size, size_t piece)
{
    struct list_rules rules = {.form = form, .variables = {"name", "sku"}, .nvariables = 2};
    struct text whole = {0}, pieces = {0}, why = {0};

    if (columns)
        must(!columns_parse(&rules.columns, &rules, columns, strlen(columns), ',', &why));
    bool is_good = read_all(&rules, text, size, size + 1, &whole);
    is_good = read_all(&rules, text, size, piece, &pieces) && is_good;
    must(!is_good || (whole.len == pieces.len && (whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0)));
    list_rules_free(&rules);
    text_free(&whole);
    text_free(&pieces);
    text_free(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 1000};
    if (size < 1 || size > 100000)
        return 0;

    unsigned form = data[0] % 8;
    const char *columns = form == LIST_TSV ? "sku,url,name,header,body_b64" : NULL;
    read_both(form <= LIST_JSONL ? (enum list_form)form : LIST_AUTO, columns, (const char *)data + 1, size - 1, pieces[data[0] / 8 % 6]);
    return 0;
}
