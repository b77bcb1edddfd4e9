/* SPDX-License-Identifier: MIT */
/*
 * request.h - what `bide get` and `bide fetch` both send: the options about HTTP, made ready once.
 *
 *     struct request q;
 *     int code = request_open(&q, &options->http);         reads -H @FILE and -d @FILE; a message and 2 or 3, or 0
 *     request_load(&q);                                     inside the loop: files of cookies
 *     bide_auto bide_session *s = request_session(&q, ...);
 *     bide_response *r = request_send(&q, s, url);
 *     request_save(&q);
 *     request_close(&q);                                    after the session
 */
#ifndef BIDE_CLI_REQUEST_REQUEST_H
#define BIDE_CLI_REQUEST_REQUEST_H

#include <bide/http.h>

#include "cli/option/opt.h"
#include "cli/route/route.h"
#include "cli/request/upload.h"
#include "cli/see/see.h"

/* Part of get_options and fetch_options; HTTP_OPTIONS fills it. */
struct http_options {
    const char *method;       /* NULL: GET, or POST with a body */
    struct opt_list headers;  /* "Name: value", "Name:" (removes it), "@FILE" (such lines) */
    const char *data;         /* NULL: none; "@FILE", "@-" */
    const char *json;         /* the same, as JSON */
    const char *user;         /* "NAME:PASSWORD", "@FILE"; wiped when it was read */
    const char *bearer;       /* "TOKEN", "@FILE"; likewise */
    bool basic, digest, anyauth;
    bool netrc;               /* that of the home directory */
    const char *netrc_file, *hsts;
    struct opt_list cookies;  /* "NAME=VALUE; ...", or a file of them */
    const char *cookie_jar;   /* the file that they are saved in */
    const char *user_agent;
    const char *har, *replay; /* files: what is written, what answers */
    const char *ca_file;
    bool insecure, ignore_unexpected_eof;
    struct opt_list connect_to;
    struct route_options route;
    struct trust_options trust;
    int64_t timeout_ms;         /* one request, whole; BIDE_FOREVER */
    int64_t connect_timeout_ms; /* BIDE_FOREVER */
    int64_t speed_limit;        /* bytes per second a body has to bring; 0: any */
    int64_t speed_time_ms;      /* within this window */
    int64_t limit_rate, limit_rate_total; /* bytes per second of a request, of all together; 0: any */
    int64_t stall_ms;           /* no byte for so long; BIDE_FOREVER */
    int64_t max_size;           /* of one body, in bytes; 0: no limit */
    int64_t max_head;           /* of the head of an answer, in bytes */
    int max_redirects;          /* 0: none is followed */
    bool location_trusted;
    bool no_compressed;         /* bodies as they come, and no coding asked for */
    struct upload_options upload;
    struct see_options see;
};

/* The rows of those options, for a table: HTTP_OPTIONS(struct fetch_options, http), */
#define HTTP_OPTIONS(S, m)                                                                                            \
    {"request", 'X', "METHOD", OPT_STRING(S, m.method), .group = "Request",                                           \
     .brief = "method", .help = "method (default: GET, or POST with a body)"},                                        \
    {"header", 'H', "LINE", OPT_LIST(S, m.headers), .secret = true,                                                   \
     .brief = "add 'Name: value'; @FILE reads some", .help = "add 'Name: value'; 'Name:' removes one that bide adds; @FILE reads such lines"}, \
    {"data", 'd', "TEXT", OPT_STRING(S, m.data), .secret = true, .excludes = "json",                                  \
     .brief = "body to send; @FILE reads it; @-: stdin", .help = "body, sent as it is; @FILE reads it from a file, @- from standard input"}, \
    {"json", 0, "TEXT", OPT_STRING(S, m.json), .secret = true, .excludes = "data", .rare = true,                      \
     .help = "body with Content-Type and Accept: application/json; @FILE, @- as above"},                              \
    UPLOAD_OPTIONS(S, m.upload),                                                                                      \
    {"user", 'u', "USER", OPT_STRING(S, m.user), .secret = true,                                                      \
     .brief = "NAME:PASSWORD; @FILE reads it", .help = "NAME:PASSWORD, sent to the hosts of all URLs (Basic); @FILE reads it, and keeps it off the command line; NAME alone: the password is asked for on the terminal"}, \
    {"basic", 0, NULL, OPT_FLAG(S, m.basic), .rare = true, .help = "send user and password unasked: the default"},     \
    {"digest", 0, NULL, OPT_FLAG(S, m.digest), .rare = true,                                                           \
     .help = "send user and password (-u, of the URL, of netrc) only as an answer to a server's Digest challenge"},    \
    {"anyauth", 0, NULL, OPT_FLAG(S, m.anyauth), .rare = true,                                                         \
     .help = "send them as the server asks for: Digest, or, over https, Basic"},                                       \
    {"bearer", 0, "TOKEN", OPT_STRING(S, m.bearer), .secret = true, .rare = true,                                      \
     .help = "send this token in Authorization: Bearer; @FILE reads it"},                                              \
    {"netrc", 0, NULL, OPT_FLAG(S, m.netrc), .rare = true,                                                             \
     .help = "user and password of hosts that .netrc of the home directory names (or the file that NETRC names), where none are said"}, \
    {"netrc-file", 0, "FILE", OPT_STRING(S, m.netrc_file), .rare = true, .help = "the same with this file"},           \
    {"hsts", 0, "FILE", OPT_STRING(S, m.hsts), .rare = true,                                                           \
     .help = "ask hosts that said so over https alone; FILE has them (as curl's), and those that say so are added"},   \
    {"cookie", 'b', "TEXT|FILE", OPT_LIST(S, m.cookies), .secret = true, .rare = true,                               \
     .help = "send these cookies, 'NAME=VALUE; ...', with every URL; or begin with those in FILE (cookies.txt), and keep what servers set from one URL to the next; '': just keep it"}, \
    {"cookie-jar", 0, "FILE", OPT_STRING(S, m.cookie_jar), .rare = true,                                              \
     .help = "keep cookies, and write them to FILE in the end, also after failures"},                                 \
    {"user-agent", 'A', "TEXT", OPT_STRING(S, m.user_agent), .rare = true, .help = "value of User-Agent"},            \
    {"max-redirs", 0, "N", OPT_INT(S, m.max_redirects), .min = 0, .max = 1000, .rare = true, .def = "10",             \
     .help = "follow at most N redirects; 0: a 3xx is the answer"},                                                   \
    {"location-trusted", 0, NULL, OPT_FLAG(S, m.location_trusted), .rare = true,                                      \
     .help = "send the -H headers and the password to other hosts too when redirected there, unless it leaves https"}, \
    {"no-compressed", 0, NULL, OPT_FLAG(S, m.no_compressed), .rare = true,                                            \
     .help = "do not ask for gzip, deflate, br or zstd, and leave bodies as they come; by default they are asked for and taken off"}, \
    {"max-size", 0, "SIZE", OPT_SIZE(S, m.max_size), .rare = true, .def = "0",                                        \
     .help = "a larger body is a failure; 0: no limit, but 16G for one that is decompressed"},                                                              \
    {"max-head", 0, "SIZE", OPT_SIZE(S, m.max_head), .rare = true, .min = 1024, .max = 256 << 20, .def = "64K",       \
     .help = "a larger head of an answer is a failure; more headers and longer ones may come with more"},             \
    {"timeout", 0, "TIME", OPT_TIMEOUT(S, m.timeout_ms), .def = "0", .group = "Time",                                 \
     .brief = "for one request as a whole", .help = "for one request as a whole; 0: no limit"},                       \
    {"connect-timeout", 0, "TIME", OPT_TIMEOUT(S, m.connect_timeout_ms), .rare = true, .def = "10s",                  \
     .help = "for name, connection and TLS together; 0: no limit"},                                                   \
    {"stall", 0, "TIME", OPT_TIMEOUT(S, m.stall_ms), .rare = true, .def = "15s",                                      \
     .help = "no byte moves for so long: a failure; 0: no limit"},                                                    \
    {"speed-limit", 'Y', "SIZE", OPT_SIZE(S, m.speed_limit), .rare = true, .def = "0",                                \
     .help = "a body that brings fewer bytes per second is a failure; 0: no limit"},                                  \
    {"speed-time", 'y', "TIME", OPT_DURATION(S, m.speed_time_ms), .rare = true, .def = "30s", .min = 1,                   \
     .help = "--speed-limit is looked at each time that so long has passed"},                                         \
    {"limit-rate", 0, "SIZE", OPT_SIZE(S, m.limit_rate), .rare = true, .def = "0",                                     \
     .help = "bytes per second of each URL, down and up, such as 100k or 2M; 0: no limit"},                            \
    {"limit-rate-total", 0, "SIZE", OPT_SIZE(S, m.limit_rate_total), .rare = true, .def = "0",                         \
     .help = "the same of all URLs together"},                                                                        \
    {"har", 0, "FILE", OPT_STRING(S, m.har), .excludes = "replay", .rare = true, .group = "Recording",                 \
     .help = "write all requests and answers to FILE in the end (HAR 1.2), with passwords and cookies masked"},        \
    {"replay", 0, "FILE", OPT_STRING(S, m.replay), .excludes = "har", .rare = true,                                    \
     .help = "ask no network: the answers are those in FILE (HAR 1.2, a browser's too)"},                                  \
    {"cacert", 0, "FILE", OPT_STRING(S, m.ca_file), .rare = true, .group = "Connection",                              \
     .help = "trust these certificates (PEM) in place of the system's"},                                              \
    {"insecure", 'k', NULL, OPT_FLAG(S, m.insecure), .brief = "do not verify certificates", .help = "do not verify certificates: anybody can be the server"}, \
    {"ignore-unexpected-eof", 0, NULL, OPT_FLAG(S, m.ignore_unexpected_eof), .rare = true,                            \
     .help = "a body may end without close_notify, as in curl"},                                                      \
    {"connect-to", 0, "H:P:A:Q", OPT_LIST(S, m.connect_to), .rare = true,                                             \
     .help = "for host H, port P connect to address A, port Q; empty: any, or the same"},                               \
    ROUTE_OPTIONS(S, m.route), TRUST_OPTIONS(S, m.trust)

/* Those options made ready to send. */
struct request {
    const struct http_options *options;
    const char *method; /* never NULL */
    bide_pair *headers; /* ended by a NULL name; or NULL */
    bide_bytes data;    /* len 0 and data NULL: no body */
    const char *json;   /* NULL: none */
    bide_pair *cookies; /* that were given; NULL: none */
    char **cookie_files; /* ended by NULL */
    bool keeps_cookies; /* from one URL to the next */
    bide_cookie_jar *jar; /* then, inside the loop */
    bide_hsts *hsts;      /* inside the loop; NULL: none */
    bide_transport *transport; /* likewise, of --har and --replay */
    bide_auth auth;       /* of the session; zero: none */
    bide_redirect_fn *on_redirect; /* gets the watcher of request_send; NULL: none */
    int max_redirects;  /* 0: none is followed */
    const char *proxy;  /* NULL: as the environment says */
    struct see see;     /* who shows what it does */
    /* What the above point into, owned. */
    char *texts[8];
    struct upload *upload; /* owned */
    bool is_large_file;    /* -d @FILE is read while it is sent */
};

enum { TEXT_HEADERS, TEXT_DATA, TEXT_JSON, TEXT_USER, TEXT_COOKIES, TEXT_PROXY, TEXT_AUTH, TEXT_WRITE_OUT };

/* ---- texts.c ---- */

/* What an error means that comes before any request: this machine lacks something, or an option cannot be met. */
int request_exit_code(int error);
/* The value of -d and --json: the text, or what is in @FILE and @-.  Returns: EXIT_OK, else after a message. */
int request_read_data(const char *option, const char *value, char **text, size_t *len);
/* Is it @FILE, and too large to be kept in memory? */
bool request_is_large_file(const char *value);
/* The lines of -H and of its @FILEs, one after the other, each ended by a NUL.  Returns: as above. */
int request_read_lines(const struct opt_list *values, char **text, size_t *len);

/* ---- who.c ---- */

/* -u, --bearer and the like, into q->texts[TEXT_USER], a field Authorization, or q->auth.  Returns: EXIT_OK, else after a message. */
int request_open_who(struct request *q);
/* A line that may be a name alone becomes NAME:PASSWORD, asked for on the terminal.  Returns: EXIT_OK; else *line is NULL. */
int request_add_password(const char *option, char **line);
/* Wipe what is secret in q->auth. */
void request_close_who(struct request *q);

/* ---- headers.c ---- */

/* The fields of all options, into q->headers.  Returns: EXIT_OK, else after a message. */
int request_open_headers(struct request *q);
/* Would they, and what else a session is made of, be sent?  Returns: as above. */
int request_check_fields(const struct request *q);
bool request_has_header(const struct request *q, const char *name);
bool request_is_token(const char *text, size_t len);
/* Cut "Name: value" in two, in place.  Returns: false: it is none, and was left as it is. */
bool request_split_header(char *line, bide_pair *out);
/* These say where a message ends; a wrong one would make the next request part of this one. */
bool request_is_framing(const char *name);

/* ---- stores.c ---- */

/* The values of -b, into q->cookies and q->cookie_files.  Returns: EXIT_OK, else after a message. */
int request_open_cookies(struct request *q);
/* Inside the loop, before request_session: what is in files.  Returns: 0, or an error on record. */
int request_load(struct request *q);
/* Inside the loop, in the end: back into files.  Returns: EXIT_OK; EXIT_LOCAL after a message. */
int request_save(struct request *q);

/* ---- request.c ---- */

/* The options of a session that are about the way to its servers, and whom to trust there. */
#define REQUEST_CONNECTION_OPTIONS(q)                                                                                  \
    .connect_to = (q)->options->connect_to.items, .ca_file = (q)->options->ca_file, .insecure = (q)->options->insecure, \
    .proxy = (q)->proxy, .proxy_from_env = !(q)->proxy, ROUTE_OF_SESSION(&(q)->options->route),                        \
    .tls_options = trust_is_said(&(q)->options->trust) ? TRUST_TLS(&(q)->options->trust) : NULL

int request_count_stdin(const struct http_options *o); /* how many options read it: -d @-, --json @-, -H @- */
const char *request_usual_method(const struct http_options *o); /* what they ask with, before they are read */

/* Returns: EXIT_OK; EXIT_USAGE or EXIT_LOCAL after a message (then there is nothing to close). */
int request_open(struct request *q, const struct http_options *options);
void request_close(struct request *q);

/*
 * Can this be asked for?  Says why not, with a proposal where a scheme is missing.
 *
 * Returns:   EXIT_OK; EXIT_USAGE, or EXIT_LOCAL when there is no memory to know it
 */
int request_check_url(const char *url);

/* Has it user and password, and so have the options?  Returns: EXIT_OK; EXIT_USAGE after a message. */
int request_check_user(const struct request *q, const char *url);

/* ---- patterns.c ---- */

struct glob;

/* The same of all URLs of a pattern; with q, whether they have a user and the options, too. */
int request_check_pattern(const struct request *q, const struct glob *g);
/* Read a pattern, check its URLs, and add their number to the total.  Returns: EXIT_OK; EXIT_USAGE, EXIT_LOCAL after a message. */
int request_read_pattern(struct glob *g, const char *pattern, bool literal, uint64_t *total);

/* -v, of an answer with an oddity: its URL, the line. */
#define REQUEST_ODDITY "%s: this line of the answer is no header, and was passed over: \"%s\""

/* A session for them.  Returns: NULL with the error on record. */
bide_session *request_session(const struct request *q, int limit, int limit_per_host, int idle_limit);

/* Bytes that the body of this answer may have, decoded. */
int64_t request_max_size(const struct http_options *o, const bide_response *r);

/* What the head says that it will have; -1: nothing that counts, as with chunks, or in a coding that is taken off. */
int64_t request_announced_length(const bide_response *r);

/* As bide_request.  max_size is left to who reads the body.  one (extras.h) NULL: nothing is said. */
struct request_of_one;
bide_response *request_send(const struct request *q, bide_session *s, const char *url, const struct request_of_one *one);
bool request_is_method(const char *text, size_t len);

#endif
