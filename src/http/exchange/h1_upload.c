/* SPDX-License-Identifier: MIT */
/*
 * h1_upload.c - a request with its body: pieces from a source, with a length or in chunks (RFC 9112 7.1).
 *
 * A body in memory goes out with its head, in one call.  One whose source takes its time does not keep the head waiting;
 * and while it comes, an answer may: it is looked for between the pieces.
 */
#include "http/exchange/h1.h"

#define SIZE_LINE 18 /* of a chunk: sixteen digits and CRLF */

/* What goes out in one call: what is left of the head, and a piece in its framing. */
struct packet {
    struct iovec iov[4];
    int n;
    char size[SIZE_LINE];
};

static void packet_add(struct packet *p, const char *data, size_t len)
{
    p->iov[p->n++] = (struct iovec){(void *)(uintptr_t)data, len};
}

static void packet_add_size(struct packet *p, size_t len)
{
    char *at = p->size + SIZE_LINE;

    *--at = '\n';
    *--at = '\r';
    do
        *--at = "0123456789abcdef"[len % 16];
    while (len /= 16);
    packet_add(p, at, (size_t)(p->size + SIZE_LINE - at));
}

static void packet_add_piece(struct packet *p, const char *data, size_t len, bool chunked)
{
    if (chunked)
        packet_add_size(p, len);
    if (len > 0)
        packet_add(p, data, len);
    if (chunked)
        packet_add(p, "\r\n", 2);
}

/* ---- who watches ---- */

int bide__watch_call(struct watch *w)
{
    int code = w->fn ? w->fn(&w->now, w->arg) : 0;

    if (code < 0 && bide_error_code() != code)
        bide_fail(code, "the progress callback returned %d (%s)", code, bide_strerror(code));
    return code < 0 ? code : 0;
}

/* ---- the source ---- */

/* Within the time of the request, whatever it waits for.  part NULL: the next piece, else: is it in a file? */
static ssize_t ask_source(struct exchange *x, struct body_source *b, const char **data, struct file_part *part)
{
    ssize_t n = 0;

    b->has_begun = true;
    if (b->is_here)
        return b->ops->next(b, data);
    x->deadline->phase = BIDE_PHASE_SEND;
    x->progress->in_source = true; /* stays, if it fails */
    bide__timeout(bide__deadline_remaining_ms(x->deadline, BIDE_FOREVER))
        n = part ? b->ops->in_file(b, part) : b->ops->next(b, data);
    x->progress->in_source = n < 0;
    return n;
}

ssize_t bide__exchange_next_piece(struct exchange *x, struct body_source *b, uint64_t left, const char **data)
{
    struct progress *p = x->progress;
    ssize_t n = ask_source(x, b, data, NULL);
    if (n < 0)
        return n;

    p->in_source = true;
    if ((uint64_t)n > left)
        return bide_fail(-EINVAL, "the body to send is longer than the %llu bytes that it should have",
                         (unsigned long long)b->length);
    if (n == 0 && b->length != BODY_LENGTH_UNKNOWN)
        return bide_fail(-EINVAL, "the body to send ends %llu bytes before its %llu are there", (unsigned long long)left,
                         (unsigned long long)b->length);
    p->in_source = false;
    if (b->length == BODY_LENGTH_UNKNOWN)
        p->request_len += (size_t)n;
    return n;
}

/* ---- behind the body ---- */

/* The chunk of no bytes, and the trailers: as they are now. */
static int packet_add_end(struct h1_exchange *x, struct packet *p, const bide_pair *trailers)
{
    size_t len = 0;
    for (const bide_pair *t = trailers; t && t->name; t++)
        len += strlen(t->name) + strlen(t->value) + 4;
    char *text = bide__arena_alloc(x->exchange.arena, len + 6), *at = text;
    if (!text)
        return BIDE_ENOMEM;

    at = mempcpy(at, "0\r\n", 3);
    for (const bide_pair *t = trailers; t && t->name; t++) {
        BIDE_TRY(bide__trailer_check(t));
        at = mempcpy(mempcpy(at, t->name, strlen(t->name)), ": ", 2);
        at = mempcpy(mempcpy(at, t->value, strlen(t->value)), "\r\n", 2);
    }
    at = mempcpy(at, "\r\n", 2);
    packet_add(p, text, (size_t)(at - text));
    return 0;
}

/* ---- sending ---- */

static int send_packet(struct h1_exchange *x, struct packet *p)
{
    int code = p->n > 0 ? bide__h1_send_pieces(x, p->iov, p->n) : 0;

    p->n = 0;
    return code;
}

/* Other tasks had their turn while the source was asked: has the server said no meanwhile? */
static int look_for_answer(struct h1_exchange *x)
{
    int code = bide__h1_poll_early_response(x);

    x->upload_stopped = code > 0;
    return code < 0 ? code : 0;
}

/* From a file by the kernel itself: how many bytes; 0: that cannot be, or the rest is not wanted. */
static ssize_t send_in_file(struct h1_exchange *x, const struct request_head *head, uint64_t left)
{
    struct file_part part;
    struct body_source *b = head->body;
    bool may = b->ops->in_file && !bide__request_is_chunked(head) && bide__stream_takes_files(x->conn->stream);
    ssize_t n = may ? ask_source(&x->exchange, b, NULL, &part) : 0;
    if (n <= 0)
        return n;

    part.len = (uint64_t)n < left ? (size_t)n : (size_t)left;
    n = bide__h1_send_file(x, &part);
    if (n > 0)
        b->ops->skip(b, (size_t)n);
    return n == -EOPNOTSUPP ? 0 : n;
}

static ssize_t send_piece(struct h1_exchange *x, struct packet *p, const struct request_head *head, uint64_t left)
{
    const char *data = NULL;
    ssize_t n = bide__exchange_next_piece(&x->exchange, head->body, left, &data);
    if (n <= 0)
        return n;

    packet_add_piece(p, data, (size_t)n, bide__request_is_chunked(head));
    int code = send_packet(x, p);
    return code < 0 ? code : n;
}

/* The head, or what is left of it, and what the server says to it. */
static int send_head(struct h1_exchange *x, struct packet *p, const struct request_head *head)
{
    bool asks = head->expect_ms > 0;
    int code = asks || !head->body->is_here ? send_packet(x, p) : 0;

    if (code == 0 && asks && !x->upload_stopped)
        code = bide__h1_wait_for_continue(x, head->expect_ms);
    return code;
}

static int send_body(struct h1_exchange *x, struct packet *p, const struct request_head *head)
{
    struct body_source *b = head->body;
    uint64_t left = b->length;
    int code = send_head(x, p, head);
    ssize_t n = 1;

    while (n > 0 && left > 0 && code == 0 && !x->upload_stopped) {
        code = b->is_here ? 0 : look_for_answer(x);
        if (code < 0 || x->upload_stopped)
            break;
        n = send_in_file(x, head, left);
        if (n == 0 && !x->upload_stopped)
            n = send_piece(x, p, head, left);
        left -= n > 0 && b->length != BODY_LENGTH_UNKNOWN ? (uint64_t)n : 0;
    }
    if (code == 0 && n >= 0 && !x->upload_stopped && bide__request_is_chunked(head))
        code = packet_add_end(x, p, head->trailers);
    return n < 0 ? (int)n : code < 0 || x->upload_stopped ? code : send_packet(x, p);
}

static unsigned frames_as(const struct request_head *head)
{
    if (head->method_len == 4 && memcmp(head->method, "HEAD", 4) == 0)
        return H1_FOR_HEAD;
    return head->method_len == 7 && memcmp(head->method, "CONNECT", 7) == 0 ? H1_FOR_CONNECT : 0;
}

static void begin_sending(struct h1_exchange *x, const struct request_head *head)
{
    struct progress *p = x->exchange.progress;
    uint64_t body = head->body ? head->body->length : 0;

    x->upload_stopped = false;
    if (unlikely(x->exchange.watch))
        x->exchange.watch->now = (bide_progress){.send_total = body == BODY_LENGTH_UNKNOWN ? 0 : body};
    x->may_switch = head->may_switch;
    x->frames_as = frames_as(head);
    x->exchange.deadline->phase = BIDE_PHASE_SEND;
    p->request_len = x->head_len + (body == BODY_LENGTH_UNKNOWN ? 0 : (size_t)body);
    p->queued = body == BODY_LENGTH_UNKNOWN || p->request_len > SENT_AT_ONCE ? SIZE_MAX : 0;
}

/* Apart, so that a request without a body has no packet in its frame. */
static __attribute__((noinline)) int send_with_body(struct h1_exchange *x, const struct request_head *head)
{
    struct packet p = {.n = 0};

    if (bide__request_is_chunked(head) && bide__host_is_old(x->conn->host))
        return bide_fail(BIDE_EHTTP, "the server speaks HTTP/1.0, which has no chunks: the length of the body has to be known");
    packet_add(&p, x->head, x->head_len);
    return send_body(x, &p, head);
}

int bide__h1_send(struct exchange *exchange, struct request_head *head)
{
    struct h1_exchange *x = h1_of(exchange);
    int code = bide__h1_write_head(x, head);
    if (code < 0)
        return bide__h1_fail(x, code);

    begin_sending(x, head);
    struct iovec iov = {x->head, x->head_len};
    code = head->body ? send_with_body(x, head) : bide__h1_send_pieces(x, &iov, 1);
    return code < 0 ? bide__h1_fail(x, code) : 0;
}
