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

/* The end is a chunk of no bytes, without trailers. */
static void packet_add_piece(struct packet *p, const char *data, size_t len, bool chunked)
{
    if (chunked)
        packet_add_size(p, len);
    if (len > 0)
        packet_add(p, data, len);
    if (chunked)
        packet_add(p, "\r\n", 2);
}

/* ---- the source ---- */

/* Within the time of the request, whatever it waits for.  part NULL: the next piece, else: is it in a file? */
static ssize_t ask_source(struct h1_exchange *x, struct body_source *b, const char **data, struct file_part *part)
{
    ssize_t n = 0;

    b->has_begun = true;
    if (b->is_here)
        return b->ops->next(b, data);
    x->exchange.deadline->phase = BIDE_PHASE_SEND;
    x->exchange.progress->in_source = true; /* stays, if it fails */
    bide_timeout(bide__deadline_remaining_ms(x->exchange.deadline, BIDE_FOREVER))
        n = part ? b->ops->in_file(b, part) : b->ops->next(b, data);
    x->exchange.progress->in_source = n < 0;
    return n;
}

/* What it said that there would be, and no more. */
static ssize_t next_piece(struct h1_exchange *x, struct body_source *b, uint64_t left, const char **data)
{
    struct progress *p = x->exchange.progress;
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
static ssize_t send_in_file(struct h1_exchange *x, struct body_source *b, uint64_t left)
{
    struct file_part part;
    bool may = b->ops->in_file && b->length != BODY_LENGTH_UNKNOWN && bide__stream_takes_files(x->conn->stream);
    ssize_t n = may ? ask_source(x, b, NULL, &part) : 0;
    if (n <= 0)
        return n;

    part.len = (uint64_t)n < left ? (size_t)n : (size_t)left;
    n = bide__h1_send_file(x, &part);
    if (n > 0)
        b->ops->skip(b, (size_t)n);
    return n == -EOPNOTSUPP ? 0 : n;
}

static ssize_t send_piece(struct h1_exchange *x, struct packet *p, struct body_source *b, uint64_t left)
{
    const char *data = NULL;
    ssize_t n = next_piece(x, b, left, &data);
    if (n < 0)
        return n;

    packet_add_piece(p, data, (size_t)n, b->length == BODY_LENGTH_UNKNOWN);
    int code = send_packet(x, p);
    return code < 0 ? code : n;
}

static int send_body(struct h1_exchange *x, struct packet *p, struct body_source *b)
{
    uint64_t left = b->length;
    ssize_t n = 1;

    while (n > 0 && left > 0 && !x->upload_stopped) {
        int code = b->is_here ? 0 : send_packet(x, p);
        if (code == 0 && !b->is_here && !x->upload_stopped)
            code = look_for_answer(x);
        if (code < 0 || x->upload_stopped)
            return code;
        n = send_in_file(x, b, left);
        if (n == 0 && !x->upload_stopped)
            n = send_piece(x, p, b, left);
        left -= n > 0 && b->length != BODY_LENGTH_UNKNOWN ? (uint64_t)n : 0;
    }
    return n < 0 ? (int)n : send_packet(x, p); /* the head, if that is all */
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
    x->may_switch = head->may_switch;
    x->frames_as = frames_as(head);
    x->exchange.deadline->phase = BIDE_PHASE_SEND;
    p->request_len = x->head_len + (body == BODY_LENGTH_UNKNOWN ? 0 : (size_t)body);
    p->queued = body == BODY_LENGTH_UNKNOWN || p->request_len > SENT_AT_ONCE ? SIZE_MAX : 0;
}

/* Apart, so that a request without a body has no packet in its frame. */
static __attribute__((noinline)) int send_with_body(struct h1_exchange *x, struct body_source *b)
{
    struct packet p = {.n = 0};

    packet_add(&p, x->head, x->head_len);
    return send_body(x, &p, b);
}

int bide__h1_send(struct exchange *exchange, struct request_head *head)
{
    struct h1_exchange *x = h1_of(exchange);
    int code = bide__h1_write_head(x, head);
    if (code < 0)
        return bide__h1_fail(x, code);

    begin_sending(x, head);
    struct iovec iov = {x->head, x->head_len};
    code = head->body ? send_with_body(x, head->body) : bide__h1_send_pieces(x, &iov, 1);
    return code < 0 ? bide__h1_fail(x, code) : 0;
}
