/* SPDX-License-Identifier: MIT */
/* hsts_file.c - the file of an HSTS store, loaded and saved; http/hsts/hsts_text.c is its language. */
#include <time.h>

#include "http/hsts/hsts.h"
#include "http/store/store.h"

static int take_text(void *into, const char *text, size_t len, int64_t now)
{
    return bide__hsts_read_text(into, text, len, now);
}

int bide_hsts_add_file(bide_hsts *h, const char *path)
{
    if (!h || !path)
        return bide_fail(-EINVAL, "bide_hsts_add_file: the %s is NULL", h ? "path" : "store");
    return bide__store_read(path, HSTS_FILE_MAX, take_text, h);
}

bide_hsts *bide_hsts_load(const char *path)
{
    bide_hsts *h = bide_hsts_new();

    if (h && bide_hsts_add_file(h, path) < 0) {
        bide_release(h);
        return NULL;
    }
    return h;
}

int bide_hsts_save(bide_hsts *h, const char *path)
{
    struct buf text;
    if (!h || !path)
        return bide_fail(-EINVAL, "bide_hsts_save: the %s is NULL", h ? "path" : "store");

    bide__buf_init(&text, HSTS_FILE_MAX);
    int code = bide__hsts_write_text(h, &text, time(NULL));
    if (code == 0)
        return bide__store_write(path, &text);
    bide__buf_free(&text);
    return code;
}
