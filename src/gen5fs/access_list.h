// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// POSIX access-control lists (acl(5)). They are the source's: its file system keeps them, hands
// them on to new files, and keeps them in step with modes. The kernel gets them through extended
// attributes, checks every request by them, and forgets them with a node's attributes.
#ifndef GEN5FS_ACCESS_LIST_H
#define GEN5FS_ACCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// The extended attributes that hold a list: of a thing itself, and of what is made in a folder.
#define ACCESS_LIST_NAME "system.posix_acl_access"
#define DEFAULT_LIST_NAME "system.posix_acl_default"

bool access_list_is_name(const char *name);

// The mode with which to make something in a folder for a caller with this umask: where the folder
// has a default list, that stands in the umask's place.
mode_t access_list_new_mode(int folder_fd, mode_t mode, mode_t umask);

// The list of a container's file, as bytes of the extended attribute, becomes that of its directory
// or of a file in it: who may read it may enter it, and nothing in it is a program.
void access_list_show(char *list, size_t size, bool directory);

#endif
