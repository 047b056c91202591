// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The arguments of a sub-command. getopt_long is not used: its messages neither have this command's
// form nor name the closest right switch.
#include "arguments.h"

#include <stdio.h>
#include <string.h>

#include "closest.h"
#include "complaint.h"

enum { SWITCHES_MAX = 16 };

void arguments_start(struct arguments *arguments, const char *command,
                     const struct argument_switch *switches, size_t switch_count, char **words) {
    *arguments = (struct arguments){
        .command = command,
        .switches = switches,
        .switch_count = switch_count,
        .words = words,
        .operands = words,
    };
}

static enum argument_result complain_unknown(const struct arguments *arguments, const char *given) {
    const char *names[SWITCHES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < arguments->switch_count && count < SWITCHES_MAX; i++) {
        if (arguments->switches[i].name != NULL) {
            names[count++] = arguments->switches[i].name;
        }
    }
    const char *closest = closest_word(given + strspn(given, "-"), names, count);
    if (closest != NULL) {
        complain(arguments->command, "there is no switch %s; did you mean --%s?", given, closest);
    } else {
        complain(arguments->command, "there is no switch %s; see gen5fs %s --help", given,
                 arguments->command);
    }
    return ARGUMENT_WRONG;
}

// The value of a switch is what follows it in the same word, or the next word.
static enum argument_result take_value(struct arguments *arguments, const char *shown,
                                       const char *rest, struct argument *argument) {
    if (rest != NULL) {
        argument->text = rest;
    } else if (*arguments->words != NULL) {
        argument->text = *arguments->words++;
    } else {
        complain(arguments->command, "%s needs a value; see gen5fs %s --help", shown,
                 arguments->command);
        return ARGUMENT_WRONG;
    }
    return ARGUMENT_FOUND;
}

static enum argument_result next_letter(struct arguments *arguments, struct argument *argument) {
    char letter = *arguments->cluster;
    const char *rest = arguments->cluster[1] != '\0' ? arguments->cluster + 1 : NULL;
    const char shown[] = {'-', letter, '\0'};
    for (size_t i = 0; i < arguments->switch_count; i++) {
        const struct argument_switch *candidate = &arguments->switches[i];
        if (candidate->letter == letter) {
            argument->given = candidate;
            arguments->cluster = candidate->takes_value ? NULL : rest;
            return candidate->takes_value ? take_value(arguments, shown, rest, argument)
                                          : ARGUMENT_FOUND;
        }
    }
    return complain_unknown(arguments, shown);
}

// `word` begins with two dashes.
static enum argument_result long_switch(struct arguments *arguments, const char *word,
                                        struct argument *argument) {
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    for (size_t i = 0; i < arguments->switch_count; i++) {
        const struct argument_switch *candidate = &arguments->switches[i];
        if (candidate->name == NULL || strlen(candidate->name) != length ||
            memcmp(candidate->name, name, length) != 0) {
            continue;
        }
        argument->given = candidate;
        if (candidate->takes_value) {
            return take_value(arguments, word, value, argument);
        }
        if (value != NULL) {
            complain(arguments->command, "--%s takes no value", candidate->name);
            return ARGUMENT_WRONG;
        }
        return ARGUMENT_FOUND;
    }
    return complain_unknown(arguments, word);
}

enum argument_result arguments_next(struct arguments *arguments, struct argument *argument) {
    *argument = (struct argument){0};
    if (arguments->cluster != NULL) {
        return next_letter(arguments, argument);
    }
    const char *word = *arguments->words;
    if (word == NULL) {
        return ARGUMENT_END;
    }
    arguments->words++;
    if (!arguments->only_operands && strcmp(word, "--") == 0) {
        arguments->only_operands = true;
        return arguments_next(arguments, argument);
    }
    // A lone dash is an operand.
    if (arguments->only_operands || word[0] != '-' || word[1] == '\0') {
        argument->text = word;
        return ARGUMENT_FOUND;
    }
    if (word[1] == '-') {
        return long_switch(arguments, word, argument);
    }
    arguments->cluster = word + 1;
    return next_letter(arguments, argument);
}

enum argument_result arguments_next_switch(struct arguments *arguments, struct argument *argument) {
    for (;;) {
        enum argument_result result = arguments_next(arguments, argument);
        if (result == ARGUMENT_FOUND && argument->given == NULL) {
            // It is the word that was taken last, at its own place or behind it.
            arguments->operands[arguments->operand_count++] = arguments->words[-1];
            continue;
        }
        if (result == ARGUMENT_END) {
            arguments->operands[arguments->operand_count] = NULL;
        }
        return result;
    }
}
