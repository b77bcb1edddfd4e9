/* SPDX-License-Identifier: MIT */
/*
 * tls_start.c - TLS that begins on an open stream (STARTTLS).
 *
 * Bytes that came before the handshake and were not read are in plain text, whoever wrote them: after it they would be taken for
 * what the peer has said under TLS (CVE-2011-0411).  So with such bytes it does not begin.
 */
#include <bide/transfer.h>

#include "io/tls/tls_layer.h"

static int start_here(bide_stream *s, bide_tls *tls, const char *server_name)
{
    int code = bide__stream_check_writing(s);
    if (code == 0)
        code = bide__stream_flush(s);
    if (code < 0)
        return code;
    if (bide__buf_len(&s->in) > 0)
        return bide_fail(BIDE_ESTATE, "TLS with %s: %zu bytes have come in plain text that were not read", s->peer,
                         bide__buf_len(&s->in));
    if (!tls->server)
        return bide__tls_start_client(s, tls, server_name, 0);
    code = bide__tls_start_server(s, tls);
    return code < 0 ? code : bide__stream_handshake(s, NULL);
}

static int check(const bide_stream *s, const bide_start_tls_args *args)
{
    if (bide__check_named(args->guard_, "bide_stream_start_tls") < 0 ||
        bide__is_null(s, "bide_stream_start_tls", "the stream") || bide__is_null(args->tls, "bide_stream_start_tls", "tls"))
        return -EINVAL;
    int code = bide__tls_check(args->tls, "bide_stream_start_tls");
    if (code == 0 && !args->tls->server && !args->server_name && !args->tls->server_name)
        code = bide_fail(-EINVAL, "bide_stream_start_tls: there is no server_name to be checked");
    return code;
}

int bide_stream_start_tls_with(bide_stream *s, const bide_start_tls_args *options)
{
    bide_start_tls_args args;
    int code = bide__options_take(&args, sizeof args, options, "bide_stream_start_tls");
    if (code == 0)
        code = check(s, &args);
    if (code == 0)
        code = bide__stream_begin(s, &s->reading, "bide_stream_start_tls", "reading from");
    if (code < 0)
        return code;

    code = bide__stream_begin(s, &s->writing, "bide_stream_start_tls", "writing to");
    if (code == 0) {
        code = start_here(s, args.tls, args.server_name ? args.server_name : args.tls->server_name);
        bide__stream_end(s, &s->writing);
    }
    bide__stream_end(s, &s->reading);
    return code;
}
