// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Noting signals.
#include "interruption.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

// Lock-free, so that a handler may set it.
static atomic_int noted;

static void note(int signal) {
    atomic_store(&noted, signal);
}

void interruption_watch(void) {
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            continue;
        }
        // A second one ends the process at once.
        action = (struct sigaction){.sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
        sigaction(signals[i], &action, NULL);
    }
}

bool interruption_came(void) {
    return atomic_load(&noted) != 0;
}

void interruption_finish(void) {
    int came = atomic_load(&noted);
    if (came != 0) {
        signal(came, SIG_DFL);
        raise(came);
    }
}
