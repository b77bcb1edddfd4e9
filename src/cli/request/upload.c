/* SPDX-License-Identifier: MIT */
/*
 * upload.c - bodies that are files or forms, and what is added to the query.
 *
 * Texts are read before the loop runs, as all of -d is; files are read when they are sent, each time anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/request/request.h"
#include "cli/terminal/text.h"

#define READ_MAX (1 << 20) /* bytes of -d @FILE that are kept in memory; a longer file is sent from where it is */

/* ---- encoded ---- */

static void add_encoded(struct text *t, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        bool is_plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("-._~", c));
        if (is_plain)
            text_add_char(t, (char)c);
        else
            text_format(t, "%%%02X", c);
    }
}

/* VALUE, =VALUE, NAME=VALUE, NAME@FILE, @FILE: the name stands as it is. */
static int add_pair(struct text *t, const char *option, const char *pair)
{
    size_t name = strcspn(pair, "=@"), len = 0;
    char *data = NULL;
    bool has_name = name > 0 && pair[name];

    if (t->len > 0)
        text_add_char(t, '&');
    if (has_name) {
        text_add(t, pair, name);
        text_add_char(t, '=');
    }
    if (pair[name] != '@') {
        const char *value = pair[name] ? pair + name + 1 : pair;
        add_encoded(t, value, strlen(value));
        return EXIT_OK;
    }
    int code = request_read_data(option, pair + name, &data, &len);
    if (code == EXIT_OK)
        add_encoded(t, data, len);
    free(data);
    return code;
}

static int add_pairs(struct text *t, const char *option, const struct opt_list *list)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < list->len && code == EXIT_OK; i++)
        code = add_pair(t, option, list->items[i]);
    return code;
}

static int hand_over(struct text *t, int code, char **to, size_t *len)
{
    if (code == EXIT_OK && t->no_memory)
        code = say_no_memory();
    if (code != EXIT_OK || t->len == 0) {
        text_free(t);
        return code;
    }
    *to = t->data;
    *len = t->len;
    return EXIT_OK;
}

/* -d, then the pairs: one text, which is the body or, with -G, the query. */
static int open_urlencoded(struct request *q, struct text *query)
{
    const struct upload_options *o = &q->options->upload;
    struct text form = {0}, *to = o->get ? query : &form;
    if (!upload_has_pairs(o) && !o->get)
        return EXIT_OK;

    if (q->data.data)
        text_add(to, q->data.data, q->data.len);
    int code = add_pairs(to, "--data-urlencode", &o->data_urlencode);
    if (code == EXIT_OK)
        code = add_pairs(to, "--form-urlencode", &o->form_urlencode);
    q->data = (bide_bytes){NULL, 0};
    return o->get ? code : hand_over(&form, code, &q->upload->form, &q->upload->form_len);
}

static int open_query(struct request *q)
{
    struct text query = {0};
    size_t len;
    int code = open_urlencoded(q, &query);

    if (code == EXIT_OK)
        code = add_pairs(&query, "--query", &q->options->upload.query);
    return hand_over(&query, code, &q->upload->query, &len);
}

/* ---- files ---- */

static int open_file(struct upload *u, const struct upload_options *o)
{
    struct stat st;

    u->from_stdin = o->file && strcmp(o->file, "-") == 0;
    if (!o->file || u->from_stdin)
        return EXIT_OK;
    if (stat(o->file, &st) < 0 || S_ISDIR(st.st_mode)) {
        say("--upload-file %s: %s", o->file, strerror(S_ISDIR(st.st_mode) ? EISDIR : errno));
        return EXIT_USAGE;
    }
    u->file = o->file;
    return EXIT_OK;
}

bool request_is_large_file(const char *value)
{
    struct stat st;

    return value[0] == '@' && strcmp(value, "@-") != 0 && stat(value + 1, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > READ_MAX;
}

/* ---- all of it ---- */

static int count_bodies(const struct http_options *h)
{
    const struct upload_options *o = &h->upload;

    return (!o->get && (h->data || upload_has_pairs(o))) + (h->json != NULL) + (o->form.len > 0) + (o->file != NULL);
}

static int check(const struct http_options *h)
{
    const struct upload_options *o = &h->upload;
    int bodies = count_bodies(h);

    if (bodies > 1)
        say("--data, --json, --form and --upload-file exclude each other: there is one body");
    else if (bodies > 0 && (o->get || o->head) && !h->method)
        say("--%s asks without a body, and another option has one", o->get ? "get" : "head");
    else
        return EXIT_OK;
    return EXIT_USAGE;
}

int upload_open(struct request *q)
{
    const struct upload_options *o = &q->options->upload;

    q->upload = calloc(1, sizeof *q->upload);
    if (!q->upload)
        return say_no_memory();
    int code = check(q->options);
    if (code == EXIT_OK && q->is_large_file)
        q->upload->file = q->options->data + 1;
    if (code == EXIT_OK)
        code = upload_open_form(q->upload, &o->form);
    if (code == EXIT_OK)
        code = open_query(q);
    return code == EXIT_OK && o->file ? open_file(q->upload, o) : code;
}

void upload_close(struct upload *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->ntexts; i++)
        free(u->texts[i]);
    free(u->texts);
    free(u->parts);
    free(u->form);
    free(u->query);
    free(u);
}

/* ---- inside the loop ---- */

/* As it is asked for: with the file's name where the path ends in /, and with what is added to the query. */
static char *url_for(const struct request *q, const char *url)
{
    const struct upload *u = q->upload;
    size_t path = strcspn(url, "?#"), before_fragment = strcspn(url, "#");
    const char *slash = u->file ? strrchr(u->file, '/') : NULL, *name = slash ? slash + 1 : u->file;
    bool takes_name = q->options->upload.file && name && path > 0 && url[path - 1] == '/';
    struct text t = {0};

    text_add(&t, url, path);
    if (takes_name)
        add_encoded(&t, name, strlen(name));
    text_add(&t, url + path, before_fragment - path);
    if (u->query) {
        text_add_char(&t, before_fragment > path ? '&' : '?');
        text_add_string(&t, u->query);
    }
    text_add_string(&t, url + before_fragment);
    if (!t.no_memory)
        return t.data;
    text_free(&t);
    bide_fail(BIDE_ENOMEM, "a URL: out of memory");
    return NULL;
}

/* Of the options.  false: an error on record. */
static bool set_body(const struct request *q, bide_request_args *args)
{
    struct upload *u = q->upload;

    args->data = u->form ? (bide_bytes){u->form, u->form_len} : q->data;
    args->json = q->json;
    args->multipart = u->parts;
    args->data_file = u->file;
    if (u->from_stdin && u->stdin_is_sent) {
        bide_fail(BIDE_ESTATE, "%s %s: standard input can be sent once", args->method, args->url);
        return false;
    }
    u->stdin_is_sent = u->from_stdin;
    return true;
}

bide_response *upload_send(const struct request *q, bide_session *s, const char *url, bide_request_args *args, bool has_own)
{
    bool changes = q->upload->query || (q->upload->file && q->options->upload.file);
    char *changed = changes ? url_for(q, url) : NULL;
    off_t at = q->upload->from_stdin ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    const bide_body_source *from_stdin = bide_body_from_fd(STDIN_FILENO, .offset = at > 0 ? at : 0);
    if (changes && !changed)
        return NULL;

    args->size = sizeof *args;
    args->url = changed ? changed : url;
    args->expect_continue = q->options->upload.expect_ms > 0;
    args->expect_timeout_ms = q->options->upload.expect_ms;
    bool is_good = has_own || set_body(q, args);
    if (!has_own && q->upload->from_stdin)
        args->body = from_stdin;
    bide_response *r = is_good ? bide_request_with(s, args->method, args) : NULL;
    free(changed);
    return r;
}
