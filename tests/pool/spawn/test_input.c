/* SPDX-License-Identifier: MIT */
/* test_input.c - a worker does not read the program's standard input, unless it shall. */
#include <fcntl.h>

#include "pool_test.h"

#define TEXT "first\nsecond\n"

/* The test's standard input: a file of two lines, so that its offset is shared by every process that has it. */
static void have_input(void)
{
    char path[300];

    snprintf(path, sizeof path, "%s/input", test_tmpdir());
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    EXPECT_EQ(write(fd, TEXT, strlen(TEXT)), strlen(TEXT));
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
}

static off_t input_offset(void)
{
    return lseek(STDIN_FILENO, 0, SEEK_CUR);
}

PROCESS_KINDS(worker_input_is_empty)
{
    have_input();
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);

    EXPECT_EQ(CALL(p, bide_job(job_read_input)), 0);
    EXPECT_EQ(CALL(p, bide_job(job_getchar)), EOF + 1000);
    EXPECT_EQ(input_offset(), 0);
}

/* What stdin has read ahead is in a fork's memory, too. */
PROCESS_KINDS(worker_has_nothing_of_what_stdin_read_ahead)
{
    char line[20];

    have_input();
    EXPECT_TRUE(fgets(line, sizeof line, stdin));
    EXPECT_STR(line, "first\n");
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1);
    EXPECT_EQ(CALL(p, bide_job(job_getchar)), EOF + 1000);
    bide_auto bide_pool *with = OPEN(.kind = kind, .workers = 1, .inherit_stdin = true);
    EXPECT_EQ(CALL(with, bide_job(job_getchar)), EOF + 1000); /* all of it was read */
    EXPECT_TRUE(fgets(line, sizeof line, stdin));
    EXPECT_STR(line, "second\n");
}

PROCESS_KINDS(worker_that_inherits_reads_the_programs_input)
{
    have_input();
    EXPECT_OK(bide_pool_prepare()); /* before: the helper has no input */
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 1, .inherit_stdin = true);

    EXPECT_EQ(CALL(p, bide_job(job_read_input)), strlen(TEXT));
    EXPECT_EQ(input_offset(), strlen(TEXT));
}

/* The standard ones are closed: ours take no place among them, and a worker has an input all the same. */
PROCESS_KINDS(worker_of_a_program_without_standard_descriptors_works)
{
    close(STDIN_FILENO);
    bide_auto bide_pool *p = OPEN(.kind = kind, .workers = 2);
    bide_auto bide_pool *with = OPEN(.kind = kind, .workers = 1, .inherit_stdin = true);

    EXPECT_EQ(CALL(p, bide_job(job_read_input)), 0);
    EXPECT_EQ(CALL(with, bide_job(job_nothing)), 0);
    EXPECT_TRUE(fcntl(STDIN_FILENO, F_GETFD) < 0);
    EXPECT_EQ(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO); /* as the harness wants it */
}
