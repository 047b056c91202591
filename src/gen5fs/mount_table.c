// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Reads /proc/self/mountinfo (proc(5)).
#include "mount_table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define MOUNT_TYPE "fuse.gen5fs"

static bool is_octal(const char *digits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '7') {
            return false;
        }
    }
    return true;
}

// The kernel writes space, tab, newline and backslash as a backslash and three octal digits.
static void unescape(char *text) {
    char *out = text;
    while (*text != '\0') {
        if (text[0] == '\\' && is_octal(text + 1, 3)) {
            *out++ = (char)(((text[1] - '0') << 6) | ((text[2] - '0') << 3) | (text[3] - '0'));
            text += 4;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}

// "8:1"
static dev_t parse_device(const char *text) {
    char *end = NULL;
    unsigned long major = strtoul(text, &end, 10);
    unsigned long minor = *end == ':' ? strtoul(end + 1, NULL, 10) : 0;
    return makedev((unsigned int)major, (unsigned int)minor);
}

// The number after `name`, "user_id=", in a list with commas; 0 where it is not in there.
static unsigned int parse_option(const char *options, const char *name) {
    while (options != NULL && *options != '\0') {
        if (strncmp(options, name, strlen(name)) == 0) {
            return (unsigned int)strtoul(options + strlen(name), NULL, 10);
        }
        options = strchr(options, ',');
        options += options != NULL ? 1 : 0;
    }
    return 0;
}

// 0, ENOMEM, or EINVAL for a line of another form. `line` is cut into pieces.
//
//     36 35 98:0 /root /mount/point rw,noatime shared:1 - type source rw,user_id=0
static int parse_line(char *line, struct mount_entry *entry) {
    line[strcspn(line, "\n")] = '\0';
    char *rest = line;
    strsep(&rest, " ");
    strsep(&rest, " ");
    char *device = strsep(&rest, " ");
    strsep(&rest, " ");
    char *mountpoint = strsep(&rest, " ");
    // Options, and any number of tags, end with a lone dash.
    char *field = strsep(&rest, " ");
    while (field != NULL && strcmp(field, "-") != 0) {
        field = strsep(&rest, " ");
    }
    char *type = strsep(&rest, " ");
    char *source = strsep(&rest, " ");
    if (mountpoint == NULL || type == NULL || source == NULL) {
        return EINVAL;
    }
    unescape(mountpoint);
    unescape(type);
    unescape(source);
    *entry = (struct mount_entry){
        .mountpoint = strdup(mountpoint),
        .type = strdup(type),
        .source = strdup(source),
        .device = parse_device(device),
        .user = parse_option(rest, "user_id="),
        .group = parse_option(rest, "group_id="),
    };
    return entry->mountpoint == NULL || entry->type == NULL || entry->source == NULL ? ENOMEM : 0;
}

static int add_line(struct mount_table *table, char *line) {
    struct mount_entry *entries =
        reallocarray(table->entries, table->count + 1, sizeof *table->entries);
    if (entries == NULL) {
        return ENOMEM;
    }
    table->entries = entries;
    entries[table->count] = (struct mount_entry){0};
    int problem = parse_line(line, &entries[table->count]);
    if (problem == EINVAL) {
        return 0;
    }
    table->count++;
    return problem;
}

int mount_table_read(struct mount_table *table) {
    *table = (struct mount_table){NULL, 0};
    FILE *stream = fopen("/proc/self/mountinfo", "re");
    if (stream == NULL) {
        return errno;
    }
    char *line = NULL;
    size_t size = 0;
    int problem = 0;
    while (problem == 0 && getline(&line, &size, stream) >= 0) {
        problem = add_line(table, line);
    }
    if (problem == 0 && ferror(stream) != 0) {
        problem = EIO;
    }
    free(line);
    fclose(stream);
    if (problem != 0) {
        mount_table_release(table);
    }
    return problem;
}

void mount_table_release(struct mount_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        free(table->entries[i].mountpoint);
        free(table->entries[i].type);
        free(table->entries[i].source);
    }
    free(table->entries);
    *table = (struct mount_table){NULL, 0};
}

const struct mount_entry *mount_table_find(const struct mount_table *table,
                                           const char *mountpoint) {
    for (size_t i = table->count; i > 0; i--) {
        if (strcmp(table->entries[i - 1].mountpoint, mountpoint) == 0) {
            return &table->entries[i - 1];
        }
    }
    return NULL;
}

bool mount_entry_is_gen5fs(const struct mount_entry *entry) {
    return strcmp(entry->type, MOUNT_TYPE) == 0;
}

// The folder above without symbolic links, and the last name as it is.
static char *resolve_folder_above(const char *path) {
    char above[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (length >= sizeof above) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(above, path, length);
    above[length] = '\0';
    char *slash = strrchr(above, '/');
    const char *name = slash == NULL ? above : slash + 1;
    if (slash != NULL) {
        *slash = '\0';
    }
    char *folder = realpath(slash == NULL ? "." : slash == above ? "/" : above, NULL);
    if (folder == NULL) {
        return NULL;
    }
    char *resolved = NULL;
    if (asprintf(&resolved, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0) {
        resolved = NULL;
        errno = ENOMEM;
    }
    free(folder);
    return resolved;
}

char *mountpoint_resolve(const char *path) {
    char *resolved = realpath(path, NULL);
    if (resolved == NULL && (errno == ENOTCONN || errno == EACCES || errno == EIO)) {
        resolved = resolve_folder_above(path);
    }
    return resolved;
}

// `path` is absolute and without symbolic links; it is cut.
static const struct mount_entry *find_covering(const struct mount_table *table, char *path) {
    const struct mount_entry *found = mount_table_find(table, path);
    char *slash = strrchr(path, '/');
    while (found == NULL && slash != NULL) {
        *slash = '\0';
        found = mount_table_find(table, *path == '\0' ? "/" : path);
        slash = strrchr(path, '/');
    }
    return found;
}

const struct mount_entry *mount_table_find_around(const struct mount_table *table,
                                                  const char *path) {
    char *above = strdup(path);
    char *resolved = NULL;
    char *slash = above;
    // What does not exist, or lies in a dead mount, cannot be resolved, but a folder above it can.
    while (slash != NULL && (resolved = mountpoint_resolve(*above == '\0' ? "/" : above)) == NULL) {
        slash = strrchr(above, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    const struct mount_entry *found = resolved == NULL ? NULL : find_covering(table, resolved);
    free(resolved);
    free(above);
    return found;
}
