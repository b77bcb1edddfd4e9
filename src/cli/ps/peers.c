/* SPDX-License-Identifier: MIT */
/*
 * peers.c - what the descriptors of a process are: by /proc/PID/fd, and for sockets by /proc/PID/net/tcp, udp and unix.
 */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include <bide/text.h>

#include "cli/ps/ps.h"

#define TABLE_LINES_MAX 1000000
#define STATE_LISTEN 0x0a /* TCP_LISTEN of the kernel */

struct peer {
    unsigned long long inode;
    char text[120];
};

void peers_free(struct peers *p)
{
    free(p->all);
    *p = (struct peers){0};
}

static struct peer *add(struct peers *p)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct peer *all = realloc(p->all, cap * sizeof *all);
        if (!all)
            return NULL;
        p->all = all;
        p->cap = cap;
    }
    return &p->all[p->n++];
}

/* The kernel writes each four bytes of an address as a number in its own order: "0100007F:0050". */
static bool read_address(const char *hex, char *out, size_t size)
{
    uint32_t words[4] = {0};
    unsigned port;
    size_t digits = strcspn(hex, ":"), n = digits / 8;
    char ip[INET6_ADDRSTRLEN], one[9] = {0};
    if ((digits != 8 && digits != 32) || sscanf(hex + digits, ":%x", &port) != 1)
        return false;

    for (size_t i = 0; i < n; i++) {
        memcpy(one, hex + i * 8, 8);
        words[i] = (uint32_t)strtoul(one, NULL, 16);
    }
    if (!inet_ntop(n == 1 ? AF_INET : AF_INET6, words, ip, sizeof ip))
        return false;
    snprintf(out, size, n == 1 ? "%s:%u" : "[%s]:%u", ip, port);
    return true;
}

/* "  0: LOCAL REMOTE STATE TX:RX TR:WHEN RETRANSMITS UID TIMEOUT INODE" */
static void take_ip(struct peers *p, const char *line, const char *kind)
{
    char local[80], remote[80], from[64], to[64];
    unsigned state;
    unsigned long long inode;
    if (sscanf(line, " %*[0-9]: %79s %79s %x %*s %*s %*s %*s %*s %llu", local, remote, &state, &inode) != 4 ||
        !read_address(local, from, sizeof from) || !read_address(remote, to, sizeof to))
        return;
    bool is_listening = state == STATE_LISTEN || strcmp(strrchr(to, ':'), ":0") == 0;
    struct peer *one = add(p);
    if (!one)
        return;
    one->inode = inode;
    snprintf(one->text, sizeof one->text, is_listening ? "%s, at %s" : "%s %s", kind, is_listening ? from : to);
}

/* "ADDRESS: REFS PROTOCOL FLAGS TYPE STATE INODE [PATH]" */
static void take_unix(struct peers *p, const char *line)
{
    int path = 0;
    unsigned long long inode;
    if (sscanf(line, "%*[^:]: %*s %*s %*s %*s %*s %llu %n", &inode, &path) != 1)
        return;
    struct peer *one = add(p);
    if (!one)
        return;
    one->inode = inode;
    char shown[96];
    bide_printable(shown, sizeof shown, line + path, strcspn(line + path, "\n"));
    snprintf(one->text, sizeof one->text, "unix%s%s", shown[0] ? " " : "", shown);
}

static void read_table(struct peers *p, int pid, const char *name)
{
    char path[64], line[512];
    bool is_unix = strcmp(name, "unix") == 0;

    snprintf(path, sizeof path, "/proc/%d/net/%s", pid, name);
    FILE *f = fopen(path, "re");
    for (long i = 0; f && i < TABLE_LINES_MAX && fgets(line, sizeof line, f); i++) {
        if (is_unix)
            take_unix(p, line);
        else
            take_ip(p, line, strncmp(name, "tcp", 3) == 0 ? "tcp" : "udp");
    }
    if (f)
        fclose(f);
}

static int in_order(const void *a, const void *b)
{
    const struct peer *p = a, *q = b;

    return p->inode < q->inode ? -1 : p->inode > q->inode;
}

static const struct peer *find(struct peers *p, int pid, unsigned long long inode)
{
    static const char *const tables[] = {"tcp", "tcp6", "udp", "udp6", "unix"};
    struct peer key = {.inode = inode};

    for (size_t i = 0; !p->is_read && i < sizeof tables / sizeof *tables; i++)
        read_table(p, pid, tables[i]);
    if (!p->is_read && p->n > 0)
        qsort(p->all, p->n, sizeof *p->all, in_order);
    p->is_read = true;
    return p->n > 0 ? bsearch(&key, p->all, p->n, sizeof *p->all, in_order) : NULL;
}

void peers_add(struct peers *p, int pid, int fd, struct text *to)
{
    char path[64], target[256], shown[256];
    unsigned long long inode;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    ssize_t n = pid > 0 ? readlink(path, target, sizeof target - 1) : -1;
    if (n < 0)
        return;
    target[n] = '\0';
    const struct peer *peer = sscanf(target, "socket:[%llu]", &inode) == 1 ? find(p, pid, inode) : NULL;
    bide_printable(shown, sizeof shown, target, (size_t)n);
    text_format(to, " (%s)", peer ? peer->text : strncmp(target, "socket:", 7) == 0 ? "socket" : shown);
}
