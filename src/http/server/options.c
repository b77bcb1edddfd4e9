/* SPDX-License-Identifier: MIT */
/*
 * options.c - the options of a server: the defaults, and what is refused.
 */
#include "http/server/server.h"

#define MAX_CONNECTIONS 20000
#define MAX_HEAD_BYTES H1_HEAD_MAX
#define MAX_BODY_BYTES ((size_t)64 << 20)
#define MAX_BODIES_BYTES ((size_t)1 << 30)
#define IDLE_TIMEOUT_MS 75000
#define HEAD_TIMEOUT_MS 30000
#define BODY_TIMEOUT_MS 600000

void bide__server_fill_defaults(bide_server_args *a)
{
    if (a->threads == BIDE_ALL_PROCESSORS)
        a->threads = bide_processors();
    if (!a->host)
        a->host = "127.0.0.1";
    a->max_connections = bide__count_or(a->max_connections, MAX_CONNECTIONS);
    if (a->max_head_bytes == 0)
        a->max_head_bytes = MAX_HEAD_BYTES;
    if (a->max_body_bytes == 0)
        a->max_body_bytes = MAX_BODY_BYTES;
    if (a->max_body_bytes > SIZE_MAX / 4)
        a->max_body_bytes = SIZE_MAX / 4;
    if (a->max_bodies_bytes == 0)
        a->max_bodies_bytes = MAX_BODIES_BYTES;
    if (a->idle_timeout_ms == 0)
        a->idle_timeout_ms = IDLE_TIMEOUT_MS;
    if (a->head_timeout_ms == 0)
        a->head_timeout_ms = HEAD_TIMEOUT_MS;
    if (a->body_timeout_ms == 0)
        a->body_timeout_ms = BODY_TIMEOUT_MS;
}

static int check_numbers(const bide_server_args *a)
{
    const struct {
        const char *name;
        int64_t n;
        int named;
    } numbers[] = {
        {"max_connections", a->max_connections, BIDE_UNLIMITED}, {"max_head_bytes", (ptrdiff_t)a->max_head_bytes, 0},
        {"max_body_bytes", (ptrdiff_t)a->max_body_bytes, 0}, {"max_bodies_bytes", (ptrdiff_t)a->max_bodies_bytes, 0},
    };
    const struct {
        const char *name;
        int64_t ms;
    } times[] = {
        {"idle_timeout_ms", a->idle_timeout_ms}, {"head_timeout_ms", a->head_timeout_ms},
        {"body_timeout_ms", a->body_timeout_ms},
    };

    for (size_t i = 0; i < array_len(numbers); i++)
        BIDE_TRY(bide__check_number("bide_server_start", numbers[i].name, numbers[i].n, numbers[i].named));
    for (size_t i = 0; i < array_len(times); i++)
        BIDE_TRY(bide__check_time("bide_server_start", times[i].name, times[i].ms, true));
    return 0;
}

int bide__server_check_args(const bide_server_args *a)
{
    if (!a->handler)
        return bide_fail(-EINVAL, "bide_server_start: there is no handler");
    if (!a->cert_file != !a->key_file)
        return bide_fail(-EINVAL, "bide_server_start: cert_file and key_file go together");
    BIDE_TRY(check_numbers(a));
    if (a->threads != BIDE_ALL_PROCESSORS)
        BIDE_TRY(bide__check_threads(a->threads, "bide_server_start"));
    if (a->threads != 0 && a->threads != 1 && a->host && strncmp(a->host, "unix:", 5) == 0)
        return bide_fail(-EINVAL, "bide_server_start: threads: a Unix socket is served by one: the kernel does not deal out its "
                                  "connections");
    if (a->max_head_bytes > UINT32_MAX / 2)
        return bide_fail(-EINVAL, "bide_server_start: max_head_bytes = %zu: at most %u", a->max_head_bytes, UINT32_MAX / 2);
    return 0;
}
