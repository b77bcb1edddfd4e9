/* SPDX-License-Identifier: MIT */
/*
 * tls.h - TLS as a layer of a stream, as others see it.
 *
 * In reading order: tls.c (the context), tls_identity.c, tls_shared.c, tls_filter.c (the layer),
 * tls_verify.c, tls_pin.c, tls_alert.c, tls_session.c, tls_info.c.
 */
#ifndef BIDE_IO_TLS_H
#define BIDE_IO_TLS_H

#include <bide/tls.h>

#include "io/stream/stream.h"

/* ---- tls.c ---- */

/* Speak TLS on a connected stream; client: shakes hands now; server: at the first read or write. */
int bide__tls_start_client(bide_stream *s, bide_tls *tls, const char *server_name, int port);
int bide__tls_start_server(bide_stream *s, bide_tls *tls);
/*
 * The context with these options: one for each loop, shared by all who want the same, so that its sessions are shared, too.
 * A share, or, where no loop runs, one of its own; NULL: an error on record, as bide_tls_new has them.
 */
bide_tls *bide__tls_shared(const bide_tls_args *args);
/* Servers of several threads: a session that one of them has given out is resumed by all. */
void bide__tls_share_tickets(bide_tls *to, const bide_tls *from);
int bide__tls_check(const bide_tls *tls, const char *function); /* BIDE_ESTATE on record: another thread has made it; 0 for NULL */
bool bide__tls_was_resumed(const bide_stream *s);

/* What was agreed with the peer; all zeros: no TLS.  The texts are static. */
struct tls_info {
    const char *version, *cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384" */
    bool resumed;
    struct x509_st *certificate; /* the peer's, a share; NULL: none */
};
void bide__tls_info_take(const bide_stream *s, struct tls_info *out);
void bide__tls_info_drop(struct tls_info *info);
/* The certificate as PEM, in the arena; NULL: there is none, or an error on record. */
const char *bide__tls_certificate_text(const struct tls_info *info, struct arena *arena);
/*
 * Server, after a failed handshake: if it failed because the client has sent an HTTP request in plain text, answer it in
 * plain text.  Once, and nothing has been sent before; what the socket does not take at once is lost.
 */
void bide__tls_answer_plain_http(bide_stream *s, const char *answer, size_t len);

#endif
