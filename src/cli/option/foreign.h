/* SPDX-License-Identifier: MIT */
/*
 * foreign.h - between foreign.c and the table of options of other tools.
 */
#ifndef BIDE_CLI_OPTION_FOREIGN_H
#define BIDE_CLI_OPTION_FOREIGN_H

enum how {
    TAKEN, /* it is so anyway */
    SET,   /* the same as ours, if the command has it; else it is so anyway */
    OURS,  /* has another name */
    SAY,   /* ours is no single option: it is written so */
    NONE,  /* there is nothing like it */
};

struct word {
    const char *tool, *name;
    char letter;
    enum how how;
    const char *ours; /* OURS, SET: the name; SAY, NONE: what to say */
};

/* Each ended by a NULL name. */
extern const struct word foreign_words[], foreign_families[];
/* Names of curl's options that ours have, and mean the same; ended by NULL. */
extern const char *const foreign_same[];

#endif
