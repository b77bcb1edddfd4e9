/* SPDX-License-Identifier: MIT */
/* test_lines.c - URLs out of a file, one a line. */
#include <harness/harness.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <bide/error.h>

#include "cli/cli.h"
#include "cli/list/lines.h"

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

UNIT(lines_end_with_lf_cr_lf_or_cr)
{
    EXPECT_STR(LINES("a\rb\rc"), "1:a|2:b|3:c|");
    EXPECT_STR(LINES("a\rb\r"), "1:a|2:b|");
    EXPECT_STR(LINES("a\r\rb"), "1:a|3:b|");
    EXPECT_STR(LINES("a\r\nb\nc\rd\r\n"), "1:a|2:b|3:c|4:d|");
    EXPECT_STR(LINES("a\r\r\nb"), "1:a|2:b|");
    EXPECT_STR(LINES("\r\n\r\nb"), "3:b|");
}

UNIT(lines_end_with_cr_wherever_the_buffer_ends)
{
    char *data = malloc(200000);

    for (size_t len = 65533; len < 65540; len++) {
        memset(data, 'x', len);
        memcpy(data + len, "\r\nb\rc\r\n", 8);
        const char *all = read_all(data, len + 8);
        EXPECT_CONTAINS(all, len < LINES_LONGEST ? "1:xxxx" : "1!the line is longer");
        EXPECT_CONTAINS(all, "|2:b|3:c|");
    }
    free(data);
}

/* What gzip and zstd make of "a\nb\n". */
#define GZIP "\x1f\x8b\x08\0\0\0\0\0\x02\x03\x4b\xe4\x4a\xe2\x02\0\x97\x2a\x57\x18\x04\0\0\0"
#define ZSTD "\x28\xb5\x2f\xfd\x04\x58\x21\0\0" "a\nb\n\x25\x50\xb3\x23"

/* As read_all; and what the error is. */
static const char *unpack(const char *data, size_t len)
{
    static char out[1024];
    struct lines *l = malloc(sizeof *l);
    size_t at = 0, n;
    char *line;
    const char *fault;
    int got;

    EXPECT_EQ(lines_open(l, write_file(data, len)), EXIT_OK);
    out[0] = '\0';
    while ((got = lines_next(l, &line, &n, &fault)) != LINES_END) {
        if (got == LINES_MORE && lines_fill(l) < 0) {
            const char *behind = strstr(bide_error_text(), "/list");
            snprintf(out + at, sizeof out - at, "error%s", behind ? behind + 5 : bide_error_text());
            break;
        }
        if (got == LINES_GOT)
            at += (size_t)snprintf(out + at, sizeof out - at, "%llu:%.*s|", (unsigned long long)l->number, (int)n, line);
        else if (got == LINES_BAD)
            at += (size_t)snprintf(out + at, sizeof out - at, "%llu!%s|", (unsigned long long)l->number, fault);
    }
    EXPECT_TRUE(!l->is_file || !l->unpack);
    lines_close(l);
    free(l);
    return out;
}

#define UNPACK(text) unpack(text, sizeof(text) - 1)

UNIT(unpack_gzip_and_zstd_are_read_also_several_in_a_row)
{
    EXPECT_STR(UNPACK(GZIP), "1:a|2:b|");
    EXPECT_STR(UNPACK(GZIP GZIP), "1:a|2:b|3:a|4:b|");
    EXPECT_STR(UNPACK(GZIP "\0\0\0\0\0\0\0\0"), "1:a|2:b|");
    EXPECT_STR(UNPACK(ZSTD), "1:a|2:b|");
    EXPECT_STR(UNPACK(ZSTD ZSTD), "1:a|2:b|3:a|4:b|");
    EXPECT_STR(UNPACK("\x50\x2a\x4d\x18\2\0\0\0xy" ZSTD), "1:a|2:b|");
}

UNIT(unpack_what_is_damaged_or_cut_off_is_named_with_its_place)
{
    EXPECT_STR(unpack(GZIP, sizeof GZIP - 9), "1:a|2:b|error: its gzip data end too early, after 16 bytes; 2 lines were read, and nothing behind them");
    EXPECT_CONTAINS(UNPACK(GZIP "x"), "1:a|2:b|error: its gzip data are followed by others, after 24 bytes");
    EXPECT_CONTAINS(UNPACK("\x1f\x8b\x08\0\0\0\0\0\x02\x03\xff\xff\xff\xff"), "error: its gzip data are damaged");
    EXPECT_CONTAINS(unpack(ZSTD, sizeof ZSTD - 4), "error: its zstd data end too early, after 14 bytes");
    EXPECT_CONTAINS(UNPACK(ZSTD "xxxxxxxxxxxx"), "1:a|2:b|error: its zstd data Unknown");
    EXPECT_STR(unpack("\x1f\x8b", 2), "error: its gzip data end too early, after 2 bytes; 0 lines were read, and nothing behind them");
}

UNIT(unpack_a_line_that_is_cut_off_is_no_line)
{
    /* "http://a.example/1\nhttp://a.example/1234\n", without its last bytes. */
    static const char data[] = "\x1f\x8b\x08\0\0\0\0\0\x02\x03\x01\x29\0\xd6\xff" "http://a.example/1\nhttp://a.example/12";

    EXPECT_STR(UNPACK(data), "1:http://a.example/1|error: its gzip data end too early, after 53 bytes; 1 lines were read, and nothing behind them");
}

UNIT(unpack_utf16_is_read_in_both_orders_with_and_without_mark)
{
    EXPECT_STR(UNPACK("\xff\xfe" "a\0\r\0\n\0b\0\n\0"), "1:a|2:b|");
    EXPECT_STR(UNPACK("\xfe\xff\0a\0\n\0b"), "1:a|2:b|");
    EXPECT_STR(UNPACK("h\0t\0t\0p\0\n\0x\0"), "1:http|2:x|");
    EXPECT_STR(UNPACK("\0h\0t\0t\0p\0\n\0x"), "1:http|2:x|");
    EXPECT_STR(UNPACK("\xff\xfe\x3d\xd8\x00\xde" "a\0\xe9\0\xac\x20"), "1:\xf0\x9f\x98\x80" "a\xc3\xa9\xe2\x82\xac|");
    EXPECT_STR(UNPACK("\xff\xfe" "a\0\x3d\xd8" "b\0\n\0c\0"), "1!the line has a NUL or half of a pair of UTF-16|2:c|");
    EXPECT_CONTAINS(UNPACK("\xff\xfe" "a\0\n\0b"), "error: its UTF-16 data end in the middle of a character");
    EXPECT_STR(UNPACK("\xff\xfe"), "");
}

UNIT(unpack_other_kinds_are_refused_by_name)
{
    EXPECT_CONTAINS(UNPACK("BZh91AY&SY"), "is compressed with bzip2; gzip and zstd are read here");
    EXPECT_CONTAINS(UNPACK("\xfd" "7zXZ\0\0\0"), "is compressed with xz");
    EXPECT_CONTAINS(UNPACK("PK\3\4......"), "is a zip archive");
    EXPECT_CONTAINS(UNPACK("%PDF-1.7\n"), "is a PDF");
    EXPECT_CONTAINS(UNPACK("\xff\xfe\0\0a\0\0\0"), "is UTF-32");
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
