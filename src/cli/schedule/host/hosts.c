/* SPDX-License-Identifier: MIT */
/*
 * hosts.c - the hosts that jobs go to.
 *
 * A host is there as long as a job names it, or as there is something to remember: that it did not answer, or wants to be
 * left alone.  Lists may name a million hosts: those that are not needed any more are given back, so there are never many
 * more than jobs.
 */
#include <stdlib.h>
#include <string.h>

#include <bide/url.h>

#include "cli/schedule/host/hosts.h"

#define FIRST_BUCKETS 64
#define QUIET_MAX     32768 /* hosts without jobs that failed or want to be left alone: beyond, they are forgotten */

/* ---- what is the host of a URL ---- */

/* "example.com:8080" of "http://me:x@Example.com:8080/path", without the port that the scheme has anyway. */
static bide_bytes authority(const char *url)
{
    bide_bytes host = bide_url_find_authority(url, strlen(url)).host;
    const char *usual = strncmp(url, "http://", 7) == 0 ? ":80" : ":443";
    size_t len = strlen(usual);

    if (host.len > len && memcmp(host.data + host.len - len, usual, len) == 0)
        host.len -= len;
    return host;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool is_host(const struct host *host, bide_bytes name)
{
    if (host->len != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (host->name[i] != lower(name.data[i]))
            return false;
    return true;
}

static uint64_t hash(bide_bytes name)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)lower(name.data[i])) * 0x100000001b3u;
    return h ^ h >> 29;
}

/* ---- the table ---- */

static struct host **place_of(struct hosts *h, const struct host *host)
{
    struct host **at = &h->buckets[host->hash & (h->nbuckets - 1)];

    while (*at != host)
        at = &(*at)->in_bucket;
    return at;
}

static void forget(struct hosts *h, struct host *host)
{
    *place_of(h, host) = host->in_bucket;
    h->used--;
    if (h->latest == host)
        h->latest = NULL;
    health_free(&host->health);
    free(host);
}

/* Nothing holds it. */
static bool is_free(const struct host *host)
{
    return host->jobs == 0 && !host->is_ready && !host->is_asleep;
}

/* Is there something about it to remember? */
static bool is_worth_keeping(const struct host *host, int64_t now_ms)
{
    return host->blocked_until_ms > now_ms || host->health.rounds > 0 || host->health.is_lost;
}

/* Hosts without jobs whose time is over, or all without jobs. */
static void sweep(struct hosts *h, int64_t now_ms, bool all)
{
    for (size_t i = 0; i < h->nbuckets; i++)
        for (struct host *host = h->buckets[i], *next; host; host = next) {
            next = host->in_bucket;
            if (is_free(host) && (all || !is_worth_keeping(host, now_ms)))
                forget(h, host);
        }
}

static bool grow(struct hosts *h, int64_t now_ms)
{
    size_t n = h->nbuckets ? h->nbuckets * 2 : FIRST_BUCKETS;

    if (h->nbuckets)
        sweep(h, now_ms, h->used > QUIET_MAX);
    if (h->nbuckets && h->used * 2 < h->nbuckets)
        return true;
    struct host **buckets = calloc(n, sizeof *buckets);
    if (!buckets)
        return h->nbuckets > 0; /* slower, but right */
    for (size_t i = 0; i < h->nbuckets; i++)
        for (struct host *host = h->buckets[i], *next; host; host = next) {
            next = host->in_bucket;
            host->in_bucket = buckets[host->hash & (n - 1)];
            buckets[host->hash & (n - 1)] = host;
        }
    free(h->buckets);
    h->buckets = buckets;
    h->nbuckets = n;
    return true;
}

static struct host *find(const struct hosts *h, bide_bytes name, uint64_t hashed)
{
    struct host *host = h->nbuckets ? h->buckets[hashed & (h->nbuckets - 1)] : NULL;

    while (host && !(host->hash == hashed && is_host(host, name)))
        host = host->in_bucket;
    return host;
}

static struct host *add(struct hosts *h, bide_bytes name, uint64_t hashed, int64_t now_ms)
{
    if (h->used >= h->nbuckets && !grow(h, now_ms))
        return NULL;
    struct host *host = calloc(1, sizeof *host + name.len + 1);
    if (!host)
        return NULL;

    host->hash = hashed;
    host->len = (uint32_t)name.len;
    for (size_t i = 0; i < name.len; i++)
        host->name[i] = lower(name.data[i]);
    host->in_bucket = h->buckets[hashed & (h->nbuckets - 1)];
    h->buckets[hashed & (h->nbuckets - 1)] = host;
    h->used++;
    return host;
}

struct host *hosts_take(struct hosts *h, const char *url, int64_t now_ms)
{
    bide_bytes name = authority(url);

    if (!h->latest || !is_host(h->latest, name)) {
        uint64_t hashed = hash(name);
        struct host *host = find(h, name, hashed);
        h->latest = host ? host : add(h, name, hashed, now_ms);
    }
    if (h->latest)
        h->busy += h->latest->jobs++ == 0;
    return h->latest;
}

bool hosts_is(const struct host *host, const char *url)
{
    return is_host(host, authority(url));
}

void hosts_drop(struct hosts *h, struct host *host, int64_t now_ms)
{
    h->busy -= --host->jobs == 0;
    /* The latest one is kept: the next URL most often is of the same.  So is one in the queue's row, which points to it. */
    if (is_free(host) && host != h->latest && !is_worth_keeping(host, now_ms))
        forget(h, host);
}

void hosts_free(struct hosts *h)
{
    for (size_t i = 0; i < h->nbuckets; i++)
        for (struct host *host = h->buckets[i], *next; host; host = next) {
            next = host->in_bucket;
            health_free(&host->health);
            free(host);
        }
    free(h->buckets);
    *h = (struct hosts){0};
}
