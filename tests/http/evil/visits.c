/* SPDX-License-Identifier: MIT */
/* visits.c - what a client does with the servers of origin.h. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/around.h>
#include <bide/file.h>
#include <bide/har.h>
#include <bide/http.h>
#include <bide/json.h>
#include <bide/loop.h>
#include <bide/stream.h>
#include <bide/task.h>
#include <jansson.h>

#include "evil/visits.h"
#include "harness/certs.h"

static const char *visit_url(const struct scene *p, enum origin_port port, const char *path)
{
    static char urls[4][128];
    static int turn;
    char *url = urls[++turn % 4];

    snprintf(url, sizeof urls[0], "http%s://good.test:%d%s", port == ORIGIN_PLAIN ? "" : "s", p->origin.port[port], path);
    return url;
}

static int visit_code(void)
{
    int code = bide_error_code();

    return code < 0 ? code : -EBADMSG; /* it failed and did not say why */
}

/* 0: a 200 whose body was read. */
static int visit_read(bide_response *r, size_t len)
{
    bide_bytes body = r ? bide_body(r) : (bide_bytes){NULL, 0};

    if (!body.data)
        return visit_code();
    return bide_status(r) == 200 && (len == 0 || body.len == len) ? 0 : -EPROTO;
}

static int visit_get(bide_session *s, const struct scene *p, enum origin_port port, const char *path)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, port, path));

    return visit_read(r, 5);
}

/* ---- what comes ---- */

static int visit_plain(bide_session *s, const struct scene *p)
{
    return visit_get(s, p, ORIGIN_PLAIN, "/plain");
}

static int visit_text(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/gzip?lines"));
    const char *text = r ? bide_text(r) : NULL;

    return !text ? visit_code() : strstr(text, "\nend\n") ? 0 : -EPROTO;
}

static int visit_json(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/gzip?json"));
    json_t *doc = r ? bide_json(r) : NULL;
    if (!doc)
        return visit_code();

    bool fits = json_integer_value(json_array_get(doc, 2)) == 2 * 7919;
    json_decref(doc);
    return fits ? 0 : -EPROTO;
}

static int visit_lines(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/gzip?lines"));
    bide_auto bide_stream *lines = r ? bide_body_stream(r) : NULL;
    const char *line;
    ssize_t n = 0;
    bool ended = false;
    if (!lines)
        return visit_code();

    while (!ended && (n = bide_read_until(lines, "\n", &line)) > 0)
        ended = strncmp(line, "end", 3) == 0;
    return ended ? 0 : visit_code();
}

/* It goes away in the middle of a body. */
static int visit_half(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/big"));
    const char *data;
    ssize_t n = r ? bide_read_chunk(r, &data) : visit_code();

    return n > 0 ? 0 : n < 0 ? (int)n : -EPROTO;
}

static int visit_save(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/big"));
    int64_t n = r ? bide_save(r, p->save) : visit_code();

    return n == ORIGIN_BIG ? 0 : n < 0 ? (int)n : -EPROTO;
}

static int visit_save_tls(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_TLS, "/big"));
    int64_t n = r ? bide_save(r, p->save) : visit_code();

    return n == ORIGIN_BIG ? 0 : n < 0 ? (int)n : -EPROTO;
}

static int64_t visit_resume_once(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/cut"), .resume = p->save);

    return r ? bide_save(r, p->save) : visit_code();
}

/* The first time it is cut off, unless a run before has left a part. */
static int visit_resume(bide_session *s, const struct scene *p)
{
    int64_t n = visit_resume_once(s, p);

    if (n == BIDE_ETRUNCATED) {
        bide_error_clear();
        n = visit_resume_once(s, p);
    }
    return n == ORIGIN_BIG ? 0 : n < 0 ? (int)n : -EPROTO;
}

/* ---- asked twice ---- */

static int visit_redirect(bide_session *s, const struct scene *p)
{
    return visit_get(s, p, ORIGIN_PLAIN, "/redirect");
}

static int visit_digest(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_get(s, visit_url(p, ORIGIN_PLAIN, "/digest"), .auth = BIDE_DIGEST("me", "secret"));

    return visit_read(r, 5);
}

static int visit_retry(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r =
        bide_get(s, visit_url(p, ORIGIN_PLAIN, "/busy"), .retry = {.attempts = 3, .wait_ms = 2, .on_status = BIDE_STATUSES(503)});

    return visit_read(r, 5);
}

/* ---- what is sent ---- */

static int visit_upload(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_put(s, visit_url(p, ORIGIN_PLAIN, "/upload"), .data_file = p->file, .expect_continue = true);

    return visit_read(r, 6);
}

static int visit_upload_tls(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_put(s, visit_url(p, ORIGIN_TLS, "/upload"), .data_file = p->file);

    return visit_read(r, 6);
}

static ssize_t visit_piece(const char **data, void *arg)
{
    int *left = arg, code = bide_sleep_ms(1);

    *data = "a piece";
    return code < 0 ? code : (*left)-- > 0 ? 7 : 0;
}

static int visit_pieces(bide_session *s, const struct scene *p)
{
    int left = 4;
    bide_auto bide_response *r = bide_post(s, visit_url(p, ORIGIN_PLAIN, "/upload"), .body = bide_body_from(visit_piece, &left),
                                           .trailers = BIDE_PAIRS({"X-Checksum", "1"}));

    return visit_read(r, 2);
}

static int visit_packed(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r = bide_post(s, visit_url(p, ORIGIN_PLAIN, "/upload"), .data_file = p->file, .compress = "gzip");

    return visit_read(r, 0);
}

static int visit_multipart(bide_session *s, const struct scene *p)
{
    int left = 2;
    bide_auto bide_response *r = bide_post(s, visit_url(p, ORIGIN_PLAIN, "/upload"),
                                           .multipart = BIDE_PARTS({"title", "a cat"}, {"file", .path = p->file},
                                                                   {"pieces", .body = bide_body_from(visit_piece, &left)}));

    return visit_read(r, 6);
}

static int visit_json_value(bide_session *s, const struct scene *p)
{
    json_t *doc = json_pack("{s:i}", "a", 1);
    bide_auto bide_response *r = bide_post(s, visit_url(p, ORIGIN_PLAIN, "/upload"), .json_value = doc);

    json_decref(doc);
    return visit_read(r, 0);
}

/* ---- whom it meets ---- */

static int visit_tls(bide_session *s, const struct scene *p)
{
    return visit_get(s, p, ORIGIN_TLS, "/redirect");
}

static int visit_mutual(bide_session *s, const struct scene *p)
{
    return visit_get(s, p, ORIGIN_MUTUAL, "/plain");
}

/* Three requests, two places. */
static int visit_crowd(bide_session *s, const struct scene *p)
{
    return bide_gather(bide_coro(visit_plain, s, p), bide_coro(visit_redirect, s, p), bide_coro(visit_text, s, p));
}

static int visit_jar(bide_session *s, const struct scene *p)
{
    bide_cookie_jar *jar = bide_session_cookies(s);
    char path[300];

    snprintf(path, sizeof path, "%s/jar", p->dir);
    if (!jar)
        return visit_code();
    BIDE_TRY(visit_redirect(s, p));
    BIDE_TRY(bide_cookie_jar_save(jar, path));
    int n = bide_cookie_jar_add_file(jar, path);
    return n == 1 ? 0 : n < 0 ? n : -EPROTO;
}

/* ---- what stands around it ---- */

static int visit_pause(bide_attempt *a, void *arg)
{
    (void)arg;
    BIDE_TRY(bide_sleep_ms(1));
    return bide_attempt_number(a) == 1 ? 0 : bide_fail(-EPROTO, "asked again");
}

static int visit_around(bide_session *s, const struct scene *p)
{
    bide_auto bide_response *r =
        bide_get(s, visit_url(p, ORIGIN_PLAIN, "/plain"), .around = BIDE_AROUND({.before = visit_pause, .after = visit_pause}));

    return visit_read(r, 5);
}

/* Beside another one on the same connections. */
static int visit_shared(bide_session *s, const struct scene *p)
{
    bide_auto bide_session *other = bide_session_new(.connections_of = s, .ca_file = cert_path("ca"));

    return other ? bide_gather(bide_coro(visit_redirect, other, p), bide_coro(visit_tls, other, p), bide_coro(visit_plain, s, p)) : visit_code();
}

static int visit_recorded(bide_session *s, const struct scene *p)
{
    char path[300];
    (void)s;

    snprintf(path, sizeof path, "%s/har", p->dir);
    bide_auto bide_transport *t = bide_transport_record(path);
    bide_auto bide_session *own = t ? bide_session_new(.transport = t, .connect_to = (const char *const[]){"good.test::127.0.0.1:", NULL}) : NULL;
    if (!own)
        return visit_code();
    BIDE_TRY(visit_redirect(own, p));
    BIDE_TRY(visit_text(own, p));
    int n = bide_transport_end(t);
    if (n != 3)
        return n < 0 ? n : -EPROTO;
    bide_auto bide_transport *again = bide_transport_replay(path);
    bide_auto bide_session *replayed = again ? bide_session_new(.transport = again) : NULL;
    return replayed ? visit_text(replayed, p) : visit_code();
}

const struct visit visits[] = {
    {"plain", visit_plain},
    {"text", visit_text},
    {"json", visit_json},
    {"lines", visit_lines},
    {"half", visit_half},
    {"save", visit_save},
    {"save over TLS", visit_save_tls},
    {"resume", visit_resume},
    {"redirect", visit_redirect},
    {"Digest", visit_digest},
    {"retry", visit_retry},
    {"upload", visit_upload},
    {"upload over TLS", visit_upload_tls},
    {"pieces", visit_pieces},
    {"packed", visit_packed},
    {"multipart", visit_multipart},
    {"JSON value", visit_json_value},
    {"TLS", visit_tls},
    {"TLS with a certificate", visit_mutual},
    {"tunnel", visit_tls, .way = BY_HTTP},
    {"tunnel with Digest", visit_tls, .way = BY_ASKING},
    {"forwarded", visit_json, .way = BY_HTTP},
    {"SOCKS", visit_tls, .way = BY_SOCKS},
    {"addresses", visit_plain, .resolves = true},
    {"crowd", visit_crowd},
    {"jar", visit_jar},
    {"functions around it", visit_around},
    {"shared connections", visit_shared},
    {"recorded and replayed", visit_recorded},
};

const size_t nvisits = sizeof visits / sizeof *visits;

/* ---- where they take place ---- */

static int visit_resolve(const char *name, bide_addresses *out, void *arg)
{
    (void)name, (void)arg;
    BIDE_TRY(bide_sleep_ms(1));
    BIDE_TRY(bide_addresses_add(out, "::1")); /* nobody there */
    return bide_addresses_add(out, "127.0.0.1");
}

void scene_open(struct scene *p)
{
    char *bytes = calloc(1, UPLOAD);
    FILE *f;

    origin_start(&p->origin);
    snprintf(p->dir, sizeof p->dir, "%s/d", test_tmpdir());
    EXPECT_EQ(mkdir(p->dir, 0700), 0);
    snprintf(p->file, sizeof p->file, "%s/upload", test_tmpdir());
    snprintf(p->save, sizeof p->save, "%.200s/saved", p->dir);
    EXPECT_NOT_NULL(f = fopen(p->file, "we"));
    EXPECT_EQ(fwrite(bytes, 1, UPLOAD, f), UPLOAD);
    fclose(f);
    free(bytes);
}

void scene_close(struct scene *p)
{
    origin_stop(&p->origin);
}

bide_session *visit_session(const struct visit *v, const struct scene *p)
{
    char proxy[64];

    snprintf(proxy, sizeof proxy, "%s://me:secret@127.0.0.1:%d", v->way == BY_SOCKS ? "socks5h" : "http",
             p->origin.port[v->way == BY_ASKING ? ORIGIN_ASKING : ORIGIN_PLAIN]);
    return bide_session_new(.ca_file = cert_path("ca"), .tls_options = BIDE_TLS(.cert_file = cert_path("good")), .limit = 2,
                            .connect_timeout_ms = p->connect_ms ? p->connect_ms : 5000, .read_timeout_ms = 5000, .proxy = v->way == DIRECT ? NULL : proxy,
                            .connect_to = v->resolves ? NULL : (const char *const[]){"good.test::127.0.0.1:", NULL},
                            .resolve = v->resolves ? visit_resolve : NULL);
}

/* Whole, or a part that can be gone on with; nothing else. */
static void expect_files(const struct visit *v, const struct scene *p)
{
    DIR *dir = opendir(p->dir);
    struct stat st;

    EXPECT_NOT_NULL(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        bool is_part = v->go == visit_resume && strncmp(e->d_name, "saved.part", 10) == 0;
        bool is_jar = v->go == visit_jar && strcmp(e->d_name, "jar") == 0;
        bool is_har = v->go == visit_recorded && strcmp(e->d_name, "har") == 0;
        if (is_jar || is_har)
            EXPECT_EQ(unlinkat(dirfd(dir), e->d_name, 0), 0);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || is_part || is_jar || is_har)
            continue;
        EXPECT_STR(e->d_name, "saved");
        EXPECT_EQ(stat(p->save, &st), 0);
        EXPECT_EQ(st.st_size, ORIGIN_BIG);
    }
    closedir(dir);
    unlink(p->save);
}

void visit_expect_well(const struct visit *v, const struct scene *p, bide_session *s)
{
    if (s) {
        EXPECT_ERR(visit_plain(s, p), 0);
        bide_session_stats stats = bide_session_get_stats(s);
        EXPECT_EQ(stats.waiting, 0);
        EXPECT_EQ(stats.open, stats.idle);
        EXPECT_LE(stats.open, 2);
        bide_release(s);
    }
    expect_files(v, p);
}
