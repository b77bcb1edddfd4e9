/* SPDX-License-Identifier: MIT */
/*
 * text.h - a string that grows and is used again: the next URL, file name or line takes the memory of the last one.
 *
 * Running out of memory is remembered, so that a row of text_add calls needs one check, at its end.
 */
#ifndef BIDE_CLI_TERMINAL_TEXT_H
#define BIDE_CLI_TERMINAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <bide/object.h>

struct text {
    char *data; /* NUL behind it; NULL until something was added */
    size_t len, cap;
    bool no_memory; /* something is missing: data must not be used */
};

void text_add(struct text *t, const char *data, size_t len);
void text_add_string(struct text *t, const char *s);
void text_add_char(struct text *t, char c);
/* In decimal, with zeros in front up to that width. */
void text_add_number(struct text *t, uint64_t n, int width);
void text_format(struct text *t, const char *format, ...) BIDE_PRINTF(2, 3);
/* RFC 4648 4, with its =. */
void text_add_base64(struct text *t, const char *data, size_t len);
/* A document of jansson's with its flags.  Not json_dumps(): without memory, that loses pieces and says nothing. */
struct json_t;
void text_add_json(struct text *t, const struct json_t *document, size_t flags);

/* units.c: "52 011"; "18.3 MB"; "1.24 s", "41 ms", "310 us" */
void text_add_count(struct text *t, uint64_t n);
void text_add_bytes(struct text *t, double bytes);
void text_add_time(struct text *t, int64_t us);
/* How many columns of a terminal a text takes that has no control characters. */
int text_columns(const char *text, size_t len);

/* For messages: what was added, "" if nothing was; and if something is missing, that. */
static inline const char *text_string(const struct text *t)
{
    return t->no_memory ? "out of memory" : t->data ? t->data : "";
}

/*
 * terminal/password.c: ask for a password on the terminal, which does not echo it, whatever the standard streams are.
 *
 * Returns:  it, to be wiped and freed; NULL: there is no terminal, or nothing was typed
 */
char *password_ask(const char *question);

static inline bool text_ends_with(const struct text *t, char c)
{
    return t->len > 0 && t->data[t->len - 1] == c;
}

static inline void text_clear(struct text *t)
{
    t->len = 0;
    t->no_memory = false;
    if (t->data)
        t->data[0] = '\0'; /* text_string would give what was there */
}

static inline void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

#endif
