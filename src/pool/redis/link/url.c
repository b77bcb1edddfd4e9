/* SPDX-License-Identifier: MIT */
/* url.c - where Redis is: redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DB[/NAME]] or unix:/PATH. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "pool/redis/link/link.h"

#define PASSWORD_VARIABLE "BIDE_REDIS_PASSWORD"

/* A part of a URL, with %XX decoded.  False: too long, or not well formed. */
static bool decode(char *out, size_t cap, const char *text, size_t len)
{
    const char *end = text + len;
    size_t n = 0;

    while (text < end) {
        int byte = *text == '%' ? bide__percent_byte(text, end) : (unsigned char)*text;
        if (n + 1 >= cap || byte <= 0)
            return false;
        text += *text == '%' ? 3 : 1;
        out[n++] = (char)byte;
    }
    out[n] = '\0';
    return true;
}

static bool read_user(struct redis_address *a, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    size_t user = colon ? (size_t)(colon - text) : len;

    if (!decode(a->user, sizeof a->user, text, user))
        return false;
    return !colon || decode(a->password, sizeof a->password, colon + 1, len - user - 1);
}

static bool read_number(int *out, const char *text, size_t len, int max)
{
    int n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || n > max)
            return false;
        n = n * 10 + (text[i] - '0');
    }
    *out = n;
    return len > 0 && n <= max;
}

/* HOST, HOST:PORT, [ADDRESS]:PORT */
static bool read_host(struct redis_address *a, const char *text, size_t len)
{
    const char *end = text + len, *host_end = len > 0 && *text == '[' ? memchr(text, ']', len) : memchr(text, ':', len);
    bool bracket = len > 0 && *text == '[';

    if (bracket && !host_end)
        return false;
    if (!host_end)
        host_end = end;
    const char *host = bracket ? text + 1 : text, *port = bracket ? host_end + 1 : host_end;
    if (host_end == host || !decode(a->host, sizeof a->host, host, (size_t)(host_end - host)))
        return false;
    return port == end || (*port == ':' && read_number(&a->port, port + 1, (size_t)(end - port - 1), 65535));
}

/* DB, DB/NAME */
#define NAME_CAP 1024 /* longer than it may be, so that this can be said */
static bool read_path(struct redis_address *a, char *name, const char *text)
{
    size_t len = strcspn(text, "/");

    if (len > 0 && !read_number(&a->db, text, len, 1 << 20))
        return false;
    return text[len] == '\0' || text[len + 1] == '\0' ||
           decode(name, NAME_CAP, text + len + 1, strlen(text + len + 1));
}

static bool read_url(struct redis_address *a, char *name, const char *url)
{
    const char *p = url;

    if (strncmp(p, "unix:/", 6) == 0)
        return decode(a->host, sizeof a->host, p, strlen(p));
    a->tls = strncmp(p, "rediss://", 9) == 0;
    if (!a->tls && strncmp(p, "redis://", 8) != 0)
        return false;
    p += a->tls ? 9 : 8;
    size_t len = strcspn(p, "/?#");
    const char *at = memrchr(p, '@', len);
    if (at && !read_user(a, p, (size_t)(at - p)))
        return false;
    const char *host = at ? at + 1 : p;
    if (p[len] == '?' || p[len] == '#' || !read_host(a, host, len - (size_t)(host - p)))
        return false;
    return p[len] == '\0' || read_path(a, name, p + len + 1);
}

/* It stands in keys between braces. */
static int check_name(const char *name)
{
    if (strlen(name) > REDIS_NAME_MAX)
        return bide_fail(-EINVAL, "a queue's name of %zu bytes: %d at most", strlen(name), REDIS_NAME_MAX);
    if (!*name)
        return bide_fail(-EINVAL, "the queue has no name: end the URL with one (redis://HOST/0/NAME), or give it with the option name");
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.:", *p))
            return bide_fail(-EINVAL, "%s: not the name of a queue: letters, digits and -_.: only", name);
    return 0;
}

int bide__redis_address(struct redis_address *a, const char *url, const char *name)
{
    const char *password = getenv(PASSWORD_VARIABLE);
    char in_url[NAME_CAP] = "";
    *a = (struct redis_address){.port = 6379};
    if (!read_url(a, in_url, url)) /* it may hold a password: not shown */
        return bide_fail(
            -EINVAL, "not the URL of a Redis: redis://[USER:PASSWORD@]HOST[:PORT][/DB[/NAME]], rediss://, unix:/PATH");
    if (!*a->password && password && strlen(password) >= sizeof a->password)
        return bide_fail(-EINVAL, "$" PASSWORD_VARIABLE ": a password of %zu bytes: %zu at most", strlen(password), sizeof a->password - 1);
    if (!*a->password && password)
        memcpy(a->password, password, strlen(password) + 1);

    if (strncmp(a->host, "unix:", 5) == 0)
        snprintf(a->shown, sizeof a->shown, "%s", a->host);
    else
        snprintf(a->shown, sizeof a->shown, "%s:%d", a->host, a->port);
    name = name ? name : in_url;
    BIDE_TRY(check_name(name));
    memcpy(a->name, name, strlen(name) + 1);
    return 0;
}

void bide__redis_key(char *out, const struct redis_address *a, const char *kind)
{
    snprintf(out, REDIS_KEY_MAX, "bide:{%s}:%s", a->name, kind);
}

void bide__redis_results_key(char *out, const struct redis_address *a, const char *client)
{
    snprintf(out, REDIS_KEY_MAX, "bide:{%s}:results:%s", a->name, client);
}
