/* SPDX-License-Identifier: MIT */
/*
 * texts.c - texts that an option gives, or a file that it names: -d TEXT, -d @FILE, -d @-.
 *
 * They are read before the loop runs, once, and kept: each request sends the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/request/request.h"
#include "cli/terminal/text.h"

#define TEXT_MAX ((size_t)256 << 20)
#define PIECE 65536

int request_exit_code(int error)
{
    return error == BIDE_ENOMEM || error == -EMFILE || error == -ENFILE ? EXIT_LOCAL : EXIT_USAGE;
}

static int append(struct text *t, const char *data, size_t len)
{
    text_add(t, data, len);
    return t->no_memory ? say_no_memory() : EXIT_OK;
}

static int read_stream(struct text *t, FILE *f, const char *option, const char *name)
{
    static char piece[PIECE];
    size_t n;

    do {
        n = fread(piece, 1, sizeof piece, f);
        text_add(t, piece, n);
    } while (n > 0 && t->len <= TEXT_MAX && !t->no_memory);
    explicit_bzero(piece, sizeof piece);
    if (t->no_memory)
        return say_no_memory();
    if (ferror(f)) {
        say("%s @%s: %s", option, name, strerror(errno));
        return EXIT_USAGE;
    }
    if (t->len <= TEXT_MAX)
        return EXIT_OK;
    say("%s @%s: larger than %zu MiB", option, name, TEXT_MAX >> 20);
    return EXIT_USAGE;
}

/* name is that behind the @. */
static int read_file(struct text *t, const char *option, const char *name)
{
    if (strcmp(name, "-") == 0)
        return read_stream(t, stdin, option, name);

    FILE *f = fopen(name, "re");
    if (!f) {
        int error = -errno;
        say("%s @%s: %s", option, name, strerror(-error));
        return request_exit_code(error);
    }
    int code = read_stream(t, f, option, name);
    fclose(f);
    return code;
}

static int hand_over(struct text *t, int code, char **text, size_t *len)
{
    if (code != EXIT_OK) {
        text_free(t);
        return code;
    }
    *text = t->data;
    *len = t->len;
    return EXIT_OK;
}

int request_read_data(const char *option, const char *value, char **text, size_t *len)
{
    struct text t = {0};
    int code = value[0] == '@' ? read_file(&t, option, value + 1) : append(&t, value, strlen(value));

    return hand_over(&t, code, text, len);
}

/* Others could read it in the list of processes. */
static void hide_value(char *line)
{
    static const char *const secrets[] = {"Authorization:", "Proxy-Authorization:", "Cookie:"};

    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strncasecmp(line, secrets[i], strlen(secrets[i])) == 0)
            secrets_wipe(line + strlen(secrets[i]));
}

/* Turn the lines of t->data[from..] into strings; empty ones are left out. */
static void split_lines(struct text *t, size_t from)
{
    size_t end = t->len, to = from;

    while (from < end) {
        char *line = t->data + from, *newline = memchr(line, '\n', end - from);
        size_t len = newline ? (size_t)(newline - line) : end - from;
        from += len + (newline != NULL);
        len -= len > 0 && line[len - 1] == '\r';
        if (len == 0)
            continue;
        memmove(t->data + to, line, len);
        t->data[to + len] = '\0'; /* where the end of a line was, or behind everything */
        to += len + 1;
    }
    t->len = to;
}

int request_read_lines(const struct opt_list *values, char **text, size_t *len)
{
    struct text t = {0};
    int code = EXIT_OK;

    for (size_t i = 0; i < values->len && code == EXIT_OK; i++) {
        const char *value = values->items[i];
        size_t from = t.len;
        if (value[0] != '@') {
            code = append(&t, value, strlen(value) + 1);
            hide_value((char *)value); /* a part of argv */
            continue;
        }
        code = read_file(&t, "--header", value + 1);
        if (code == EXIT_OK)
            split_lines(&t, from);
    }
    return hand_over(&t, code, text, len);
}
