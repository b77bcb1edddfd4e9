/* SPDX-License-Identifier: MIT */
/*
 * tls_shared.c - contexts that all with the same options share: one for each loop.
 *
 * Making a context costs 200 us, and 400 us more for a file of certificates; and only connections of one context can resume
 * each other's sessions.  The same options are those whose texts and bytes are the same, and whose files are as they were:
 * which file, its size, its times.  All that is the key of a context, which is wiped when it goes, for a password may be in it.
 * It is no hash: without memory for its own beginnings, OpenSSL hashes by way of a NULL.
 *
 *     loop.closers -> shared_contexts -> entry (used last), entry ...
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io/tls/tls_layer.h"

#define ENTRIES_MAX 32 /* of contexts that nobody else uses, the one used longest ago goes */

/* Every option, one after the other. */
struct key {
    struct buf bytes;
    bool is_cut; /* out of memory */
};

struct entry {
    struct list_node node; /* the one used last first */
    struct key key;
    bide_tls *tls;
};

struct shared_contexts {
    struct loop_closer closer;
    struct list_node all;
    unsigned n;
};

static const char shared_key;

/* ---- the same options ---- */

static void add_bytes(struct key *key, const void *bytes, size_t len)
{
    char *tail = bide__buf_reserve(&key->bytes, sizeof len + len);

    key->is_cut |= !tail;
    if (!tail)
        return;
    memcpy(tail, &len, sizeof len); /* so that two texts are not taken for one */
    memcpy(tail + sizeof len, bytes, len);
    bide__buf_commit(&key->bytes, sizeof len + len);
}

static void add_text(struct key *key, const char *text)
{
    add_bytes(key, text ? "+" : "-", 1);
    add_bytes(key, text ? text : "", text ? strlen(text) : 0);
}

static void add_file(struct key *key, const char *path)
{
    struct stat st;

    add_text(key, path);
    if (!path || stat(path, &st) < 0)
        return;
    add_bytes(key, &st.st_dev, sizeof st.st_dev);
    add_bytes(key, &st.st_ino, sizeof st.st_ino);
    add_bytes(key, &st.st_size, sizeof st.st_size);
    add_bytes(key, &st.st_mtim, sizeof st.st_mtim);
    add_bytes(key, &st.st_ctim, sizeof st.st_ctim);
}

/* Every option is here: see the assertion. */
static void add_options(struct key *key, const bide_tls_args *a)
{
    int numbers[] = {a->insecure, a->server, a->min_version, a->max_version};

    add_bytes(key, numbers, sizeof numbers);
    add_file(key, a->ca_file);
    add_file(key, a->ca_dir);
    add_bytes(key, a->ca_data.data ? a->ca_data.data : "", a->ca_data.len);
    if (!a->ca_file && !a->ca_dir && !a->ca_data.data) { /* the system's, which the environment may name */
        add_file(key, getenv("SSL_CERT_FILE"));
        add_file(key, getenv("SSL_CERT_DIR"));
    }
    add_text(key, a->alpn);
    add_file(key, a->cert_file);
    add_file(key, a->key_file);
    add_text(key, a->key_password);
    add_text(key, a->pins);
    add_text(key, a->ciphers);
    add_text(key, a->keylog_file);
    add_text(key, a->server_name);
}
_Static_assert(sizeof(bide_tls_args) == 17 * sizeof(void *), "a new option belongs into the key, too");

static void key_free(struct key *key)
{
    if (key->bytes.data)
        OPENSSL_cleanse(key->bytes.data, key->bytes.cap);
    bide__buf_free(&key->bytes);
}

static int key_init(struct key *key, const bide_tls_args *args)
{
    *key = (struct key){.bytes = {.max = SIZE_MAX}};
    add_options(key, args);
    if (!key->is_cut)
        return 0;
    key_free(key);
    return bide__fail_nomem("TLS");
}

static bool key_is(const struct key *a, const struct key *b)
{
    size_t len = bide__buf_len(&a->bytes);

    return len == bide__buf_len(&b->bytes) && memcmp(a->bytes.data, b->bytes.data, len) == 0;
}

/* ---- the contexts of a loop ---- */

static void entry_free(struct shared_contexts *s, struct entry *e)
{
    bide__list_remove(&e->node);
    s->n--;
    bide_release(e->tls);
    key_free(&e->key);
    bide__free(e);
}

static void shared_close(struct loop_closer *closer)
{
    struct shared_contexts *s = container_of(closer, struct shared_contexts, closer);

    while (s->n > 0)
        entry_free(s, container_of(s->all.next, struct entry, node));
    bide__free(s);
}

static struct shared_contexts *shared_of(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &shared_key);
    struct shared_contexts *s = c ? container_of(c, struct shared_contexts, closer) : bide__calloc(1, sizeof *s);

    if (s && !c) {
        s->closer = (struct loop_closer){.key = &shared_key, .close = shared_close};
        bide__list_init(&s->closer.node);
        bide__list_init(&s->all);
        bide__loop_attach(loop, &s->closer);
    }
    return s;
}

static struct entry *find(struct shared_contexts *s, const struct key *key)
{
    for (struct list_node *n = s->all.next; n != &s->all; n = n->next) {
        struct entry *e = container_of(n, struct entry, node);
        if (key_is(&e->key, key))
            return e;
    }
    return NULL;
}

static void make_room(struct shared_contexts *s)
{
    struct list_node *n = s->all.prev, *before;

    for (; n != &s->all && s->n >= ENTRIES_MAX; n = before) {
        struct entry *e = container_of(n, struct entry, node);
        before = n->prev;
        if (e->tls->object.refs == 1)
            entry_free(s, e);
    }
}

/* The key is taken, unless it fails. */
static struct entry *add(struct shared_contexts *s, const struct key *key, const bide_tls_args *args)
{
    struct entry *e = bide__malloc(sizeof *e);
    if (!e) {
        bide__fail_nomem("TLS");
        return NULL;
    }
    e->tls = bide_tls_new_with(args);
    if (!e->tls) {
        bide__free(e);
        return NULL;
    }
    make_room(s);
    e->key = *key;
    bide__list_init(&e->node);
    s->n++;
    return e;
}

bide_tls *bide__tls_shared(const bide_tls_args *args)
{
    struct key key;
    struct shared_contexts *s = bide__loop_here ? shared_of(bide__loop_here) : NULL;
    if (!bide__loop_here)
        return bide_tls_new_with(args);
    if (!s) {
        bide__fail_nomem("TLS");
        return NULL;
    }

    if (key_init(&key, args) < 0)
        return NULL;
    struct entry *found = find(s, &key), *e = found ? found : add(s, &key, args);
    if (found || !e)
        key_free(&key);
    if (!e)
        return NULL;
    bide__list_remove(&e->node);
    bide__list_prepend(&s->all, &e->node);
    return bide_retain(e->tls);
}
