/* SPDX-License-Identifier: MIT */
/*
 * crawler.c - the seed's little crawler: fetch a page list for each of 85 ids at once, save each as test/ID.json.
 *
 *     crawler [BASE [COUNT]]          bide serve --delay 100
 *
 * It does so twice.  First each file is written with an awaited call, so that a slow disk holds up nobody; then with
 * plain stdio, which stops every other request meanwhile.  The seed found little difference in a hundred small files.
 */
#include <bide/bide.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST = 27960015, MOST = 1000 };

typedef int write_file(const char *path, const char *text);

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int write_awaited(const char *path, const char *text)
{
    return bide_file_write_all(path, text, strlen(text)); /* others run here */
}

static int write_unawaited(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool written = f && fputs(text, f) >= 0;

    if (f && fclose(f) != 0)
        written = false;
    return written ? 0 : bide_fail(-errno, "%s: %s", path, strerror(errno));
}

/* async with client.get(url) as response: return await response.json() */
static int aioget(bide_session *client, const char *url, json_t **status)
{
    bide_auto bide_response *response = bide_get(client, url);
    if (!response)
        return bide_raise();

    *status = bide_json(response);
    return *status ? 0 : bide_raise();
}

static int save(json_t *status, int i, write_file *write)
{
    /* Not json_dumps(): without memory, jansson 2.14 loses pieces of the text and says nothing. */
    size_t len = json_dumpb(status, NULL, 0, 0);
    char path[64], *text = malloc(len + 1);
    if (!text || len == 0 || json_dumpb(status, text, len, 0) != len) {
        free(text);
        return bide_fail(BIDE_ENOMEM, "aid %d: out of memory", i);
    }
    text[len] = '\0';
    snprintf(path, sizeof path, "test/%d.json", i);
    int code = write(path, text);
    free(text);
    return code;
}

static int aiorequest(const char *base, int i, write_file *write)
{
    char url[512];
    json_auto_t *status = NULL;
    bide_auto bide_session *client = bide_session_new();
    if (!client)
        return bide_raise();

    snprintf(url, sizeof url, "%s/x/player/pagelist?aid=%d", base, i);
    printf("Waiting for %s\n", url);
    BIDE_TRY(bide_await(bide_coro(aioget, client, url, &status)));
    BIDE_TRY(bide_await(bide_coro(save, status, i, write)));
    printf("Get response from %s Json %d\n", url, (int)json_integer_value(json_object_get(status, "code")));
    return 0;
}

static int crawl(const char *base, int count, write_file *write, const char *how)
{
    double start = now();
    static bide_awaitable requests[MOST]; /* a task has 64 KiB of stack: no place for this */

    for (int i = 0; i < count; i++)
        requests[i] = BIDE_AW(bide_coro(aiorequest, base, FIRST + i, write));
    BIDE_TRY(bide_gather_n(requests, (size_t)count));
    printf("Async Cost time: %.3f (%s)\n", now() - start, how);
    return 0;
}

static int test_async(const char *base, int count)
{
    BIDE_TRY(bide_make_dirs("test"));
    BIDE_TRY(crawl(base, count, write_awaited, "awaited writes"));
    return crawl(base, count, write_unawaited, "unawaited writes");
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "http://127.0.0.1:8080";
    int count = argc > 2 ? atoi(argv[2]) : 85;

    if (count < 1 || count > MOST) {
        fprintf(stderr, "COUNT is 1 to %d\n", MOST);
        return 2;
    }
    return bide_main(bide_coro(test_async, base, count));
}
