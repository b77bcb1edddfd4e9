/* SPDX-License-Identifier: MIT */
/*
 * form.c - the fields of --form: NAME=VALUE;type=TYPE, NAME=@FILE;filename=NAME, NAME=<FILE.
 *
 * As in curl, a name of a file or a value in double quotes may have ; and , in it, and \" and \\ stand for " and \.  A ; that
 * no parameter follows is a part of the value.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/request/request.h"
#include "cli/terminal/text.h"

/* A copy that lives as long as u; NULL: after a message. */
static char *keep(struct upload *u, const char *text, size_t len)
{
    char **texts = realloc(u->texts, (u->ntexts + 1) * sizeof *texts);
    char *copy = malloc(len + 1);

    u->texts = texts ? texts : u->texts;
    if (!texts || !copy) {
        free(copy);
        say_no_memory();
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return u->texts[u->ntexts++] = copy;
}

/* Does a parameter begin behind this semicolon? */
static const char *parameter(const char *at)
{
    static const char *const names[] = {"type=", "filename="};

    at += strspn(at, " ");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(at, names[i], strlen(names[i])) == 0)
            return at;
    return NULL;
}

/* The word at *at, up to a parameter, or a comma if several files may stand there.  NULL: after a message. */
static char *take_word(struct upload *u, const char **at, bool has_commas)
{
    struct text t = {0};
    const char *p = *at;
    bool is_quoted = *p == '"' && strchr(p + 1, '"');

    text_add(&t, "", 0);
    for (p += is_quoted; *p && (!is_quoted || *p != '"'); p++) {
        if (!is_quoted && ((*p == ';' && parameter(p + 1)) || (has_commas && *p == ',')))
            break;
        if (is_quoted && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
            p++;
        text_add_char(&t, *p);
    }
    *at = p + (is_quoted && *p == '"');
    char *word = t.no_memory ? NULL : keep(u, t.data ? t.data : "", t.len);
    if (t.no_memory)
        say_no_memory();
    text_free(&t);
    return word;
}

static int take_parameters(struct upload *u, const char **at, bide_part *part)
{
    const char *p;

    while (**at == ';' && (p = parameter(*at + 1))) {
        bool is_type = *p == 't';
        *at = strchr(p, '=') + 1;
        char *word = take_word(u, at, false);
        if (!word)
            return EXIT_LOCAL;
        *(is_type ? &part->type : &part->file_name) = word;
    }
    return EXIT_OK;
}

/* Standard input, and the text of a file, are read now; a file is when it is sent. */
static int take_content(struct upload *u, const char *file, bool as_text, bide_part *part)
{
    if (!as_text && strcmp(file, "-") != 0) {
        part->path = file;
        return EXIT_OK;
    }
    struct text name = {0};
    char *data = NULL;
    size_t len = 0;
    text_format(&name, "@%s", file);
    int code = name.no_memory ? say_no_memory() : request_read_data("--form", name.data, &data, &len);
    text_free(&name);
    const char *copy = code == EXIT_OK ? keep(u, data ? data : "", len) : NULL;
    free(data);
    part->data = (bide_bytes){copy, len};
    part->file_name = as_text ? NULL : "-";
    return code != EXIT_OK ? code : copy ? EXIT_OK : EXIT_LOCAL;
}

/* One of the files of NAME=@FILE,FILE, or the value. */
static int take_part(struct upload *u, const char **at, char kind, bide_part *part)
{
    char *word = take_word(u, at, kind == '@');
    if (!word)
        return EXIT_LOCAL;

    int code = EXIT_OK;
    if (kind == '=')
        part->value = word;
    else
        code = take_content(u, word, kind == '<', part);
    return code == EXIT_OK ? take_parameters(u, at, part) : code;
}

static bide_part *add_part(struct upload *u, size_t *n, const char *name)
{
    bide_part *parts = realloc(u->parts, (*n + 2) * sizeof *parts);
    if (!parts) {
        say_no_memory();
        return NULL;
    }
    u->parts = parts;
    parts[*n] = (bide_part){.name = name};
    parts[*n + 1] = (bide_part){.name = NULL};
    return &parts[(*n)++];
}

static int add_field(struct upload *u, size_t *n, const char *text)
{
    const char *equals = strchr(text, '='), *at = equals ? equals + 1 : text;
    if (!equals || equals == text) {
        say("--form: expected NAME=VALUE, NAME=@FILE or NAME=<FILE");
        return EXIT_USAGE;
    }
    char *name = keep(u, text, (size_t)(equals - text)), kind = *at == '@' || *at == '<' ? *at : '=';
    int code = name ? EXIT_OK : EXIT_LOCAL;

    at -= kind == '=';
    do {
        at++; /* over the = or @ or comma */
        bide_part *part = code == EXIT_OK ? add_part(u, n, name) : NULL;
        code = part ? take_part(u, &at, kind, part) : EXIT_LOCAL;
    } while (code == EXIT_OK && *at == ',');
    if (code == EXIT_OK && *at) {
        say("--form %s: what stands behind it is no parameter: '%s'; there are ;type= and ;filename=", name, at);
        code = EXIT_USAGE;
    }
    return code;
}

int upload_open_form(struct upload *u, const struct opt_list *form)
{
    size_t n = 0;
    int code = EXIT_OK;

    for (size_t i = 0; i < form->len && code == EXIT_OK; i++)
        code = add_field(u, &n, form->items[i]);
    return code;
}
