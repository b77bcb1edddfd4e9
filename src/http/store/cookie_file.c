/* SPDX-License-Identifier: MIT */
/* cookie_file.c - a jar's cookies.txt, loaded and saved; http/cookie/netscape.c is its language. */
#include <time.h>

#include <bide/cookie.h>

#include "http/cookie/cookie.h"
#include "http/store/store.h"

static int take_text(void *into, const char *text, size_t len, int64_t now)
{
    return bide__jar_read_text(into, text, len, now);
}

int bide_cookie_jar_add_file(bide_cookie_jar *jar, const char *path)
{
    if (!jar || !path)
        return bide_fail(-EINVAL, "bide_cookie_jar_add_file: the %s is NULL", jar ? "path" : "jar");
    if (jar->is_closed)
        return bide_fail(BIDE_ESTATE, "bide_cookie_jar_add_file: this jar takes none");
    return bide__store_read(path, NETSCAPE_FILE_MAX, take_text, jar);
}

bide_cookie_jar *bide_cookie_jar_load(const char *path)
{
    bide_cookie_jar *jar = bide_cookie_jar_new();

    if (jar && bide_cookie_jar_add_file(jar, path) < 0) {
        bide_release(jar);
        return NULL;
    }
    return jar;
}

int bide_cookie_jar_save(bide_cookie_jar *jar, const char *path)
{
    struct buf text;
    if (!jar || !path)
        return bide_fail(-EINVAL, "bide_cookie_jar_save: the %s is NULL", jar ? "path" : "jar");

    bide__buf_init(&text, NETSCAPE_FILE_MAX);
    int code = bide__jar_write_text(jar, &text, time(NULL));
    if (code == 0)
        return bide__store_write(path, &text);
    bide__buf_free(&text);
    return code;
}
