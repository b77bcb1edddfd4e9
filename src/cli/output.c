/* SPDX-License-Identifier: MIT */
/*
 * output.c - standard output from inside the loop.
 *
 * The descriptor may be shared with other programs, so it is not made non-blocking.  Instead no more is written at once
 * than a pipe that poll() calls writable takes for sure, and a full one is waited for in a thread, in short turns, so
 * that a reader who has fallen asleep cannot keep a cancelled task from ending.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/task.h>

#include "cli/cli.h"

#define PIECE 65536
#define PIPE_PIECE 4096 /* PIPE_BUF: poll() promises room for so much */
#define TURN_MS 100

static bool is_regular(void)
{
    struct stat st;

    return fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static int wait_writable(int timeout_ms)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&p, 1, timeout_ms) > 0;
}

static int write_raw(const char *data, size_t len)
{
    size_t piece = is_regular() ? PIECE : PIPE_PIECE;

    while (len > 0) {
        if (!wait_writable(0)) {
            BIDE_TRY(bide_to_thread(bide_coro(wait_writable, TURN_MS)));
            continue;
        }
        ssize_t n = write(STDOUT_FILENO, data, len < piece ? len : piece);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return bide_fail(-errno, "standard output: %s", strerror(errno));
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* ---- terminals ---- */

/* How many bytes at text a terminal shows as they are; those behind are a control character, if there are any.  A C1
   character in UTF-8 is c2 and 80 to 9f; *after_c2: the byte before text was c2. */
static size_t plain_len(const unsigned char *text, size_t len, bool *after_c2)
{
    size_t n = 0;

    for (; n < len; n++) {
        unsigned char c = text[n];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f || (*after_c2 && c >= 0x80 && c < 0xa0))
            break;
        *after_c2 = c == 0xc2;
    }
    return n;
}

static int write_clean(const char *data, size_t len)
{
    static bool after_c2;

    while (len > 0) {
        size_t n = plain_len((const unsigned char *)data, len, &after_c2);
        BIDE_TRY(write_raw(data, n));
        if (n < len) {
            char escaped[8];
            snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned char)data[n++]);
            BIDE_TRY(write_raw(escaped, 4));
            after_c2 = false;
        }
        data += n;
        len -= n;
    }
    return 0;
}

int output_write(const void *data, size_t len)
{
    return isatty(STDOUT_FILENO) ? write_clean(data, len) : write_raw(data, len);
}

int output_exit_code(int error)
{
    if (error == -EPIPE)
        return -SIGPIPE;
    say("%s", bide_error_code() == error ? bide_error_text() : strerror(-error));
    return EXIT_LOCAL;
}
