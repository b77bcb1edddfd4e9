/* SPDX-License-Identifier: MIT */
/*
 * frames.c - a task among others whose one frame is as big as the first argument says, in KiB.  For frames.sh.
 *
 * It fits, and then nobody's stack was written to; or the program dies of a report.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/bide.h>

#define TASKS 64

static int neighbour(void)
{
    char keep[4096];
    memset(keep, 7, sizeof keep);
    BIDE_TRY(bide_sleep_ms(5));
    for (size_t i = 0; i < sizeof keep; i++)
        if (keep[i] != 7)
            return bide_fail(BIDE_ESTATE, "a neighbour's stack was overwritten");
    return 0;
}

#define BIG(kib)                                                     \
    static int big_##kib(void)                                       \
    {                                                                \
        char line[kib * 1024];                                       \
        char *volatile p = line;                                     \
        snprintf(p, sizeof line, "%s", "an ordinary line of text"); \
        return p[0] == 'a' ? 0 : -1;                                 \
    }
#define SIZES(f)                                                                                                   \
    f(60) f(64) f(66) f(68) f(72) f(76) f(78) f(80) f(84) f(85) f(86) f(88) f(96) f(128) f(200) f(256) f(318) f(322) \
    f(324) f(384) f(400) f(512) f(648) f(700) f(1024) f(1500) f(2048) f(3000) f(4096)
SIZES(BIG)

static const struct {
    int kib;
    int (*run)(void);
} sizes[] = {
#define ENTRY(kib) {kib, big_##kib},
    SIZES(ENTRY)
};

static int app(int kib)
{
    bide_awaitable all[TASKS];
    for (int i = 0; i < TASKS; i++)
        all[i] = BIDE_AW(bide_coro(neighbour));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].kib == kib)
            all[TASKS / 2] = BIDE_AW(bide_coro(sizes[i].run));
    return bide_gather_n(all, TASKS);
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return bide_main(bide_coro(app, atoi(argv[1])));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        printf("%d\n", sizes[i].kib);
    return 0;
}
