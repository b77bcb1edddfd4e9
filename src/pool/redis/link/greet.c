/* SPDX-License-Identifier: MIT */
/*
 * greet.c - the first words on a connection to Redis: log in, see what server it is, have the queue there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pool/redis/link/link.h"

#define LOADING_MAX_MS 30000
#define LOADING_STEP_MS 50

/* A command of which only success matters. */
static int say(struct redis_conn *c, const char *const *texts)
{
    redisReply *r = bide__redis_ask(c, texts, REDIS_QUIET_MS);
    if (!r)
        return bide_error_code();
    freeReplyObject(r);
    return 0;
}
#define SAY(c, ...) say((c), (const char *const[]){__VA_ARGS__, NULL})

static int log_in(struct redis_conn *c)
{
    const struct redis_address *a = c->address;
    char db[16];

    if (*a->user)
        BIDE_TRY(SAY(c, "AUTH", a->user, a->password));
    else if (*a->password)
        BIDE_TRY(SAY(c, "AUTH", a->password));
    if (a->db == 0)
        return 0;
    snprintf(db, sizeof db, "%d", a->db);
    return SAY(c, "SELECT", db);
}

/* A line of INFO: what stands behind "name:"; "" if there is none. */
static const char *info_of(const char *info, const char *name, char out[80])
{
    const char *line = strstr(info, name);
    size_t len = line ? strcspn(line += strlen(name), "\r\n") : 0;

    return bide__shown(out, line ? line : "", len);
}

static int check_info(const struct redis_address *a, const char *info)
{
    char version[80], memory[80], policy[80], host[80], port[80];
    int major = 0, minor = 0;

    info_of(info, "\nredis_version:", version);
    if (sscanf(version, "%d.%d", &major, &minor) != 2 || major < 6 || (major == 6 && minor < 2))
        return bide_fail(-EPROTONOSUPPORT, "Redis at %s is version %s: 6.2 or newer is needed (XAUTOCLAIM)", a->shown,
                         version);
    if (strcmp(info_of(info, "\nrole:", policy), "slave") == 0)
        return bide_fail(-EROFS, "Redis at %s is a replica, which only repeats its master: give the URL of that (%s:%s)",
                         a->shown, info_of(info, "\nmaster_host:", host),
                         info_of(info, "\nmaster_port:", port));
    info_of(info, "\nmaxmemory:", memory);
    info_of(info, "\nmaxmemory_policy:", policy);
    if (strtoull(memory, NULL, 10) > 0 && strcmp(policy, "noeviction") != 0)
        return bide_fail(
            -EINVAL, "Redis at %s would throw jobs away when it is full (maxmemory-policy %s): set it to noeviction",
            a->shown, policy);
    return 0;
}

/* 1: it has just been started, and reads what it had; then it knows its version, but answers nothing that we need. */
static int look_at_server(struct redis_conn *c)
{
    redisReply *r = REDIS_ASK(c, REDIS_QUIET_MS, "INFO");
    if (!r)
        return bide_error_code();

    int code = r->type == REDIS_REPLY_STRING ? check_info(c->address, r->str) : bide_fail(-EBADMSG, "INFO: not a text");
    if (code == 0)
        code = strstr(r->str, "\nloading:1") != NULL;
    freeReplyObject(r);
    return code;
}

static int check_server(struct redis_conn *c)
{
    int code;

    for (int ms = 0; (code = look_at_server(c)) == 1; ms += LOADING_STEP_MS) {
        if (ms >= LOADING_MAX_MS)
            return bide_fail(-EAGAIN, "Redis at %s still reads its data from the disk, after %d s", c->address->shown,
                             LOADING_MAX_MS / 1000);
        BIDE_TRY(bide_sleep_ms(LOADING_STEP_MS));
    }
    return code;
}

/* The queue and its group.  First a look: a full Redis refuses to make them, also when they are there. */
static int make_group(struct redis_conn *c)
{
    char key[REDIS_KEY_MAX];
    bide__redis_key(key, c->address, "jobs");
    int code = SAY(c, "XPENDING", key, REDIS_GROUP);
    if (code != -ESRCH)
        return code;
    code = SAY(c, "XGROUP", "CREATE", key, REDIS_GROUP, "0", "MKSTREAM");
    return code == -EEXIST ? 0 : code; /* somebody else was faster */
}

int bide__redis_greet(struct redis_conn *c)
{
    BIDE_TRY(log_in(c));
    BIDE_TRY(check_server(c));
    return make_group(c);
}
