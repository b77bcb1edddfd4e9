/* SPDX-License-Identifier: MIT */
/*
 * mock_exchange.c - an exchange without a connection: the request is looked at, and an answer that is made up comes as that of a
 * server would.
 *
 * It lies in the arena of its request and holds nothing else, so there is nothing to be given back at its end.  Time is that of the
 * loop, and the limits of the request hold: of silence, of all, of a rate.
 */
#include <bide/task.h>

#include "http/transport/transport.h"

static struct mock_exchange *mock_of(struct exchange *x)
{
    return container_of(x, struct mock_exchange, exchange);
}

/* ---- what is asked ---- */

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* A head in `text`, which is ours, as fields with a NUL behind each part. */
static void terminate_fields(char *text, const struct h1_head *head)
{
    for (uint32_t i = 0; i < head->nfields; i++) {
        text[head->fields[i].name + head->fields[i].name_len] = '\0';
        text[head->fields[i].value + head->fields[i].value_len] = '\0';
    }
}

/* What a server would read. */
static int read_own_head(struct mock_exchange *x, bide_bytes sent)
{
    const uint32_t most = UINT32_MAX / 4;
    struct h1_parser parser = {.limits = {most, most, most, (uint32_t)count_lines(sent.data, sent.len)}};
    char *text = bide__arena_strndup(x->exchange.arena, sent.data, sent.len);
    struct h1_head head = {.fields = bide__arena_alloc(x->exchange.arena, parser.limits.fields * sizeof(struct field)),
                           .fields_cap = parser.limits.fields};
    if (!text || !head.fields)
        return BIDE_ENOMEM;
    ssize_t n = bide__h1_parse_request(&parser, text, sent.len, &head);

    if (n <= 0)
        return bide_fail(BIDE_EHTTP, "the request is malformed: %s", bide__h1_strerror((int)n));
    terminate_fields(text, &head);
    x->request.fields = (struct fields){text, head.fields, head.nfields, head.seen};
    return 0;
}

static int note_head(struct mock_exchange *x, struct request_head *head)
{
    struct h1_exchange h1 = {.exchange = {.arena = x->exchange.arena, .progress = x->exchange.progress}};
    const struct url *u = &head->url;
    BIDE_TRY(bide__h1_write_head(&h1, head));

    x->frames_as = head->method_len == 4 && memcmp(head->method, "HEAD", 4) == 0 ? H1_FOR_HEAD : 0;
    x->request.method = bide__arena_strndup(x->exchange.arena, head->method, head->method_len);
    x->request.url = bide__arena_strndup(x->exchange.arena, u->href, u->has_fragment ? u->fragment.off - 1 : u->len);
    return x->request.method && x->request.url ? read_own_head(x, (bide_bytes){h1.head, h1.head_len}) : BIDE_ENOMEM;
}

/* So much of it as is wanted stays. */
static int keep_piece(struct mock_exchange *x, struct buf *kept, bide_bytes piece)
{
    size_t room = x->max_body - bide__buf_len(kept), n = piece.len < room ? piece.len : room;
    struct watch *w = x->exchange.watch;

    x->request.body_len += piece.len;
    x->exchange.progress->sent += piece.len;
    if (n > 0)
        BIDE_TRY(bide__buf_append(kept, piece.data, n));
    if (!w)
        return 0;
    w->now.sent = x->request.body_len;
    return bide__watch_call(w);
}

static int keep_body(struct mock_exchange *x, const struct buf *kept)
{
    size_t len = bide__buf_len(kept);
    const char *copy = bide__arena_strndup(x->exchange.arena, len > 0 ? bide__buf_head(kept) : "", len);

    x->request.body = (bide_bytes){copy, len};
    return copy ? 0 : BIDE_ENOMEM;
}

static int take_body(struct mock_exchange *x, const struct request_head *head)
{
    struct body_source *b = head->body;
    uint64_t left = b->length;
    bide_bytes piece = {NULL, 0};
    struct buf kept;
    ssize_t n = 1;
    int code = 0;

    bide__buf_init(&kept, SIZE_MAX);
    while (code == 0 && left > 0 && (n = bide__exchange_next_piece(&x->exchange, b, left, &piece.data)) > 0) {
        piece.len = (size_t)n;
        left -= b->length != BODY_LENGTH_UNKNOWN ? (uint64_t)n : 0;
        code = keep_piece(x, &kept, piece);
    }
    if (n < 0)
        code = (int)n;
    if (code == 0)
        code = keep_body(x, &kept);
    bide__buf_free(&kept);
    return code;
}

static int mock_send(struct exchange *exchange, struct request_head *head)
{
    struct mock_exchange *x = mock_of(exchange);
    struct progress *p = exchange->progress;
    uint64_t length = head->body && head->body->length != BODY_LENGTH_UNKNOWN ? head->body->length : 0;

    exchange->deadline->phase = BIDE_PHASE_SEND;
    if (exchange->watch)
        exchange->watch->now = (bide_progress){.send_total = length};
    BIDE_TRY(note_head(x, head));
    p->sent = p->head.len;
    p->request_len = p->head.len + (size_t)length;
    x->request.body = (bide_bytes){"", 0};
    return head->body ? take_body(x, head) : 0;
}

/* ---- time ---- */

/* It takes so long until something comes, unless a limit ends the wait.  0 or an error, which is not on record if it is one of
   the limits. */
static int wait_for(struct mock_exchange *x, int64_t ms, int64_t limit_ms)
{
    struct deadline *d = x->exchange.deadline;
    int64_t until_ns = bide__ns_after(d->loop->now_ns, ms), left_ms;
    bool is_rated = d->phase == BIDE_PHASE_BODY && d->rate.bytes > 0;

    while ((left_ms = bide__ms_until(until_ns, d->loop->now_ns)) > 0) {
        struct flow flow = bide__deadline_flow(d, limit_ms, 0);
        if (is_rated)
            bide__rate_limit(d, &flow);
        int64_t most_ms = bide__deadline_remaining_ms(d, flow.silence_ms);
        BIDE_TRY(bide_sleep_ms(left_ms < most_ms ? left_ms : most_ms));
        flow.end = bide__deadline_is_total(d) ? FLOW_LATE : FLOW_SILENT;
        if (left_ms > most_ms && (!is_rated || bide__rate_note(d, BIDE_ETIMEDOUT, &flow) < 0))
            return BIDE_ETIMEDOUT;
    }
    return 0;
}

/* n bytes of the body have come. */
static ssize_t note_come(struct mock_exchange *x, ssize_t n)
{
    struct deadline *d = x->exchange.deadline;
    struct flow flow = bide__deadline_flow(d, 0, 0);

    x->bytes += (uint64_t)n;
    x->left -= x->has_length ? (uint64_t)n : 0;
    x->exchange.progress->received += (uint64_t)n;
    return d->rate.bytes > 0 && bide__rate_note(d, n, &flow) < 0 ? BIDE_ETIMEDOUT : n;
}

/* ---- the head of the answer ---- */

static int choose_answer(struct mock_exchange *x)
{
    struct deadline *d = x->exchange.deadline;
    int64_t silence_ms = bide__deadline_flow(d, d->limits.first_byte_ms, 0).silence_ms;
    int code = 0;

    bide__timeout(bide__deadline_remaining_ms(d, silence_ms))
        code = x->choose(x, x->choose_arg);
    return code;
}

/* The text of its head, read as that of a server would be. */
static int read_head(struct mock_exchange *x, char *text, struct h1_head *head)
{
    struct h1_parser parser = {.limits = x->context->limits};
    size_t lines = count_lines(text, x->answer->head_len);

    head->fields_cap = lines < parser.limits.fields ? (uint32_t)lines : parser.limits.fields;
    head->fields = bide__arena_alloc(x->exchange.arena, (head->fields_cap + 1) * sizeof *head->fields);
    if (!head->fields)
        return BIDE_ENOMEM;
    ssize_t n = bide__h1_parse_response(&parser, text, x->answer->head_len, head);
    int code = n < 0 ? (int)n : bide__h1_frame_response(head, x->frames_as);
    return code < 0 ? bide_fail(BIDE_EHTTP, "malformed answer: %s", bide__h1_strerror(code)) : 0;
}

/* Did all of the body come with the head? */
static bool is_here(const struct mock_exchange *x, const struct h1_head *head, size_t *len)
{
    const struct canned *a = x->answer;
    size_t all = a->npieces > 0 ? a->pieces[0].len : 0;

    *len = head->body == H1_BODY_LENGTH && head->content_length < all ? (size_t)head->content_length : all;
    return a->is_whole && *len <= x->exchange.max_whole && (head->body != H1_BODY_LENGTH || head->content_length == *len);
}

static int begin_body(struct mock_exchange *x, const struct h1_head *head, struct answer *out)
{
    size_t len = 0;
    bool none = head->body == H1_BODY_NONE, here = none || is_here(x, head, &len);

    x->has_length = head->body == H1_BODY_LENGTH;
    x->left = head->content_length;
    out->kind = none ? BODY_NONE : here || x->has_length ? BODY_LENGTH : BODY_UNKNOWN;
    out->length = here ? len : x->left;
    if (!here)
        return 0;
    const char *data = bide__arena_strndup(x->exchange.arena, len > 0 ? x->answer->pieces[0].data : "", len);
    out->whole = (bide_bytes){data, len};
    x->exchange.progress->received += len;
    return data ? 0 : BIDE_ENOMEM;
}

static int take_answer(struct mock_exchange *x, struct answer *out)
{
    struct h1_head head = {.minor = 1};
    char *text = bide__arena_strndup(x->exchange.arena, x->answer->head, x->answer->head_len);
    if (!text)
        return BIDE_ENOMEM;
    BIDE_TRY(read_head(x, text, &head));

    terminate_fields(text, &head);
    text[head.reason.off + head.reason.len] = '\0';
    out->status = head.status;
    out->minor = head.minor;
    out->reason = text + head.reason.off;
    out->fields = (struct fields){text, head.fields, head.nfields, head.seen};
    x->exchange.progress->received = x->answer->head_len;
    return begin_body(x, &head, out);
}

static int mock_head(struct exchange *exchange, struct answer *out)
{
    struct mock_exchange *x = mock_of(exchange);
    struct progress *p = exchange->progress;
    struct deadline *d = exchange->deadline;

    d->phase = BIDE_PHASE_HEAD;
    BIDE_TRY(bide_sleep_ms(0)); /* a cancellation point, as of any other request; and others have their turn */
    if (bide__deadline_is_total(d))
        return BIDE_ETIMEDOUT;
    BIDE_TRY(choose_answer(x));
    BIDE_TRY(wait_for(x, x->answer->delay_ms, d->limits.first_byte_ms));
    if (x->answer->error < 0)
        return bide_fail(x->answer->error, "%s", bide_strerror(x->answer->error));
    p->is_answered = true;
    p->first_byte_ns = d->loop->now_ns;
    return take_answer(x, out);
}

/* ---- its body ---- */

/* There are no pieces any more. */
static int ended(const struct mock_exchange *x)
{
    if (!x->has_length || x->left == 0)
        return 0;
    return bide_fail(BIDE_ETRUNCATED, "the body ended after %llu of %llu bytes", (unsigned long long)x->bytes,
                     (unsigned long long)(x->bytes + x->left));
}

/* What is here of the next piece that has bytes; 0: it is over; or an error. */
static ssize_t next_here(struct mock_exchange *x, const char **data)
{
    const struct canned *a = x->answer;
    size_t n;

    x->exchange.deadline->phase = BIDE_PHASE_BODY;
    for (; x->at < a->npieces && !(x->has_length && x->left == 0); x->at++) {
        const struct canned_piece *p = &a->pieces[x->at];
        if (x->used == 0)
            BIDE_TRY(wait_for(x, p->after_ms, 0));
        if (p->error < 0)
            return bide_fail(p->error, "the body ended early, after %llu bytes: %s", (unsigned long long)x->bytes,
                             bide_strerror(p->error));
        if ((n = p->len - x->used) > 0) {
            *data = p->data + x->used;
            return x->has_length && x->left < n ? (ssize_t)x->left : (ssize_t)n;
        }
        x->used = 0;
    }
    return ended(x);
}

static ssize_t mock_next(struct exchange *exchange, const char **data)
{
    struct mock_exchange *x = mock_of(exchange);
    ssize_t n = next_here(x, data);
    if (n <= 0)
        return n;

    x->used = 0;
    x->at++;
    return note_come(x, n);
}

static ssize_t mock_read(struct exchange *exchange, void *out, size_t cap)
{
    struct mock_exchange *x = mock_of(exchange);
    const char *data;
    ssize_t n = next_here(x, &data);
    if (n <= 0)
        return n;

    n = (size_t)n < cap ? n : (ssize_t)cap;
    memcpy(out, data, (size_t)n);
    x->used += (size_t)n;
    return note_come(x, n);
}

static void mock_drop(struct exchange *exchange, size_t most)
{
    (void)exchange;
    (void)most;
}

static bide_stream *mock_steal(struct exchange *exchange)
{
    (void)exchange;
    bide_fail(BIDE_ESTATE, "a transport that stands in for connections has no stream");
    return NULL;
}

struct mock_exchange *bide__mock_exchange_new(struct arena *arena, struct h1_context *context, mock_choose_fn *choose, void *arg)
{
    static const struct exchange_ops ops = {
        .send = mock_send, .head = mock_head, .next = mock_next, .read = mock_read, .drop = mock_drop, .steal = mock_steal};
    struct mock_exchange *x = bide__arena_alloc(arena, sizeof *x);

    if (x)
        *x = (struct mock_exchange){.exchange.ops = &ops, .context = context, .choose = choose, .choose_arg = arg};
    return x;
}
