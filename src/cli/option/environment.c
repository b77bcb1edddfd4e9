/* SPDX-License-Identifier: MIT */
/*
 * environment.c - the twins of options: BIDE_ and the name in capitals, with _ for -.
 *
 * Values are copied: options borrow their texts, and a secret does not stay where programs started from here, and
 * /proc/PID/environ, would have it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option/config.h"

struct copy {
    struct copy *next;
    size_t len;
    char name[ENVIRONMENT_NAME];
    char value[]; /* NUL behind it */
};

static struct copy *copies;

const char *environment_name(const struct opt *row, char out[ENVIRONMENT_NAME])
{
    size_t len = strlen("BIDE_");

    memcpy(out, "BIDE_", len);
    for (const char *c = row->name; *c && len + 1 < ENVIRONMENT_NAME; c++)
        out[len++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    out[len] = '\0';
    return out;
}

static struct copy *find(const char *name)
{
    struct copy *c = copies;

    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

static struct copy *add(const char *name, const char *value)
{
    size_t len = strlen(value);
    struct copy *c = malloc(sizeof *c + len + 1);
    if (!c)
        return NULL;

    c->len = len;
    c->next = copies;
    snprintf(c->name, sizeof c->name, "%s", name);
    memcpy(c->value, value, len + 1);
    return copies = c;
}

int environment_get(const struct opt *row, char **value, size_t *len)
{
    char name[ENVIRONMENT_NAME];
    struct copy *c = find(environment_name(row, name));
    char *now = getenv(name);

    if (!c && now && *now) {
        if (!(c = add(name, now)))
            return say_no_memory();
        if (row->secret) {
            explicit_bzero(now, c->len);
            unsetenv(name);
        }
    }
    *value = c ? c->value : NULL;
    *len = c ? c->len : 0;
    return OPT_GO;
}

void environment_free(void)
{
    while (copies) {
        struct copy *c = copies;
        copies = c->next;
        explicit_bzero(c->value, c->len);
        free(c);
    }
}
