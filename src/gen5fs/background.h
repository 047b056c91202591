// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Going to the background: the process that was started waits until the mount is live, or has
// failed, and hands its outcome to the shell.
#ifndef GEN5FS_BACKGROUND_H
#define GEN5FS_BACKGROUND_H

#include <stdbool.h>

// Fork. In the child: true; it goes on with standard error still the terminal's. In the parent:
// false, once the child is live or gone; *status is then what to exit with (`failure` where the
// child could not say). Before any thread is started.
bool background_fork(int *live_fd, int failure, int *status);

// In the child: leave the terminal, log to syslog, and let the parent go.
void background_live(int live_fd);

#endif
