/* SPDX-License-Identifier: MIT */
/*
 * secrets.c - removing passwords from the command line, which every user of the machine can read (ps, /proc/PID/cmdline).
 *
 * main() replaces each argument that is a URL with user and password by a copy, and takes them out of the original; the
 * value of an option that is a secret (-u, -H Authorization) is wiped by the code that has read it.  Until then they can
 * be seen: @FILE keeps them off the command line altogether.
 */
#include <stdlib.h>
#include <string.h>

#include <bide/url.h>

#include "cli/cli.h"

static char **copies;
static int ncopies;

bool secrets_in_url(const char *url, size_t *begin, size_t *end)
{
    bide_url_authority a = bide_url_find_authority(url, strlen(url));

    *end = (size_t)(a.host.data - url);
    *begin = a.user.data ? (size_t)(a.user.data - url) : *end;
    return a.user.data;
}

void secrets_wipe(char *text)
{
    size_t len = strlen(text);

    explicit_bzero(text, len);
    if (len > 0)
        text[0] = '*';
}

/* "http://me:secret@host/" becomes "http://host/", and zeros behind it. */
static void cut_out(char *url, size_t begin, size_t end)
{
    size_t rest = strlen(url) - end;

    memmove(url + begin, url + end, rest);
    explicit_bzero(url + begin + rest, end - begin);
}

int secrets_hide(int argc, char **argv)
{
    size_t begin, end;

    for (int i = 1; i < argc; i++) {
        if (!strstr(argv[i], "://") || !secrets_in_url(argv[i], &begin, &end))
            continue;
        if (!copies && !(copies = calloc((size_t)argc, sizeof *copies)))
            return say_no_memory();
        char *copy = strdup(argv[i]);
        if (!copy)
            return say_no_memory();
        copies[ncopies++] = copy;
        cut_out(argv[i], begin, end);
        argv[i] = copy;
    }
    return EXIT_OK;
}

void secrets_free(void)
{
    while (ncopies > 0) {
        ncopies--;
        explicit_bzero(copies[ncopies], strlen(copies[ncopies]));
        free(copies[ncopies]);
    }
    free(copies);
    copies = NULL;
}

const char *secrets_shown_url(const char *url, char *out, size_t size)
{
    size_t begin, end;

    secrets_in_url(url, &begin, &end);
    snprintf(out, size, "%.*s%s", (int)begin, url, url + end);
    return out;
}
