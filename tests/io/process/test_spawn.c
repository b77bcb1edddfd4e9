/* SPDX-License-Identifier: MIT */
/* What a process is started with, and how a start fails. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "process.h"

#define SH(text) NULL, .shell = (text)

static const char *output(bide_process *p)
{
    EXPECT_NOT_NULL(p);
    return bide_process_output(p).data;
}

TEST(spawn_arguments_arrive_as_they_are, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("printf", "[%s]", "a b", "", "$HOME;*"));

    EXPECT_STR(output(p), "[a b][][$HOME;*]");
    EXPECT_EQ(bide_process_exit_code(p), 0);
    EXPECT_EQ(bide_process_exit_signal(p), 0);
    EXPECT_TRUE(bide_process_pid(p) > 0);
}

TEST(spawn_a_shell_line_goes_through_the_shell, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(SH("echo b a | tr ' ' '\\n' | sort"));
    EXPECT_STR(output(p), "a\nb\n");
}

TEST(spawn_program_runs_another_file_than_its_name, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("me", "-c", "echo $0"), .program = "sh");
    EXPECT_STR(output(p), "me\n");
}

/* 230 */
TEST(spawn_a_missing_program_is_an_error_at_once_and_leaves_nothing, .real_time = true)
{
    bide_auto bide_process *first = bide_process_run(BIDE_ARGS("true")); /* what is made once is made now */
    int before = open_fds();

    EXPECT_NULL(bide_process_spawn(BIDE_ARGS("no-such-program"), .stdout_to = BIDE_PIPE));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_STR(bide_error_text(), "spawn no-such-program: No such file or directory");
    EXPECT_NULL(bide_process_spawn(BIDE_ARGS("/"), .stdin_from = BIDE_PIPE));
    EXPECT_EQ(bide_error_code(), -EACCES);
    EXPECT_CONTAINS(bide_error_text(), "spawn /: ");

    EXPECT_EQ(open_fds(), before);
    EXPECT_TRUE(has_no_child());
}

TEST(spawn_a_file_that_may_not_be_run_is_said_only_if_no_other_is_found, .real_time = true)
{
    char path[256], file[256];
    snprintf(path, sizeof path, "%s:/no/such:/usr/bin:/bin", test_tmpdir());
    snprintf(file, sizeof file, "%s/true", test_tmpdir());
    EXPECT_EQ(bide_file_write_all(file, "", 0), 0);
    EXPECT_EQ(chmod(file, 0644), 0);

    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("true"), .env = BIDE_PAIRS({"PATH", path}));
    EXPECT_NOT_NULL(p);
    EXPECT_NULL(bide_process_run(BIDE_ARGS("true"), .env = BIDE_PAIRS({"PATH", test_tmpdir()})));
    EXPECT_EQ(bide_error_code(), -EACCES);
    EXPECT_NULL(bide_process_run(BIDE_ARGS("true"), .env = BIDE_PAIRS({"PATH", "/no/such"})));
    EXPECT_EQ(bide_error_code(), -ENOENT);
}

TEST(spawn_a_path_longer_than_any_is_not_found_there, .real_time = true)
{
    static char path[20000];
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';

    EXPECT_NULL(bide_process_run(BIDE_ARGS("true"), .env = BIDE_PAIRS({"PATH", path})));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_NULL(bide_process_run(BIDE_ARGS(path)));
    EXPECT_EQ(bide_error_code(), -ENAMETOOLONG);
}

TEST(spawn_environment_is_ours_with_changes_or_a_new_one, .real_time = true)
{
    setenv("BIDE_TEST_ONE", "1", 1);
    setenv("BIDE_TEST_TWO", "2", 1);
    bide_auto bide_process *p = bide_process_run(SH("echo $BIDE_TEST_ONE,${BIDE_TEST_TWO-none},$BIDE_TEST_THREE"),
                                                 .env = BIDE_PAIRS({"BIDE_TEST_TWO", NULL}, {"BIDE_TEST_THREE", "x=y"}));
    EXPECT_STR(output(p), "1,none,x=y\n");

    bide_auto bide_process *q = bide_process_run(BIDE_ARGS("/usr/bin/env"), .env = BIDE_PAIRS({"A", "b"}), .clear_env = true);
    EXPECT_STR(output(q), "A=b\n");
    EXPECT_NULL(bide_process_run(BIDE_ARGS("true"), .env = BIDE_PAIRS({"A=b", "c"})));
    EXPECT_EQ(bide_error_code(), -EINVAL);
}

TEST(spawn_directory_is_where_it_runs, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("pwd", "-P"), .directory = "/usr");
    EXPECT_STR(output(p), "/usr\n");

    EXPECT_NULL(bide_process_run(BIDE_ARGS("pwd"), .directory = "/no/such"));
    EXPECT_EQ(bide_error_code(), -ENOENT);
    EXPECT_STR(bide_error_text(), "spawn pwd: directory /no/such: No such file or directory");
}

TEST(spawn_redirections_to_files_append_and_null, .real_time = true)
{
    char path[256];
    size_t len;
    snprintf(path, sizeof path, "%s/out", test_tmpdir());

    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("echo", "one"), .stdout_to = BIDE_PATH(path));
    EXPECT_EQ(bide_process_wait(p), 0);
    bide_auto bide_process *q = bide_process_spawn(SH("echo two; echo three >&2"), .stdout_to = BIDE_APPEND(path), .stderr_to = BIDE_STDOUT);
    EXPECT_EQ(bide_process_wait(q), 0);
    char *text = bide_file_read_all(path, 0, &len);
    EXPECT_STR(text, "one\ntwo\nthree\n");
    free(text);

    bide_auto bide_process *r = bide_process_run(BIDE_ARGS("cat"), .stdin_from = BIDE_PATH(path));
    EXPECT_STR(output(r), "one\ntwo\nthree\n");
    bide_auto bide_process *n = bide_process_run(BIDE_ARGS("cat"), .stdin_from = BIDE_NULL);
    EXPECT_STR(output(n), "");
    EXPECT_NULL(bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_PATH("/no/such/file")));
    EXPECT_STR(bide_error_text(), "spawn cat: its standard input, /no/such/file: No such file or directory");
}

/* The pipe stands at 3, and what goes to 3 at 4: neither may get lost under the other. */
TEST(spawn_passes_descriptors_under_numbers_that_cross, .real_time = true)
{
    int a[2], b[2];
    char text[8] = "";
    EXPECT_TRUE(pipe(a) == 0 && pipe(b) == 0);

    bide_auto bide_process *p =
        bide_process_spawn(SH("echo A >&\"$ONE\"; echo B >&\"$TWO\""), .env = BIDE_PAIRS({"ONE", b[1] < 9 ? "7" : "8"}, {"TWO", "9"}),
                           .fds = (bide_passed_fd[]){{a[1], b[1] < 9 ? 7 : 8}, {b[1], 9}}, .fds_len = 2);
    EXPECT_EQ(bide_process_wait(p), 0);
    EXPECT_EQ(read(a[0], text, sizeof text), 2);
    EXPECT_STR(text, "A\n");
    EXPECT_EQ(read(b[0], text, sizeof text), 2);
    EXPECT_STR(text, "B\n");

    /* each under the number of the other */
    bide_auto bide_process *q = bide_process_spawn(BIDE_ARGS("sh", "-c", "echo A >&$0; echo B >&$1", "0", "0"), .program = "true",
                                                   .fds = (bide_passed_fd[]){{a[1], b[1]}, {b[1], a[1]}}, .fds_len = 2);
    EXPECT_EQ(bide_process_wait(q), 0);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

/* 227: also those that the program has without O_CLOEXEC. */
TEST(spawn_passes_no_other_descriptor_on, .real_time = true)
{
    int pair[2];
    EXPECT_EQ(pipe(pair), 0);

    bide_auto bide_process *other = bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE);
    EXPECT_NOT_NULL(other);
    bide_auto bide_process *p = bide_process_run(SH("ls /proc/self/fd | wc -l")); /* 0, 1, 2, and that of the folder */
    EXPECT_STR(output(p), "4\n");
    close(pair[0]);
    close(pair[1]);
}

static void ignore(int signal)
{
    (void)signal;
}

TEST(spawn_signal_mask_and_handlers_are_reset, .real_time = true)
{
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, NULL);
    signal(SIGUSR2, ignore);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);

    bide_auto bide_process *p = bide_process_run(BIDE_ARGS("cat", "/proc/self/status"));
    EXPECT_CONTAINS(output(p), "SigBlk:\t0000000000000000");
    const char *ignored = strstr(output(p), "SigIgn:");
    EXPECT_NOT_NULL(ignored);
    unsigned long long bits = strtoull(ignored + strlen("SigIgn:"), NULL, 16); /* whoever began the tests may ignore more */
    EXPECT_EQ(bits >> (SIGHUP - 1) & 1, 1); /* as under nohup */
    EXPECT_EQ(bits >> (SIGPIPE - 1) & 1, 0);
    EXPECT_EQ(bits >> (SIGUSR2 - 1) & 1, 0);
    EXPECT_CONTAINS(output(p), "SigCgt:\t0000000000000000");
    sigprocmask(SIG_UNBLOCK, &some, NULL);
    signal(SIGHUP, SIG_DFL);
}

TEST(spawn_umask_is_the_process_s_own, .real_time = true)
{
    mode_t ours = umask(022);
    bide_auto bide_process *p = bide_process_run(SH("umask"), .umask = 077);
    bide_auto bide_process *q = bide_process_run(SH("umask"), .umask = BIDE_NONE);
    bide_auto bide_process *r = bide_process_run(SH("umask"));

    EXPECT_STR(output(p), "0077\n");
    EXPECT_STR(output(q), "0000\n");
    EXPECT_STR(output(r), "0022\n");
    EXPECT_EQ(umask(ours), 022);
}

TEST(spawn_as_another_user_drops_the_groups_or_is_refused, .real_time = true)
{
    bide_auto bide_process *p = bide_process_run(SH("id -u; id -G"), .uid = 65534, .gid = 65534);

    if (geteuid() == 0) {
        EXPECT_STR(output(p), "65534\n65534\n");
        return;
    }
    EXPECT_NULL(p);
    EXPECT_EQ(bide_error_code(), -EPERM);
    EXPECT_CONTAINS(bide_error_text(), "as user 65534");
}

TEST(spawn_groups_and_sessions_are_as_asked_for, .real_time = true)
{
    const char *line = "set -- $(cat /proc/self/stat); echo $(( $4 == $5 )) $(( $4 == $6 ))"; /* the shell's own group, and session */
    char expected[16];

    bide_auto bide_process *own = bide_process_run(SH(line), .group = BIDE_PROCESS_GROUP_OWN);
    bide_auto bide_process *session = bide_process_run(SH(line), .new_session = true);
    bide_auto bide_process *ours = bide_process_run(SH("set -- $(cat /proc/self/stat); echo $5"), .group = BIDE_PROCESS_GROUP_SHARED);
    EXPECT_STR(output(own), "1 0\n");
    EXPECT_STR(output(session), "1 1\n");
    snprintf(expected, sizeof expected, "%d\n", (int)getpgrp());
    EXPECT_STR(output(ours), expected);
}

TEST(spawn_without_a_descriptor_waits_for_one_and_then_fails)
{
    struct rlimit few, before;
    bide_auto bide_process *first = bide_process_run(BIDE_ARGS("true"));
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)open_fds();
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);

    EXPECT_NULL(bide_process_spawn(BIDE_ARGS("true"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE, .stderr_to = BIDE_PIPE));
    EXPECT_EQ(bide_error_code(), -EMFILE);
    EXPECT_CONTAINS(bide_error_text(), "spawn true: ");
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(has_no_child());
}

TEST(spawn_bad_options_are_refused_with_a_sentence)
{
    const struct {
        bide_process_args args;
        const char *text;
    } bad[] = {
        {{.size = sizeof(bide_process_args)}, "there is no program"},
        {{.size = sizeof(bide_process_args), .args = (const char *const[]){NULL}}, "there is no program"},
        {{.size = sizeof(bide_process_args), .args = BIDE_ARGS("")}, "the name of the program is empty"},
        {{.size = sizeof(bide_process_args), .args = BIDE_ARGS("a"), .program = ""}, ".program is empty"},
        {{.size = sizeof(bide_process_args), .shell = "a", .program = "b"}, ".shell, and another program"},
        {{.size = sizeof(bide_process_args), .shell = "a", .umask = 01000}, "umask"},
        {{.size = sizeof(bide_process_args), .shell = "a", .timeout_ms = -1}, "timeout_ms"},
        {{.size = sizeof(bide_process_args), .shell = "a", .grace_ms = BIDE_FOREVER}, "grace_ms"},
        {{.size = sizeof(bide_process_args), .shell = "a", .fds_len = 1}, "fds is NULL"},
        {{.size = sizeof(bide_process_args), .shell = "a", .fds_len = 1, .fds = (bide_passed_fd[]){{0, -1}}}, "fds: 0 as -1"},
        {{.size = sizeof(bide_process_args), .shell = "a", .stdout_to.kind = BIDE_REDIRECT_STDOUT}, "BIDE_STDOUT is for stderr_to"},
        {{.size = sizeof(bide_process_args), .shell = "a", .stdin_from.kind = BIDE_REDIRECT_PATH}, "stdin_from leads nowhere"},
        {{.size = sizeof(bide_process_args), .shell = "a", .stderr_to = {BIDE_REDIRECT_FD, -1, NULL}}, "stderr_to leads nowhere"},
        {{.size = sizeof(bide_process_args), .shell = "a", .group = (enum bide_process_group)9}, "group 9"},
        {{.size = sizeof(bide_process_args), .shell = "a", .input = {"a", 1}}, ".input is for bide_process_run"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_NULL(bide_process_spawn_with(&bad[i].args));
        EXPECT_EQ(bide_error_code(), -EINVAL);
        EXPECT_CONTAINS(bide_error_text(), bad[i].text);
        EXPECT_CONTAINS(bide_error_text(), "bide_process_spawn");
    }
    EXPECT_NULL(bide_process_spawn(BIDE_ARGS("cat"), .stdin_from = BIDE_FD(9999)));
    EXPECT_EQ(bide_error_code(), -EBADF);
}

static int spawn_true(void)
{
    bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("true"));
    return p ? 0 : bide_error_code();
}

TEST(spawn_cancelled_before_it_begins_starts_nothing)
{
    bide_auto bide_task *t = bide_create_task(bide_coro(spawn_true));
    BIDE_IGNORE(bide_sleep_ms(0));
    bide_auto bide_task *u = bide_create_task(bide_coro(spawn_true));
    bide_task_cancel(u);
    EXPECT_ERR(bide_await(u), BIDE_ECANCELED);
    BIDE_IGNORE(bide_await(t));
    EXPECT_TRUE(has_no_child());
}
