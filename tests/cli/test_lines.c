/* SPDX-License-Identifier: MIT */
/* test_lines.c - URLs out of a file, one a line. */
#include <harness/harness.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/lines.h"

static const char *write_file(const char *data, size_t len)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/list", test_tmpdir());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    EXPECT_EQ(write(fd, data, len), len);
    close(fd);
    return path;
}

/* What it gives, as "3:line|5!fault|". */
static const char *read_all(const char *data, size_t len)
{
    static char out[8192];
    struct lines *l = malloc(sizeof *l);
    size_t at = 0, n;
    char *line;
    const char *fault;
    int got;

    EXPECT_EQ(lines_open(l, write_file(data, len)), EXIT_OK);
    out[0] = '\0';
    while ((got = lines_next(l, &line, &n, &fault)) != LINES_END) {
        if (got == LINES_MORE)
            EXPECT_EQ(lines_fill(l), 0);
        else if (got == LINES_GOT)
            at += (size_t)snprintf(out + at, sizeof out - at, "%llu:%.*s|", (unsigned long long)l->number, n < 40 ? (int)n : 40, line);
        else
            at += (size_t)snprintf(out + at, sizeof out - at, "%llu!%s|", (unsigned long long)l->number, fault);
    }
    lines_close(l);
    free(l);
    return out;
}

#define LINES(text) read_all(text, sizeof(text) - 1)

UNIT(lines_are_trimmed_and_numbered)
{
    EXPECT_STR(LINES("a\n b \t\r\n\n# c\n  # d\ne"), "1:a|2:b|6:e|");
    EXPECT_STR(LINES(""), "");
    EXPECT_STR(LINES("\n\n"), "");
    EXPECT_STR(LINES("a#b"), "1:a#b|");
    EXPECT_STR(LINES("\xef\xbb\xbf" "a\nb"), "1:a|2:b|");
    EXPECT_STR(LINES("\xef\xbb\xbf#x\nb"), "2:b|");
}

UNIT(lines_with_a_nul_byte_are_refused_alone)
{
    EXPECT_STR(LINES("a\nb\0c\nd"), "1:a|2!the line has a NUL byte|3:d|");
}

UNIT(lines_that_are_too_long_are_refused_alone)
{
    static const size_t lens[] = {65535, 65536, 65537, 131071, 131072, 131073, 200000};
    char *data = malloc(300000);

    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        size_t len = lens[i];
        data[0] = 'a';
        data[1] = '\n';
        memset(data + 2, 'x', len);
        memcpy(data + 2 + len, "\nb", 2);
        const char *all = read_all(data, len + 4);
        if (len <= LINES_LONGEST)
            EXPECT_CONTAINS(all, "1:a|2:xxxx");
        else
            EXPECT_STR(all, "1:a|2!the line is longer than 65535 bytes|3:b|");
        EXPECT_CONTAINS(all, "|3:b|");
    }
    free(data);
}

UNIT(lines_are_whole_wherever_the_buffer_ends)
{
    enum { N = 30000 };
    char *data = malloc(N * 16), *at = data;
    struct lines *l = malloc(sizeof *l);
    char *line, want[16];
    const char *fault;
    size_t n;
    int got, i = 0;

    for (int k = 0; k < N; k++)
        at += sprintf(at, "line-%d\n", k);
    EXPECT_EQ(lines_open(l, write_file(data, (size_t)(at - data))), EXIT_OK);
    while ((got = lines_next(l, &line, &n, &fault)) != LINES_END) {
        if (got == LINES_MORE) {
            EXPECT_EQ(lines_fill(l), 0);
            continue;
        }
        EXPECT_EQ(n, sprintf(want, "line-%d", i++));
        EXPECT_MEM(line, want, n);
    }
    EXPECT_EQ(i, N);
    lines_close(l);
    free(l);
    free(data);
}

static void *stop(void *l)
{
    usleep(50000);
    lines_stop(l);
    return NULL;
}

UNIT(lines_stop_ends_a_read_that_waits)
{
    struct lines *l = malloc(sizeof *l);
    int pipe_fds[2], saved = dup(STDIN_FILENO);
    char *line;
    size_t n;
    const char *fault;
    pthread_t thread;

    EXPECT_EQ(pipe(pipe_fds), 0);
    dup2(pipe_fds[0], STDIN_FILENO);
    EXPECT_EQ(lines_open(l, "-"), EXIT_OK);
    EXPECT_EQ(lines_next(l, &line, &n, &fault), LINES_MORE);
    pthread_create(&thread, NULL, stop, l);
    EXPECT_EQ(lines_fill(l), 0);
    EXPECT_EQ(lines_next(l, &line, &n, &fault), LINES_END);
    pthread_join(thread, NULL);
    lines_close(l);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    free(l);
}
