/* SPDX-License-Identifier: MIT */
/* 05_crawler.c - many pages, a few at a time, each saved to a file. */
#include <bide/bide.h>
#include <stdio.h>

enum { FIRST = 27960015, LAST = 27960099, WORKERS = 8 };

struct crawl {
    bide_session *session;
    const char *base;
    int next; /* the first id that nobody has taken */
    int saved, failed;
};

static int save_page(struct crawl *c, int id)
{
    char url[256], path[64];
    snprintf(url, sizeof url, "%s/x/player/pagelist?aid=%d", c->base, id);
    snprintf(path, sizeof path, "pages/%d.json", id);

    bide_auto bide_response *r = bide_get(c->session, url);
    if (!r)
        return bide_raise();
    BIDE_TRY(bide_raise_for_status(r));
    bide_bytes body = bide_body(r);
    if (!body.data)
        return bide_raise();
    return bide_file_write_all(path, body.data, body.len);
}

static int worker(struct crawl *c)
{
    while (c->next <= LAST) {
        int code = save_page(c, c->next++);
        if (code == BIDE_ECANCELED)
            return code;
        if (code < 0) {
            bide_error_print(stderr);
            c->failed++;
        } else {
            c->saved++;
        }
    }
    return 0;
}

static int crawl(struct crawl *c)
{
    bide_awaitable workers[WORKERS];

    for (int i = 0; i < WORKERS; i++)
        workers[i] = BIDE_AW(bide_coro(worker, c));
    return bide_gather_n(workers, WORKERS);
}

static int app(const char *base)
{
    bide_auto bide_session *s = bide_session_new(.limit_per_host = WORKERS);
    if (!s)
        return bide_raise();
    struct crawl c = {.session = s, .base = base, .next = FIRST};

    BIDE_TRY(bide_make_dirs("pages"));
    int code = bide_wait_for(bide_coro(crawl, &c), 60000);
    printf("saved: %d, failed: %d\n", c.saved, c.failed);
    return code == 0 && c.failed > 0 ? bide_fail(-EIO, "%d pages are missing", c.failed) : code;
}

int main(int argc, char **argv)
{
    return bide_main(bide_coro(app, argc > 1 ? argv[1] : "http://127.0.0.1:8080"));
}
