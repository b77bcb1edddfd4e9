/* SPDX-License-Identifier: MIT */
/* ssh2.c - libssh2: a command that waits; ADDRESS is "PORT,USER,FOLDER", where the folder has the user's keys. */
#include <libssh2.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

struct connection {
    LIBSSH2_SESSION *session;
    int fd;
};

static int fail(struct connection *c, const char *what)
{
    char *text = NULL;
    int code = c->session ? libssh2_session_last_error(c->session, &text, NULL, 0) : LIBSSH2_ERROR_ALLOC;

    complain("%s: %d, %s", what, code, text ? text : "no session");
    return -1;
}

static int connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        complain("connecting: %m");
    return fd;
}

static int log_in(struct connection *c)
{
    char user[64], folder[256], public[300], private[300];

    if (sscanf(address, "%*d,%63[^,],%255s", user, folder) != 2)
        return fail(c, "the address");
    snprintf(public, sizeof public, "%s/user.pub", folder);
    snprintf(private, sizeof private, "%s/user", folder);
    if (!c->session || libssh2_session_handshake(c->session, c->fd) < 0)
        return fail(c, "the handshake");
    if (libssh2_userauth_publickey_fromfile(c->session, user, public, private, NULL) < 0)
        return fail(c, "the key");
    return 0;
}

static void close_ssh(void *connection)
{
    struct connection *c = connection;

    if (c->session) {
        libssh2_session_disconnect(c->session, "done");
        libssh2_session_free(c->session);
    }
    close(c->fd);
    free(c);
}

static void *open_ssh(int i)
{
    struct connection *c = malloc(sizeof *c);

    (void)i;
    *c = (struct connection){libssh2_session_init(), connect_to(atoi(address))};
    if (log_in(c) == 0)
        return c;
    close_ssh(c);
    return NULL;
}

/* All that the command writes; -1 after complain(). */
static int run(struct connection *c, LIBSSH2_CHANNEL *channel, const char *command, char *out, size_t cap)
{
    ssize_t n;
    size_t len = 0;

    if (libssh2_channel_exec(channel, command) < 0)
        return fail(c, command);
    while ((n = libssh2_channel_read(channel, out + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    return n < 0 ? fail(c, "reading") : 0;
}

/* Where the connection is gone, so is who waits for its input: no command outlives the test. */
static int ask(void *connection, int i, double seconds)
{
    struct connection *c = connection;
    char command[100], out[100], want[20];
    LIBSSH2_CHANNEL *channel = libssh2_channel_open_session(c->session);
    if (!channel)
        return fail(c, "opening a channel");

    snprintf(command, sizeof command, "bash -c 'read -t %g; echo %d'", seconds, i);
    snprintf(want, sizeof want, "%d\n", i);
    int code = run(c, channel, command, out, sizeof out);
    if (code == 0 && (libssh2_channel_close(channel) < 0 || libssh2_channel_get_exit_status(channel) != 0))
        code = fail(c, "how the command ended");
    if (code == 0 && strcmp(out, want) != 0) {
        complain("got '%s', not %d", out, i);
        code = -1;
    }
    libssh2_channel_free(channel);
    return code;
}

__attribute__((constructor)) static void begin(void)
{
    libssh2_init(0);
}

__attribute__((destructor)) static void end(void)
{
    libssh2_exit();
}

const struct client client = {open_ssh, ask, close_ssh};
