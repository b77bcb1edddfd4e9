/* SPDX-License-Identifier: MIT */
/* options.c - what the program may ask for (BIDE_UNBLOCK, bide_unblock_set), and whether calls come here at all. */
#include <dlfcn.h>

#include <bide/unblock.h>

#include "unblock/unblock.h"

/* With its place, as in a program: this is another library, which does not reach the function that leaves it out. */
#undef bide_fail
#define bide_fail(...) bide__negative(bide_fail_at(__func__, __FILE__, __LINE__, __VA_ARGS__))

bool bide__unblock_writes_pipes;

static const struct word {
    const char *name;
    unsigned flag;
    bool *option;
} words[] = {
    {"pipes", BIDE_UNBLOCK_PIPES, &bide__unblock_writes_pipes},
    {"tsd", BIDE_UNBLOCK_TSD, &bide__unblock_keeps_values},
};
enum { WORDS = sizeof words / sizeof *words };

int bide_unblock_set(unsigned what)
{
    if (what & ~(BIDE_UNBLOCK_PIPES | BIDE_UNBLOCK_TSD))
        return bide_fail(-EINVAL, "bide_unblock_set: %#x is no option", what);
    if (!bide__unblock_ops)
        return bide_fail(BIDE_EVERSION, "bide_unblock_set: this libbide-unblock was built with bide " BIDE_VERSION);

    for (int i = 0; i < WORDS; i++)
        *words[i].option = what & words[i].flag;
    return 0;
}

/* A word of the environment that nobody knows is reported, and the others hold. */
static void set_word(const char *word, size_t len)
{
    for (int i = 0; i < WORDS; i++)
        if (strlen(words[i].name) == len && memcmp(words[i].name, word, len) == 0) {
            *words[i].option = true;
            return;
        }
    if (len > 0)
        fprintf(stderr, "bide-unblock: BIDE_UNBLOCK: \"%.*s\" is none of pipes, tsd\n", (int)len, word);
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *value = getenv("BIDE_UNBLOCK");

    for (const char *word = value; word; word = *word ? word + 1 : NULL) {
        size_t len = strcspn(word, ",");
        set_word(word, len);
        word += len;
        if (!*word)
            break;
    }
}

/* Is the first function of this name that a library finds in the same file as this one?  (Its own address would be that first one.) */
static bool comes_here(const char *name)
{
    static const char somewhere;
    void *first = dlsym(RTLD_DEFAULT, name);
    Dl_info of_first, ours;

    return first && dladdr(first, &of_first) && dladdr(&somewhere, &ours) && of_first.dli_fbase == ours.dli_fbase;
}

int bide_unblock_check(void)
{
    if (!bide__unblock_ops)
        return bide_fail(BIDE_EVERSION, "this libbide-unblock was built with bide " BIDE_VERSION ", and the program has %s",
                         bide_version());
    if (!comes_here("recv") || !comes_here("poll"))
        return bide_fail(BIDE_ESTATE, "the calls of libraries find libc before libbide-unblock: link it before libc, or use LD_PRELOAD");
    return 0;
}
