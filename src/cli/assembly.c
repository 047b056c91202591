// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Making a container of files: a blank one, to which everything is an edit.
#include "assembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "container_file.h"
#include "gen5/document.h"
#include "gen5/repack.h"
#include "new_file.h"
#include "setting.h"

// One container being made.
struct making {
    const struct assembly *assembly;
    struct parts *parts;
    struct complaint_list *complaints;
    struct gen5_limits limits;
    int blank_fd;
    struct gen5_container *blank; // what it begins as
    char *metadata;               // as it was given, or as the blank one has it, with the settings
    size_t metadata_size;
    struct gen5_edit *edits;
    size_t edit_count;
};

static bool fail(const struct making *making, const char *what, const struct gen5_error *error) {
    complaint_list_add(making->complaints, what, "%s", error->message);
    return false;
}

static bool fail_for_memory(const struct making *making, const char *what) {
    complaint_list_add(making->complaints, what, "out of memory");
    return false;
}

// --- What it begins as --------------------------------------------------------------------------

static bool begin_blank(struct making *making, const char *target) {
    struct gen5_error error = GEN5_ERROR_NONE;
    struct gen5_source source;
    making->blank_fd = memfd_create("gen5fs-blank", MFD_CLOEXEC);
    if (making->blank_fd < 0) {
        gen5_error_set_system(&error, errno, "cannot get memory for a file");
    } else if (gen5_repack_blank(making->blank_fd, &error) == GEN5_OK &&
               gen5_source_from_fd(making->blank_fd, &source, &error) == GEN5_OK) {
        gen5_container_open(&source, &making->limits, &making->blank, &error);
    }
    return making->blank != NULL || fail(making, target, &error);
}

static void release(struct making *making) {
    for (size_t i = 0; i < making->edit_count; i++) {
        if (making->edits[i].content.fd >= 0) {
            close(making->edits[i].content.fd);
        }
    }
    free(making->edits);
    free(making->metadata);
    gen5_container_free(making->blank);
    if (making->blank_fd >= 0) {
        close(making->blank_fd);
    }
}

// --- Edits --------------------------------------------------------------------------------------

static bool add_edit(struct making *making, const struct gen5_edit *edit, const char *what) {
    struct gen5_error error = GEN5_ERROR_NONE;
    // Of a container that is faulty in itself, gen5fs unpack gives what no check lets pass.
    bool checked = !making->assembly->lenient || edit->kind == GEN5_PUT_ENVIRONMENT;
    making->edits[making->edit_count++] = *edit;
    return !checked || gen5_edit_check(edit, NULL, &making->limits, &error) == GEN5_OK ||
           fail(making, what, &error);
}

static bool add_file(struct making *making, struct gen5_edit edit, const char *path) {
    struct gen5_error error = GEN5_ERROR_NONE;
    edit.content = (struct gen5_source){.fd = -1};
    if (regular_file_open(path, &edit.content.fd, &edit.content.size, &error) != GEN5_OK) {
        return fail(making, path, &error);
    }
    return add_edit(making, &edit, path);
}

static bool add_latents(struct making *making) {
    const struct parts *parts = making->parts;
    for (size_t i = 0; i < parts->latent_count; i++) {
        const struct latent_part *latent = &parts->latents[i];
        struct gen5_edit edit = {
            .kind = GEN5_PUT_LATENT, .key = latent->key, .key_length = latent->key_length};
        if (!add_file(making, edit, latent->path)) {
            return false;
        }
    }
    return true;
}

static bool add_environment(struct making *making) {
    const struct assembly *assembly = making->assembly;
    struct gen5_edit edit = {.kind = GEN5_PUT_ENVIRONMENT};
    if (!assembly->environment_given) {
        const char *path = making->parts->environment;
        return path == NULL || add_file(making, edit, path);
    }
    if (assembly->environment_text == NULL) {
        return true;
    }
    edit.content = gen5_source_from_memory(assembly->environment_text, assembly->environment_size);
    return add_edit(making, &edit, "--env");
}

static bool add_image(struct making *making) {
    struct gen5_edit edit = {.kind = GEN5_PUT_IMAGE, .image_kind = making->parts->image_kind};
    return making->parts->image == NULL || add_file(making, edit, making->parts->image);
}

// --- Metadata -----------------------------------------------------------------------------------

static bool read_metadata(struct making *making) {
    const char *path = making->parts->metadata;
    struct gen5_error error = GEN5_ERROR_NONE;
    if (path == NULL) {
        const struct gen5_manifest *manifest = making->blank->manifest;
        making->metadata_size = manifest->size;
        making->metadata = strndup(manifest->text, manifest->size);
        return making->metadata != NULL || fail_for_memory(making, "metadata");
    }
    struct gen5_source source = {.fd = -1};
    if (regular_file_open(path, &source.fd, &source.size, &error) != GEN5_OK) {
        return fail(making, path, &error);
    }
    bool read = gen5_source_read_all(&source, making->limits.manifest_size_max, &making->metadata,
                                     &making->metadata_size, &error) == GEN5_OK;
    close(source.fd);
    return read || fail(making, path, &error);
}

// Whether the text may be stored. Faults that `old` has too are let through.
static bool check_metadata(const struct making *making, const char *old, size_t old_size,
                           const char *what) {
    struct gen5_error error = GEN5_ERROR_NONE;
    if (gen5_metadata_check(making->metadata, making->metadata_size, old, old_size, &making->limits,
                            &error) == GEN5_OK) {
        return true;
    }
    bool faulty_only =
        gen5_metadata_check(making->metadata, making->metadata_size, making->metadata,
                            making->metadata_size, &making->limits, NULL) == GEN5_OK;
    if (faulty_only && old == NULL) {
        complaint_list_add(making->complaints, what, "%s; --lenient stores it all the same",
                           error.message);
        return false;
    }
    return fail(making, what, &error);
}

static bool check_given_metadata(const struct making *making) {
    const char *path = making->parts->metadata;
    const char *old = making->assembly->lenient ? making->metadata : NULL;
    return path == NULL || check_metadata(making, old, making->metadata_size, path);
}

static bool apply_settings(struct making *making) {
    const struct assembly *assembly = making->assembly;
    for (size_t i = 0; i < assembly->setting_count; i++) {
        struct gen5_error error = GEN5_ERROR_NONE;
        size_t old_size = making->metadata_size;
        char *old = strndup(making->metadata, old_size);
        if (old == NULL) {
            return fail_for_memory(making, assembly->settings[i]);
        }
        bool applied = setting_apply(assembly->settings[i], &making->limits, &making->metadata,
                                     &making->metadata_size, &error) == GEN5_OK ||
                       fail(making, assembly->settings[i], &error);
        applied = applied && check_metadata(making, old, old_size, assembly->settings[i]);
        free(old);
        if (!applied) {
            return false;
        }
    }
    return true;
}

static bool prepare_metadata(struct making *making) {
    return read_metadata(making) && check_given_metadata(making) && apply_settings(making);
}

// Those in a document without usable records are none.
static bool find_keys(struct making *making) {
    struct gen5_manifest *known = NULL;
    gen5_manifest_parse(making->metadata, making->metadata_size, &making->limits, &known, NULL);
    bool found = parts_find_keys(making->parts, known, making->complaints);
    gen5_manifest_free(known);
    return found;
}

static bool add_edits(struct making *making, const char *target) {
    enum { OTHERS = 3 }; // image, environment, metadata
    making->edits = calloc(making->parts->latent_count + OTHERS, sizeof *making->edits);
    if (making->edits == NULL) {
        return fail_for_memory(making, target);
    }
    if (!add_image(making) || !add_latents(making) || !add_environment(making)) {
        return false;
    }
    making->edits[making->edit_count++] = (struct gen5_edit){
        .kind = GEN5_PUT_METADATA,
        .content = gen5_source_from_memory(making->metadata, making->metadata_size),
    };
    return true;
}

// --- The file -----------------------------------------------------------------------------------

static bool write_container(const struct making *making, struct new_file *file,
                            const char *target) {
    struct gen5_error error = GEN5_ERROR_NONE;
    enum gen5_status status = new_file_begin(file, &error);
    if (status == GEN5_OK) {
        status = gen5_repack(making->blank, making->edits, making->edit_count, &making->limits,
                             file->replacement.fd, &error);
    }
    if (status == GEN5_OK) {
        status = new_file_commit(file, &error);
    }
    return status == GEN5_OK || fail(making, target, &error);
}

bool assembly_make(const struct assembly *assembly, struct parts *parts, const char *target,
                   struct complaint_list *complaints) {
    struct making making = {
        .assembly = assembly,
        .parts = parts,
        .complaints = complaints,
        .limits = gen5_limits_default(),
        .blank_fd = -1,
    };
    struct new_file file = NEW_FILE_NONE;
    struct gen5_error error = GEN5_ERROR_NONE;
    bool made = new_file_open(&file, target, assembly->overwrite, &error) == GEN5_OK
                    ? begin_blank(&making, target) && prepare_metadata(&making) &&
                          find_keys(&making) && add_edits(&making, target) &&
                          write_container(&making, &file, target)
                    : fail(&making, target, &error);
    new_file_release(&file);
    release(&making);
    return made;
}
