/* SPDX-License-Identifier: MIT */
/* 10_uploads.c - bodies to send: a file, a form with a file, pieces that a function makes. */
#include <bide/bide.h>
#include <stdio.h>
#include <string.h>

/* The other side: says what came. */
static int receive(bide_exchange *x, void *arg)
{
    char answer[160];
    const char *length = bide_exchange_header(x, "Content-Length"), *type = bide_exchange_header(x, "Content-Type");

    (void)arg;
    snprintf(answer, sizeof answer, "%s: %zu bytes, %s, %.19s", bide_exchange_method(x), bide_exchange_body(x).len,
             length ? "with a length" : "in chunks", type ? type : "of no type");
    return bide_respond_text(x, 200, answer);
}

/* Pieces that did not exist before they were asked for.  It could wait here: for a database, or another server. */
static ssize_t next_row(const char **data, void *arg)
{
    static char row[32];
    int *n = arg;
    if (*n == 3)
        return 0;

    BIDE_TRY(bide_sleep_ms(10));
    *data = row;
    return snprintf(row, sizeof row, "row %d\n", ++*n);
}

static int show(const bide_progress *p, void *arg)
{
    int *shown = arg;

    if (p->sent == p->send_total && p->sent > 0 && !*shown)
        *shown = printf("all %llu bytes are on their way\n", (unsigned long long)p->sent);
    return 0;
}

static int print(bide_response *taken)
{
    bide_auto bide_response *r = taken;
    const char *text = r ? bide_text(r) : NULL;
    if (!text)
        return bide_raise();

    printf("%s\n", text);
    return 0;
}

static int app(void)
{
    int rows = 0, shown = 0;
    bide_auto bide_server *server = bide_server_start(receive);
    bide_auto bide_session *s = bide_session_new();
    if (!server || !s)
        return bide_raise();
    const char *url = bide_server_url(server);
    BIDE_TRY(bide_file_write_all("cat.jpg", "not really a cat", 16));

    BIDE_TRY(print(bide_put(s, url, .data_file = "cat.jpg", .progress = show, .progress_arg = &shown)));
    BIDE_TRY(print(bide_post(s, url, .multipart = BIDE_PARTS({"title", "a cat"}, {"file", .path = "cat.jpg"}))));
    BIDE_TRY(print(bide_post(s, url, .body = bide_body_from(next_row, &rows), .compress = "gzip")));
    bide_auto bide_response *none = bide_put(s, url, .data_file = "dog.jpg");
    if (!none)
        printf("dog.jpg: %s\n", bide_strerror(bide_error_code()));
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
