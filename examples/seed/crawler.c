/* SPDX-License-Identifier: MIT */
/*
 * crawler.c - the seed's little crawler: fetch a page list for each of 85 ids at once, save each as test/ID.json.
 *
 *     crawler [--blocking-writes] [BASE [COUNT]]          bide serve --delay 100
 *
 * A file is written with an awaited call, so that a slow disk holds up nobody; --blocking-writes is the variant that the
 * seed has in a comment: plain stdio, which stops every other request meanwhile.  For small files it hardly matters.
 */
#include <bide/bide.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST 27960015
#define MAX 1000

static bool blocking_writes;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* async with client.get(url) as response: return await response.json() */
static int aioget(bide_session *client, const char *url, json_t **out)
{
    bide_auto bide_response *response = bide_get(client, url);
    if (!response)
        return bide_raise();

    *out = bide_json(response);
    return *out ? 0 : bide_raise();
}

static int save_blocking(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return bide_fail(-errno, "%s: %s", path, bide_strerror(-errno));

    bool written = fputs(text, f) >= 0;
    if (fclose(f) != 0 || !written)
        return bide_fail(-errno, "%s: %s", path, bide_strerror(-errno));
    return 0;
}

/* async def save(status, i) */
static int save(json_t *status, int i)
{
    char path[64], *text = json_dumps(status, 0);
    if (!text)
        return bide_fail(BIDE_ENOMEM, "aid %d: out of memory", i);

    snprintf(path, sizeof path, "test/%d.json", i);
    int code = blocking_writes ? save_blocking(path, text) : bide_file_write_all(path, text, strlen(text));
    free(text);
    return code;
}

/* async def aiorequest(i) */
static int aiorequest(const char *base, int i)
{
    char url[512];
    json_t *status = NULL;
    bide_auto bide_session *client = bide_session_new();
    if (!client)
        return bide_raise();

    snprintf(url, sizeof url, "%s/x/player/pagelist?aid=%d", base, i);
    printf("Waiting for %s\n", url);
    BIDE_TRY(bide_await(bide_coro(aioget, client, url, &status)));
    int code = bide_await(bide_coro(save, status, i));
    if (code >= 0)
        printf("Get response from %s Json %d\n", url, (int)json_integer_value(json_object_get(status, "code")));
    json_decref(status);
    return code;
}

/* asyncio.wait(tasks); then the first error, if there was one */
static int wait_for_all(bide_task **tasks, int count)
{
    int code = bide_wait(tasks, (size_t)count);

    for (int i = 0; i < count; i++) {
        int result = bide_task_result(tasks[i]);
        if (code >= 0 && result < 0)
            code = result;
        bide_release(tasks[i]);
    }
    return code;
}

static int test_async(const char *base, int count)
{
    double start = now();
    bide_task *tasks[MAX];

    BIDE_TRY(bide_make_dirs("test"));
    for (int i = 0; i < count; i++) {
        tasks[i] = bide_ensure_future(bide_coro(aiorequest, base, FIRST + i));
        if (!tasks[i])
            return bide_raise();
    }
    int code = bide_run_until_complete(bide_get_event_loop(), bide_coro(wait_for_all, tasks, count));
    printf("Async Cost time: %.3f\n", now() - start);
    return code;
}

int main(int argc, char **argv)
{
    blocking_writes = argc > 1 && strcmp(argv[1], "--blocking-writes") == 0;
    argc -= blocking_writes;
    argv += blocking_writes;
    const char *base = argc > 1 ? argv[1] : "http://127.0.0.1:8000";
    int count = argc > 2 ? atoi(argv[2]) : 85;

    if (count < 1 || count > MAX) {
        fprintf(stderr, "COUNT is 1 to %d\n", MAX);
        return 2;
    }
    if (test_async(base, count) >= 0)
        return 0;
    bide_error_print(stderr);
    return 1;
}
