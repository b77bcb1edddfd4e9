/* SPDX-License-Identifier: MIT */
/* 15_subprocesses.c - run other programs: their output, their pipes, their end. */
#include <bide/bide.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole output of a program, as subprocess.run gives it. */
static int count_words(const char *text)
{
    bide_auto bide_process *p = BIDE_TRY_PTR(
        bide_process_run(BIDE_ARGS("wc", "-w"), .input = {text, strlen(text)}, .check = true));

    printf("%s has words: %d\n", text, atoi(bide_process_output(p).data));
    return 0;
}

/* A conversation: a line there, a line back. */
static int converse(void)
{
    const char *line;
    bide_auto bide_process *p = BIDE_TRY_PTR(
        bide_process_spawn(BIDE_ARGS("sed", "-u", "s/ping/pong/"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE));

    for (int i = 1; i <= 2; i++) {
        char question[32];
        int len = snprintf(question, sizeof question, "ping %d\n", i);
        BIDE_TRY(bide_write(bide_process_stdin(p), question, (size_t)len));
        BIDE_TRY(bide_drain(bide_process_stdin(p)));
        BIDE_TRY(bide_read_until(bide_process_stdout(p), "\n", &line));
        printf("%s", line);
    }
    BIDE_TRY(bide_stream_shutdown(bide_process_stdin(p))); /* the end of its input */
    return bide_process_wait(p);
}

/* What takes too long is ended, with all that it has started. */
static int lose_patience(void)
{
    bide_auto bide_process *p = BIDE_TRY_PTR(bide_process_spawn(NULL, .shell = "sleep 100 | cat", .timeout_ms = 50));

    if (bide_process_wait(p) == BIDE_ETIMEDOUT)
        printf("ended by %s\n", strsignal(bide_process_exit_signal(p)));
    return 0;
}

/* Whatever comes first: the end of the program, or half a second. */
static int choose(void)
{
    bide_auto bide_process *p = BIDE_TRY_PTR(bide_process_spawn(NULL, .shell = "exit 3"));
    int first = BIDE_TRY(bide_select(NULL, bide_process_awaitable(p), bide_sleep_awaitable(500)));

    printf("%s, exit status %d\n", first == 0 ? "it ended" : "it runs", bide_process_exit_code(p));
    return 0;
} /* here p would be ended, if it still ran */

static int app(void)
{
    BIDE_TRY(count_words("a b c"));
    BIDE_TRY(converse());
    BIDE_TRY(lose_patience());
    BIDE_TRY(choose());
    if (!bide_process_spawn(BIDE_ARGS("no-such-program")))
        printf("%s\n", bide_error_text());
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
