/* SPDX-License-Identifier: MIT */
/* info.c - who is at the other end of a connection, for those who ask when it is gone. */
#include <openssl/x509.h>
#include <stdlib.h>

#include "http/connect/connect.h"

/* "127.0.0.1:80", "[::1]:80", or what a stream without a port calls its peer: returns the port. */
static int split(const char *address, char out[INET6_ADDRSTRLEN])
{
    bool bracketed = address[0] == '[';
    const char *end = bracketed ? strchr(address, ']') : strrchr(address, ':');
    size_t n = end ? (size_t)(end - address) - bracketed : strlen(address);

    n = n < INET6_ADDRSTRLEN ? n : INET6_ADDRSTRLEN - 1;
    memcpy(out, address + bracketed, n);
    out[n] = '\0';
    return end ? (int)strtol(end + 1 + bracketed, NULL, 10) : 0;
}

struct conn_info *bide__conn_info_new(const bide_stream *stream, uint64_t id)
{
    struct conn_info *info = bide__malloc(sizeof *info);
    if (!info) {
        bide__fail_nomem("a connection");
        return NULL;
    }

    *info = (struct conn_info){.shares = 1, .id = id, .stream = stream};
    info->peer_port = split(bide_stream_peer(stream), info->peer);
    strcpy(info->alpn, bide_stream_alpn(stream));
    bide__tls_info_take(stream, &info->tls);
    return info;
}

int bide__conn_info_local(const struct conn_info *info, char out[INET6_ADDRSTRLEN])
{
    char text[INET6_ADDRSTRLEN + 16] = "";

    out[0] = '\0';
    if (info->stream && info->stream->loop == bide__loop_here)
        bide__stream_local(info->stream, text, sizeof text);
    return text[0] ? split(text, out) : 0;
}

bide_connection bide__conn_info_show(const struct conn_info *info)
{
    return (bide_connection){.id = info->id, .peer = info->peer, .peer_port = info->peer_port, .local = "",
                             .tls_version = info->tls.version, .tls_cipher = info->tls.cipher, .tls_resumed = info->tls.resumed,
                             .alpn = info->alpn};
}

void bide__conn_info_drop(struct conn_info *info)
{
    if (!info || --info->shares > 0)
        return;
    bide__tls_info_drop(&info->tls);
    bide__free(info);
}

int bide__conn_info_make_own(struct conn_info **info)
{
    struct conn_info *own;
    if (!*info)
        return 0;
    if (!(own = bide__malloc(sizeof *own)))
        return bide__fail_nomem("a connection's addresses");

    *own = **info;
    own->shares = 1;
    own->stream = NULL;
    if (own->tls.certificate)
        X509_up_ref(own->tls.certificate);
    bide__conn_info_drop(*info);
    *info = own;
    return 0;
}
