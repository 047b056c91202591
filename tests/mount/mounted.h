// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A gen5fs mount for one test: a source folder, a mount point and a daemon in the foreground, of
// which nothing is left afterwards.
//
// The source holds two containers that the reference wrote: CONTAINER, with an image, one latent
// and an environment, and SEVERAL, with three latents.
//
// Environment: GEN5FS is the command, GEN5_TEST_DATA the folder of golden data.
#ifndef GEN5_TEST_MOUNTED_H
#define GEN5_TEST_MOUNTED_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <sys/types.h>

#define CONTAINER "portrait.gen5"
#define SEVERAL "several.gen5"
#define IMAGE CONTAINER "/image.png"
#define LATENT CONTAINER "/latent.npy"
#define METADATA CONTAINER "/metadata.json"
#define ENVIRONMENT CONTAINER "/env.json"
#define SCRATCH CONTAINER "/notes.part"

// The mount of the running test; the folders are for openat(2) and its like.
struct mounted {
    int root;
    int source;
    char root_path[1024];
    char source_path[1024];
    pid_t daemon;
};
extern struct mounted mounted;

// A test in a mount of its own. At its end the daemon must end with status 0, leave nothing
// mounted, and have logged nothing but what the test has said it may: a refusal, a rescue or a
// sanitizer's report fails the test. (That is done in the test: Criterion does not count what a
// teardown finds.)
#define MOUNT_TEST(suite, name)                                                                    \
    static void suite##_##name(void);                                                              \
    Test(suite, name, .init = mounted_begin, .fini = mounted_take_down) {                          \
        suite##_##name();                                                                          \
        mounted_end();                                                                             \
    }                                                                                              \
    static void suite##_##name(void)

void mounted_begin(void);
void mounted_end(void);
void mounted_take_down(void); // what a test that was broken off has left

// Each line of the daemon's log has to contain one of the texts that were named so.
void mounted_expect_in_log(const char *text);

// Unmounts and mounts the source again, with a list for -o (NULL for none).
void mounted_again(const char *options);

// Asks until it is so; the test fails where it never gets so.
void wait_until(bool (*is_so)(const void *argument), const void *argument, const char *what);

// Runs a program to its end and returns its exit status. Its standard output goes to `output_fd`
// (-1: where the test's goes).
int run_program(char *const words[], int output_fd);

#endif
