// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container's members written as files, with the names and bytes that a mount shows.
#ifndef GEN5FS_CLI_MEMBER_FILES_H
#define GEN5FS_CLI_MEMBER_FILES_H

#include "complaint_list.h"
#include "container_file.h"

enum member_files_result {
    MEMBER_FILES_WHOLE,   // every member is there
    MEMBER_FILES_DAMAGED, // all but those that are damaged, which was complained about
    MEMBER_FILES_FAILED,  // the folder cannot be filled, or an interruption came
};

// Write the members into an empty folder, and sync them. Chunks that are no members are complained
// about, since nothing stands for them in the folder.
enum member_files_result member_files_write(const struct container_file *file, int folder_fd,
                                            struct complaint_list *complaints);

#endif
