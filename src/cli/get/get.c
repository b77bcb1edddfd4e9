/* SPDX-License-Identifier: MIT */
/*
 * get.c - `bide get`: many bodies at once, printed in the order of the URLs.
 *
 * Each URL has a task.  The one whose turn it is writes what it reads; the others hold what comes, up to HOLD bytes
 * each, and then stop reading until their turn, so that the server's own sending stops.
 *
 * Invariants:
 *   G1  only the body whose turn it is writes to standard output, first what it held.
 *   G2  at most `window` bodies exist: those from the one whose turn it is on.
 *   G3  of a body that fails before its turn nothing is printed.
 *
 * Nothing needs to be cleaned up outside of the process, so signals keep their default action: Ctrl-C ends it at once.
 */
#include "cli/get/get.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bide/loop.h>
#include <bide/task.h>

#include "cli/pattern/template.h"
#include "cli/request/extras.h"

#define HOLD ((size_t)256 << 10)
#define SAVE_FROM 65536 /* bytes of a body that go to a file as bide_save_to does it */
#define URL_SHOWN 256 /* of a URL in a message: the reason must fit behind it */

struct body {
    struct get *get;
    struct text text;
    const char *url; /* of it */
    bide_task *task;
    bide_future *turn; /* settled when is_turn becomes true */
    bool is_turn;
    char *held;
    size_t len, cap;
    struct get_flow flow;
    struct seen seen;
    char note[128]; /* about an answer that is no success, for people; "" if none */
};

/*
 *     URLs     0  1  2  3  4  5  6  7 ...      window 4, and it is 2's turn
 *     bodies   4  5  2  3                      URL i in bodies[i % window]
 *                    |  '-- held: up to HOLD bytes, then its task waits for `turn`, as those of 4 and 5 do
 *                    '----> output: first what it held, then what it reads
 *     6 begins in 2's place when 2 has ended, and it is 3's turn.
 */
struct get {
    const struct get_options *options;
    struct request *request;
    bide_session *session;
    struct get_urls urls;
    int window;
    struct get_output output;
    struct get_resume resume;
    struct get_progress show;
    struct body *bodies; /* window of them: URL i has bodies[i % window] */
    uint64_t done, failed;
    int output_error; /* of the output; then nothing more is tried */
    bool timed_out;
    bool no_memory;   /* for one of them */
    bool is_unsaved;  /* cookies could not be written */
    bool refused;     /* one was binary, and for a terminal */
};

/* ---- output ---- */

static int write_out(struct body *b, const char *data, size_t len)
{
    int code = get_output_write(&b->get->output, data, len);

    if (code < 0 && code != BIDE_ECANCELED && code != BIDE_ETIMEDOUT)
        b->get->output_error = code;
    return code;
}

static int write_held(struct body *b)
{
    size_t len = b->len;

    b->len = 0;
    return len > 0 ? write_out(b, b->held, len) : 0;
}

static int hold(struct body *b, const char *data, size_t len)
{
    size_t need = b->len + len;

    if (need > b->cap) {
        size_t cap = need * 2 | 4095;
        char *held = realloc(b->held, cap);
        if (!held)
            return bide_fail(BIDE_ENOMEM, "no memory to hold a body");
        b->held = held;
        b->cap = cap;
    }
    memcpy(b->held + b->len, data, len);
    b->len += len;
    return 0;
}

static int put(struct body *b, const char *data, size_t len)
{
    if (!b->is_turn && b->len + len > HOLD)
        BIDE_TRY(bide_await(b->turn));
    if (!b->is_turn)
        return hold(b, data, len);
    BIDE_TRY(write_held(b));
    return write_out(b, data, len);
}

static int put_head(struct body *b, bide_response *r)
{
    char line[64];
    bide_pair field;

    snprintf(line, sizeof line, "HTTP/1.%d %03d ", bide_response_http_minor(r), bide_status(r));
    BIDE_TRY(put(b, line, strlen(line)));
    BIDE_TRY(put(b, bide_reason(r), strlen(bide_reason(r))));
    for (size_t i = 0; bide_header_at(r, i, &field); i++) {
        BIDE_TRY(put(b, "\r\n", 2));
        BIDE_TRY(put(b, field.name, strlen(field.name)));
        BIDE_TRY(put(b, ": ", 2));
        BIDE_TRY(put(b, field.value, strlen(field.value)));
    }
    return put(b, "\r\n\r\n", 4);
}

/* ---- one URL ---- */

static int too_large(const struct body *b, int64_t max)
{
    char shown[URL_SHOWN];

    return bide_fail(BIDE_ETOOBIG, "%s %s: the body is larger than --max-size (%" PRId64 " bytes)",
                     b->get->request->method, secrets_shown_url(b->url, shown, sizeof shown), max);
}

static int note_saved(uint64_t bytes, void *arg)
{
    struct body *b = arg;

    b->get->show.received += bytes - b->flow.received;
    b->flow.received = bytes;
    return 0;
}

/* A long one whose turn has come, into a file: then no byte of it passes through here. */
static int save_body(struct body *b, bide_response *r)
{
    bool at_file = false;

    BIDE_TRY(write_held(b));
    int64_t n = bide_save_to(r, b->get->output.file, .progress = note_saved, .progress_arg = b, .at_file = &at_file);
    if (n < 0 && at_file)
        b->get->output_error = (int)n;
    return n < 0 ? (int)n : 0;
}

/* Of which a part is here perhaps, and will be there if this fails, too. */
static int save_rest(struct body *b, bide_response *r)
{
    const char *path = b->get->resume.part_of;
    bool at_file = false;
    int64_t n = bide_save(r, path, .max_bytes = request_max_size(&b->get->options->http, r), .progress = note_saved,
                          .progress_arg = b, .at_file = &at_file);

    if (n < 0 && at_file)
        b->get->output_error = (int)n;
    return n < 0 ? (int)n : 0;
}

static int put_body(struct body *b, bide_response *r)
{
    struct get *g = b->get;
    int64_t max = request_max_size(&g->options->http, r), total = 0;
    const char *data;
    ssize_t n;

    b->flow.length = request_announced_length(r);
    if (b->flow.length > max && strcmp(g->request->method, "HEAD") != 0) /* refused before anything of it is printed */
        return too_large(b, max);
    if (b->is_turn && g->output.path && b->flow.length > SAVE_FROM)
        return save_body(b, r);
    while ((n = bide_read_chunk(r, &data)) > 0) {
        if (total == 0)
            BIDE_TRY(get_output_check(&g->output, g->request->method, b->url, bide_header(r, "Content-Type"), data, (size_t)n));
        total += n;
        b->flow.received = (uint64_t)total;
        g->show.received += (uint64_t)n;
        if (total > max)
            return too_large(b, max);
        BIDE_TRY(put(b, data, (size_t)n));
    }
    return (int)n;
}

static int get_one(struct body *b)
{
    const struct get *g = b->get;
    char reason[SAY_QUOTE_SIZE];
    bool is_done;
    bide_auto bide_response *r = request_send(g->request, g->session, b->url, &(struct request_of_one){.resume = g->resume.part_of, .seen = &b->seen});
    if (!r)
        return bide_raise();
    BIDE_TRY(get_resume_check(&g->resume, r, &is_done));

    if (g->options->http.see.verbose > 0 && bide_response_oddity(r)) {
        char shown[URL_SHOWN];
        progress_erase(&b->get->show.progress);
        say_note(REQUEST_ODDITY, secrets_shown_url(b->url, shown, sizeof shown), bide_response_oddity(r));
    }
    if (g->options->fail)
        BIDE_TRY(bide_raise_for_status(r));
    else if (bide_status(r) >= 400)
        snprintf(b->note, sizeof b->note, "%d %s", bide_status(r), say_quote(bide_reason(r), reason));
    if (g->options->heads || g->options->http.upload.head)
        BIDE_TRY(put_head(b, r));
    return is_done ? 0 : g->resume.part_of ? save_rest(b, r) : put_body(b, r);
}

/* ---- all of them ---- */

static int start(struct get *g, struct body *b, uint64_t number)
{
    *b = (struct body){.get = g, .text = b->text, .held = b->held, .cap = b->cap, .seen = b->seen};
    get_urls_next(&g->urls, &b->text);
    if (b->text.no_memory)
        return bide_fail(BIDE_ENOMEM, "no memory for a URL");
    b->url = b->text.data;
    seen_begin(&b->seen, &g->request->see, b->url, number);
    b->flow = (struct get_flow){.url = b->url, .length = -1};
    b->turn = bide_future_new();
    b->task = b->turn ? bide_create_task(bide_coro(get_one, b)) : NULL;
    return b->task ? 0 : bide_raise();
}

static void drop(struct body *b)
{
    bide_release(b->task);
    bide_release(b->turn);
    b->task = NULL;
    b->turn = NULL;
}

static void report(struct get *g, const struct body *b, int code)
{
    char shown[URL_SHOWN];

    if (code < 0 || b->note[0])
        progress_erase(&g->show.progress);
    if (code < 0) {
        g->failed++;
        g->show.failed++;
        g->no_memory |= code == BIDE_ENOMEM;
        g->refused |= code == -EILSEQ && g->output.refuses_binary;
        say("%s", bide_error_text());
    } else if (b->note[0]) {
        say_note("%s: answered %s; --fail makes that a failure", secrets_shown_url(b->url, shown, sizeof shown), b->note);
    }
}

/* --write-out */
static int write_facts(struct get *g, struct body *b, int code)
{
    struct ending end = {.file = g->output.path, .text = code < 0 ? bide_error_text() : NULL,
                         .code = code >= 0 ? EXIT_OK : code == BIDE_ENOMEM ? EXIT_LOCAL : EXIT_NOTHING};

    code = write_out_print(&b->seen, &end);
    if (code < 0 && code != BIDE_ECANCELED && code != BIDE_ETIMEDOUT)
        g->output_error = code;
    return code;
}

/* Its turn: let it write, wait for its end. */
static int finish(struct get *g, struct body *b)
{
    b->is_turn = true;
    g->show.flow = &b->flow;
    BIDE_TRY(bide_future_set_result(b->turn, 0));
    int code = bide_await(b->task);
    if (code < 0 && (g->output_error || bide_timeout_expired()))
        return code;

    if (code >= 0)
        BIDE_TRY(write_held(b));
    report(g, b, code);
    BIDE_TRY(write_facts(g, b, code));
    g->show.flow = NULL;
    g->show.done = ++g->done;
    drop(b);
    return 0;
}

static int end_output(struct get *g)
{
    int code = get_output_end(&g->output, g->failed == 0);

    g->output_error = code < 0 ? code : g->output_error;
    return code;
}

static int print_all(struct get *g)
{
    uint64_t window = (uint64_t)g->window;

    for (uint64_t i = 0, started = 0; i < g->urls.total; i++) {
        for (; started < g->urls.total && started < i + window; started++)
            BIDE_TRY(start(g, &g->bodies[started % window], started + 1));
        BIDE_TRY(finish(g, &g->bodies[i % window]));
    }
    return end_output(g);
}

static void erase(void *arg)
{
    struct get *g = arg;

    progress_erase(&g->show.progress);
}

static int open_output(struct get *g)
{
    int code = get_output_open(&g->output, g->options, &g->resume);

    g->output_error = code < 0 ? code : 0;
    get_progress_open(&g->show, g->options, g->urls.total);
    g->request->see.is_many = g->urls.total > 1;
    g->request->see.erase = erase;
    g->request->see.erase_arg = g;
    return code;
}

static int get_all(struct get *g)
{
    int code = BIDE_ETIMEDOUT;
    BIDE_TRY(request_load(g->request));
    bide_auto bide_session *session = request_session(g->request, g->window, g->window, 0);
    if (!session)
        return bide_raise();
    BIDE_TRY(open_output(g));
    bide_auto bide_task *ticker = g->show.is_on ? bide_create_task(bide_coro(get_progress_run, &g->show)) : NULL;

    g->session = session;
    bide_timeout(g->options->max_time_ms > 0 ? g->options->max_time_ms : BIDE_FOREVER) {
        code = print_all(g);
        g->timed_out = bide_timeout_expired();
    }
    for (int i = 0; i < g->window; i++)
        drop(&g->bodies[i]);
    bide_release(g->output.file); /* what is not complete has never been */
    progress_erase(&g->show.progress);
    g->is_unsaved = request_save(g->request) != EXIT_OK;
    return code;
}

static int exit_code(const struct get *g, int code)
{
    if (g->output_error)
        return output_exit_code(g->output_error);
    if (code < 0 && g->timed_out) {
        say("stopped by --max-time when %" PRIu64 " of %" PRIu64 " URLs were done", g->done, g->urls.total);
        return EXIT_LIMIT;
    }
    if (code < 0) {
        say("%s", bide_error_text());
        return g->session ? EXIT_LOCAL : request_exit_code(code);
    }
    if (g->failed > 0 && get_resume_has_part(&g->resume))
        say("what has come of %s is in %s.part; --continue - goes on", g->resume.part_of, g->resume.part_of);
    if (g->output.path && !g->resume.appends && g->failed > 0)
        say("%s: not written, because %" PRIu64 " of %" PRIu64 " URLs failed", g->output.path, g->failed, g->urls.total);
    if (g->no_memory || g->refused || g->is_unsaved)
        return EXIT_LOCAL;
    return g->failed == 0 ? EXIT_OK : g->failed == g->urls.total ? EXIT_NOTHING : EXIT_SOME_FAILED;
}

static int run(struct get *g)
{
    g->bodies = calloc((size_t)g->window, sizeof *g->bodies);
    if (!g->bodies)
        return say_no_memory();
    int code = exit_code(g, bide_run(bide_coro(get_all, g)));
    for (int i = 0; i < g->window; i++) {
        free(g->bodies[i].held);
        text_free(&g->bodies[i].text);
        seen_free(&g->bodies[i].seen);
    }
    free(g->bodies);
    return code;
}

static int window_of(const struct get *g)
{
    uint64_t total = g->urls.total;
    int most = g->options->concurrency;

    return descriptors_allow(total < (uint64_t)most ? (int)total : most);
}

static int send_all(struct get *g, struct request *q)
{
    int code = request_open(q, &g->options->http);
    if (code != EXIT_OK)
        return code;

    g->request = q;
    code = get_urls_check_users(&g->urls, q);
    if (code == EXIT_OK && g->options->continue_at && strcmp(q->method, "GET") != 0) {
        say("--continue goes on with what GET brings, and the method is %s", q->method);
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK)
        code = run(g);
    request_close(q);
    return code;
}

/* A name for each body is fetch's. */
static int check_output(const struct get *g)
{
    const char *name = g->options->output;
    struct template t;
    struct text why = {0};
    if (!name || g->urls.total <= 1)
        return EXIT_OK;

    bool is_template = template_parse(&t, name, true, &why) == EXIT_OK && t.has_variable;
    template_free(&t);
    text_free(&why);
    if (is_template)
        say("--output %s: get has one file for all bodies; `bide fetch` has one for each", name);
    return is_template ? EXIT_USAGE : EXIT_OK;
}

int get_run(const struct get_options *options, int n, char **urls)
{
    struct request q;
    struct get_options o = *options;
    struct get g = {.options = &o};

    if (options->raw)
        output_raw();
    int code = get_urls_open(&g.urls, n, urls, options->no_glob);
    if (code == EXIT_OK)
        code = check_output(&g);
    if (code == EXIT_OK)
        code = get_resume_open(&g.resume, &o, g.urls.total);
    g.window = code == EXIT_OK ? window_of(&g) : 0;
    if (code == EXIT_OK)
        code = send_all(&g, &q);
    get_resume_close(&g.resume);
    get_urls_close(&g.urls);
    return code;
}
