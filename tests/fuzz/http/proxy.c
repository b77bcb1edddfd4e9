/* SPDX-License-Identifier: MIT */
/*
 * proxy.c - fuzz target: a SOCKS proxy's answers (first byte 0 to 3), whole and in pieces; else a proxy's URL and a NO_PROXY list.
 */
#include <stdlib.h>

#include "http/proxy/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

/* How it ended, and how many bytes of the answers were taken. */
static int talk(uint8_t kind, const char *in, size_t len, size_t step, size_t *total)
{
    static const uint8_t kinds[] = {PROXY_SOCKS4A, PROXY_SOCKS5, PROXY_SOCKS5H};
    struct proxy p = {.kind = kinds[kind % 3], .has_user = kind > 2, .user = "me", .password = "secret"};
    struct socks s;
    size_t used;
    int r = bide__socks_begin(&s, &p, "10.0.0.1", 80);

    for (*total = 0; r == 0 && *total < len; *total += used) {
        s.out_len = 0;
        size_t n = len - *total < step ? len - *total : step;
        char *copy = malloc(n);
        memcpy(copy, in + *total, n);
        r = bide__socks_take(&s, copy, n, &used);
        must(used <= n && used > 0 && s.out_len <= sizeof s.out);
        free(copy);
    }
    return r;
}

static void read_texts(const char *text, size_t len)
{
    char *copy = strndup(text, len), storage[4096];
    struct proxy p;
    struct url u;

    if (bide__proxy_parse(&p, text, len) == 0)
        must(p.port > 0 && p.host[0] && strlen(p.user) <= PROXY_PART_MAX);
    must(bide__url_parse(&u, "http://[2001:db8::1]:81/", 24, storage, sizeof storage) == 0);
    bide__no_proxy_has(copy, &u);
    must(bide__url_parse(&u, "http://a.example./", 18, storage, sizeof storage) == 0);
    bide__no_proxy_has(copy, &u);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole, cut;

    if (size < 2)
        return 0;
    const char *text = (const char *)data + 1;
    if (data[0] > 3) {
        read_texts(text, size - 1);
        return 0;
    }
    must(talk(data[0], text, size - 1, size, &whole) == talk(data[0], text, size - 1, 1, &cut));
    must(whole == cut);
    return 0;
}
