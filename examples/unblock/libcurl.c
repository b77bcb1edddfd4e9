/* SPDX-License-Identifier: MIT */
/*
 * libcurl.c - twenty transfers at once through curl_easy_perform, without the multi interface.
 *
 *     unblock_libcurl URL          cc libcurl.c $(pkg-config --cflags --libs bide bide-unblock libcurl)
 *
 * bide's own HTTP client needs less than half the CPU time; this is for programs that use libcurl already, and for its other protocols.
 */
#include <bide/bide.h>
#include <curl/curl.h>
#include <stdio.h>

enum { TRANSFERS = 20 };

static size_t count(char *data, size_t size, size_t n, void *bytes)
{
    (void)data;
    *(size_t *)bytes += size * n;
    return size * n;
}

static int transfer(const char *url, size_t *bytes)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* as in any program with threads */
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, bytes);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    return code == CURLE_OK ? 0 : bide_fail(BIDE_ECLOSED, "%s: %s", url, curl_easy_strerror(code));
}

static int app(const char *url)
{
    size_t bytes = 0;
    bide_awaitable all[TRANSFERS];

    for (int i = 0; i < TRANSFERS; i++)
        all[i] = BIDE_AW(bide_coro(transfer, url, &bytes));
    BIDE_TRY(bide_gather_n(all, TRANSFERS));
    printf("%d transfers, %zu bytes\n", TRANSFERS, bytes);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int code = bide_main(bide_coro(app, argv[1]));
    curl_global_cleanup();
    return code;
}
