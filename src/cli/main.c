/* SPDX-License-Identifier: MIT */
/*
 * main.c - `bide`: finds the command and runs it.
 *
 * A signal that ended a command is raised again with its default action, so that the shell sees what ended the program:
 * 130 after Ctrl-C, 141 when the reader of a pipe has gone.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <bide/debug.h>

#include "cli/option/config.h"
#include "cli/request/request.h"

/* A descriptor that the caller has closed would be given to the next file or socket, and messages and bodies would go
   there.  Each gets one that cannot do what it is for, so that using it is an error, as it should be. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void die_of(int number)
{
    sigset_t only;

    BIDE_IGNORE(bide_trace_stop()); /* of BIDE_TRACE, if there is one: this is not exit() */
    sigemptyset(&only);
    sigaddset(&only, number);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
}

static int unknown_option(const char *word)
{
    struct nearest n = {.wanted = word};

    nearest_try(&n, "--help");
    nearest_try(&n, "--version");
    if (n.best)
        say("unknown option %s; did you mean %s?", word, n.best);
    else if (strcmp(word, "-i") == 0)
        say("-i belongs to fetch: `bide fetch -i FILE`");
    else
        say("unknown option %s; options follow the command, as `bide help` shows", word);
    return EXIT_USAGE;
}

static int unknown_command(const char *name)
{
    struct nearest n = {.wanted = name};

    for (const struct command *const *c = program.commands; *c; c++)
        nearest_try(&n, (*c)->name);
    if (n.best)
        say("unknown command '%s'; did you mean `bide %s`?", name, n.best);
    else
        say("unknown command '%s'; `bide help` lists them", name);
    return EXIT_USAGE;
}

/* `bide --help` is `bide help`, as everywhere. */
static const char *command_of_option(const char *word)
{
    static const char *const options[][2] = {
        {"--help", "help"}, {"-h", "help"}, {"--version", "version"}, {"-V", "version"}, {NULL, NULL}};

    for (size_t i = 0; options[i][0]; i++)
        if (strcmp(word, options[i][0]) == 0)
            return options[i][1];
    return NULL;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    say_as(c->name);
    return c->main(c, argc, argv);
}

static int run(const char *name, int argc, char **argv)
{
    const struct command *c = command_find(name);

    return c ? run_command(c, argc, argv) : unknown_command(name);
}

/* `bide URL` and `bide -sSL URL`: no command has "://" in its name. */
static int run_bare(int argc, char **argv)
{
    const struct command *c = NULL;
    int code = bare_command(argc, argv, &c);

    return code == OPT_GO ? run_command(c, argc, argv) : code;
}

static bool has_url(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(argv[i], "://"))
            return true;
    return false;
}

/* "example.org", "localhost:8080/a": no command has a dot, a slash or a colon in its name; "./x" is a file. */
static bool lacks_scheme(const char *word)
{
    bool is_name = strchr(word, '.') || strchr(word, '/') || strchr(word, ':') || strcmp(word, "localhost") == 0;

    return is_name && word[0] != '.' && word[0] != '/';
}

static int run_word(int argc, char **argv)
{
    if (argc < 2) {
        help_overview(stderr);
        return EXIT_USAGE;
    }
    const char *option = command_of_option(argv[1]);
    if (option)
        return run(option, argc - 1, argv + 1);
    if (strstr(argv[1], "://") || (argv[1][0] == '-' && has_url(argc, argv)))
        return run_bare(argc, argv);
    const char *operand = argv[1][0] == '-' ? bare_operand(argc, argv) : argv[1];
    if (operand && !command_find(operand) && lacks_scheme(operand))
        return request_check_url(operand); /* it says so */
    return argv[1][0] == '-' ? unknown_option(argv[1]) : run(argv[1], argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    commands_open();
    fill_standard_descriptors();
    descriptors_raise();
    signal(SIGPIPE, SIG_IGN); /* EPIPE reports the same where it happened */
    signal(SIGXFSZ, SIG_IGN); /* and EFBIG, when a file becomes larger than `ulimit -f` allows */
    int code = secrets_hide(argc, argv);
    if (code == EXIT_OK)
        code = run_word(argc, argv);
    secrets_free();
    config_free();
    if (code >= 0) {
        int flushed = say_flush();
        code = flushed != EXIT_OK ? flushed : code;
    }
    if (code < 0)
        die_of(-code);
    return code;
}
