/* SPDX-License-Identifier: MIT */
/* upload.h - what is sent besides -d and --json: files, forms, and what goes into the query. */
#ifndef BIDE_CLI_REQUEST_UPLOAD_H
#define BIDE_CLI_REQUEST_UPLOAD_H

#include <bide/http.h>

#include "cli/option/opt.h"

/* Part of http_options. */
struct upload_options {
    struct opt_list form;           /* curl's -F */
    struct opt_list form_urlencode, data_urlencode; /* the same in two names: curl's --data-urlencode */
    struct opt_list query;          /* the same, into the URL */
    const char *file;               /* "-": standard input */
    const char *referer;
    int64_t expect_ms;              /* 0: a body is sent at once */
    bool get, head;
};

/* The rows of those options: UPLOAD_OPTIONS(struct fetch_options, http.upload), */
#define UPLOAD_OPTIONS(S, m)                                                                                              \
    {"form", 'F', "NAME=VALUE", OPT_LIST(S, m.form), .secret = true, .rare = true,                                        \
     .help = "a field of a form with files: NAME=VALUE, NAME=@FILE (a file), NAME=<FILE (its text); ;type=TYPE and ;filename=NAME behind it"}, \
    {"form-urlencode", 0, "NAME=VALUE", OPT_LIST(S, m.form_urlencode), .secret = true, .rare = true,                      \
     .help = "a field of a form without files: NAME=VALUE, NAME@FILE, =VALUE, VALUE; all of them are encoded and sent as one body"}, \
    {"data-urlencode", 0, "NAME=VALUE", OPT_LIST(S, m.data_urlencode), .secret = true, .rare = true,                      \
     .help = "the same, as curl calls it; behind -d, with & between them"},                                               \
    {"query", 0, "NAME=VALUE", OPT_LIST(S, m.query), .secret = true, .rare = true,                                        \
     .help = "the same, into the query of each URL"},                                                                     \
    {"get", 'G', NULL, OPT_FLAG(S, m.get), .rare = true, .help = "what -d and the forms without files say goes into the query of a GET"}, \
    {"upload-file", 'T', "FILE", OPT_STRING(S, m.file), .rare = true,                                                     \
     .help = "PUT this file; - is standard input, in chunks; to a URL that ends in / under the file's name"},             \
    {"head", 'I', NULL, OPT_FLAG(S, m.head), .rare = true, .help = "ask for the head alone (HEAD); `bide get` shows it"},         \
    {"referer", 'e', "URL", OPT_STRING(S, m.referer), .rare = true, .help = "value of Referer"},                          \
    {"expect100-timeout", 0, "TIME", OPT_DURATION(S, m.expect_ms), .rare = true, .def = "0",                              \
     .help = "ask whether a body is wanted (Expect: 100-continue), and wait so long for an answer; 0: do not ask"}

/* Those options made ready to send. */
struct upload {
    bide_part *parts;  /* of --form; NULL: none */
    char *form;        /* the body of --form-urlencode; NULL: none */
    size_t form_len;
    char *query;       /* what is added to a URL, encoded; NULL: nothing */
    const char *file;  /* of -T or of a large -d @FILE; NULL: none */
    bool from_stdin;   /* -T - */
    bool stdin_is_sent;
    char **texts;      /* owned, what the parts point into */
    size_t ntexts;
};

struct request;

/* Are there fields of a form without files? */
static inline bool upload_has_pairs(const struct upload_options *o)
{
    return o->form_urlencode.len + o->data_urlencode.len > 0;
}
/* Returns: EXIT_OK, else after a message.  q->data is what -d says, and goes into the query or the form. */
int upload_open(struct request *q);
void upload_close(struct upload *u);
/* ---- form.c ---- */
/* The parts of --form.  Returns: as above. */
int upload_open_form(struct upload *u, const struct opt_list *form);

/* bide_request with what is to be sent.  has_own: the body is `data` or `json`, whatever the options say. */
bide_response *upload_send(const struct request *q, bide_session *s, const char *url, bide_request_args *args, bool has_own);

#endif
