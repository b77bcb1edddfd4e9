/* SPDX-License-Identifier: MIT */
/*
 * mock.c - a transport whose answers are the program's: a table, and a function behind it.
 *
 * Requests are kept, to be looked at afterwards: as many as its ceilings let it, and then no more.
 */
#include "http/transport/transport.h"

#define REQUESTS_MAX 10000
#define REQUESTS_BYTES_MAX ((size_t)64 << 20)
#define BODY_MAX ((size_t)1 << 20)
#define URL_SHOWN 100

struct row {
    const char *method, *url; /* method NULL: any */
    const struct canned *answer;
    int times, asked; /* times 0: any number, not counted */
};

struct mock {
    bide_transport transport;
    struct arena arena; /* the table */
    struct row *rows;
    size_t nrows;
    bide_mock_fn *fn;
    void *fn_arg;
    size_t max_body;

    struct arena kept_in;
    bide_mock_request **kept;
    size_t nkept, kept_cap;
    bool is_full; /* one did not fit: no later one is kept */
};

static struct mock *mock_of(const bide_transport *t)
{
    return container_of(t, struct mock, transport);
}

/* ---- which row ---- */

/* Does all of the text match, where * stands for anything?  At a mismatch the last * takes a byte more. */
static bool is_match(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static struct row *find_row(const struct mock *m, const bide_mock_request *q)
{
    for (size_t i = 0; i < m->nrows; i++) {
        struct row *r = &m->rows[i];
        bool is_free = r->times == 0 || r->asked < r->times;
        if (is_free && (!r->method || strcmp(r->method, q->method) == 0) && is_match(r->url, q->url))
            return r;
    }
    return NULL;
}

static size_t common_prefix(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* For the message. */
static const struct row *nearest_row(const struct mock *m, const bide_mock_request *q)
{
    const struct row *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < m->nrows; i++) {
        const struct row *r = &m->rows[i];
        bool is_same = is_match(r->url, q->url);
        size_t n = 1 + 2 * (is_same ? strlen(q->url) : common_prefix(r->url, q->url)) + (!r->method || strcmp(r->method, q->method) == 0);
        if (n >= most) { /* of those that are as near, the last to have its turn */
            most = n;
            best = r;
        }
    }
    return best;
}

static int fail_unanswered(const struct mock *m, const bide_mock_request *q)
{
    const struct row *r = nearest_row(m, q);

    if (!r)
        return bide_fail(-ENOENT, "the mock has no answer");
    if (r->times > 0 && r->asked >= r->times)
        return bide_fail(-ENOENT, "the mock has no answer; the nearest row, %s %.*s, was for %d and has had them",
                         r->method ? r->method : "*", URL_SHOWN, r->url, r->times);
    return bide_fail(-ENOENT, "the mock has no answer; the nearest row is %s %.*s", r->method ? r->method : "*", URL_SHOWN, r->url);
}

/* ---- requests that are kept ---- */

static bool copy_request(struct arena *a, bide_mock_request *to, const bide_mock_request *from)
{
    const struct fields *fs = &from->fields;
    size_t len = 0;
    for (uint32_t i = 0; i < fs->n; i++)
        len = fs->all[i].value + fs->all[i].value_len + 1 > len ? fs->all[i].value + fs->all[i].value_len + 1 : len;
    struct field *all = bide__arena_alloc(a, fs->n * sizeof *all + 1);
    char *text = bide__arena_alloc(a, len + 1);

    *to = (bide_mock_request){.method = bide__arena_strndup(a, from->method, strlen(from->method)),
                              .url = bide__arena_strndup(a, from->url, strlen(from->url)),
                              .body = {bide__arena_strndup(a, from->body.data, from->body.len), from->body.len},
                              .body_len = from->body_len};
    if (!all || !text || !to->method || !to->url || !to->body.data)
        return false;
    memcpy(all, fs->all, fs->n * sizeof *all);
    memcpy(text, fs->text, len);
    to->fields = (struct fields){text, all, fs->n, fs->seen};
    return true;
}

static bool kept_grow(struct mock *m)
{
    size_t cap = m->kept_cap ? 2 * m->kept_cap : 16;
    bide_mock_request **more = bide__realloc(m->kept, cap * sizeof *more);
    if (!more)
        return false;
    m->kept = more;
    m->kept_cap = cap;
    return true;
}

/* Those that do not fit are not kept.  0 or BIDE_ENOMEM on record. */
static int keep_request(struct mock *m, const bide_mock_request *q)
{
    if (m->nkept == REQUESTS_MAX || m->is_full)
        return 0;
    if (m->nkept == m->kept_cap && !kept_grow(m))
        return bide__fail_nomem("a request that is kept");
    struct error_mark mark;
    bide__error_mark(&mark);
    bide_mock_request *copy = bide__arena_alloc(&m->kept_in, sizeof *copy);
    bool is_kept = copy && copy_request(&m->kept_in, copy, q);
    m->is_full = !is_kept && bide_error_code() == BIDE_ELIMIT;
    bide__error_restore(&mark);
    if (is_kept)
        m->kept[m->nkept++] = copy;
    return is_kept || m->is_full ? 0 : bide__fail_nomem("a request that is kept");
}

/* ---- the transport ---- */

static int ask_function(struct mock *m, struct mock_exchange *x)
{
    x->request.asking = x;
    int code = bide__on_record(m->fn(&x->request, m->fn_arg), "the function of a mock");
    x->request.asking = NULL;
    return code < 0 ? code : 0;
}

static int choose(struct mock_exchange *x, void *arg)
{
    struct mock *m = arg;
    struct row *r = find_row(m, &x->request);

    BIDE_TRY(keep_request(m, &x->request));
    if (r) {
        r->asked += r->times > 0;
        x->answer = r->answer;
        return 0;
    }
    if (m->fn)
        BIDE_TRY(ask_function(m, x));
    return x->answer ? 0 : fail_unanswered(m, &x->request);
}

static struct exchange *mock_begin(bide_transport *t, struct arena *arena, struct h1_context *context)
{
    struct mock *m = mock_of(t);
    struct mock_exchange *x = bide__mock_exchange_new(arena, context, choose, m);
    if (!x)
        return NULL;

    x->max_body = m->max_body;
    return &x->exchange;
}

static const bide_mock_request *mock_request_at(const bide_transport *t, size_t i)
{
    const struct mock *m = mock_of(t);

    return i < m->nkept ? m->kept[i] : NULL;
}

static int mock_check(const bide_transport *t)
{
    const struct mock *m = mock_of(t);

    for (size_t i = 0; i < m->nrows; i++) {
        const struct row *r = &m->rows[i];
        if (r->times > 0 && r->asked < r->times)
            return bide_fail(BIDE_ESTATE, "%s %.*s was asked for %d times, not %d", r->method ? r->method : "*", URL_SHOWN, r->url,
                             r->asked, r->times);
    }
    return 0;
}

static void mock_close(bide_transport *t)
{
    struct mock *m = mock_of(t);

    bide__arena_free(&m->arena);
    bide__arena_free(&m->kept_in);
    bide__free(m->kept);
}

/* ---- making ---- */

static int copy_row(struct mock *m, struct row *to, const bide_mock *from)
{
    static const bide_answer blank = {.size = sizeof blank};

    BIDE_TRY(bide__check_number("bide_transport_mock", "table: times", from->times, 0));
    *to = (struct row){.url = bide__arena_strndup(&m->arena, from->url, strlen(from->url)), .times = from->times};
    if (from->method)
        to->method = bide__arena_strndup(&m->arena, from->method, strlen(from->method));
    if (!to->url || (from->method && !to->method))
        return BIDE_ENOMEM;
    to->answer = bide__canned_new(&m->arena, from->answer ? from->answer : &blank, "bide_transport_mock: table");
    return to->answer ? 0 : bide_error_code();
}

static int copy_table(struct mock *m, const bide_mock *table)
{
    while (table && table[m->nrows].url)
        m->nrows++;
    m->rows = bide__arena_alloc(&m->arena, (m->nrows + 1) * sizeof *m->rows);
    if (!m->rows)
        return BIDE_ENOMEM;
    for (size_t i = 0; i < m->nrows; i++)
        BIDE_TRY(copy_row(m, &m->rows[i], &table[i]));
    return 0;
}

bide_transport *bide_transport_mock_with(const bide_mock_args *options)
{
    static const char function[] = "bide_transport_mock";
    static const struct transport_ops ops = {
        .name = "a mock", .begin = mock_begin, .request_at = mock_request_at, .check = mock_check, .close = mock_close};
    bide_mock_args args;
    if (bide__options_take(&args, sizeof args, options, function) < 0 || bide__check_named(args.guard_, function) < 0 ||
        bide__check_size(function, "max_body_bytes", args.max_body_bytes, 0) < 0)
        return NULL;
    struct mock *m = bide__transport_new(sizeof *m, &ops);
    if (!m)
        return NULL;

    bide__arena_init(&m->arena, SIZE_MAX);
    bide__arena_init(&m->kept_in, REQUESTS_BYTES_MAX);
    m->fn = args.fn;
    m->fn_arg = args.fn_arg;
    m->max_body = bide__size_or(args.max_body_bytes, BODY_MAX);
    if (copy_table(m, args.table) == 0)
        return &m->transport;
    bide__object_unref(m);
    return NULL;
}

/* ---- what the function of the program's calls ---- */

int bide_mock_answer_with(bide_mock_request *request, const bide_answer *answer)
{
    static const char function[] = "bide_mock_answer";
    if (bide__is_null(request, function, "the request"))
        return -EINVAL;
    struct mock_exchange *x = request->asking;
    if (!x || x->answer)
        return bide_fail(BIDE_ESTATE, "%s: the request %s", function, x ? "is answered already" : "is not being asked any more");

    x->answer = bide__canned_new(x->exchange.arena, answer, function);
    return x->answer ? 0 : bide_error_code();
}

const char *bide_mock_method(const bide_mock_request *request)
{
    return bide__is_null(request, __func__, "the request") ? "" : request->method;
}

const char *bide_mock_url(const bide_mock_request *request)
{
    return bide__is_null(request, __func__, "the request") ? "" : request->url;
}

bool bide_mock_header_at(const bide_mock_request *request, size_t i, bide_pair *out)
{
    if (bide__is_null(request, __func__, "the request") || bide__is_null(out, __func__, "the place for the field"))
        return false;
    const struct fields *fs = &request->fields;
    if (i >= fs->n)
        return false;
    *out = (bide_pair){bide__field_name(fs, &fs->all[i]), bide__field_value(fs, &fs->all[i])};
    return true;
}

const char *bide_mock_header(const bide_mock_request *request, const char *name)
{
    bide_pair field;
    if (bide__is_null(name, __func__, "the name"))
        return NULL;
    for (size_t i = 0; bide_mock_header_at(request, i, &field); i++)
        if (strcasecmp(field.name, name) == 0)
            return field.value;
    return NULL;
}

bide_bytes bide_mock_body(const bide_mock_request *request)
{
    return bide__is_null(request, __func__, "the request") ? (bide_bytes){NULL, 0} : request->body;
}

uint64_t bide_mock_body_length(const bide_mock_request *request)
{
    return bide__is_null(request, __func__, "the request") ? 0 : request->body_len;
}
