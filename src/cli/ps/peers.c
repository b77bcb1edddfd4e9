/* SPDX-License-Identifier: MIT */
/*
 * peers.c - what the descriptors of a process are: by /proc/PID/fd and fdinfo, and for sockets by /proc/PID/net/tcp, udp and unix.
 *
 * The peer of a Unix socket is in none of these: the kernel gives it by netlink (sock_diag), for our own network namespace.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/text.h>

#include "cli/ps/ps.h"

#define TABLE_LINES_MAX 1000000
#define STATE_LISTEN 0x0a /* TCP_LISTEN of the kernel */

struct peer {
    unsigned long long inode;
    bool is_unnamed; /* a Unix socket without an address of its own */
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
    *one = (struct peer){.inode = inode};
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
    *one = (struct peer){.inode = inode, .is_unnamed = line[path] == '\n' || line[path] == '\0'};
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

static struct peer *search(struct peers *p, unsigned long long inode)
{
    struct peer key = {.inode = inode};

    return p->n > 0 ? bsearch(&key, p->all, p->n, sizeof *p->all, in_order) : NULL;
}

/* ---- the other ends of Unix sockets ---- */

static bool shares_network(int pid)
{
    char path[64];
    struct stat ours, its;

    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    return stat("/proc/self/ns/net", &ours) == 0 && stat(path, &its) == 0 && ours.st_ino == its.st_ino && ours.st_dev == its.st_dev;
}

/* One that has no address has that of its peer: "unix to /run/a.sock". */
static void take_pair(struct peers *p, unsigned long long inode, unsigned long long other)
{
    struct peer *one = search(p, inode);
    const struct peer *peer = search(p, other);

    if (one && one->is_unnamed && peer && !peer->is_unnamed && strncmp(peer->text, "unix ", 5) == 0)
        snprintf(one->text, sizeof one->text, "unix to %.100s", peer->text + 5);
}

static void take_answer(struct peers *p, const struct nlmsghdr *h)
{
    const struct unix_diag_msg *m = NLMSG_DATA(h);
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof *m))
        return;
    int left = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof *m));

    for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        uint32_t other;
        if (a->rta_type != UNIX_DIAG_PEER || RTA_PAYLOAD(a) < sizeof other)
            continue;
        memcpy(&other, RTA_DATA(a), sizeof other);
        take_pair(p, m->udiag_ino, other);
    }
}

/* False: that was the last. */
static bool take_answers(struct peers *p, int fd)
{
    _Alignas(struct nlmsghdr) char room[32768];
    ssize_t n = recv(fd, room, sizeof room, 0);
    int left = (int)n;

    for (const struct nlmsghdr *h = (const struct nlmsghdr *)room; left > 0 && NLMSG_OK(h, (unsigned)left); h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
            return false;
        take_answer(p, h);
    }
    return n > 0;
}

static void find_other_ends(struct peers *p)
{
    struct {
        struct nlmsghdr head;
        struct unix_diag_req ask;
    } q = {.head = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
           .ask = {.sdiag_family = AF_UNIX, .udiag_states = UINT32_MAX, .udiag_show = UDIAG_SHOW_PEER}};
    const struct timeval at_most = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof at_most) == 0 && send(fd, &q, sizeof q, 0) == (ssize_t)sizeof q)
        while (take_answers(p, fd))
            ;
    if (fd >= 0)
        close(fd);
}

/* ---- one descriptor ---- */

static const struct peer *find(struct peers *p, int pid, unsigned long long inode)
{
    static const char *const tables[] = {"tcp", "tcp6", "udp", "udp6", "unix"};

    for (size_t i = 0; !p->is_read && i < sizeof tables / sizeof *tables; i++)
        read_table(p, pid, tables[i]);
    if (!p->is_read && p->n > 0)
        qsort(p->all, p->n, sizeof *p->all, in_order);
    if (!p->is_read && shares_network(pid))
        find_other_ends(p);
    p->is_read = true;
    return search(p, inode);
}

static void add_left(long long seconds, long long ns, struct text *to)
{
    text_add_string(to, " (a timer, ");
    if (seconds < 1000000)
        text_add_time(to, seconds * 1000000 + ns / 1000);
    else
        text_format(to, "%lld days", seconds / 86400);
    text_add_string(to, " left)");
}

/* "process 12, sort" for a pidfd, "a timer, 3.00 s left": what fdinfo says.  False: nothing. */
static bool add_info(int pid, int fd, const char *kind, struct text *to)
{
    char path[64], line[256], name[32] = "";
    int of = 0;
    long long seconds = -1, ns = 0;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
    FILE *f = fopen(path, "re");

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Pid: %d", &of) == 1 || sscanf(line, "it_value: (%lld, %lld)", &seconds, &ns) == 2)
            break;
    if (f)
        fclose(f);
    if (strcmp(kind, "[pidfd]") == 0 && of > 0 && target_name(of, name))
        text_format(to, " (process %d, %s)", of, name);
    else if (strcmp(kind, "[pidfd]") == 0 && of != 0)
        text_format(to, of > 0 ? " (process %d)" : " (a process that has ended)", of);
    else if (strcmp(kind, "[timerfd]") == 0 && seconds >= 0)
        add_left(seconds, ns, to);
    else
        return false;
    return true;
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
    if (strncmp(target, "anon_inode:", 11) == 0 && add_info(pid, fd, target + 11, to))
        return;
    const struct peer *peer = sscanf(target, "socket:[%llu]", &inode) == 1 ? find(p, pid, inode) : NULL;
    bide_printable(shown, sizeof shown, target, (size_t)n);
    text_format(to, " (%s)", peer ? peer->text : strncmp(target, "socket:", 7) == 0 ? "socket" : shown);
}
