/* SPDX-License-Identifier: MIT */
/*
 * ps.c - look and show, once or at each interval.
 *
 * On a terminal the screen is drawn anew, and q ends it; elsewhere one look is printed after the other.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/ps/ps.h"

/* ---- once ---- */

/* Workers that end while we look are left out; the process that was asked for must be there. */
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

/* ---- again and again ---- */

struct screen {
    bool is_there; /* both a keyboard and a terminal to draw on */
    struct termios before;
};

static void screen_open(struct screen *s)
{
    struct termios raw;

    s->is_there = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &s->before) == 0;
    if (!s->is_there)
        return;
    raw = s->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C is still one */
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void screen_close(const struct screen *s)
{
    if (s->is_there)
        tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
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

/* Until the next look.  True: it is to end. */
static bool wait_for_key(const struct screen *s, int64_t ms)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char key;

    if (poll(&p, s->is_there ? 1 : 0, (int)ms) <= 0)
        return false;
    return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' || key == 'q' - 'a' + 1 || key == 4;
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
        say("'%s' is no process: expected its number, as in: bide ps 1234", operand);
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
