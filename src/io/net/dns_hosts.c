/* SPDX-License-Identifier: MIT */
/*
 * dns_hosts.c - /etc/hosts: names that are resolved here, before a name server is asked.
 *
 * The file is parsed once and again after each change, which a stat before every question finds, so that a change counts
 * at once; a large one is parsed in a thread, while the other tasks of the loop go on.  A file that cannot be read says
 * nothing, as in every other resolver; but a moment without a free descriptor must not make a name mean something else.
 *
 *     text   "127.0.0.1\0localhost\0\n192.0.2.7\0one.test\0two.test\0..."    the file, lower case, words cut apart
 *     names  "one.test" -> listed: address -> address    the keys lie in text, the rest in the arena
 */
#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/net/dns.h"

#define BLANKS " \t\r\v\f"
#define INLINE_MAX 16384            /* bytes that are parsed on the loop: about 600 lines, 0.3 ms */
#define FILE_MAX ((size_t)64 << 20) /* bytes */
#define CLOCK_GRAIN_NS 20000000     /* the time of a file's change is no more exact than this */

struct listed_addr {
    struct listed_addr *next;
    socklen_t len;
    char bytes[]; /* of a struct addr: with its family's length */
};

struct listed {
    struct map_node node;
    struct listed_addr *first, **last;
};

int bide__dns_half_add(struct dns_half *h, const struct addr *a)
{
    if (h->n == DNS_ADDRS_MAX)
        return 0;
    struct addr *list = bide__realloc(h->addrs, (size_t)(h->n + 1) * sizeof *list);
    if (!list)
        return bide__fail_nomem("the addresses of a name");

    h->addrs = list;
    list[h->n++] = *a;
    return 0;
}

/* ---- a file that was read ---- */

static int table_init(struct hosts_table *t)
{
    *t = (struct hosts_table){0};
    bide__arena_init(&t->arena, SIZE_MAX); /* bounded by FILE_MAX */
    return bide__map_init(&t->names);
}

static void table_free(struct hosts_table *t)
{
    bide__map_free(&t->names);
    bide__arena_free(&t->arena);
    bide__free(t->text);
    *t = (struct hosts_table){0};
}

static struct listed *find_or_list(struct hosts_table *t, const char *name, size_t len)
{
    struct map_node *node = bide__map_find(&t->names, name, len);
    if (node)
        return container_of(node, struct listed, node);

    struct listed *l = bide__arena_alloc(&t->arena, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct listed){.last = &l->first};
    bide__map_add(&t->names, &l->node, name, len);
    return l;
}

static int list_address(struct hosts_table *t, const char *name, const struct addr *a)
{
    struct listed *l = find_or_list(t, name, strlen(name));
    struct listed_addr *next = l ? bide__arena_alloc(&t->arena, sizeof *next + a->len) : NULL;
    if (!next)
        return BIDE_ENOMEM;

    *next = (struct listed_addr){.len = a->len};
    memcpy(next->bytes, &a->sa, a->len);
    *l->last = next;
    l->last = &next->next;
    return 0;
}

/* "192.0.2.7 one.test two.test # comment" */
static int parse_line(struct hosts_table *t, char *line)
{
    struct addr a;
    char *rest, *word;
    int code = 0;

    line[strcspn(line, "#")] = '\0';
    word = strtok_r(line, BLANKS, &rest);
    if (!word || !bide__addr_parse(&a, word, 0))
        return 0;
    while (code == 0 && (word = strtok_r(NULL, BLANKS, &rest)))
        code = list_address(t, word, &a);
    return code;
}

static int parse_text(struct hosts_table *t, size_t len)
{
    char *line = t->text, *end = line + len;

    for (char *at = line; at < end; at++)
        *at = (char)tolower((unsigned char)*at);
    for (char *after; line < end; line = after + 1) {
        after = memchr(line, '\n', (size_t)(end - line));
        after = after ? after : end;
        *after = '\0';
        int code = parse_line(t, line);
        if (code < 0)
            return code;
    }
    return 0;
}

/* ---- reading it ---- */

static struct file_state state_of(const struct stat *st)
{
    return (struct file_state){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool is_same_state(const struct file_state *a, const struct file_state *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Two changes may carry one time, and the second would not be seen: so a state is believed only when it is old enough. */
static bool is_settled(const struct file_state *s)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_s = (int64_t)now.tv_sec - s->changed.tv_sec;
    return age_s < 0 || age_s > 1 || age_s * 1000000000 + now.tv_nsec - s->changed.tv_nsec > CLOCK_GRAIN_NS;
}

/* How many bytes came; the text ends in a NUL, for the last line. */
static ssize_t read_text(struct hosts_table *t, int fd, const char *path)
{
    size_t cap = 0, len = 0;

    for (;;) {
        if (len + 1 >= cap) {
            cap = cap ? cap * 2 : 16384;
            char *more = cap <= FILE_MAX ? bide__realloc(t->text, cap) : NULL;
            if (!more)
                return cap > FILE_MAX ? bide_fail(-EFBIG, "%s: more than %zu bytes", path, FILE_MAX / 2)
                                      : bide__fail_nomem(path);
            t->text = more;
        }
        ssize_t n = read(fd, t->text + len, cap - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? 0 : (ssize_t)len; /* cannot be read: a directory, say */
        len += (size_t)n;
    }
}

struct hosts_load {
    const char *path;
    struct hosts_table table;
};

/* May run in a thread. */
static int load(void *arg)
{
    struct hosts_load *l = arg;
    struct stat st;
    int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? bide_fail(-EMFILE, "%s: %s", l->path, bide_strerror(-EMFILE)) : 0;

    ssize_t len = 0;
    if (fstat(fd, &st) == 0) {
        l->table.state = state_of(&st);
        l->table.is_settled = is_settled(&l->table.state);
        len = read_text(&l->table, fd, l->path);
    }
    close(fd);
    return len < 0 ? (int)len : parse_text(&l->table, (size_t)len);
}

/* ---- the loop's ---- */

int bide__dns_hosts_open(struct dns_hosts *h, const char *path)
{
    h->path = path;
    h->is_loading = false;
    bide__list_init(&h->waiters);
    return table_init(&h->table);
}

void bide__dns_hosts_close(struct dns_hosts *h)
{
    table_free(&h->table);
}

/* Is what was read before still what stands there?  *size: of the file, if it is not. */
static bool is_current(const struct dns_hosts *h, off_t *size)
{
    struct stat st;
    if (stat(h->path, &st) < 0)
        st = (struct stat){0};

    struct file_state now = state_of(&st);
    *size = st.st_size;
    return is_same_state(&now, &h->table.state) && (h->table.is_settled || now.ino == 0);
}

static int reload(struct dns_hosts *h, bool is_large)
{
    struct hosts_load l = {.path = h->path};
    int code = table_init(&l.table);
    if (code < 0)
        return code;

    h->is_loading = true;
    code = is_large ? bide__offload(FOR_NAMES, "reading the hosts file", load, &l) : -EAGAIN;
    if (code == -EAGAIN) /* small, or there is no thread */
        code = load(&l);
    h->is_loading = false;
    bide__wake_all(bide__loop_here, &h->waiters);
    if (code == 0) {
        struct hosts_table old = h->table;
        h->table = l.table;
        l.table = old;
    }
    table_free(&l.table);
    return code;
}

int bide__dns_hosts_refresh(struct dns_hosts *h)
{
    off_t size;
    int code = 0;

    while (code == 0 && h->is_loading)
        code = bide__wait_in_for(&h->waiters, WAIT_NAMED, "the file of hosts");
    if (code < 0 || is_current(h, &size))
        return code;
    return reload(h, size > INLINE_MAX && bide__task_here());
}

int bide__dns_hosts_find(const struct dns_hosts *h, const char *name, struct dns_half half[FAMILIES])
{
    size_t len = strlen(name);
    int found = 0;

    len -= len > 0 && name[len - 1] == '.';
    struct map_node *node = bide__map_find(&h->table.names, name, len);
    if (!node)
        return 0;
    for (const struct listed_addr *l = container_of(node, struct listed, node)->first; l; l = l->next) {
        struct addr a = {.len = l->len};
        memcpy(&a.sa, l->bytes, l->len);
        int code = bide__dns_half_add(&half[a.sa.sa_family == AF_INET6 ? IP6 : IP4], &a);
        if (code < 0)
            return code;
        found++;
    }
    return found;
}

static bool has_address(const struct listed *l, const struct addr *a)
{
    for (const struct listed_addr *i = l->first; i; i = i->next) {
        struct addr its = {.len = i->len};
        memcpy(&its.sa, i->bytes, i->len);
        if (its.sa.sa_family != a->sa.sa_family)
            continue;
        if (a->sa.sa_family == AF_INET ? its.in.sin_addr.s_addr == a->in.sin_addr.s_addr
                                       : memcmp(&its.in6.sin6_addr, &a->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0)
            return true;
    }
    return false;
}

/* The names lie in the text, so the first one has the lowest address. */
const char *bide__dns_hosts_name(const struct dns_hosts *h, const struct addr *a)
{
    const char *first = NULL;

    for (size_t i = 0; i < h->table.names.nslots; i++)
        for (const struct map_node *n = h->table.names.slots[i]; n; n = n->next)
            if ((!first || n->key < first) && has_address(container_of(n, struct listed, node), a))
                first = n->key;
    return first;
}
