// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// getxattr(2) and its like, as file managers and copying programs call them.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "members.h"
#include "mounted.h"

static const char prompt[] = "A puppy smiling, cinematic";

struct path {
    char text[2048];
};

static struct path path_of(const char *name) {
    struct path path;
    snprintf(path.text, sizeof path.text, "%s/%s", mounted.root_path, name);
    return path;
}

MOUNT_TEST(attributes, a_value_is_asked_for_by_its_size_first) {
    char value[64] = "";
    struct path image = path_of(IMAGE);
    ssize_t size = getxattr(image.text, "user.gen5.prompt", NULL, 0);
    cr_expect_eq(size, (ssize_t)strlen(prompt));
    expect_errno(getxattr(image.text, "user.gen5.prompt", value, (size_t)size - 1), ERANGE);
    cr_expect_eq(getxattr(image.text, "user.gen5.prompt", value, (size_t)size), size);
    cr_expect_str_eq(value, prompt);
}

MOUNT_TEST(attributes, the_list_holds_every_name_that_has_a_value) {
    char names[1024];
    char value[1024];
    int fd = openat(mounted.root, LATENT, O_RDONLY | O_CLOEXEC);
    ssize_t size = flistxattr(fd, NULL, 0);
    cr_assert(size > 0 && (size_t)size < sizeof names);
    expect_errno(flistxattr(fd, names, (size_t)size - 1), ERANGE);
    cr_assert_eq(flistxattr(fd, names, sizeof names), size);
    size_t count = 0;
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        cr_expect_geq(fgetxattr(fd, name, value, sizeof value), 0, "%s: %s", name, strerror(errno));
        count++;
    }
    cr_expect_eq(count, 9, "%zu names", count);
    close(fd);
}

MOUNT_TEST(attributes, names_that_are_not_there_give_the_error_that_each_program_expects) {
    char value[64];
    static const struct {
        const char *name;
        int problem;
    } rows[] = {
        {"user.gen5.none", ENODATA},      {"user.gen5.error", ENODATA},
        {"user.other", ENODATA},          {"security.capability", EOPNOTSUPP},
        {"security.selinux", EOPNOTSUPP}, {"system.posix_acl_access", EOPNOTSUPP},
        {"trusted.overlay", EOPNOTSUPP},
    };
    struct path image = path_of(IMAGE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ssize_t size = lgetxattr(image.text, rows[i].name, value, sizeof value);
        int problem = size < 0 ? errno : 0;
        // What the kernel answers by itself is ENODATA, too, where no module is loaded.
        cr_expect(problem == rows[i].problem || problem == ENODATA, "%s: %s", rows[i].name,
                  strerror(problem));
    }
}

MOUNT_TEST(attributes, none_but_the_container_s_tags_can_be_set_or_removed) {
    struct path image = path_of(IMAGE);
    struct path container = path_of(CONTAINER);
    expect_errno(setxattr(image.text, "user.gen5.prompt", "x", 1, 0), EOPNOTSUPP);
    expect_errno(setxattr(image.text, "user.xdg.tags", "x", 1, 0), EOPNOTSUPP);
    expect_errno(removexattr(image.text, "user.xdg.tags"), EOPNOTSUPP);
    expect_errno(setxattr(container.text, "user.xdg.comment", "x", 1, 0), EOPNOTSUPP);
    expect_errno(setxattr(container.text, "user.xdg.tags", "x", 1, XATTR_CREATE), EEXIST);
    expect_errno(removexattr(image.text, "user.gen5.prompt"), EOPNOTSUPP);
    expect_errno(setxattr(image.text, "user.other", "x", 1, 0), EOPNOTSUPP);
}

MOUNT_TEST(attributes, they_follow_a_save_at_once) {
    char before[65] = "";
    char after[65] = "";
    BYTES image = some_image();
    BYTES text = metadata_with_prompt(METADATA, "a lighthouse");
    struct path path = path_of(IMAGE);
    cr_expect_eq(getxattr(path.text, "user.gen5.hash", before, 64), 64);
    cr_expect_eq(file_save(mounted.root, IMAGE, image), 0);
    cr_expect_eq(getxattr(path.text, "user.gen5.hash", after, 64), 64);
    cr_expect_str_neq(after, before);
    cr_expect_eq(file_save(mounted.root, METADATA, text), 0);
    char value[64] = "";
    cr_expect_geq(getxattr(path.text, "user.gen5.prompt", value, sizeof value), 0);
    cr_expect_str_eq(value, "a lighthouse");
}

MOUNT_TEST(attributes, those_of_ordinary_files_are_the_source_s) {
    BYTES content = bytes_of("text");
    char value[16] = "";
    cr_expect_eq(file_save(mounted.root, "plain.txt", content), 0);
    struct path path = path_of("plain.txt");
    if (setxattr(path.text, "user.note", "kept", 4, XATTR_CREATE) != 0) {
        cr_assert_eq(errno, EOPNOTSUPP); // of a source in memory
        return;
    }
    expect_errno(setxattr(path.text, "user.note", "kept", 4, XATTR_CREATE), EEXIST);
    int fd = openat(mounted.source, "plain.txt", O_RDONLY | O_CLOEXEC);
    cr_expect_eq(fgetxattr(fd, "user.note", value, sizeof value), 4);
    cr_expect_str_eq(value, "kept");
    close(fd);
    expect_errno(removexattr(path.text, "user.note"), 0);
    expect_errno(getxattr(path.text, "user.note", value, sizeof value), ENODATA);
}
