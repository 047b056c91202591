// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Access-control lists, of which the filesystem knows little (linux/posix_acl_xattr.h).
#include "access_list.h"

#include <string.h>
#include <sys/xattr.h>

#include "ordinary.h"

// struct posix_acl_xattr_header and _entry: a version, then tag, permissions and id of each entry.
enum { HEADER_SIZE = 4, ENTRY_SIZE = 8, PERMISSIONS_AT = 2 };
enum { MAY_EXECUTE = 1, MAY_READ = 4 };

bool access_list_is_name(const char *name) {
    return strcmp(name, ACCESS_LIST_NAME) == 0 || strcmp(name, DEFAULT_LIST_NAME) == 0;
}

mode_t access_list_new_mode(int folder_fd, mode_t mode, mode_t umask) {
    const struct descriptor_path path = descriptor_path_of(folder_fd);
    return getxattr(path.text, DEFAULT_LIST_NAME, NULL, 0) > 0 ? mode : mode & ~umask;
}

void access_list_show(char *list, size_t size, bool directory) {
    for (size_t at = HEADER_SIZE; at + ENTRY_SIZE <= size; at += ENTRY_SIZE) {
        // The permissions are 16 bits, the low byte first.
        unsigned char *permissions = (unsigned char *)list + at + PERMISSIONS_AT;
        if (!directory) {
            *permissions &= (unsigned char)~MAY_EXECUTE;
        } else if ((*permissions & MAY_READ) != 0) {
            *permissions |= MAY_EXECUTE;
        }
    }
}
