/* SPDX-License-Identifier: MIT */
/*
 * ps.c - look and show, once or at each interval.
 *
 * On a terminal --watch redraws the screen, and q quits; elsewhere one look is printed after the other.  While the terminal is in raw mode,
 * signals that end or stop us are blocked except while a key is waited for, and the terminal is restored before one of them takes effect.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/ps/ps.h"

#define CONTROL_KEY(letter) ((letter) - 'a' + 1)

/* ---- once ---- */

/* Workers that end meanwhile are left out; the process that was named must be there. */
static int look_at_all(struct targets *ts, const struct ps_options *o)
{
    int code = o->no_workers || o->core ? EXIT_OK : targets_find_workers(ts);

    for (size_t i = 0; i < ts->n && code == EXIT_OK; i++) {
        code = target_look(ts->all[i], o->stacks);
        if (code != EXIT_OK && i > 0) {
            ts->all[i]->picture.nloops = 0;
            code = EXIT_OK;
        }
    }
    return code;
}

static void show(struct targets *ts, const struct ps_options *o, struct text *to)
{
    if (o->json) {
        show_json(ts, o->stacks, to);
        return;
    }
    for (size_t i = 0; i < ts->n; i++) {
        struct target *t = ts->all[i];
        if (i > 0 && t->picture.nloops == 0)
            continue;
        text_add_string(to, i > 0 ? "\n" : "");
        show_heading(t, to);
        if (o->tree)
            show_tree(t, to);
        else if (!o->stacks)
            show_table(t, to);
        if (o->stacks)
            show_stacks(t, to);
    }
}

static int print(const struct text *t)
{
    if (t->no_memory)
        return say_no_memory();
    fwrite(text_string(t), 1, t->len, stdout);
    return say_flush();
}

/* ---- --watch ---- */

struct screen {
    bool is_there; /* standard input and output are a terminal */
    struct termios before;
    sigset_t signals; /* blocked before */
};

static volatile sig_atomic_t came; /* the signal */

static void note_signal(int signum)
{
    came = signum;
}

static const int noted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define NOTED (sizeof noted / sizeof noted[0])

static void set_raw(const struct screen *s)
{
    struct termios raw = s->before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* ISIG stays: Ctrl-C still sends SIGINT */
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* Those that we were started to ignore stay so. */
static void screen_open(struct screen *s)
{
    sigset_t ours;

    s->is_there = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &s->before) == 0;
    if (!s->is_there)
        return;
    sigemptyset(&ours);
    for (size_t i = 0; i < NOTED; i++) {
        struct sigaction before, action = {.sa_handler = note_signal};
        if (sigaction(noted[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL && sigaction(noted[i], &action, NULL) == 0)
            sigaddset(&ours, noted[i]);
    }
    sigprocmask(SIG_BLOCK, &ours, &s->signals);
    set_raw(s);
}

static void screen_close(const struct screen *s)
{
    if (!s->is_there)
        return;
    tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
    for (size_t i = 0; i < NOTED; i++) {
        struct sigaction now;
        if (sigaction(noted[i], NULL, &now) == 0 && now.sa_handler == note_signal)
            signal(noted[i], SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &s->signals, NULL);
}

/* Do with the terminal as it was what the signal would have done; of those that stop us (Ctrl-Z) we come back. */
static void obey(struct screen *s)
{
    int signum = came;

    came = 0;
    screen_close(s);
    raise(signum);
    screen_open(s);
}

/* As many lines as the screen has, each cut at its width, drawn over what was there. */
static void fit(const struct text *all, struct text *to)
{
    struct winsize size = {0};
    const char *at = text_string(all);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};

    text_add_string(to, "\033[H");
    for (unsigned row = 0; row + 1 < size.ws_row && *at; row++) {
        size_t len = strcspn(at, "\n"), shown = len;
        while (shown > 0 && text_columns(at, shown) > size.ws_col)
            shown--;
        while (shown > 0 && shown < len && ((unsigned char)at[shown] & 0xc0) == 0x80)
            shown--;
        text_add(to, at, shown);
        text_add_string(to, "\033[K\n");
        at += len + (at[len] == '\n');
    }
    text_add_string(to, "\033[J");
}

/* Wait for the next look.  True: the user quits. */
static bool wait_for_key(struct screen *s, int64_t ms)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    char key;

    int n = ppoll(&p, s->is_there ? 1 : 0, &time, s->is_there ? &s->signals : NULL);
    if (n < 0 && came != 0)
        obey(s);
    if (n <= 0)
        return false;
    return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' || key == CONTROL_KEY('q') || key == CONTROL_KEY('d');
}

static int watch(struct targets *ts, const struct ps_options *o)
{
    struct screen screen;
    struct text text = {0}, fitted = {0};
    int code;

    screen_open(&screen);
    do {
        code = look_at_all(ts, o);
        if (code != EXIT_OK)
            break;
        text_clear(&text);
        text_clear(&fitted);
        show(ts, o, &text);
        if (screen.is_there)
            fit(&text, &fitted);
        else if (!o->json)
            text_add_char(&text, '\n');
        fitted.no_memory |= text.no_memory;
        code = print(screen.is_there ? &fitted : &text);
    } while (code == EXIT_OK && !wait_for_key(&screen, o->interval_ms));
    screen_close(&screen);
    text_free(&text);
    text_free(&fitted);
    return code;
}

static int once(struct targets *ts, const struct ps_options *o)
{
    struct text text = {0};
    int code = look_at_all(ts, o);

    if (code == EXIT_OK) {
        show(ts, o, &text);
        code = print(&text);
    }
    text_free(&text);
    return code;
}

int ps_run(const struct ps_options *o, const char *operand)
{
    struct targets ts = {.n = 0};
    int pid = o->core ? 0 : target_read_pid(operand), code = EXIT_OK;
    if (pid == 0 && !o->core) {
        say("'%s' is not a process ID: expected a number, as in: bide ps 1234", operand);
        return EXIT_USAGE;
    }
    ts.all = malloc(sizeof *ts.all);
    struct target *first = malloc(sizeof *first);
    if (!ts.all || !first) {
        free(first);
        free(ts.all);
        return say_no_memory();
    }

    code = o->core ? target_open_core(first, o->core, operand) : target_open(first, pid, false);
    if (code == EXIT_OK)
        ts.all[ts.n++] = first;
    else
        free(first);
    if (code == EXIT_OK)
        code = o->watch && !o->core ? watch(&ts, o) : once(&ts, o);
    targets_free(&ts);
    return code;
}
