/* SPDX-License-Identifier: MIT */
/*
 * tls.c - TLS contexts: one for each configuration.
 *
 * Making one costs tens of microseconds, because the trusted certificates are looked up in a folder when they are
 * needed.  Contexts are not shared between threads: OpenSSL 3.0 would spend its time in their locks.
 */
#include <openssl/err.h>

#include "io/tls/tls_layer.h"

/* ---- ALPN ---- */

/* "h2,http/1.1" to the form of the wire. */
static int parse_alpn(bide_tls *tls, const char *list)
{
    while (list && *list) {
        size_t n = strcspn(list, ",");
        if (n == 0 || n > 255 || tls->alpn_len + n + 1 > sizeof tls->alpn)
            return bide_fail(-EINVAL, "bide_tls_new: .alpn: a protocol has 1 to 255 bytes, all of them at most %zu",
                             sizeof tls->alpn);
        tls->alpn[tls->alpn_len] = (unsigned char)n;
        memcpy(tls->alpn + tls->alpn_len + 1, list, n);
        tls->alpn_len += (unsigned)n + 1;
        list += n + (list[n] == ',');
    }
    return 0;
}

/* RFC 7301 3.2: the server's order decides; nothing in common is fatal. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *offer,
                       unsigned offer_len, void *arg)
{
    const bide_tls *tls = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, len, tls->alpn, tls->alpn_len, offer, offer_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int set_alpn(bide_tls *tls, const char *list)
{
    int code = parse_alpn(tls, list);
    if (code < 0 || tls->alpn_len == 0)
        return code;

    if (tls->server)
        SSL_CTX_set_alpn_select_cb(tls->ctx, choose_alpn, tls);
    else if (SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn, tls->alpn_len) != 0)
        return bide__fail_nomem("bide_tls_new");
    return 0;
}

/* ---- certificates and rules ---- */

/* OpenSSL's own would ask on the terminal, and keep the loop waiting for it. */
static int no_password(char *out, int cap, int for_writing, void *was_asked)
{
    (void)out;
    (void)cap;
    (void)for_writing;
    if (was_asked)
        *(bool *)was_asked = true;
    return -1;
}

static int use_key(bide_tls *tls, const char *key)
{
    bool is_encrypted = false;

    SSL_CTX_set_default_passwd_cb(tls->ctx, no_password);
    SSL_CTX_set_default_passwd_cb_userdata(tls->ctx, &is_encrypted);
    int done = SSL_CTX_use_PrivateKey_file(tls->ctx, key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(tls->ctx, NULL);
    if (done == 1)
        return 0;
    return is_encrypted ? bide_fail(BIDE_ETLS, "key %s: it is encrypted with a password", key)
                        : bide__tls_fail_file("key", key);
}

/* A client without a certificate is asked for one: it goes on without, and remembers that when it is refused. */
static int note_request(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    struct tls_filter *t = SSL_get_app_data(ssl);

    (void)cert;
    (void)key;
    t->was_asked_for_certificate = true;
    return 0;
}

static int set_own_certificate(bide_tls *tls, const bide_tls_args *args)
{
    const char *key = args->key_file ? args->key_file : args->cert_file;
    if (!args->cert_file && !tls->server)
        SSL_CTX_set_client_cert_cb(tls->ctx, note_request);
    if (!args->cert_file)
        return tls->server ? bide_fail(-EINVAL, "bide_tls_new: a server needs .cert_file") : 0;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(tls->ctx, args->cert_file) != 1)
        return bide__tls_fail_file("certificate", args->cert_file);
    return use_key(tls, key);
}

static int set_trust(bide_tls *tls, const char *ca_file)
{
    if (tls->insecure || (tls->server && !ca_file))
        return 0;
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, bide__tls_on_verify);
    return bide__tls_trust(tls->ctx, ca_file);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_filter *t = SSL_get_app_data(ssl);

    if (!t->key)
        return 0;
    bide__tls_session_put(&t->tls->sessions, t->key, session);
    return 1;
}

static int set_rules(bide_tls *tls, int min_version)
{
    static const unsigned char id[] = "bide";
    SSL_CTX *ctx = tls->ctx;
    int min = min_version ? min_version : TLS1_2_VERSION;
    if (min != TLS1_2_VERSION && min != TLS1_3_VERSION)
        return bide_fail(-EINVAL, "bide_tls_new: .min_version is 0x0303 (TLS 1.2) or 0x0304 (TLS 1.3)");

    SSL_CTX_set_min_proto_version(ctx, min);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record is one read, not one for its head and one for its body */
    if (tls->server) {
        SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    } else {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
    }
    return 0;
}

/* ---- life ---- */

static void tls_destroy(void *object)
{
    bide_tls *tls = object;

    bide__tls_sessions_free(&tls->sessions);
    SSL_CTX_free(tls->ctx);
    bide__free(tls->scratch);
    bide__object_free(tls);
}

static const struct object_type tls_type = {.name = "tls", .destroy = tls_destroy};

static bide_tls *tls_alloc(bool server)
{
    bide_tls *tls = bide__object_zalloc(sizeof *tls);
    bool no_sessions = true;

    if (tls) {
        bide__object_init(tls, &tls_type);
        tls->thread = bide__thread_here();
        no_sessions = bide__tls_sessions_init(&tls->sessions) < 0;
        tls->scratch = bide__malloc(TLS_RECORD_MAX);
        tls->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    }
    if (no_sessions || !tls->scratch || !tls->ctx) {
        bide__fail_nomem("bide_tls_new");
        if (tls)
            tls_destroy(tls);
        return NULL;
    }
    return tls;
}

static int check_args(const bide_tls_args *args)
{
    if (args->server && args->insecure)
        return bide_fail(-EINVAL, "bide_tls_new: .insecure is for clients");
    if (args->key_file && !args->cert_file)
        return bide_fail(-EINVAL, "bide_tls_new: .key_file without .cert_file");
    return 0;
}

bide_tls *bide_tls_new_with(const bide_tls_args *options)
{
    bide_tls_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_tls_new") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_tls_new") < 0 || check_args(&args) < 0)
        return NULL;
    bide_tls *tls = tls_alloc(args.server);
    if (!tls)
        return NULL;

    tls->server = args.server;
    tls->insecure = args.insecure;
    if (set_rules(tls, args.min_version) < 0 || set_own_certificate(tls, &args) < 0 ||
        set_trust(tls, args.ca_file) < 0 || set_alpn(tls, args.alpn) < 0) {
        tls_destroy(tls);
        return NULL;
    }
    return tls;
}

int bide__tls_check(const bide_tls *tls, const char *function)
{
    if (!tls || tls->thread == bide__thread_here())
        return 0;
    return bide_fail(BIDE_ESTATE, "%s: the TLS context belongs to the thread that made it; make one here", function);
}

/* ---- the contexts of a loop ---- */

/* The one for https without any options, made when it is needed first. */
struct default_tls {
    struct loop_closer closer;
    bide_tls *tls;
    char alpn[];
};

static const char default_key;

static void default_close(struct loop_closer *closer)
{
    struct default_tls *d = container_of(closer, struct default_tls, closer);

    bide_release(d->tls);
    bide__free(d);
}

static struct default_tls *default_find(bide_loop *loop, const char *alpn)
{
    for (struct list_node *n = loop->closers.next; n != &loop->closers; n = n->next) {
        struct loop_closer *c = container_of(n, struct loop_closer, node);
        if (c->key == &default_key && strcmp(container_of(c, struct default_tls, closer)->alpn, alpn) == 0)
            return container_of(c, struct default_tls, closer);
    }
    return NULL;
}

static struct default_tls *default_new(bide_loop *loop, const char *alpn)
{
    struct default_tls *d = bide__malloc(sizeof *d + strlen(alpn) + 1);
    if (!d) {
        bide__fail_nomem("TLS");
        return NULL;
    }
    d->tls = bide_tls_new(.alpn = alpn);
    if (!d->tls) {
        bide__free(d);
        return NULL;
    }
    strcpy(d->alpn, alpn);
    d->closer = (struct loop_closer){.key = &default_key, .close = default_close};
    bide__list_init(&d->closer.node);
    bide__loop_attach(loop, &d->closer);
    return d;
}

bide_tls *bide__tls_default(const char *alpn)
{
    bide_loop *loop = bide__loop_here;
    if (!loop) {
        bide_fail(BIDE_ENOLOOP, "TLS: no event loop is running in this thread");
        return NULL;
    }
    struct default_tls *d = default_find(loop, alpn ? alpn : "");
    if (!d)
        d = default_new(loop, alpn ? alpn : "");
    return d ? d->tls : NULL;
}
