/* SPDX-License-Identifier: MIT */
/*
 * urlset.h - which URLs were begun, and what became of them: for those that are repeated.  In bounded memory.
 *
 * Of a URL there are a hash with a key, 8 bytes, and its result, 16: together up to 36 MiB, and nothing before the first.
 * Beyond the ceiling URLs are still looked up, but not kept: one that is repeated there is not noticed.
 */
#ifndef BIDE_CLI_LIST_URLSET_H
#define BIDE_CLI_LIST_URLSET_H

#include <stdbool.h>

#include "cli/pattern/siphash.h"

enum urlset_state { URLSET_BUSY, URLSET_FREE, URLSET_DONE };

struct urlset_entry {
    uint64_t key; /* 0: no entry */
    union {
        struct job *waiting; /* until it is done: a ring of those that repeat it, this is the last one */
        uint64_t bytes;      /* done */
    };
    uint64_t first : 40;    /* number of the URL that was asked for; is_named: where it stands, with the name of its file */
    uint64_t status : 10;   /* 0, and no failure: it was not asked for, because its file is there */
    uint64_t fail : 5;      /* enum fail */
    uint64_t extension : 6; /* names_extension_number */
    uint64_t state : 2;
    uint64_t is_named : 1;
};

struct urlset {
    struct urlset_entry *slots;
    unsigned char (*digests)[32]; /* of the bodies, beside the slots; NULL: not kept */
    size_t nslots, used, max;
    bool has_digests;
    struct siphash_key secret;
};

void urlset_init(struct urlset *s, size_t max, bool has_digests);
void urlset_free(struct urlset *s);

/* Never 0. */
uint64_t urlset_key(const struct urlset *s, const char *url, size_t len);
/* NULL: it is not there.  Valid until the next urlset_add. */
struct urlset_entry *urlset_find(const struct urlset *s, uint64_t key);
/* A new one, not there yet; NULL: no room, no memory. */
struct urlset_entry *urlset_add(struct urlset *s, uint64_t key);
/* Of an entry: 32 bytes. */
unsigned char *urlset_digest(const struct urlset *s, const struct urlset_entry *e);

/*
 * How much of a URL tells it from others: all but the fragment, if it is written as bide_url_href writes it.
 *
 * Returns:   0: it may be written in another way; nobody knows before it is parsed
 */
size_t urlset_plain_length(const char *url);

#endif
