/* SPDX-License-Identifier: MIT */
/* host_name.c - host names as stores compare them; see host_name.h. */
#include "http/url/host_name.h"

#include <string.h>

struct host_name bide__host_name_of(const struct url *url)
{
    struct host_name h = {bide__url_part(url, url->hostname), url->hostname.len, url->host_kind == URL_NAME};

    if (url->host_kind == URL_IPV6) { /* [::1] */
        h.name++;
        h.len -= 2;
    } else if (h.len > 1 && h.name[h.len - 1] == '.') {
        h.len--;
    }
    return h;
}

bool bide__host_name_is_in(struct host_name host, const char *domain, size_t len)
{
    if (host.len == len)
        return memcmp(host.name, domain, len) == 0;
    if (!host.is_name || len == 0 || host.len < len)
        return false;
    return host.name[host.len - len - 1] == '.' && memcmp(host.name + host.len - len, domain, len) == 0;
}

/* An IPv6 address may come with its brackets or without; it leaves without. */
ssize_t bide__host_name_put(char out[HOST_NAME_SIZE], const char *text, size_t len, bool *is_name)
{
    char bracketed[HOST_NAME_SIZE];
    struct url_out host = {.data = out, .cap = HOST_NAME_SIZE - 1};
    uint8_t kind, zone;
    if (len == 0 || len > sizeof bracketed - 2)
        return -1;

    if (text[0] != '[' && memchr(text, ':', len)) {
        bracketed[0] = '[';
        memcpy(bracketed + 1, text, len);
        bracketed[len + 1] = ']';
        text = bracketed;
        len += 2;
    }
    if (bide__url_put_host(&host, text, len, &kind, &zone) < 0 || host.full)
        return -1;
    if (out[host.len - 1] == '.') /* or a full stop of another script, which has become one */
        return -1;
    if (kind == URL_IPV6)
        memmove(out, out + 1, host.len -= 2);
    out[host.len] = '\0';
    *is_name = kind == URL_NAME;
    return (ssize_t)host.len;
}
