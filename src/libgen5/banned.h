// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Functions that write or parse without a bound or an error. The build includes this file before
// every source file of the project, so that using one of them does not compile. Their declarations
// have to be read first: a poisoned name may not even be declared.
#ifndef GEN5_BANNED_H
#define GEN5_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

// Macros in some builds.
#undef sprintf
#undef vsprintf

// No bound on what is written.
#pragma GCC poison strcpy stpcpy strcat sprintf vsprintf gets wcscpy wcscat
// strncpy leaves out the NUL or fills the rest with it, strncat's bound is not the buffer's size.
#pragma GCC poison strncpy strncat
// State that threads share.
#pragma GCC poison strtok gmtime localtime asctime
// ctime too; as a macro, for kernel headers have fields of that name.
#define ctime(...) ctime_is_banned // NOLINT(readability-identifier-naming)
// No way to tell a number from nonsense.
#pragma GCC poison atoi atol atoll atof
// A name that somebody else may take before it is used.
#pragma GCC poison tmpnam tempnam mktemp

#endif
