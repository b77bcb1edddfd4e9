/* SPDX-License-Identifier: MIT */
/*
 * table.c - the table, with a bar for each mode.
 *
 * On a narrow terminal it becomes two: what catches the eye, then the figures.
 */
#include "cli/compare/report/report.h"
#include "cli/compare/run/run.h"

#include <inttypes.h>
#include <string.h>

#define NAME_WIDTH 17
#define URL_MAX    72
#define BAR_MIN    12
#define BAR_MAX    44
#define GREEN      "\033[32m"
#define RED        "\033[31m"
#define BOLD       "\033[1m"
#define DIM        "\033[2m"
#define PLAIN      "\033[0m"

/* ---- cells ---- */

void compare_add_short(struct text *t, const char *s, size_t max)
{
    char clean[600];
    size_t len = strlen(say_clean(s, clean, sizeof clean)), shown = len;

    if (len > max)
        for (shown = max; shown > 0 && ((unsigned char)clean[shown] & 0xc0) == 0x80;)
            shown--; /* not in the middle of a character */
    text_add(t, clean, shown);
    if (shown < len)
        text_add_string(t, "...");
}

void compare_describe(const struct compare *c, struct text *to)
{
    text_format(to, "%d request%s", c->n, c->n == 1 ? "" : "s");
    if (!c->has_server) {
        text_add_string(to, " to ");
        compare_add_short(to, c->shown_url, URL_MAX);
    } else if (c->delay_ms > 0) {
        text_format(to, ", each answered after %" PRId64 " ms", c->delay_ms);
    } else {
        text_add_string(to, ", answered at once");
    }
    if (c->work_ms > 0)
        text_format(to, ", %" PRId64 " ms of work on each answer", c->work_ms);
    text_format(to, ", at most %d at once, %d worker process%s", c->at_once, c->workers, c->workers == 1 ? "" : "es");
}

void compare_add_wall(struct text *t, int64_t us)
{
    text_add_time(t, us);
}

void compare_add_speed_up(struct text *t, double speed_up)
{
    if (speed_up > 0)
        text_format(t, speed_up < 9.95 ? "%.1f x" : "%.0f x", speed_up);
    else
        text_add_char(t, '-');
}

void compare_add_rate(struct text *t, const struct compare *c, const struct compare_row *r)
{
    double rate = r->wall_us > 0 ? c->n * 1e6 / (double)r->wall_us : 0;

    if (rate < 100)
        text_format(t, "%.1f", rate);
    else
        text_add_count(t, (uint64_t)(rate + 0.5));
}

void compare_add_memory(struct text *t, const struct compare_row *r)
{
    if (r->memory_kb >= 0)
        text_add_bytes(t, (double)r->memory_kb * 1024);
    else
        text_add_char(t, '-');
}

typedef void add_cell(struct text *t, const struct compare *c, const struct compare_row *r);

static void add_wall(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    compare_add_wall(t, r->wall_us);
}

static void add_speed_up(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    compare_add_speed_up(t, r->speed_up);
}

static void add_spread(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    if (r->nruns > 1)
        compare_add_wall(t, r->spread_us);
    else
        text_add_char(t, '-');
}

static void add_runs(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    text_format(t, "%d", r->nruns);
}

static void add_cpu(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    compare_add_wall(t, r->cpu_us);
}

static void add_memory(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    compare_add_memory(t, r);
}

static void add_failed(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    text_format(t, "%" PRIu64, r->failed);
}

static void add_seen(struct text *t, const struct compare *c, const struct compare_row *r)
{
    (void)c;
    if (r->seen >= 0)
        text_format(t, "%" PRId64, r->seen);
    else
        text_add_char(t, '-');
}

struct column {
    const char *title;
    add_cell *add;
    int width;
    bool is_strong;
};

static const struct column columns[] = {
    {"time", add_wall, 10, true},
    {"speed-up", add_speed_up, 10, true},
    {"spread", add_spread, 10, false},
    {"runs", add_runs, 6, false},
    {"requests/s", compare_add_rate, 12, false},
    {"CPU", add_cpu, 9, false},
    {"memory", add_memory, 10, false},
    {"failed", add_failed, 8, false},
    {"seen", add_seen, 8, false},
};

#define NCOLUMNS (sizeof columns / sizeof *columns)
#define NSTRONG  2 /* the first ones: they stay beside the bar */

/* ---- lines ---- */

static int width_of(const struct text *t)
{
    int width = 0;

    for (size_t i = 0; i < t->len; i++)
        width += ((unsigned char)t->data[i] & 0xc0) != 0x80;
    return width;
}

static void add_spaces(struct text *to, int n)
{
    while (n-- > 0)
        text_add_char(to, ' ');
}

static void add_coloured(const struct compare_look *look, const char *colour, const char *text, struct text *to)
{
    bool is_coloured = look->has_colour && *colour;

    text_add_string(to, is_coloured ? colour : "");
    text_add_string(to, text);
    text_add_string(to, is_coloured ? PLAIN : "");
}

static void add_right(const struct compare_look *look, const char *colour, int width, struct text *cell,
                      struct text *to)
{
    add_spaces(to, width - width_of(cell));
    if (cell->data)
        add_coloured(look, colour, cell->data, to);
    to->no_memory |= cell->no_memory;
    text_clear(cell);
}

/* A time that is there has a bar that can be seen. */
static void add_bar(const struct compare_look *look, const char *colour, double share, int cells, struct text *to)
{
    static const char *const eighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    int filled = (int)(share * cells * 8 + 0.5), used = 0;

    if (filled < 1)
        filled = 1;
    text_add_string(to, look->has_colour ? colour : "");
    for (; used < filled / 8; used++)
        text_add_string(to, look->has_utf8 ? "\u2588" : "#");
    if (filled % 8 > 0 && (look->has_utf8 || used == 0)) {
        text_add_string(to, look->has_utf8 ? eighths[filled % 8] : "#");
        used++;
    }
    text_add_string(to, look->has_colour ? PLAIN : "");
    add_spaces(to, cells - used);
}

static int64_t longest_us(const struct compare *c)
{
    int64_t longest = 1;

    for (int i = 0; i < c->nrows; i++)
        if (c->rows[i].wall_us > longest)
            longest = c->rows[i].wall_us;
    return longest;
}

/* One part of the table: the columns from..to, with a bar of so many cells in front of them, or without. */
struct part {
    size_t from, to;
    int bar;
};

static void add_header(const struct compare_look *look, const struct part *p, struct text *to)
{
    struct text cell = {0};

    add_spaces(to, NAME_WIDTH + p->bar);
    for (size_t i = p->from; i < p->to; i++) {
        text_add_string(&cell, columns[i].title);
        add_right(look, DIM, columns[i].width, &cell, to);
    }
    text_add_char(to, '\n');
    text_free(&cell);
}

static const char *colour_of(const struct compare *c, const struct compare_row *r, const struct column *k)
{
    if (k->add == add_failed && r->failed > 0)
        return RED;
    if (k->add == add_seen && r->seen >= 0 && r->seen != c->n)
        return RED;
    return k->is_strong ? BOLD : "";
}

static void add_row(const struct compare *c, const struct compare_look *look, const struct part *p,
                    const struct compare_row *r, struct text *to)
{
    struct text cell = {0};

    text_format(to, "%-*s", NAME_WIDTH, r->mode->name);
    if (p->bar > 0)
        add_bar(look, r->fault[0] ? RED : GREEN, (double)r->wall_us / (double)longest_us(c), p->bar, to);
    for (size_t i = p->from; i < p->to; i++) {
        columns[i].add(&cell, c, r);
        add_right(look, colour_of(c, r, &columns[i]), columns[i].width, &cell, to);
    }
    text_add_char(to, '\n');
    text_free(&cell);
}

static void add_part(const struct compare *c, const struct compare_look *look, const struct part *p, struct text *to)
{
    const char *group = NULL;

    add_header(look, p, to);
    for (int i = 0; i < c->nrows; i++) {
        const struct compare_row *r = &c->rows[i];
        if (r->mode->group && r->mode->group != group) {
            text_add_string(to, i > 0 ? "\n" : "");
            add_coloured(look, DIM, r->mode->group, to);
            text_add_char(to, '\n');
        }
        group = r->mode->group;
        add_row(c, look, p, r, to);
    }
}

/* ---- under the table ---- */

static void add_faults(const struct compare *c, const struct compare_look *look, struct text *to)
{
    char fault[512];

    for (int i = 0; i < c->nrows; i++) {
        const struct compare_row *r = &c->rows[i];
        if (!r->fault[0])
            continue;
        add_coloured(look, RED, r->mode->name, to);
        text_format(to, ": %s: no speed-up\n", say_clean(r->fault, fault, sizeof fault));
    }
}

static void add_legend(const struct compare *c, const struct compare_look *look, struct text *to)
{
    char line[160];

    for (int i = 0; i < c->nrows; i++) {
        snprintf(line, sizeof line, "%-*s%s", NAME_WIDTH, c->rows[i].mode->name, c->rows[i].mode->what);
        add_coloured(look, DIM, line, to);
        text_add_char(to, '\n');
    }
}

static bool has_fewer_runs(const struct compare *c)
{
    for (int i = 0; i < c->nrows; i++)
        if (c->rows[i].nruns < c->options->repeat)
            return true;
    return false;
}

void compare_table(const struct compare *c, const struct compare_look *look, struct text *to)
{
    struct part whole = {0, NCOLUMNS, 0}, strong = {0, NSTRONG, 0}, weak = {NSTRONG, NCOLUMNS, 0};
    int strong_width = NAME_WIDTH, width = NAME_WIDTH;
    struct text narrowed = {0};

    for (size_t i = 0; i < NCOLUMNS; i++) {
        width += columns[i].width;
        strong_width += i < NSTRONG ? columns[i].width : 0;
    }
    compare_describe(c, to);
    text_add_string(to, "\n\n");
    bool is_wide = look->columns >= width + BAR_MIN;
    struct part *first = is_wide ? &whole : &strong;
    first->bar = look->columns - (is_wide ? width : strong_width) - 1;
    first->bar = first->bar > BAR_MAX ? BAR_MAX : first->bar < 0 ? 0 : first->bar;
    add_part(c, look, first, to);
    if (!is_wide) {
        text_add_char(to, '\n');
        add_part(c, look, &weak, to);
    }
    text_add_char(to, '\n');
    add_faults(c, look, to);
    compare_add_narrowed(c, &narrowed);
    if (narrowed.len > 0)
        text_format(to, "%s\n", narrowed.data);
    to->no_memory |= narrowed.no_memory;
    text_free(&narrowed);
    if (has_fewer_runs(c))
        text_add_string(to, "slow modes ran less often: --budget\n");
    add_legend(c, look, to);
}
