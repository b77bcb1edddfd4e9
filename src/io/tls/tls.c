/* SPDX-License-Identifier: MIT */
/*
 * tls.c - TLS contexts: one for each configuration.
 *
 * Making one costs tens of microseconds, because the trusted certificates are looked up in a folder when they are
 * needed.  Contexts are not shared between threads: OpenSSL 3.0 would spend its time in their locks.
 */
#include <fcntl.h>
#include <openssl/err.h>
#include <unistd.h>

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
    if (!args->cert_file && !tls->server)
        SSL_CTX_set_client_cert_cb(tls->ctx, note_request);
    if (!args->cert_file)
        return tls->server ? bide_fail(-EINVAL, "bide_tls_new: a server needs .cert_file") : 0;
    return bide__tls_use_identity(tls->ctx, args);
}

static int set_trust(bide_tls *tls, const bide_tls_args *args)
{
    bool has_own = args->ca_file || args->ca_dir || args->ca_data.data;
    if (tls->insecure || (tls->server && !has_own))
        return 0;
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, bide__tls_on_verify);
    return bide__tls_trust(tls->ctx, args);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_filter *t = SSL_get_app_data(ssl);

    if (!t->key)
        return 0;
    bide__tls_session_put(&t->tls->sessions, t->key, session);
    return 1;
}

static int set_versions(SSL_CTX *ctx, const bide_tls_args *args)
{
    int min = args->min_version ? args->min_version : TLS1_2_VERSION;
    int max = args->max_version ? args->max_version : TLS1_3_VERSION;
    if (min != TLS1_2_VERSION && min != TLS1_3_VERSION)
        return bide_fail(-EINVAL, "bide_tls_new: .min_version is 0x0303 (TLS 1.2) or 0x0304 (TLS 1.3)");
    if (max != TLS1_2_VERSION && max != TLS1_3_VERSION)
        return bide_fail(-EINVAL, "bide_tls_new: .max_version is 0x0303 (TLS 1.2) or 0x0304 (TLS 1.3)");
    if (max < min)
        return bide_fail(-EINVAL, "bide_tls_new: .max_version is older than .min_version");

    SSL_CTX_set_min_proto_version(ctx, min);
    SSL_CTX_set_max_proto_version(ctx, args->max_version ? max : 0);
    return 0;
}

/* TLS 1.3 has a list of its own. */
static bool use_ciphers(SSL_CTX *ctx, char *list)
{
    char *new = NULL, *old = NULL, *rest = list, *one;
    size_t len = strlen(list) + 1;
    bool done = false;

    if ((new = bide__calloc(1, len)) && (old = bide__calloc(1, len))) {
        while ((one = strsep(&rest, ":"))) {
            char *to = strncmp(one, "TLS_", 4) == 0 ? new : old;
            strcat(strcat(to, to[0] ? ":" : ""), one);
        }
        done = (!new[0] || SSL_CTX_set_ciphersuites(ctx, new) == 1) && (!old[0] || SSL_CTX_set_cipher_list(ctx, old) == 1);
    }
    bide__free(new);
    bide__free(old);
    return done;
}

static int set_ciphers(SSL_CTX *ctx, const char *list)
{
    char *copy = list ? bide__strndup(list, strlen(list)) : NULL;
    if (!list)
        return 0;
    if (!copy)
        return bide__fail_nomem("bide_tls_new");
    bool done = use_ciphers(ctx, copy);

    bide__free(copy);
    ERR_clear_error();
    return done ? 0 : bide_fail(-EINVAL, "bide_tls_new: .ciphers: none of \"%.80s\" is known", list);
}

static int set_rules(bide_tls *tls, const bide_tls_args *args)
{
    static const unsigned char id[] = "bide";
    SSL_CTX *ctx = tls->ctx;

    BIDE_TRY(set_versions(ctx, args));
    BIDE_TRY(set_ciphers(ctx, args->ciphers));
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

/* ---- what is looked at, and what is written, for each connection ---- */

static int set_expectations(bide_tls *tls, const bide_tls_args *args)
{
    if (args->server_name && !(tls->server_name = bide__strndup(args->server_name, strlen(args->server_name))))
        return bide__fail_nomem("bide_tls_new");
    return args->pins ? bide__tls_set_pins(tls, args->pins) : 0;
}

/* One line, whole, beside those of other programs. */
static void log_secret(const SSL *ssl, const char *line)
{
    const struct tls_filter *t = SSL_get_app_data(ssl);
    struct iovec iov[] = {{(void *)(uintptr_t)line, strlen(line)}, {(void *)(uintptr_t)"\n", 1}};

    (void)!writev(t->tls->keylog, iov, 2); /* that it cannot be written must not end a connection */
}

static int set_keylog(bide_tls *tls, const char *file)
{
    if (!file)
        return 0;
    tls->keylog = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (tls->keylog < 0)
        return bide_fail(-errno, "bide_tls_new: .keylog_file %s: %s", file, strerror(errno));
    SSL_CTX_set_keylog_callback(tls->ctx, log_secret);
    return 0;
}

/* ---- life ---- */

static void tls_destroy(void *object)
{
    bide_tls *tls = object;

    bide__tls_sessions_free(&tls->sessions);
    SSL_CTX_free(tls->ctx);
    if (tls->keylog >= 0)
        close(tls->keylog);
    bide__free(tls->pins);
    bide__free(tls->server_name);
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
        tls->keylog = -1;
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
    if (args->server && (args->pins || args->server_name))
        return bide_fail(-EINVAL, "bide_tls_new: .pins and .server_name are for clients");
    if (args->ca_data.len > 0 && !args->ca_data.data)
        return bide_fail(-EINVAL, "bide_tls_new: .ca_data is NULL, but has a length");
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
    if (set_rules(tls, &args) < 0 || set_own_certificate(tls, &args) < 0 || set_trust(tls, &args) < 0 ||
        set_alpn(tls, args.alpn) < 0 || set_keylog(tls, args.keylog_file) < 0 || set_expectations(tls, &args) < 0) {
        tls_destroy(tls);
        return NULL;
    }
    return tls;
}

void bide__tls_share_tickets(bide_tls *to, const bide_tls *from)
{
    unsigned char keys[256];
    long len = SSL_CTX_get_tlsext_ticket_keys(from->ctx, NULL, 0);

    if (len > 0 && (size_t)len <= sizeof keys && SSL_CTX_get_tlsext_ticket_keys(from->ctx, keys, len) == 1)
        SSL_CTX_set_tlsext_ticket_keys(to->ctx, keys, len);
    OPENSSL_cleanse(keys, sizeof keys);
}

int bide__tls_check(const bide_tls *tls, const char *function)
{
    if (!tls || tls->thread == bide__thread_here())
        return 0;
    return bide_fail(BIDE_ESTATE, "%s: the TLS context belongs to the thread that made it; make one here", function);
}
