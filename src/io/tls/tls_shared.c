/* SPDX-License-Identifier: MIT */
/*
 * tls_shared.c - contexts that all with the same options share: one for each loop.
 *
 * Making a context costs 200 us, and 400 us more for a file of certificates; and only connections of one context can resume
 * each other's sessions.  The same options are those whose texts and bytes are the same, and whose files are as they were:
 * which file, its size, its times.  What is kept is a hash of all that, so no password stays here.
 *
 *     loop.closers -> shared_contexts -> entry (used last), entry ...
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io/tls/tls_layer.h"

#define ENTRIES_MAX 32 /* of contexts that nobody else uses, the one used longest ago goes */

struct entry {
    struct list_node node; /* the one used last first */
    unsigned char hash[SHA256_DIGEST_LENGTH];
    bide_tls *tls;
};

struct shared_contexts {
    struct loop_closer closer;
    struct list_node all;
    unsigned n;
};

static const char shared_key;

/* ---- the same options ---- */

struct key {
    struct buf bytes;
    bool is_cut; /* out of memory */
};

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
_Static_assert(sizeof(bide_tls_args) == 17 * sizeof(void *), "a new option must be hashed, too");

static int hash_options(const bide_tls_args *a, unsigned char out[SHA256_DIGEST_LENGTH])
{
    struct key key = {.bytes = {.max = SIZE_MAX}};

    add_options(&key, a);
    bool done = !key.is_cut && EVP_Digest(key.bytes.data, bide__buf_len(&key.bytes), out, NULL, EVP_sha256(), NULL) == 1;
    if (key.bytes.data)
        OPENSSL_cleanse(key.bytes.data, key.bytes.cap); /* it has a password */
    bide__buf_free(&key.bytes);
    return done ? 0 : bide__fail_nomem("TLS");
}

/* ---- the contexts of a loop ---- */

static void entry_free(struct shared_contexts *s, struct entry *e)
{
    bide__list_remove(&e->node);
    s->n--;
    bide_release(e->tls);
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

static struct entry *find(struct shared_contexts *s, const unsigned char *hash)
{
    for (struct list_node *n = s->all.next; n != &s->all; n = n->next) {
        struct entry *e = container_of(n, struct entry, node);
        if (memcmp(e->hash, hash, sizeof e->hash) == 0)
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

static struct entry *add(struct shared_contexts *s, const unsigned char *hash, const bide_tls_args *args)
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
    memcpy(e->hash, hash, sizeof e->hash);
    bide__list_init(&e->node);
    s->n++;
    return e;
}

bide_tls *bide__tls_shared(const bide_tls_args *args)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    struct shared_contexts *s = bide__loop_here ? shared_of(bide__loop_here) : NULL;
    if (!bide__loop_here)
        return bide_tls_new_with(args);
    if (!s) {
        bide__fail_nomem("TLS");
        return NULL;
    }

    if (hash_options(args, hash) < 0)
        return NULL;
    struct entry *e = find(s, hash);
    if (!e && !(e = add(s, hash, args)))
        return NULL;
    bide__list_remove(&e->node);
    bide__list_prepend(&s->all, &e->node);
    return bide_retain(e->tls);
}
