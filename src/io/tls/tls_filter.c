/* SPDX-License-Identifier: MIT */
/*
 * tls_filter.c - TLS as a layer of a connection.
 *
 * OpenSSL reads and writes through a BIO of ours that calls the layer below, so that it makes no system call of its
 * own: a small record is one recv and one send.  When the layer below says -EAGAIN, OpenSSL says in which direction it
 * is stuck (not always the one it was asked for: a handshake or a key update may be under way), and so does the layer.
 *
 * Invariants:
 *   T1  OpenSSL's error queue is empty whenever the task may be switched: it belongs to the thread, not to the task.
 *   T2  no SSL object is made anywhere but here.
 */
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>

#include "io/tls/tls_layer.h"

/* ---- the BIO ---- */

static struct tls_filter *filter_of(BIO *bio)
{
    return BIO_get_data(bio);
}

/* What became of a call below, for OpenSSL. */
static int bio_result(BIO *bio, ssize_t n, int retry)
{
    struct tls_filter *t = filter_of(bio);

    BIO_clear_retry_flags(bio);
    if (n > 0)
        return (int)n;
    if (n == -EAGAIN)
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    else
        t->below_code = (int)n;
    return -1;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct filter *below = filter_of(bio)->filter.below;
    struct iovec iov = {(void *)(uintptr_t)data, (size_t)len};

    return bio_result(bio, below->ops->try_send(below, &iov, 1), BIO_FLAGS_WRITE);
}

static int bio_read(BIO *bio, char *out, int cap)
{
    struct tls_filter *t = filter_of(bio);
    ssize_t n = t->filter.below->ops->try_recv(t->filter.below, out, (size_t)cap);

    if (n == 0)
        t->below_ended = true;
    for (ssize_t i = 0; i < n && t->n_first < sizeof t->first; i++)
        t->first[t->n_first++] = (unsigned char)out[i];
    return bio_result(bio, n, BIO_FLAGS_READ);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_FLUSH)
        return 1;
    return command == BIO_CTRL_EOF && filter_of(bio)->below_ended;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static void free_method(void)
{
    BIO_meth_free(method);
}

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bide");
    if (!method)
        return;
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
    OPENSSL_atexit(free_method);
}

/* ---- one step ---- */

static int failed_before(const struct tls_filter *t)
{
    const char *with = t->key ? t->key : t->filter.stream->peer;

    if (t->alert)
        return bide__tls_fail_alert(t, "TLS", with, t->alert);
    return bide_fail(BIDE_ETLS, "TLS with %s: it has failed before", with);
}

/* What an SSL_ call returned, as a filter operation says it.  (After an alert OpenSSL sees the end of the stream.) */
static ssize_t step_result(struct tls_filter *t, int r)
{
    int error = SSL_get_error(t->ssl, r);

    switch (error) {
    case SSL_ERROR_NONE:
        return r;
    case SSL_ERROR_WANT_READ:
        t->filter.wants_write = false;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        t->filter.wants_write = true;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return t->alert ? failed_before(t) : 0;
    default:
        t->filter.was_cut = t->established && t->below_ended;
        return bide__tls_fail(t, error);
    }
}

/* ---- the handshake ---- */

static bool was_offered(const bide_tls *tls, const unsigned char *protocol, unsigned len)
{
    for (unsigned i = 0; i < tls->alpn_len; i += tls->alpn[i] + 1u)
        if (tls->alpn[i] == len && memcmp(tls->alpn + i + 1, protocol, len) == 0)
            return true;
    return false;
}

static int take_alpn(struct tls_filter *t)
{
    const unsigned char *protocol;
    unsigned len;

    SSL_get0_alpn_selected(t->ssl, &protocol, &len);
    if (len == 0)
        return 0;
    if (!was_offered(t->tls, protocol, len) || len >= sizeof t->filter.stream->alpn)
        return bide_fail(BIDE_ETLS, "TLS handshake with %s: it chose a protocol that was not offered (%.*s)",
                         t->key ? t->key : t->filter.stream->peer, (int)len, (const char *)protocol);
    snprintf(t->filter.stream->alpn, sizeof t->filter.stream->alpn, "%.*s", (int)len, (const char *)protocol);
    return 0;
}

static int check_peer(struct tls_filter *t)
{
    int code = take_alpn(t);
    if (code == 0 && SSL_session_reused(t->ssl))
        code = bide__tls_recheck(t);
    if (code == 0)
        code = bide__tls_check_pins(t);
    if (code < 0) {
        t->failed = true;
        return code;
    }
    t->established = true;
    return 0;
}

/* 0 when it is done; -EAGAIN; or an error. */
static int shake_hands(struct tls_filter *t)
{
    if (t->established)
        return 0;
    if (t->failed)
        return failed_before(t);

    ERR_clear_error();
    int r = SSL_do_handshake(t->ssl);
    if (r == 1)
        return check_peer(t);
    ssize_t n = step_result(t, r);
    if (t->failed && t->was_session_offered) /* it may be why */
        bide__tls_session_drop(&t->tls->sessions, t->key);
    return n == 0 ? bide_fail(BIDE_ETLS, "TLS handshake: the peer closed the connection") : (int)n;
}

/* ---- the operations ---- */

static struct tls_filter *tls_of(const struct filter *f)
{
    return container_of(f, struct tls_filter, filter);
}

static int tls_handshake(struct filter *f, struct flow *flow)
{
    struct tls_filter *t = tls_of(f);
    int code;

    while ((code = shake_hands(t)) == -EAGAIN) {
        code = bide__stream_wait(f->stream, FLOW_IN, flow);
        if (code == BIDE_ETIMEDOUT)
            bide_fail(code, "TLS handshake with %s: timed out%s", t->key ? t->key : t->filter.stream->peer,
                      t->key && t->n_first == 0 ? " (it said nothing: does it speak TLS?)" : "");
        if (code < 0)
            break;
    }
    return code;
}

static ssize_t tls_recv(struct filter *f, void *out, size_t cap)
{
    struct tls_filter *t = tls_of(f);
    int code = shake_hands(t);
    if (code < 0)
        return code;

    ERR_clear_error();
    int r = SSL_read(t->ssl, out, cap > INT32_MAX ? INT32_MAX : (int)cap);
    return r > 0 ? r : step_result(t, r);
}

/* Small pieces become one record. */
static struct iovec gather(bide_tls *tls, const struct iovec *iov, int n)
{
    size_t used = 0;
    if (n == 1 || iov[0].iov_len >= TLS_RECORD_MAX)
        return iov[0];

    for (int i = 0; i < n && used < TLS_RECORD_MAX; i++) {
        size_t room = TLS_RECORD_MAX - used, len = iov[i].iov_len < room ? iov[i].iov_len : room;
        memcpy(tls->scratch + used, iov[i].iov_base, len);
        used += len;
    }
    return (struct iovec){tls->scratch, used};
}

static ssize_t tls_send(struct filter *f, const struct iovec *iov, int n)
{
    struct tls_filter *t = tls_of(f);
    int code = shake_hands(t);
    if (code < 0)
        return code;

    struct iovec all = gather(t->tls, iov, n);
    if (all.iov_len == 0)
        return 0;
    ERR_clear_error();
    int r = SSL_write(t->ssl, all.iov_base, all.iov_len > INT32_MAX ? INT32_MAX : (int)all.iov_len);
    if (r > 0)
        return r;
    ssize_t result = step_result(t, r);
    return result == 0 ? bide_fail(-EPIPE, "TLS with %s: it has been ended here", t->filter.stream->peer) : result;
}

/* While it has something to write of its own, trying to read is how that goes on. */
static bool tls_may_recv(const struct filter *f)
{
    const struct tls_filter *t = tls_of(f);

    return !t->established || f->wants_write || f->below->ops->may_recv(f->below) || SSL_has_pending(t->ssl) == 1;
}

static int tls_shutdown(struct filter *f)
{
    struct tls_filter *t = tls_of(f);
    int code = shake_hands(t);
    if (code < 0)
        return code;

    ERR_clear_error();
    int r = SSL_shutdown(t->ssl); /* 0: sent; the peer's may come later */
    return r >= 0 ? 0 : (int)step_result(t, r);
}

/* A buffer of 16 KiB, which OpenSSL keeps in spite of SSL_MODE_RELEASE_BUFFERS when it has read ahead. */
static void tls_rest(struct filter *f)
{
    SSL_free_buffers(tls_of(f)->ssl); /* does nothing while a record lies in them */
}

static void tls_free(struct tls_filter *t)
{
    SSL_free(t->ssl);
    bide_release(t->tls);
    bide__free(t->key);
    bide__free(t->name);
    bide__free(t);
}

/*
 * A close_notify if the socket takes it at once.  The flags are set in any case, because OpenSSL spoils the session of
 * a connection that is freed without them: it would never be resumed.
 */
static void tls_close(struct filter *f)
{
    struct tls_filter *t = tls_of(f);

    if (t->established && !t->failed) {
        ERR_clear_error();
        if (!(SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN))
            SSL_shutdown(t->ssl);
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    tls_free(t);
    ERR_clear_error();
}

static const struct filter_ops tls_ops = {.try_recv = tls_recv,
                                          .try_send = tls_send,
                                          .may_recv = tls_may_recv,
                                          .handshake = tls_handshake,
                                          .shutdown = tls_shutdown,
                                          .close = tls_close,
                                          .rest = tls_rest};

/* ---- beginning ---- */

static int attach_bio(struct tls_filter *t)
{
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return bide__fail_nomem("TLS");

    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    return 0;
}

/* A layer on top of the stream, which owns it from then on. */
static struct tls_filter *push_filter(bide_stream *s, bide_tls *tls)
{
    struct tls_filter *t = bide__calloc(1, sizeof *t);
    if (!t) {
        bide__fail_nomem("TLS");
        return NULL;
    }
    t->filter.ops = &tls_ops;
    t->tls = bide_retain(tls);
    t->ssl = SSL_new(tls->ctx);
    if (!t->ssl || attach_bio(t) < 0 || SSL_set_app_data(t->ssl, t) != 1) {
        bide__fail_nomem("TLS");
        tls_free(t);
        ERR_clear_error();
        return NULL;
    }
    bide__stream_push_filter(s, &t->filter);
    return t;
}

/* The name as certificates have it: without a dot at the end. */
static int set_names(struct tls_filter *t, const char *host, int port)
{
    char number[16];
    size_t len = strlen(host);

    snprintf(number, sizeof number, ":%d", port);
    len -= len > 1 && host[len - 1] == '.';
    t->name = bide__strndup(host, len);
    t->key = bide__malloc(len + strlen(number) + 1);
    if (!t->name || !t->key)
        return bide__fail_nomem("TLS");
    memcpy(t->key, host, len);
    strcpy(t->key + len, number);
    return 0;
}

static void try_to_resume(struct tls_filter *t)
{
    SSL_SESSION *session = bide__tls_session_take(&t->tls->sessions, t->key);
    if (!session)
        return;
    t->was_session_offered = SSL_set_session(t->ssl, session) == 1;
    SSL_SESSION_free(session);
}

int bide__tls_start_client(bide_stream *s, bide_tls *tls, const char *server_name, int port)
{
    if (tls->server)
        return bide_fail(-EINVAL, "TLS with %s: the context is one for servers", server_name);
    struct tls_filter *t = push_filter(s, tls);
    if (!t)
        return bide_error_code();

    int code = set_names(t, tls->server_name ? tls->server_name : server_name, port);
    if (code == 0)
        code = bide__tls_expect_host(t->ssl, t->name);
    if (code < 0)
        return code;
    SSL_set_connect_state(t->ssl);
    try_to_resume(t);
    return tls_handshake(&t->filter, NULL);
}

int bide__tls_start_server(bide_stream *s, bide_tls *tls)
{
    if (!tls->server)
        return bide_fail(-EINVAL, "TLS: the context is one for clients");
    struct tls_filter *t = push_filter(s, tls);
    if (!t)
        return bide_error_code();
    SSL_set_accept_state(t->ssl);
    return 0;
}

/* ---- looking ---- */

static const struct tls_filter *tls_layer(const bide_stream *s)
{
    return s->top->ops == &tls_ops ? tls_of(s->top) : NULL;
}

const SSL *bide__tls_ssl(const bide_stream *s)
{
    const struct tls_filter *t = tls_layer(s);

    return t && t->established ? t->ssl : NULL;
}

bool bide__tls_was_resumed(const bide_stream *s)
{
    const struct tls_filter *t = tls_layer(s);

    return t && t->established && SSL_session_reused(t->ssl) == 1;
}

void bide__tls_answer_plain_http(bide_stream *s, const char *answer, size_t len)
{
    const struct tls_filter *t = tls_layer(s);
    struct filter *below = s->top->below;
    struct iovec iov = {(void *)(uintptr_t)answer, len};

    if (t && t->is_plain_http)
        below->ops->try_send(below, &iov, 1);
}
