/* SPDX-License-Identifier: MIT */
/*
 * files.c - `bide serve --root DIR`: the files below a directory, and nothing outside of it.
 *
 * The path is decoded once and given to openat2 with RESOLVE_BENEATH: the kernel itself refuses "..", symbolic links
 * that lead out, and races between looking and opening.  Opening and reading happen in threads: a disk may be slow.
 *
 * What is not served looks like what is not there: names that begin with a dot (.git, .env), links that lead out, files
 * that may not be read, pipes and devices are all answered by the same 404.
 */
#include "cli/serve/serve.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bide/task.h>

#define PIECE 65536
#define PATH_MAX_BYTES 4096

static int open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

int serve_files_open(const char *root)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        say("--root %s: %s", root, strerror(errno));
        return -1;
    }

    int probe = open_beneath(fd, ".", O_RDONLY | O_DIRECTORY);
    if (probe >= 0) {
        close(probe);
        return fd;
    }
    say("--root %s: %s%s", root, strerror(-probe), probe == -ENOSYS ? " (openat2 needs Linux 5.6)" : "");
    close(fd);
    return -1;
}

/* ---- the path ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "/a%20b" to "a b", relative to the root; false for what no file can be called. */
static bool decode_path(const char *path, char *out, size_t cap)
{
    size_t n = 0;

    while (*path == '/')
        path++;
    for (; *path; path++) {
        char c = *path;
        if (c == '%') {
            int high = hex_digit(path[1]), low = high < 0 ? -1 : hex_digit(path[2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            path += 2;
            if (c == '/') /* would be another path than the client wrote */
                return false;
        }
        if (c == '\0' || n + sizeof "/index.html" >= cap)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* Does a part of the path begin with a dot?  Those names are hidden: ".git/config", ".env", and ".." too. */
static bool is_hidden(const char *path)
{
    return *path == '.' || strstr(path, "/.");
}

static const char *content_type(const char *path)
{
    static const struct {
        const char *extension, *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"},   {"htm", "text/html; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"},   {"md", "text/markdown; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},     {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"}, {"csv", "text/csv; charset=utf-8"},
        {"json", "application/json"},           {"jsonl", "application/x-ndjson"},
        {"xml", "application/xml"},             {"pdf", "application/pdf"},
        {"wasm", "application/wasm"},           {"gz", "application/gzip"},
        {"zip", "application/zip"},             {"svg", "image/svg+xml"},
        {"png", "image/png"},                   {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},                 {"gif", "image/gif"},
        {"webp", "image/webp"},                 {"ico", "image/x-icon"},
        {"woff2", "font/woff2"},                {"mp4", "video/mp4"},
    };
    const char *name = strrchr(path, '/'), *dot = strrchr(name ? name : path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* ---- in a thread ---- */

struct found {
    int fd;
    bool is_directory; /* and the path does not end in a slash */
    struct stat st;
};

/* Close what turned out to be no file. */
static int not_a_file(struct found *f, int code)
{
    close(f->fd);
    f->fd = -1;
    return code;
}

/* Open a file, or the index.html of a directory, whose name is appended to path.  Returns 0 or a code. */
static int find_file(int root, char *path, struct found *f)
{
    size_t len = strlen(path);

    f->fd = open_beneath(root, len ? path : ".", O_RDONLY);
    if (f->fd < 0)
        return f->fd;
    if (fstat(f->fd, &f->st) < 0)
        return not_a_file(f, -errno);
    if (S_ISDIR(f->st.st_mode)) {
        bool slash = len == 0 || path[len - 1] == '/';
        close(f->fd);
        strcpy(path + len, slash ? "index.html" : "/index.html");
        f->fd = open_beneath(root, path, O_RDONLY);
        if (f->fd < 0 || fstat(f->fd, &f->st) < 0)
            return f->fd < 0 ? f->fd : not_a_file(f, -errno);
        f->is_directory = !slash;
    }
    return S_ISREG(f->st.st_mode) ? 0 : not_a_file(f, -ENOENT);
}

static int read_piece(int fd, char *out, size_t len)
{
    ssize_t n;

    do
        n = read(fd, out, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

/* ---- answering ---- */

static int send_pieces(bide_exchange *x, int fd, char *piece, int64_t left)
{
    while (left > 0) {
        size_t want = left < PIECE ? (size_t)left : PIECE;
        int n = bide_to_thread(bide_coro(read_piece, fd, piece, want));
        BIDE_TRY(n);
        if (n == 0)
            return bide_fail(-EIO, "%s: the file became shorter while it was sent", bide_exchange_path(x));
        BIDE_TRY(bide_respond_chunk(x, piece, (size_t)n));
        left -= n;
    }
    return bide_respond_end(x);
}

static int send_body(bide_exchange *x, int fd, const struct serve_content *c)
{
    int64_t size = c->last - c->first + 1;

    if (c->first > 0 && lseek(fd, c->first, SEEK_SET) < 0)
        return bide_fail(-errno, "%s: %s", bide_exchange_path(x), strerror(errno));
    char *piece = malloc(size < PIECE ? (size_t)size : PIECE);
    if (!piece)
        return bide_fail(BIDE_ENOMEM, "a file: out of memory");

    int code = send_pieces(x, fd, piece, size);
    free(piece);
    return code;
}

/* Size and time of the latest change, which has nanoseconds: what is written anew has another. */
static int send_file(bide_exchange *x, const char *path, const struct found *f)
{
    struct serve_content c = {.type = content_type(path), .size = f->st.st_size, .modified = f->st.st_mtim.tv_sec};
    bool has_body;

    snprintf(c.tag, sizeof c.tag, "\"%llx-%llx-%lx\"", (unsigned long long)f->st.st_size,
             (unsigned long long)f->st.st_mtim.tv_sec, (unsigned long)f->st.st_mtim.tv_nsec);
    BIDE_TRY(serve_begin(x, &c, &has_body));
    return has_body ? send_body(x, f->fd, &c) : 0;
}

/* A directory's page has relative links: it must be read with the slash.  The redirect is relative too, because a path
   that begins with "//" would name another host. */
static int redirect_to_directory(bide_exchange *x)
{
    const char *path = bide_exchange_path(x), *slash = strrchr(path, '/');
    char to[PATH_MAX_BYTES];

    snprintf(to, sizeof to, "./%s/", slash ? slash + 1 : path);
    BIDE_TRY(bide_respond_header(x, "Location", to));
    return serve_refuse(x, 301, "a directory: its path ends in a slash");
}

/* It is not there, or not for clients: which of the two is not their business.  (ENXIO: a socket; ENODEV: a device.) */
static bool is_not_served(int code)
{
    static const int codes[] = {ENOENT, ENOTDIR, ENAMETOOLONG, EXDEV, ELOOP, EACCES, EPERM, ENXIO, ENODEV, EINVAL};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code == -codes[i])
            return true;
    return false;
}

static int refuse_file(bide_exchange *x, int code)
{
    if (!is_not_served(code))
        return bide_fail(code, "%s: %s", bide_exchange_path(x), bide_strerror(code));
    bide_error_clear();
    return serve_refuse(x, 404, "not found");
}

int serve_file(struct serve *s, bide_exchange *x)
{
    struct found f = {.fd = -1};
    char path[PATH_MAX_BYTES];

    if (!decode_path(bide_exchange_path(x), path, sizeof path) || is_hidden(path))
        return serve_refuse(x, 404, "not found");
    int code = bide_to_thread(bide_coro(find_file, s->root_fd, path, &f));
    if (code < 0)
        return f.fd < 0 ? refuse_file(x, code) : not_a_file(&f, code);

    code = f.is_directory ? redirect_to_directory(x) : send_file(x, path, &f);
    close(f.fd);
    return code;
}
