/* SPDX-License-Identifier: MIT */
/*
 * config.c - fuzz target: a configuration file.
 *
 * What comes out are texts without line ends inside the buffer, in the order of their lines; or a fault with the line that is wrong,
 * and the lines before it are good on their own.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/option/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

struct buffer {
    char *text;
    size_t len;
};

static void check_text(const struct buffer *b, const char *text)
{
    must(text >= b->text && text + strlen(text) <= b->text + b->len && !strchr(text, '\n'));
}

static void check_entry(const struct buffer *b, const struct config_entry *e, int after)
{
    must(e->line > after || (e->line == after && after == 0));
    check_text(b, e->key);
    check_text(b, e->value);
    must(e->key[0] != '\0' && e->key[0] != '#' && !strchr(e->key, '='));
    if (e->section)
        check_text(b, e->section);
}

/* Where line number `line` begins. */
static size_t start_of(const uint8_t *data, size_t size, int line)
{
    size_t at = 0;

    for (int i = 1; i < line; i++) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        must(end != NULL);
        at = (size_t)(end - data) + 1;
    }
    return at;
}

static ptrdiff_t parse(const uint8_t *data, size_t size, struct config_fault *fault)
{
    struct buffer b = {.text = malloc(size + 1), .len = size};
    struct config_entry *entries;

    must(b.text != NULL);
    if (size > 0)
        memcpy(b.text, data, size);
    b.text[size] = '\0';
    ptrdiff_t n = config_parse(b.text, size, &entries, fault);
    for (ptrdiff_t i = 0; i < n; i++)
        check_entry(&b, &entries[i], i > 0 ? entries[i - 1].line : 0);
    free(entries);
    free(b.text);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_fault fault, none;
    ptrdiff_t n = parse(data, size, &fault);

    if (n < 0) {
        must(fault.line > 0 && fault.what[0] != '\0');
        must(parse(data, start_of(data, size, fault.line), &none) >= 0);
    }
    return 0;
}
