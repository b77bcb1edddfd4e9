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

#define TEXT_MAX ((size_t)256 << 20)
#define PIECE 65536

struct text {
    char *data;
    size_t len, cap;
};

/* Room for n bytes more, and a NUL. */
static bool reserve(struct text *t, size_t n)
{
    if (t->cap - t->len > n)
        return true;
    size_t cap = t->cap * 2 > t->len + n + 1 ? t->cap * 2 : t->len + n + 1;
    char *data = realloc(t->data, cap);
    if (!data)
        return false;
    t->data = data;
    t->cap = cap;
    return true;
}

static int append(struct text *t, const char *data, size_t len)
{
    if (!reserve(t, len))
        return say_no_memory();
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
    return EXIT_OK;
}

static int read_stream(struct text *t, FILE *f, const char *option, const char *name)
{
    size_t n;

    do {
        if (!reserve(t, PIECE))
            return say_no_memory();
        n = fread(t->data + t->len, 1, PIECE, f);
        t->len += n;
    } while (n > 0 && t->len <= TEXT_MAX);
    t->data[t->len] = '\0';
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
        free(t->data);
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

/* RFC 4648 4. */
static char *add_base64(char *out, const unsigned char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16 | (i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0) | (i + 2 < len ? data[i + 2] : 0);
        for (int k = 0; k < 4; k++)
            *out++ = (size_t)k <= len - i ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

static int encode_user(const char *user, size_t len, char **text)
{
    const size_t scheme = strlen("Basic ");
    char *out = malloc(scheme + (len + 2) / 3 * 4 + 1);
    if (!out)
        return say_no_memory();

    memcpy(out, "Basic ", scheme);
    *add_base64(out + scheme, (const unsigned char *)user, len) = '\0';
    *text = out;
    return EXIT_OK;
}

int request_read_user(const char *value, char **text)
{
    char *user = NULL;
    size_t len = 0;
    int code = request_read_data("--user", value, &user, &len);
    if (code != EXIT_OK)
        return code;

    if (value[0] != '@')
        secrets_wipe((char *)value); /* a part of argv */
    size_t end = strcspn(user, "\r\n");
    bool is_line = strlen(user) == len && user[end + strspn(user + end, "\r\n")] == '\0';
    if (is_line && memchr(user, ':', end)) {
        code = encode_user(user, end, text);
    } else {
        say("--user: expected NAME:PASSWORD, or @FILE with such a line");
        code = EXIT_USAGE;
    }
    explicit_bzero(user, len);
    free(user);
    return code;
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
