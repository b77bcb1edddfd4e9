/* SPDX-License-Identifier: MIT */
/*
 * process.c - `bide doctor --pid`: the executable of a process, LD_PRELOAD and LD_LIBRARY_PATH, and the libraries it has loaded.
 */
#include "cli/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)16 << 20) /* bytes of /proc/PID/environ or maps */

/* All of a file in /proc, whose size is not known before; NULL after a message. */
static char *read_text(int pid, const char *name, size_t *len)
{
    char path[64], *text = malloc(TEXT_MAX + 1);

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? -1 : 0;
    for (*len = 0; n >= 0 && *len < TEXT_MAX; *len += (size_t)n) {
        n = read(fd, text + *len, TEXT_MAX - *len);
        if (n == 0)
            break;
    }
    if (n < 0) {
        say("process %d: %s: %s", pid, path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (fd >= 0)
        close(fd);
    if (text)
        text[*len] = '\0';
    return text;
}

static bool add_word(char ***words, size_t *n, const char *word, size_t len)
{
    char **more = *n < OBJECTS_MAX ? realloc(*words, (*n + 1) * sizeof *more) : NULL;
    if (!more)
        return false;

    *words = more;
    more[*n] = strndup(word, len);
    *n += more[*n] != NULL;
    return true;
}

static void read_environment(struct process *p, const char *text, size_t len)
{
    static const char preload[] = "LD_PRELOAD=", path[] = "LD_LIBRARY_PATH=";

    for (const char *at = text; at < text + len; at += strlen(at) + 1)
        if (strncmp(at, path, sizeof path - 1) == 0 && !p->library_path) {
            p->library_path = strdup(at + sizeof path - 1);
        } else if (strncmp(at, preload, sizeof preload - 1) == 0) {
            for (const char *word = at + sizeof preload - 1; *word;) {
                size_t n = strcspn(word, " :");
                if (n > 0)
                    add_word(&p->preload, &p->preload_count, word, n);
                word += n + strspn(word + n, " :");
            }
        }
}

/* "7f..-7f.. r-xp 00000000 fe:00 1234    /usr/lib/libz.so.1": code, of a file that is still there. */
static void read_mapping(struct process *p, char *line)
{
    char *path = strchr(line, '/'), *rights = strchr(line, ' ');
    bool is_code = rights && strncmp(rights, " r-x", 4) == 0;

    if (is_code && path && access(path, R_OK) == 0 && strstr(path, ".so"))
        add_word(&p->mapped, &p->mapped_count, path, strlen(path));
}

static void read_mappings(struct process *p, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        read_mapping(p, line);
}

/* By its path, which $ORIGIN needs; if the file is gone, by the kernel's link. */
static int read_exe(struct process *p, int pid)
{
    char link[64], path[PATH_BYTES];
    int len = snprintf(link, sizeof link, "/proc/%d/exe", pid);
    ssize_t n = readlink(link, path, sizeof path - 1);

    path[n > 0 ? n : 0] = '\0';
    p->exe = n > 0 && access(path, R_OK) == 0 ? strdup(path) : strndup(link, (size_t)len);
    return p->exe ? EXIT_OK : say_no_memory();
}

int process_read(struct process *p, int pid)
{
    size_t len = 0;
    char *environment = read_text(pid, "environ", &len);
    if (!environment)
        return EXIT_LOCAL;
    read_environment(p, environment, len);
    free(environment);

    char *mappings = read_text(pid, "maps", &len);
    if (!mappings)
        return EXIT_LOCAL;
    read_mappings(p, mappings);
    free(mappings);
    return read_exe(p, pid);
}

static void free_words(char **words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

void process_free(struct process *p)
{
    free(p->exe);
    free(p->library_path);
    free_words(p->preload, p->preload_count);
    free_words(p->mapped, p->mapped_count);
}
