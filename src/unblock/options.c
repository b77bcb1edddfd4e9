/* SPDX-License-Identifier: MIT */
/* options.c - the options of a program (BIDE_UNBLOCK, bide_unblock_set), and whether its calls reach this library. */
#include <bide/unblock.h>

#include "unblock/unblock.h"

/* With file and line, as in a program: the variant without them is private to libbide, and this is another library. */
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

/* Why no call is changed; 0: they are. */
static int why_not(const char *call)
{
    if (bide__unblock_ops)
        return 0;
    if (bide__next_tsan_is_first())
        return bide_fail(BIDE_ESTATE, "%s: ThreadSanitizer comes before libbide-unblock.so in the symbol search order: link the program with "
                                      "libbide-unblock.a", call);
    if (bide__next_bide_is_apart())
        return bide_fail(BIDE_ESTATE, "%s: the program is linked with libbide.a, and libbide-unblock.so uses libbide.so: link it with libbide-unblock.a, or "
                                      "with libbide.so", call);
    return bide_fail(BIDE_EVERSION, "%s: this libbide-unblock is for bide " BIDE_VERSION ", and the program has %s", call, bide_version());
}

int bide_unblock_set(unsigned options)
{
    unsigned unknown = options & ~(BIDE_UNBLOCK_PIPES | BIDE_UNBLOCK_TSD);
    if (unknown)
        return bide_fail(-EINVAL, "bide_unblock_set: %#x is not a known option", unknown);
    int error = why_not("bide_unblock_set");
    if (error < 0)
        return error;

    for (int i = 0; i < WORDS; i++)
        *words[i].option = options & words[i].flag;
    return 0;
}

/* An unknown word is reported, and the others take effect. */
static void set_word(const char *word, size_t len)
{
    for (int i = 0; i < WORDS; i++)
        if (strlen(words[i].name) == len && memcmp(words[i].name, word, len) == 0) {
            *words[i].option = true;
            return;
        }
    if (len > 0)
        fprintf(stderr, "bide-unblock: BIDE_UNBLOCK: unknown option \"%.*s\"; known are pipes, tsd\n", (int)len, word);
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

int bide_unblock_check(void)
{
    int error = why_not("bide_unblock_check");
    if (error < 0)
        return error;
    if (!bide__next_is_reached("recv") || !bide__next_is_reached("poll"))
        return bide_fail(BIDE_ESTATE, "bide_unblock_check: libc comes before libbide-unblock in the symbol search order: "
                                      "link the program with it, or use LD_PRELOAD");
    return 0;
}
