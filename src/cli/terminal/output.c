/* SPDX-License-Identifier: MIT */
/*
 * output.c - standard output from inside the loop.
 *
 * The descriptor may be shared with other programs, so it is not made non-blocking.  Instead no more is written at once
 * than a pipe that poll() calls writable takes for sure, and a full one is waited for in a thread, in short turns, so
 * that a reader who has fallen asleep cannot keep a cancelled task from ending.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bide/task.h>
#include <bide/text.h>

#include "cli/cli.h"

#define PIECE 65536
#define PIPE_PIECE 4096 /* PIPE_BUF: poll() promises room for so much */
#define TURN_MS 100

bool output_names_descriptor(const char *path)
{
    struct stat st;
    struct statfs fs;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;

    bool is_link = fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
    bool is_proc = fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
    close(fd);
    return is_link && (is_proc || strncmp(path, "/dev/", 5) == 0);
}

bool output_is_stdout(const char *path)
{
    struct stat named, ours;

    if (strcmp(path, "-") == 0)
        return true;
    return output_names_descriptor(path) && stat(path, &named) == 0 && fstat(STDOUT_FILENO, &ours) == 0 &&
           named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

static int target = STDOUT_FILENO;

static int open_terminal(const char *path)
{
    struct stat st;
    bool may_be_one = stat(path, &st) == 0 && S_ISCHR(st.st_mode); /* opening a pipe would wait for its reader */
    int fd = may_be_one ? open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd < 0 || isatty(fd))
        return fd;

    close(fd);
    return -1;
}

bool output_is_terminal(const char *path)
{
    int fd = open_terminal(path);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool output_take_terminal(const char *path)
{
    int fd = open_terminal(path);

    target = fd >= 0 ? fd : target;
    return fd >= 0;
}

static bool is_regular(void)
{
    struct stat st;

    return fstat(target, &st) == 0 && S_ISREG(st.st_mode);
}

static int wait_writable(int timeout_ms)
{
    struct pollfd p = {.fd = target, .events = POLLOUT};

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
        ssize_t n = write(target, data, len < piece ? len : piece);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return bide_fail(-errno, "standard output: %s", strerror(errno));
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* ---- terminals ---- */

static bool is_raw;
static char held[4]; /* the first bytes of a character, or a '\r': what follows decides */
static size_t nheld;
static char shown[PIPE_PIECE]; /* fit for a terminal, and not written yet */
static size_t nshown;

static int write_shown(void)
{
    size_t len = nshown;

    nshown = 0;
    return write_raw(shown, len);
}

static int show(const char *bytes, size_t len)
{
    while (len > 0) {
        size_t n = len < sizeof shown - nshown ? len : sizeof shown - nshown;
        memcpy(shown + nshown, bytes, n);
        nshown += n;
        bytes += n;
        len -= n;
        if (nshown == sizeof shown)
            BIDE_TRY(write_shown());
    }
    return 0;
}

/* Bytes that a terminal shows as they are, and nothing has to be known of what follows. */
static size_t plain_ascii(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && ((text[n] >= ' ' && text[n] < 0x7f) || text[n] == '\n' || text[n] == '\t'))
        n++;
    return n;
}

static int show_escaped(const char *bytes, size_t len)
{
    char escaped[4 * sizeof held + 1];

    for (size_t i = 0; i < len; i++)
        snprintf(escaped + 4 * i, 5, "\\x%02x", (unsigned char)bytes[i]);
    return show(escaped, 4 * len);
}

/* More than in a message: line ends, tabs, and what many scripts need.  Joiners belong to Persian, Hindi and emoji; a byte
   order mark says what the text is. */
static bool may_show(uint32_t c)
{
    return c == '\n' || c == '\t' || c == 0x200c || c == 0x200d || c == 0xfeff || bide_is_printable(c);
}

/* How many of the bytes held belong together; 0: more are needed to know.  *is_plain: they may be shown. */
static size_t first_held(bool at_end, bool *is_plain)
{
    uint32_t c = 0;
    int n = bide_utf8_decode(held, nheld, &c);

    *is_plain = n > 0 && may_show(c);
    if (n == 1 && c == '\r') {
        *is_plain = nheld > 1 && held[1] == '\n';
        return *is_plain ? 2 : nheld > 1 || at_end ? 1 : 0;
    }
    return n > 0 ? (size_t)n : n < 0 && !at_end ? 0 : 1;
}

static int show_held(bool at_end)
{
    bool is_plain;

    for (size_t n; nheld > 0 && (n = first_held(at_end, &is_plain)) > 0; ) {
        char bytes[sizeof held];
        memcpy(bytes, held, n);
        nheld -= n;
        memmove(held, held + n, nheld);
        BIDE_TRY(is_plain ? show(bytes, n) : show_escaped(bytes, n));
    }
    return 0;
}

static int write_clean(const char *data, size_t len)
{
    while (len > 0) {
        size_t n = nheld == 0 ? plain_ascii(data, len) : 0;
        if (n > 0) {
            BIDE_TRY(show(data, n));
        } else {
            held[nheld++] = *data;
            n = 1;
            BIDE_TRY(show_held(false));
        }
        data += n;
        len -= n;
    }
    return write_shown();
}

void output_raw(void)
{
    is_raw = true;
}

int output_write(const void *data, size_t len)
{
    return !is_raw && isatty(target) ? write_clean(data, len) : write_raw(data, len);
}

int output_end(void)
{
    BIDE_TRY(show_held(true));
    return write_shown();
}

int output_exit_code(int error)
{
    if (error == -EPIPE)
        return -SIGPIPE;
    say("%s", bide_error_text());
    return EXIT_LOCAL;
}
