// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// A container that mkdir made and that is being filled (DESIGN.md 2.2 rule 9). `cp -r`, tar, unzip
// and rsync write its files in any order, and some insist that a file in a folder that they made is
// not there yet.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container.h"
#include "gen5/document.h"
#include "gen5/latent_name.h"
#include "guard.h"

void fresh_begin(struct container *container, pid_t maker) {
    container->fresh_maker = maker;
    container->fresh_until_ms = clock_ms() + FRESH_MS;
}

bool fresh_is(struct container *container) {
    return container->fresh_until_ms > clock_ms();
}

void fresh_touch(struct container *container) {
    if (fresh_is(container)) {
        container->fresh_until_ms = clock_ms() + FRESH_MS;
    }
}

void fresh_end(struct container *container) {
    container->fresh_until_ms = 0;
    container->fresh_first = false;
    free(container->fresh_text);
    container->fresh_text = NULL;
    container->fresh_text_size = 0;
}

// What the calling thread asks of the kernel, from /proc.
struct wish {
    bool new_file; // O_CREAT | O_EXCL
    bool new_folder;
    bool look; // a stat
};

// A line of proc(5)'s /proc/PID/syscall: the call's number and its arguments, or "running".
static bool parse_call(const char *line, long *number, unsigned long *arguments, size_t count) {
    char *end = NULL;
    *number = strtol(line, &end, 10);
    bool known = end != line;
    for (size_t i = 0; i < count && known; i++) {
        const char *begin = end;
        arguments[i] = strtoul(begin, &end, 16);
        known = end != begin;
    }
    return known;
}

static struct wish wish_of(const struct filesystem *filesystem, pid_t thread) {
    struct wish result = {true, true, true};
    char line[GUARD_LINE_SIZE] = "";
    long number = -1;
    unsigned long arguments[3] = {0};
    if (!guard_read_call(filesystem->guard, thread, line, sizeof line) ||
        !parse_call(line, &number, arguments, sizeof arguments / sizeof *arguments)) {
        return result; // Not ours to look at: whoever fills a folder has the most to lose.
    }
    const unsigned long wish = O_CREAT | O_EXCL;
    result.new_folder = number == SYS_mkdirat;
    result.new_file = number == SYS_openat && (arguments[2] & wish) == wish;
    result.look = number == SYS_newfstatat || number == SYS_statx;
#ifdef SYS_open
    result.new_folder = result.new_folder || number == SYS_mkdir;
    result.new_file = result.new_file || (number == SYS_open && (arguments[1] & wish) == wish);
    result.look = result.look || number == SYS_stat || number == SYS_lstat;
#endif
    return result;
}

static const struct gen5_record *stored_with(const struct snapshot *snapshot,
                                             const struct gen5_digest *digest) {
    for (size_t i = 0; i < snapshot->container->latent_count; i++) {
        if (gen5_digest_equal(&snapshot->container->latents[i]->digest, digest)) {
            return snapshot->container->latents[i];
        }
    }
    return NULL;
}

bool fresh_gives_way(struct container *container, const struct snapshot *snapshot,
                     const char *path) {
    if (!fresh_is(container)) {
        return false;
    }
    if (strcmp(path, METADATA_NAME) == 0) {
        return true;
    }
    const struct gen5_record *first =
        container->fresh_first && snapshot != NULL && snapshot->container != NULL
            ? stored_with(snapshot, &container->fresh_first_digest)
            : NULL;
    char *own = NULL;
    bool is_first = false;
    if (first != NULL) {
        const struct member member = {
            .kind = MEMBER_LATENT, .key = first->key, .key_length = first->key_length};
        is_first = member_path(snapshot, &member, &own) == 0 && strcmp(path, own) == 0;
    }
    free(own);
    return is_first;
}

// What gives way by its own name in the folder.
static bool is_in_the_way(struct container *container, const struct snapshot *snapshot,
                          const struct node *folder, const char *name) {
    if (folder->kind == NODE_CONTAINER) {
        return strcmp(name, METADATA_NAME) == 0 && container->fresh_text == NULL;
    }
    char *path = NULL;
    bool gives_way = container->fresh_first &&
                     path_of_name(container, snapshot, folder, name, &path) == 0 &&
                     fresh_gives_way(container, snapshot, path);
    free(path);
    return gives_way;
}

bool fresh_hides(const struct filesystem *filesystem, struct container *container,
                 const struct snapshot *snapshot, const struct node *folder, const char *name,
                 pid_t caller) {
    if (!fresh_is(container)) {
        return false;
    }
    const bool own = is_in_the_way(container, snapshot, folder, name);
    const bool top = folder->kind == NODE_CONTAINER;
    const bool latents = top && strcmp(name, LATENTS_NAME) == 0;
    if (!own && !latents && !(top && strcmp(name, LATENT_NAME) == 0)) {
        return false;
    }
    struct wish wish = wish_of(filesystem, caller);
    if (latents) {
        return wish.new_folder;
    }
    // unzip asks whether the file is there before it writes it, and would not replace it unasked.
    return wish.new_file || (own && wish.look && caller == container->fresh_maker);
}

// The SHA-256 of the payload that a .npy draft becomes; EINVAL where it is none that is stored as
// it is.
static int latent_digest(const struct filesystem *filesystem, int draft_fd,
                         struct gen5_digest *digest) {
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_source source;
    struct gen5_npy npy;
    struct gen5_digest_stream *stream = NULL;
    char buffer[65536];
    if (gen5_source_from_fd(draft_fd, &source, &error) != GEN5_OK ||
        gen5_npy_open(&source, &filesystem->limits, &npy, &error) != GEN5_OK) {
        return gen5_error_errno(&error);
    }
    if (!gen5_npy_is_payload(&npy)) {
        return EINVAL;
    }
    enum gen5_status status = gen5_digest_stream_new(&stream, &error);
    for (uint64_t at = 0; status == GEN5_OK && at < npy.data_size;) {
        uint64_t left = npy.data_size - at;
        size_t size = left < sizeof buffer ? (size_t)left : sizeof buffer;
        status = gen5_source_read(&source, npy.data_offset + at, buffer, size, &error);
        if (status == GEN5_OK) {
            status = gen5_digest_stream_update(stream, buffer, size, &error);
        }
        at += size;
    }
    if (status == GEN5_OK) {
        status = gen5_digest_stream_finish(stream, digest, &error);
    }
    gen5_digest_stream_free(stream);
    return status == GEN5_OK ? 0 : gen5_error_errno(&error);
}

// Let a member be the latent of a record instead.
static int member_replace(struct member *member, const struct gen5_record *record) {
    const struct member latent = {
        .kind = MEMBER_LATENT, .key = record->key, .key_length = record->key_length};
    struct member copy;
    if (member_copy(&copy, &latent) != 0) {
        return ENOMEM;
    }
    member_release(member);
    *member = copy;
    return 0;
}

// The metadata that was written before its chunks knows the key of a latent by its hash.
static int find_key(const struct filesystem *filesystem, const struct container *container,
                    const struct gen5_digest *digest, struct member *member) {
    struct gen5_manifest *manifest = NULL;
    if (container->fresh_text == NULL) {
        return 0;
    }
    enum gen5_status status = gen5_manifest_parse(container->fresh_text, container->fresh_text_size,
                                                  &filesystem->limits, &manifest, NULL);
    if (status != GEN5_OK) {
        return status == GEN5_ERROR_MEMORY ? ENOMEM : 0;
    }
    int problem = 0;
    for (size_t i = 0; i < manifest->record_count; i++) {
        const struct gen5_record *record = &manifest->records[i];
        if (record->key != NULL && gen5_digest_equal(&record->digest, digest)) {
            problem = member_replace(member, record);
            break;
        }
    }
    gen5_manifest_free(manifest);
    return problem;
}

// The record of the remembered metadata whose latent has this file name. The caller frees
// *manifest.
static const struct gen5_record *record_named(const struct filesystem *filesystem,
                                              const struct container *container, const char *name,
                                              struct gen5_manifest **manifest) {
    *manifest = NULL;
    if (container->fresh_text == NULL ||
        gen5_manifest_parse(container->fresh_text, container->fresh_text_size, &filesystem->limits,
                            manifest, NULL) != GEN5_OK) {
        return NULL;
    }
    for (size_t i = 0; i < (*manifest)->record_count; i++) {
        const struct gen5_record *record = &(*manifest)->records[i];
        char own[GEN5_LATENT_NAME_SIZE_MAX + 1];
        if (record->key != NULL) {
            gen5_latent_name_from_key(record->key, record->key_length, own);
            if (strcmp(own, name) == 0) {
                return record;
            }
        }
    }
    return NULL;
}

bool fresh_member(struct filesystem *filesystem, struct container *container, const char *path,
                  struct member *member) {
    const size_t prefix = strlen(LATENTS_NAME "/");
    struct gen5_manifest *manifest = NULL;
    bool known = false;
    if (strncmp(path, LATENTS_NAME "/", prefix) == 0 && fresh_is(container)) {
        const struct gen5_record *record =
            record_named(filesystem, container, path + prefix, &manifest);
        if (record != NULL) {
            const struct member found = {
                .kind = MEMBER_LATENT, .key = record->key, .key_length = record->key_length};
            known = member_copy(member, &found) == 0;
        }
        gen5_manifest_free(manifest);
    }
    return known;
}

// Store one scratch file under its key, with the metadata that has it.
static void adopt(struct filesystem *filesystem, struct file_node *file,
                  const struct member *member) {
    struct container *container = file->container;
    struct gen5_error error = GEN5_ERROR_NONE;
    struct snapshot *after = NULL;
    struct gen5_edit edits[2] = {
        {.kind = GEN5_PUT_LATENT, .key = member->key, .key_length = member->key_length},
        {.kind = GEN5_PUT_METADATA,
         .content = gen5_source_from_memory(container->fresh_text, container->fresh_text_size)}};
    struct file_name name;
    if (file_name_make(&name, file->path, member, member) != 0) {
        return; // It stays a scratch file.
    }
    pthread_rwlock_wrlock(&file->draft_lock);
    bool stored = file->draft_fd >= 0 &&
                  gen5_source_from_fd(file->draft_fd, &edits[0].content, &error) == GEN5_OK &&
                  gen5_edit_check(&edits[0], NULL, &filesystem->limits, &error) == GEN5_OK &&
                  change_make(filesystem, container, edits, 2, NULL, 0, &after, &error) == 0;
    if (stored && file->writers == 0) {
        draft_drop(file);
    }
    pthread_rwlock_unlock(&file->draft_lock);
    if (!stored) {
        file_name_release(&name);
        return;
    }
    pthread_mutex_lock(&container->lock);
    file_take_name(file, &name);
    if (after != NULL) {
        file->version = member_version(after, member);
        file_set_base(filesystem, file, after);
    }
    file->changes_done = file->changes_committed = file->changes;
    file_keep(filesystem, file, file->draft_fd >= 0);
    pthread_mutex_unlock(&container->lock);
    if (after != NULL) {
        view_update(filesystem, container, after);
        snapshot_release(filesystem, after);
    }
}

// The next scratch file of latents/ that the metadata knows, with a reference to its node.
static struct file_node *next_known(struct filesystem *filesystem, struct container *container,
                                    struct member *member) {
    struct file_node *found = NULL;
    pthread_mutex_lock(&container->lock);
    for (struct file_node *file = container->files; file != NULL && found == NULL;
         file = file->next) {
        if (file->attached && file->member.kind == MEMBER_NONE && file->draft_fd >= 0 &&
            !file->tried && fresh_member(filesystem, container, file->path, member)) {
            file->tried = true;
            node_reference(filesystem, file->node);
            found = file;
        }
    }
    pthread_mutex_unlock(&container->lock);
    return found;
}

void fresh_adopt_scratch(struct filesystem *filesystem, struct container *container) {
    struct member member = {0};
    struct file_node *file;
    while ((file = next_known(filesystem, container, &member)) != NULL) {
        adopt(filesystem, file, &member);
        member_release(&member);
        node_release(filesystem, file->node);
    }
}

static bool is_placeholder(const char *key, size_t length) {
    return length == strlen(PLACEHOLDER_KEY) && memcmp(key, PLACEHOLDER_KEY, length) == 0;
}

// A latent whose elements have this digest and that may have no key of its own yet.
static int plan_latent(struct filesystem *filesystem, struct container *container,
                       const struct gen5_digest *digest, const struct snapshot *now,
                       struct fresh_plan *plan) {
    const struct gen5_record *twin = stored_with(now, digest);
    const bool twin_is_placeholder = twin != NULL && is_placeholder(twin->key, twin->key_length);
    if (!is_placeholder(plan->member.key, plan->member.key_length)) {
        plan->removes_placeholder = twin_is_placeholder;
        return 0;
    }
    if (twin != NULL && !twin_is_placeholder) {
        plan->nothing_to_do = true;
        return member_replace(&plan->member, twin);
    }
    int problem = find_key(filesystem, container, digest, &plan->member);
    if (problem == 0) {
        pthread_mutex_lock(&container->lock);
        container->fresh_first = true;
        container->fresh_first_digest = *digest;
        pthread_mutex_unlock(&container->lock);
    }
    return problem;
}

static int plan_name(struct fresh_plan *plan) {
    char *path = NULL;
    int problem = latent_path(plan->member.key, plan->member.key_length, &path);
    if (problem == 0) {
        problem = file_name_make(&plan->name, path, &plan->member, &plan->member);
    }
    free(path);
    return problem;
}

int fresh_plan(struct filesystem *filesystem, const struct file_node *file,
               const struct snapshot *now, struct fresh_plan *plan) {
    struct container *container = file->container;
    struct gen5_digest digest;
    *plan =
        (struct fresh_plan){.text = container->fresh_text, .text_size = container->fresh_text_size};
    int problem = member_copy(&plan->member, &file->member);
    if (problem != 0 || now->container == NULL || file->member.kind != MEMBER_LATENT) {
        return problem;
    }
    problem = latent_digest(filesystem, file->draft_fd, &digest);
    if (problem == EINVAL) {
        return 0; // No twin can be told.
    }
    if (problem == 0) {
        problem = plan_latent(filesystem, container, &digest, now, plan);
    }
    if (problem == 0 && !member_equal(&plan->member, &file->member)) {
        problem = plan_name(plan);
    }
    if (problem != 0) {
        fresh_plan_release(plan);
    }
    return problem;
}

void fresh_plan_release(struct fresh_plan *plan) {
    member_release(&plan->member);
    file_name_release(&plan->name);
}

void fresh_remember_text(struct container *container, const struct file_node *file) {
    struct gen5_source source;
    char *text = NULL;
    size_t size = 0;
    if (gen5_source_from_fd(file->draft_fd, &source, NULL) != GEN5_OK ||
        gen5_source_read_all(&source, FRESH_TEXT_MAX, &text, &size, NULL) != GEN5_OK) {
        return; // Then the order in which things are written counts, and no more.
    }
    pthread_mutex_lock(&container->lock);
    free(container->fresh_text);
    container->fresh_text = text;
    container->fresh_text_size = size;
    pthread_mutex_unlock(&container->lock);
}

void fresh_change_text(const struct filesystem *filesystem, struct container *container,
                       const char *path, const char *literal) {
    char *text = NULL;
    size_t size = 0;
    if (container->fresh_text == NULL ||
        gen5_document_set(container->fresh_text, container->fresh_text_size, path, literal,
                          &filesystem->limits, &text, &size, NULL) != GEN5_OK) {
        return;
    }
    pthread_mutex_lock(&container->lock);
    free(container->fresh_text);
    container->fresh_text = text;
    container->fresh_text_size = size;
    pthread_mutex_unlock(&container->lock);
}
