/* SPDX-License-Identifier: MIT */
/*
 * connect.c - from a host and a port to a stream: a race of its addresses (race.c), or the user's function; then TLS.
 */
#include "io/net/connect.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS 10000

/* Without a descriptor for the resolver, it waits for one. */
static bide_stream *connect_socket(const struct connect_options *o)
{
    bide_stream *s = NULL;
    bide_task *t = bide__task_required("bide_connect");
    int code = t ? -EMFILE : BIDE_ENOLOOP;
    struct error_mark record;

    bide__error_mark(&record);
    while (code == -EMFILE || code == -ENFILE) {
        code = bide__connect_race(o, t, &s);
        if (code == -EMFILE || code == -ENFILE) {
            int interrupted = bide__connect_get_descriptor(o);
            if (interrupted == BIDE_ETIMEDOUT)
                bide_fail(interrupted, "connect %s: timed out: %s", o->host, bide_strerror(code));
            code = interrupted < 0 ? interrupted : code;
        }
    }
    bide__error_end(&record, s ? 0 : -1);
    return s;
}

int bide__connect_tls(bide_stream *s, const struct connect_options *o)
{
    int code = -1;

    bide__connect_mark(o->times ? &o->times->connect : NULL);
    if (!o->tls)
        return 0;
    const char *name = o->server_name ? o->server_name : o->host;
    bide__connect_emit(o, (struct connect_step){.kind = STEP_TLS, .host = name, .port = o->port});
    bide__timeout(o->tls_ms ? o->tls_ms : BIDE_FOREVER)
        code = bide__tls_start_client(s, o->tls, name, o->port);
    if (code == 0)
        bide__connect_mark(o->times ? &o->times->tls : NULL);
    bide__connect_emit(o, (struct connect_step){.kind = STEP_TLS_DONE, .host = name, .port = o->port, .code = code,
                                                .stream = code == 0 ? s : NULL});
    return code;
}

bide_stream *bide__connect(const struct connect_options *o)
{
    bide_stream *s = o->hooks && o->hooks->dial ? bide__dial(o) : connect_socket(o);

    if (s && bide__connect_tls(s, o) < 0) {
        bide_release(s);
        return NULL;
    }
    return s;
}

bide_stream *bide_connect_with(const bide_connect_args *options)
{
    bide_connect_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_connect") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_connect") < 0 || bide__tls_check(args.tls, "bide_connect") < 0)
        return NULL;
    int64_t ms = args.timeout_ms ? args.timeout_ms : DEFAULT_TIMEOUT_MS;
    struct connect_hooks hooks = {.dial = args.dial, .dial_arg = args.dial_arg,
                                  .resolve = args.resolve, .resolve_arg = args.resolve_arg};
    struct connect_options o = {.host = args.host,
                                .port = args.port,
                                .tls = args.tls,
                                .server_name = args.server_name,
                                .max_buffer = args.max_buffer,
                                .hooks = &hooks};
    bide_stream *s = NULL;
    struct dns_config *dns = NULL;
    if (bide__check_time("bide_connect", "timeout_ms", args.timeout_ms, true) < 0 ||
        bide__check_size("bide_connect", "max_buffer", args.max_buffer, 0) < 0)
        return NULL;
    if (!args.host || !args.host[0]) {
        bide_fail(-EINVAL, "bide_connect: no host");
        return NULL;
    }
    if ((args.port < 1 || args.port > 65535) && strncmp(args.host, "unix:", 5) != 0) {
        bide_fail(-EINVAL, "connect %s: port %d is not 1 to 65535", args.host, args.port);
        return NULL;
    }
    if (args.dns && !(dns = bide__dns_config_new(NULL, args.dns, "bide_connect")))
        return NULL;

    o.dns = dns;
    bide__timeout(ms)
        s = bide__connect(&o);
    bide__free(dns);
    return s;
}
