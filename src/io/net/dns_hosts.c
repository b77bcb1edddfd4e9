/* SPDX-License-Identifier: MIT */
/*
 * dns_hosts.c - /etc/hosts: what the machine's owner says about names, before anybody else is asked.
 *
 * The file is read for every name that is not in the cache, line by line, so that a change counts at once and nothing
 * has to be kept.  A file that cannot be read says nothing, as in every other resolver; but a moment without a free
 * descriptor must not make a name mean something else.
 */
#include <stdio.h>
#include <strings.h>

#include "io/net/dns.h"

#define LINE_SIZE 1024 /* what a line has beyond is ignored */
#define BLANKS " \t\r\n"

int bide__dns_half_add(struct dns_half *h, const struct addr *a)
{
    if (h->n == DNS_ADDRS_MAX)
        return 0;
    struct addr *list = bide__realloc(h->addrs, (size_t)(h->n + 1) * sizeof *list);
    if (!list)
        return bide__fail_nomem("the addresses of a name");

    h->addrs = list;
    list[h->n++] = *a;
    return 0;
}

static bool is_same_name(const char *word, const char *name)
{
    size_t n = strlen(name);

    n -= n > 0 && name[n - 1] == '.';
    return strncasecmp(word, name, n) == 0 && word[n] == '\0';
}

/* Does this line give the name an address? */
static bool parse_line(char *line, const char *name, struct addr *out)
{
    char *rest;

    line[strcspn(line, "#")] = '\0';
    const char *word = strtok_r(line, BLANKS, &rest);
    if (!word || !bide__addr_parse(out, word, 0))
        return false;
    while ((word = strtok_r(NULL, BLANKS, &rest)))
        if (is_same_name(word, name))
            return true;
    return false;
}

static void skip_rest(FILE *file, const char *line)
{
    for (int c = strchr(line, '\n') ? '\n' : 0; c != '\n' && c != EOF;)
        c = getc_unlocked(file);
}

int bide__dns_hosts_find(const char *path, const char *name, struct dns_half half[FAMILIES])
{
    char line[LINE_SIZE];
    struct addr a;
    int found = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == EMFILE || errno == ENFILE ? bide_fail(-EMFILE, "%s: %s", path, bide_strerror(-EMFILE)) : 0;

    while (found >= 0 && fgets(line, sizeof line, file)) {
        skip_rest(file, line);
        if (parse_line(line, name, &a)) {
            int code = bide__dns_half_add(&half[a.sa.sa_family == AF_INET6 ? IP6 : IP4], &a);
            found = code < 0 ? code : found + 1;
        }
    }
    fclose(file);
    return found;
}
