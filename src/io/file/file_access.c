/* SPDX-License-Identifier: MIT */
/*
 * file_access.c - owner, group, access control list and mode of a file that replaces another: never more access than
 * before.
 *
 * All four are copied from the old file, as far as this process may set them.  Where the group or the list cannot be
 * kept, the group's bits would apply to other people than before, so they become those of everybody else.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/file/file_save.h"

#define ACL          "system.posix_acl_access"
#define ACL_MAX_SIZE 65536 /* of any attribute, in Linux */

/* As far as we may.  If not, this process owns the new file, and it has read the content anyway.  Is the group kept? */
static bool keep_owner(const struct save *s)
{
    struct stat own;
    if (fstat(s->fd, &own) < 0)
        return false;

    if (own.st_uid != s->old.st_uid && fchown(s->fd, s->old.st_uid, s->old.st_gid) == 0)
        return true;
    return own.st_gid == s->old.st_gid || fchown(s->fd, (uid_t)-1, s->old.st_gid) == 0;
}

static ssize_t read_acl(const struct save *s, char *acl)
{
    char path[PATH_MAX + 32];

    if (s->dir == AT_FDCWD)
        return lgetxattr(s->name, ACL, acl, ACL_MAX_SIZE);
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", s->dir, s->name);
    return lgetxattr(path, ACL, acl, ACL_MAX_SIZE);
}

/* The old file's list, or none: the new file may have inherited one from its directory. */
static bool keep_acl(const struct save *s)
{
    char *acl = bide__malloc(ACL_MAX_SIZE);
    if (!acl)
        return false;

    ssize_t len = read_acl(s, acl);
    bool has_none = len < 0 && (errno == ENODATA || errno == EOPNOTSUPP);
    bool kept = has_none || (len >= 0 && fsetxattr(s->fd, ACL, acl, (size_t)len, 0) == 0);

    bide__free(acl);
    if (has_none && fremovexattr(s->fd, ACL) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
        return false;
    return kept;
}

int bide__save_keep_access(const struct save *s)
{
    mode_t mode = s->is_secret ? 0600 : s->old.st_mode & 0777; /* which is the mask of a list that is kept */
    bool kept = keep_owner(s);

    kept = keep_acl(s) && kept;
    if (!kept)
        mode = (mode & 0707) | (mode & 07) << 3;
    return fchmod(s->fd, mode) < 0 ? -errno : 0;
}
