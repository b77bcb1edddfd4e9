/* SPDX-License-Identifier: MIT */
/*
 * report.h - what is shown: a table, a picture, JSON.
 */
#ifndef BIDE_CLI_COMPARE_REPORT_REPORT_H
#define BIDE_CLI_COMPARE_REPORT_REPORT_H

#include "cli/compare/context.h"

/* So many bytes of what may be long and may come from a server: without controls, "..." for the rest. */
void compare_add_short(struct text *t, const char *s, size_t max);
/* The conditions, in one line. */
void compare_describe(const struct compare *c, struct text *to);
/* Times, rates and sizes as the table and the picture show them. */
void compare_add_wall(struct text *t, int64_t us);
void compare_add_speed_up(struct text *t, double speed_up);
void compare_add_rate(struct text *t, const struct compare *c, const struct compare_row *r);
void compare_add_memory(struct text *t, const struct compare_row *r);

struct compare_look {
    int columns;
    bool has_utf8, has_colour;
};

void compare_table(const struct compare *c, const struct compare_look *look, struct text *to);
void compare_json(const struct compare *c, struct text *to);
void compare_svg(const struct compare *c, struct text *to);

#endif
