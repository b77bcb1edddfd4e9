/* SPDX-License-Identifier: MIT */
/*
 * svg.c - the table as a picture: for people who look rather than read.
 *
 * One row for each mode: name and explanation, a bar as long as its time, and the figures in columns.  It follows the
 * reader's light or dark theme.
 */
#include "cli/compare/report/report.h"
#include "cli/compare/run/run.h"

#include <inttypes.h>
#include <string.h>

#include <bide/version.h>

#define WIDTH     1160
#define MARGIN    40
#define BAR_WIDTH 500
#define TOP       128 /* of the first row */
#define ROW       56
#define GROUP     50 /* a heading between rows */
#define BOTTOM    56
#define SAID_MAX  120 /* bytes behind a mode's name */

static void add_escaped(struct text *to, const char *s)
{
    char clean[600];

    for (const char *p = say_clean(s, clean, sizeof clean); *p; p++) {
        if (*p == '<')
            text_add_string(to, "&lt;");
        else if (*p == '>')
            text_add_string(to, "&gt;");
        else if (*p == '&')
            text_add_string(to, "&amp;");
        else
            text_add_char(to, *p);
    }
}

static void add_text(struct text *to, const char *class, int x, int y, const char *s)
{
    text_format(to, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
    add_escaped(to, s);
    text_add_string(to, "</text>\n");
}

/* The text of a cell, which is used again for the next one. */
static void add_cell(struct text *to, const char *class, int x, int y, struct text *cell)
{
    add_text(to, class, x, y, cell->data ? cell->data : "");
    to->no_memory |= cell->no_memory;
    text_clear(cell);
}

static void begin(struct text *to, int height)
{
    text_format(to,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                "role=\"img\" aria-label=\"bide compare\">\n",
                WIDTH, height, WIDTH, height);
    text_add_string(to,
                    "<style>\n"
                    "text{font-family:'Inter','Segoe UI','Helvetica Neue','DejaVu Sans',sans-serif;fill:#1d2733}\n"
                    ".title{font-size:25px;font-weight:700}\n"
                    ".name{font-size:16px;font-weight:700}\n"
                    ".what,.head,.foot,.sub{fill:#667385;font-size:13px}\n"
                    ".sub{font-size:15px}\n"
                    ".head,.cell,.strong{text-anchor:end}\n"
                    ".cell{font-size:15px}\n"
                    ".strong{font-size:17px;font-weight:700}\n"
                    ".bad{fill:#c8372d;font-size:13px}\n"
                    ".card{fill:#ffffff}.rail{fill:#eef1f5}.line{stroke:#dfe4ea}\n"
                    ".blocks{fill:#9aa6b5}.awaits{fill:#1f9d66}.works{fill:#3b78d8}.both{fill:#0f8b9d}.failed{fill:#c8372d}\n"
                    "@media(prefers-color-scheme:dark){\n"
                    "text{fill:#e8edf3}.what,.head,.foot,.sub{fill:#9aa7b7}.card{fill:#161b22}.rail{fill:#262d37}\n"
                    ".line{stroke:#30363d}.blocks{fill:#7d8896}.awaits{fill:#3fbf85}.works{fill:#5b94ec}\n"
                    ".both{fill:#2fb0c2}.bad,.failed{fill:#ff7b72}}\n"
                    "</style>\n");
    text_format(to, "<rect class=\"card\" width=\"%d\" height=\"%d\" rx=\"14\"/>\n", WIDTH, height);
}

/* ---- columns ---- */

enum { X_TIME = 634, X_SPEED_UP = 722, X_SPREAD = 812, X_RATE = 902, X_CPU = 982, X_MEMORY = 1066, X_SEEN = 1120 };

static void add_heads(const struct compare *c, struct text *to, int y)
{
    add_text(to, "head", X_TIME, y, "time");
    add_text(to, "head", X_SPEED_UP, y, "speed-up");
    add_text(to, "head", X_SPREAD, y, "spread");
    add_text(to, "head", X_RATE, y, "per second");
    add_text(to, "head", X_CPU, y, "CPU");
    add_text(to, "head", X_MEMORY, y, "memory");
    add_text(to, "head", X_SEEN, y, c->has_server ? "seen" : "failed");
}

static void add_figures(const struct compare *c, const struct compare_row *r, struct text *to, int y)
{
    struct text cell = {0};

    compare_add_wall(&cell, r->wall_us);
    add_cell(to, "strong", X_TIME, y, &cell);
    compare_add_speed_up(&cell, r->speed_up);
    add_cell(to, "strong", X_SPEED_UP, y, &cell);
    text_add_string(&cell, r->nruns > 1 ? "\u00b1" : "1 run");
    if (r->nruns > 1)
        compare_add_wall(&cell, r->spread_us);
    add_cell(to, "cell", X_SPREAD, y, &cell);
    compare_add_rate(&cell, c, r);
    add_cell(to, "cell", X_RATE, y, &cell);
    compare_add_wall(&cell, r->cpu_us);
    add_cell(to, "cell", X_CPU, y, &cell);
    compare_add_memory(&cell, r);
    add_cell(to, "cell", X_MEMORY, y, &cell);
    text_format(&cell, "%" PRId64, c->has_server ? r->seen : (int64_t)r->failed);
    add_cell(to, "cell", X_SEEN, y, &cell);
    text_free(&cell);
}

/* ---- rows ---- */

/* Grey waits in line, green awaits, blue has workers, teal has workers that await; red is not to be compared. */
static const char *class_of(const struct compare_row *r)
{
    const struct compare_mode *m = r->mode;

    if (r->fault[0])
        return "failed";
    if (m->has_processes && m->is_wide)
        return "both";
    return m->has_workers ? "works" : m->is_wide ? "awaits" : "blocks";
}

static void add_said(const struct compare *c, const struct compare_row *r, struct text *to)
{
    struct text said = {0};

    compare_add_short(&said, r->fault[0] ? r->fault : r->mode->what, SAID_MAX);
    if (!r->fault[0] && compare_is_narrowed(c, r->mode))
        text_format(&said, " (only %d at once: ulimit -n)", compare_width(c, r->mode));
    add_escaped(to, said.data ? said.data : "");
    to->no_memory |= said.no_memory;
    text_free(&said);
}

static void add_row(const struct compare *c, const struct compare_row *r, int64_t longest_us, struct text *to, int y)
{
    double width = (double)r->wall_us / (double)longest_us * BAR_WIDTH;

    text_format(to, "<text x=\"%d\" y=\"%d\"><tspan class=\"name\">%s</tspan>", MARGIN, y + 15, r->mode->name);
    text_format(to, "<tspan class=\"%s\" dx=\"12\">", r->fault[0] ? "bad" : "what");
    add_said(c, r, to);
    text_add_string(to, "</tspan></text>\n");
    text_format(to, "<rect class=\"rail\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\" rx=\"3\"/>\n", MARGIN, y + 25,
                BAR_WIDTH);
    text_format(to, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\" rx=\"%s\"/>\n",
                class_of(r), MARGIN, y + 25, width < 3 ? 3.0 : width, width < 8 ? "1.5" : "3");
    add_figures(c, r, to, y + 38);
}

static void add_group(const struct compare_mode *m, struct text *to, int y)
{
    text_format(to, "<line class=\"line\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n", MARGIN, WIDTH - MARGIN, y + 12,
                y + 12);
    text_format(to, "<text class=\"sub\" x=\"%d\" y=\"%d\">%s</text>\n", MARGIN, y + 38, m->group);
}

static int add_rows(const struct compare *c, struct text *to)
{
    int64_t longest_us = 1;
    int y = TOP;

    for (int i = 0; i < c->nrows; i++)
        longest_us = c->rows[i].wall_us > longest_us ? c->rows[i].wall_us : longest_us;
    for (int i = 0; i < c->nrows; i++) {
        const struct compare_mode *m = c->rows[i].mode;
        if (m->group && (i == 0 || !c->rows[i - 1].mode->group)) {
            add_group(m, to, y);
            y += GROUP;
        }
        add_row(c, &c->rows[i], longest_us, to, y);
        y += ROW;
    }
    return y;
}

void compare_svg(const struct compare *c, struct text *to)
{
    struct text rows = {0}, line = {0};
    int y = add_rows(c, &rows);

    begin(to, y + BOTTOM);
    add_text(to, "title", MARGIN, 52, "The same requests, in different ways");
    compare_describe(c, &line);
    add_cell(to, "sub", MARGIN, 80, &line);
    add_heads(c, to, TOP - 12);
    if (rows.data)
        text_add(to, rows.data, rows.len);
    if (c->options->repeat > 1)
        text_format(&line, "Median of up to %d runs", c->options->repeat);
    else
        text_add_string(&line, "One run");
    text_format(&line, "; CPU and peak memory with all workers%s. bide %s",
                c->has_server ? "; seen: requests as the server counted them" : "", BIDE_VERSION);
    add_cell(to, "foot", MARGIN, y + 28, &line);
    text_add_string(to, "</svg>\n");
    to->no_memory |= rows.no_memory || line.no_memory;
    text_free(&rows);
    text_free(&line);
}
