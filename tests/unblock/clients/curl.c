/* SPDX-License-Identifier: MIT */
/* curl.c - libcurl, its easy interface: ADDRESS is a URL, "https://localhost:PORT,FILE" one with its certificate. */
#include <curl/curl.h>

#include "client.h"

struct body {
    char text[200];
    size_t len;
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct body *b = arg;
    size_t room = sizeof b->text - 1 - b->len, len = size * n < room ? size * n : room;

    memcpy(b->text + b->len, data, len);
    b->len += len;
    return size * n;
}

static void *open_easy(int i)
{
    (void)i;
    return curl_easy_init();
}

static int get(void *easy, int i, double seconds)
{
    char url[1000], want[200];
    struct body b = {.len = 0};
    const char *comma = strchr(address, ',');

    snprintf(want, sizeof want, "/wait/%g/%d", seconds, i);
    snprintf(url, sizeof url, "%.*s%s", comma ? (int)(comma - address) : (int)strlen(address), address, want);
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &b);
    if (comma)
        curl_easy_setopt(easy, CURLOPT_CAINFO, comma + 1);
    CURLcode code = curl_easy_perform(easy);
    b.text[b.len] = '\0';
    if (code != CURLE_OK) {
        complain("%s: %s", url, curl_easy_strerror(code));
        return -1;
    }
    if (strcmp(b.text, want) != 0) {
        complain("%s: got '%s'", url, b.text);
        return -1;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

__attribute__((destructor)) static void end(void)
{
    curl_global_cleanup();
}

const struct client client = {open_easy, get, curl_easy_cleanup};
