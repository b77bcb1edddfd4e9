/* SPDX-License-Identifier: MIT */
/*
 * nameset.h - a set of the file names that were given, in bounded memory.
 *
 * It keeps 64 bits of a hash for each name, 8 to 16 bytes in all, up to a ceiling; from then on names are still looked
 * up, but only the latest ones are kept, each until another one needs its slot.  That two of a million names are mistaken for each other happens once in 40 million runs.
 */
#ifndef BIDE_CLI_PATTERN_NAMESET_H
#define BIDE_CLI_PATTERN_NAMESET_H

#include "cli/pattern/siphash.h"
#include "cli/terminal/text.h"

struct nameset {
    uint64_t *slots; /* 0: free */
    size_t nslots, used, max;
    uint64_t *latest; /* beyond max; NULL: none yet */
    struct siphash_key key;
};

/* At most max names are kept. */
void nameset_init(struct nameset *s, size_t max);
void nameset_free(struct nameset *s);

enum nameset_answer {
    NAMESET_NEW,   /* and kept from now on */
    NAMESET_THERE, /* given before */
    NAMESET_OWN,   /* given before, to the same owner */
    NAMESET_FULL,  /* not among those kept, and there is no room to keep it for long */
    NAMESET_NO_MEMORY, /* nor memory */
};

/* Is there no room for the name of one more owner? */
bool nameset_is_full(const struct nameset *s);
/* Was it given, and kept? */
bool nameset_has(const struct nameset *s, const char *name, size_t len);
enum nameset_answer nameset_add(struct nameset *s, const char *name, size_t len);
/* The same for an owner, who may add it again; it takes two places. */
enum nameset_answer nameset_claim(struct nameset *s, const char *name, size_t len, uint64_t owner);

#endif
