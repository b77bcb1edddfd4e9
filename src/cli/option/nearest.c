/* SPDX-License-Identifier: MIT */
/*
 * nearest.c - "did you mean ...?": the known word that is nearest to a mistyped one.
 *
 * Distance is the number of letters to insert, delete or change, a swap of neighbours being one.  Alike are words of which
 * two thirds of the longer one agree, so that "head" is not answered with "help"; a word that only lacks its end counts as near.
 */
#include <string.h>

#include "cli/cli.h"

#define LONGEST 32 /* letters looked at: more is no typing error of ours */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned d = a < b ? a : b;
    return d < c ? d : c;
}

static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    for (unsigned j = 0; j <= b_len; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        now[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        unsigned *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_len];
}

void nearest_try(struct nearest *n, const char *candidate)
{
    size_t len = strlen(n->wanted), other = strlen(candidate);

    if (len == 0 || len > LONGEST || other > LONGEST)
        return;
    unsigned d = len >= 3 && strncmp(n->wanted, candidate, len) == 0 ? 1 : distance(n->wanted, len, candidate, other);
    if (d > (len > other ? len : other) / 3 || d >= len || (n->best && d >= n->distance))
        return;
    n->best = candidate;
    n->distance = d;
}
