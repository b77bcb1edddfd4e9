/* SPDX-License-Identifier: MIT */
/*
 * content_type.c - the parameter charset of a Content-Type (RFC 9110 8.3.1): ; name=value ; name="quoted \" value"
 *
 * What servers send is not always that: blanks around = are read over, and so is what is no parameter.  The first charset
 * counts.
 */
#include "cli/fetch/content_type.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* The value at p, to *to if that is not NULL.  Returns: behind it. */
static const char *read_value(const char *p, struct text *to)
{
    bool is_quoted = *p == '"';

    for (p += is_quoted; *p && (is_quoted ? *p != '"' : !strchr("; \t", *p)); p++) {
        if (is_quoted && *p == '\\' && p[1])
            p++;
        if (to)
            text_add_char(to, (char)tolower((unsigned char)*p));
    }
    return p + (is_quoted && *p);
}

void type_charset(const char *p, struct text *to)
{
    while (p && *p) {
        p = skip_blanks(p + strspn(p, "; \t"));
        size_t len = strcspn(p, "=; \t");
        bool is_it = len == 7 && strncasecmp(p, "charset", 7) == 0;
        p = skip_blanks(p + len);
        if (*p != '=')
            continue;
        p = read_value(skip_blanks(p + 1), is_it ? to : NULL);
        if (is_it)
            return;
    }
}
