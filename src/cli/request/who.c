/* SPDX-License-Identifier: MIT */
/*
 * who.c - who asks, on the command line: -u with --basic, --digest or --anyauth, and --bearer.
 *
 * What is sent unasked, Basic and Bearer, becomes a field Authorization; the others are for the session, which answers what a server
 * asks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/request/request.h"
#include "cli/terminal/text.h"

#define NOT_A_LINE (-1)

/* The one line that an option's value is, or that its file has; NULL after a message, or, with NOT_A_LINE, before one. */
static char *read_line(const char *option, const char *value, int *code)
{
    char *line = NULL;
    size_t len = 0;

    *code = request_read_data(option, value, &line, &len);
    if (*code != EXIT_OK)
        return NULL;
    if (value[0] != '@')
        secrets_wipe((char *)value); /* a part of argv */
    size_t end = strcspn(line, "\r\n");
    bool is_line = end > 0 && strlen(line) == len && line[end + strspn(line + end, "\r\n")] == '\0';
    line[end] = '\0';
    if (is_line)
        return line;
    explicit_bzero(line, len);
    free(line);
    *code = NOT_A_LINE;
    return NULL;
}

/* "NAME:PASSWORD" of a name, which is wiped. */
static int join(struct text *t, char *name, char *password)
{
    text_format(t, "%s:%s", name, password);
    explicit_bzero(password, strlen(password));
    free(password);
    return t->no_memory ? say_no_memory() : EXIT_OK;
}

int request_add_password(const char *option, char **line)
{
    struct text t = {0};
    if (strchr(*line, ':'))
        return EXIT_OK;

    text_format(&t, "bide: password of %s (%s): ", *line, option);
    char *password = t.no_memory ? NULL : password_ask(t.data);
    int code = t.no_memory ? say_no_memory() : EXIT_USAGE;
    text_clear(&t);
    if (password)
        code = join(&t, *line, password);
    else if (code == EXIT_USAGE)
        say("%s: expected NAME:PASSWORD, @FILE with such a line, or a NAME and a terminal where its password is typed", option);
    explicit_bzero(*line, strlen(*line));
    free(*line);
    *line = code == EXIT_OK ? t.data : NULL;
    if (!*line)
        text_free(&t);
    return code;
}

static int set_field(struct request *q, const char *scheme, const char *value, bool is_encoded)
{
    struct text t = {0};

    text_add_string(&t, scheme);
    if (is_encoded)
        text_add_base64(&t, value, strlen(value));
    else
        text_add_string(&t, value);
    q->texts[TEXT_USER] = t.data;
    return t.no_memory ? say_no_memory() : EXIT_OK;
}

static int open_user(struct request *q, enum bide_auth_scheme scheme)
{
    int code;
    char *line = read_line("--user", q->options->user, &code);
    if (line && q->options->user[0] != '@')
        code = request_add_password("--user", &line);
    char *colon = line ? strchr(line, ':') : NULL;

    if (code == NOT_A_LINE || (code == EXIT_OK && !colon)) {
        say("--user: expected NAME:PASSWORD, @FILE with such a line, or a NAME and a terminal where its password is typed");
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK && scheme == BIDE_AUTH_BASIC)
        code = set_field(q, "Basic ", line, true);
    if (code == EXIT_OK && scheme != BIDE_AUTH_BASIC) {
        *colon = '\0';
        q->auth = (bide_auth){scheme, line, colon + 1};
        q->texts[TEXT_AUTH] = line;
        return EXIT_OK;
    }
    if (line)
        explicit_bzero(line, strlen(line));
    free(line);
    return code;
}

static int open_bearer(struct request *q)
{
    int code;
    char *token = read_line("--bearer", q->options->bearer, &code);

    if (code == NOT_A_LINE) {
        say("--bearer: expected a token, or @FILE with a line that is one");
        return EXIT_USAGE;
    }
    if (!token)
        return code;
    code = set_field(q, "Bearer ", token, false);
    explicit_bzero(token, strlen(token));
    free(token);
    return code;
}

int request_open_who(struct request *q)
{
    const struct http_options *o = q->options;
    enum bide_auth_scheme scheme = o->digest ? BIDE_AUTH_DIGEST : o->anyauth ? BIDE_AUTH_ANY : BIDE_AUTH_BASIC;
    if (o->basic + o->digest + o->anyauth > 1 || (o->bearer && (o->basic || o->digest || o->anyauth || o->user))) {
        say("--basic, --digest, --anyauth and --bearer exclude each other, and --bearer needs no --user");
        return EXIT_USAGE;
    }
    if (o->netrc_file && access(o->netrc_file, R_OK) < 0) {
        say("--netrc-file %s: %s", o->netrc_file, strerror(errno));
        return EXIT_LOCAL;
    }

    if (o->bearer)
        return open_bearer(q);
    if (o->user)
        return open_user(q, scheme);
    if (scheme != BIDE_AUTH_BASIC) /* of the user that a URL or .netrc names */
        q->auth = (bide_auth){scheme, NULL, NULL};
    return EXIT_OK;
}

void request_close_who(struct request *q)
{
    if (q->auth.password)
        explicit_bzero((char *)(uintptr_t)q->auth.password, strlen(q->auth.password));
    if (q->texts[TEXT_AUTH])
        explicit_bzero(q->texts[TEXT_AUTH], strlen(q->texts[TEXT_AUTH]));
}
