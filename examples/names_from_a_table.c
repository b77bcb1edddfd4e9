/* SPDX-License-Identifier: MIT */
/*
 * names_from_a_table.c - a session with names of its own: names_from_a_table URL NAME=ADDRESS ...
 *
 * As lines of /etc/hosts, for this session alone; a name may have several addresses, and who does not stand in the table has none.
 */
#include <stdio.h>
#include <string.h>

#include <bide/bide.h>

struct table {
    char **lines; /* "name=address" */
    int n;
};

static int look_up(const char *name, bide_addresses *out, void *arg)
{
    const struct table *t = arg;
    size_t len = strlen(name);

    for (int i = 0; i < t->n; i++)
        if (strncmp(t->lines[i], name, len) == 0 && t->lines[i][len] == '=')
            BIDE_TRY(bide_addresses_add(out, t->lines[i] + len + 1));
    return 0;
}

static int get(const char *url, char **lines, int n)
{
    struct table table = {.lines = lines, .n = n};
    bide_auto bide_session *s = bide_session_new(.resolve = look_up, .resolve_arg = &table);
    if (!s)
        return bide_raise();
    bide_auto bide_response *r = bide_get(s, url);
    if (!r)
        return bide_raise();

    printf("%d from %s\n", bide_status(r), bide_response_peer(r));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: names_from_a_table URL [NAME=ADDRESS...]\n");
        return 2;
    }
    return bide_main(bide_coro(get, argv[1], argv + 2, argc - 2));
}
