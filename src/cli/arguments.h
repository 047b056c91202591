// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The arguments of a sub-command: switches in any place among the operands, "--" before operands
// that begin with a dash, and words that say what was wrong.
#ifndef GEN5FS_CLI_ARGUMENTS_H
#define GEN5FS_CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

// A switch: "-o" and "--options" are the same; either may be missing.
struct argument_switch {
    char letter;      // '\0' where there is none
    const char *name; // without the dashes; NULL where there is none
    bool takes_value; // "-o VALUE", "-oVALUE", "--name VALUE", "--name=VALUE"
};

// What was asked for with one switch or operand.
struct argument {
    const struct argument_switch *given; // NULL for an operand
    const char *text;                    // the operand, or the switch's value, or NULL
};

struct arguments {
    const char *command; // for messages, "mount"
    const struct argument_switch *switches;
    size_t switch_count;
    char **words;        // what is left, ended by NULL
    const char *cluster; // what is left of "-fd"; NULL where there is nothing
    bool only_operands;  // "--" was met
    char **operands;     // of arguments_next_switch, ended by NULL at the end
    size_t operand_count;
};

enum argument_result {
    ARGUMENT_FOUND,
    ARGUMENT_END,
    ARGUMENT_WRONG, // and complained about
};

// `words` are those after the sub-command's name, ended by NULL; they must outlive what was parsed.
void arguments_start(struct arguments *arguments, const char *command,
                     const struct argument_switch *switches, size_t switch_count, char **words);
enum argument_result arguments_next(struct arguments *arguments, struct argument *argument);

// The next switch. Operands are gathered meanwhile, at the front of the words that were given,
// which they take the places of: after ARGUMENT_END they are arguments->operands.
enum argument_result arguments_next_switch(struct arguments *arguments, struct argument *argument);

#endif
