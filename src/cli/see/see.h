/* SPDX-License-Identifier: MIT */
/*
 * see.h - what `bide get` and `bide fetch` show of their requests: -v, --trace, --write-out.
 *
 *     the session's .trace ---> see_event ---> verbose.c   lines as curl's -v has them
 *                                    |-------> record.c    lines of JSON
 *                                    '-------> seen        facts of one URL ---> write_out.c, at its end
 *
 * In reading order: see.c, heads.c, verbose.c, record.c, facts.c, write_out.c.
 */
#ifndef BIDE_CLI_SEE_H
#define BIDE_CLI_SEE_H

#include <bide/http.h>

#include "cli/option/opt.h"
#include "cli/terminal/text.h"

/* Part of http_options; SEE_OPTIONS fills it. */
struct see_options {
    int verbose;
    const char *trace;     /* a file, or "-": standard error; NULL: none */
    bool secrets;          /* are shown */
    const char *write_out; /* "@FILE"; NULL: nothing */
};

#define SEE_OPTIONS(S, m)                                                                                              \
    {"trace", 0, "FILE", OPT_STRING(S, m.trace), .rare = true, .own = true,                                            \
     .help = "each step of each request into FILE, an object of JSON a line; -: to standard error"},                  \
    {"show-secrets", 0, NULL, OPT_FLAG(S, m.secrets), .rare = true,                                                    \
     .help = "-v and --trace show what Authorization, Cookie and headers named after a token, key or password say, which otherwise is ***"}, \
    {"write-out", 'w', "FORMAT", OPT_STRING(S, m.write_out), .rare = true,                                             \
     .help = "after each URL print FORMAT, with %{http_code}, %{time_total} and others filled in, as curl does (`bide help write-out`); @FILE reads it"}

/* Those options made ready. */
struct see {
    const struct see_options *options;
    const char *format;            /* borrowed; NULL: none */
    int trace_fd;                  /* -1: none */
    bool is_many;                  /* several URLs: lines say which one they are about */
    bool is_insecure;              /* certificates are not looked at */
    void (*erase)(void *arg);      /* the line of progress, before others are printed; NULL */
    void *erase_arg;
    int error;                     /* of writing to trace_fd; then no more is written */
    struct text waiting;           /* of --write-out, for standard output */
    bool is_printing;              /* some task is writing that */
};

/*
 * What was seen of one URL; zeros at first.  A second request for it, as fetch makes them, begins anew, but for `asked`.
 */
struct seen {
    struct see *see;
    const char *url;               /* as it was given; borrowed */
    uint64_t number;               /* of the URL, from 1 */
    int asked;                     /* requests that have begun */

    int status, minor, redirects, retries, connects, interims;
    int64_t dns_us, connect_us, tls_us, ready_us, first_byte_us, redirect_us, end_us; /* since the request began; 0: not */
    uint64_t download, upload, heads_in, heads_out; /* bytes */
    int peer_port, local_port, nfields;
    bool is_tls, is_untrusted, has_answer;
    char peer[64], local[64], method[68];
    struct text effective, fields; /* the URL at last; "Name\0value\0" of the head at last */
};

/* ---- see.c ---- */

/*
 * format: what --write-out says, read from its file; NULL: nothing.
 *
 * Returns:   EXIT_OK; EXIT_USAGE, EXIT_LOCAL after a message; see_close(s) is to follow in any case
 */
int see_open(struct see *s, const struct see_options *o, const char *format);
/* All was written?  Returns: EXIT_OK; EXIT_LOCAL after a message. */
int see_end(const struct see *s);
void see_close(struct see *s);
static inline bool see_is_on(const struct see *s)
{
    return s->options->verbose > 0 || s->trace_fd >= 0 || s->format;
}
void see_event(const bide_trace_event *e, void *seen); /* a bide_trace_fn; seen NULL: it is passed over */
void seen_begin(struct seen *s, struct see *see, const char *url, uint64_t number);
void seen_free(struct seen *s);
/* Whole lines, at once, to standard error, or to the file of --trace. */
void see_print(struct see *s, int fd, const struct text *lines);

/* ---- heads.c: heads as text, without secrets ---- */

/* A head that was sent, a line after the other, each with `before` in front; control characters as \xNN. */
void head_add_sent(struct text *to, bide_bytes head, const char *before, bool secrets);
/* That of an answer: the interim one of this number, or, if that is -1, the answer itself. */
void head_add_answer(struct text *to, const bide_response *r, int interim, const char *before, bool secrets);
/* A text as people may see it. */
void head_add_clean(struct text *to, const char *text, size_t len);

/* ---- verbose.c, record.c ---- */

/* The lines of an event; most have none. */
void see_verbose_add(struct text *to, const bide_trace_event *e, const struct seen *s);
void see_record_add(struct text *to, const bide_trace_event *e, const struct seen *s);

/* ---- facts.c: what the variables of --write-out say ---- */

/* How it ended. */
struct ending {
    int code;         /* an exit code of this program's */
    const char *text; /* of the error; NULL: none */
    const char *file; /* that has the body; NULL: none */
};

bool facts_know(const char *name, size_t len);
void facts_list(struct text *to);
/* The value; nothing if there is none. */
void facts_add(struct text *to, const char *name, size_t len, const struct seen *s, const struct ending *end);
/* All of them as an object. */
void facts_add_json(struct text *to, const struct seen *s, const struct ending *end);
/* The first field of that name. */
void facts_add_header(struct text *to, const struct seen *s, const char *name, size_t len);

/* ---- write_out.c ---- */

/* Is it a format?  Returns: EXIT_OK; EXIT_USAGE after a message. */
int write_out_check(const char *format);
/* `bide help write-out` */
void write_out_describe(struct text *to);
/*
 * The URL has ended: print.
 *
 * Suspends:  until standard output has taken it
 * Returns:   0, or as output_write
 */
int write_out_print(struct seen *s, const struct ending *end);

#endif
