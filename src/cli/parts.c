// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// The files that a container is to be made of: gathered, and found in a folder.
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_names.h"
#include "member_names.h"

// --- Gathering ----------------------------------------------------------------------------------

bool parts_set(char **part, const char *path) {
    free(*part);
    *part = strdup(path);
    return *part != NULL;
}

struct latent_part *parts_add_latent(struct parts *parts, const char *path) {
    struct latent_part *latents =
        reallocarray(parts->latents, parts->latent_count + 1, sizeof *latents);
    char *copy = strdup(path);
    if (latents != NULL) {
        parts->latents = latents;
    }
    if (latents == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    struct latent_part *latent = &latents[parts->latent_count++];
    *latent = (struct latent_part){.path = copy};
    return latent;
}

void parts_release(struct parts *parts) {
    for (size_t i = 0; i < parts->latent_count; i++) {
        free(parts->latents[i].path);
        free(parts->latents[i].key);
    }
    free(parts->latents);
    free(parts->image);
    free(parts->metadata);
    free(parts->environment);
    *parts = (struct parts){.image = NULL};
}

// --- A folder -----------------------------------------------------------------------------------

struct finding {
    struct parts *parts;
    const struct parts given; // what there was before
    const char *folder;       // the one that is read
    struct complaint_list *complaints;
    bool any; // a member was found
    bool two_images;
};

static void complain_of_folder(const struct finding *finding, int problem) {
    complaint_list_add(finding->complaints, finding->folder, "cannot read it: %s",
                       strerror(problem));
}

// Take the member of this name. 0 or an errno.
static int take_member(struct finding *finding, const char *name, const char *path) {
    struct parts *parts = finding->parts;
    finding->any = true;
    if (member_name_is_image(name)) {
        if (finding->given.image != NULL) {
            return 0;
        }
        finding->two_images = finding->two_images || parts->image != NULL;
        parts->image_kind = gen5_image_kind_from_extension(name + strlen(MEMBER_IMAGE_PREFIX));
        return parts_set(&parts->image, path) ? 0 : ENOMEM;
    }
    if (strcmp(name, MEMBER_LATENT) == 0) {
        if (finding->given.latent_count > 0) {
            return 0;
        }
        struct latent_part *latent = parts_add_latent(parts, path);
        if (latent != NULL) {
            latent->first = true;
        }
        return latent != NULL ? 0 : ENOMEM;
    }
    char **part = strcmp(name, MEMBER_METADATA) == 0 ? &parts->metadata : &parts->environment;
    return *part != NULL || parts_set(part, path) ? 0 : ENOMEM;
}

static void complain_of_stranger(const struct finding *finding, const char *path,
                                 const char *name) {
    if (name[0] != '.') {
        complaint_list_add(finding->complaints, path, "left out, no member is called so");
    }
}

static int take_latent(void *context, const char *name) {
    struct finding *finding = context;
    char *path = NULL;
    if (asprintf(&path, "%s/%s", finding->folder, name) < 0) {
        return ENOMEM;
    }
    bool hidden = name[0] == '.';
    int problem = 0;
    if (!hidden && !member_name_is_latent(name)) {
        complain_of_stranger(finding, path, name);
    } else if (finding->given.latent_count == 0) {
        struct latent_part *latent = parts_add_latent(finding->parts, path);
        if (latent != NULL) {
            latent->hidden = hidden;
        }
        problem = latent != NULL ? 0 : ENOMEM;
        finding->any = finding->any || !hidden;
    }
    free(path);
    return problem;
}

static int read_folder(const char *path, int (*visit)(void *context, const char *name),
                       void *context) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int problem = folder_names_visit(fd, visit, context);
    close(fd);
    return problem;
}

static int take_latents(struct finding *finding, const char *path) {
    struct finding inner = *finding;
    inner.folder = path;
    int problem = read_folder(path, take_latent, &inner);
    finding->any = inner.any;
    if (problem != 0) {
        complain_of_folder(&inner, problem);
    }
    return problem;
}

static int take_entry(void *context, const char *name) {
    struct finding *finding = context;
    char *path = NULL;
    if (asprintf(&path, "%s/%s", finding->folder, name) < 0) {
        return ENOMEM;
    }
    int problem = 0;
    if (member_name_is_any(name)) {
        problem = take_member(finding, name, path);
    } else if (strcmp(name, MEMBER_LATENTS) == 0) {
        problem = take_latents(finding, path);
    } else {
        complain_of_stranger(finding, path, name);
    }
    free(path);
    return problem;
}

bool parts_find(struct parts *parts, const char *folder, struct complaint_list *complaints) {
    struct finding finding = {
        .parts = parts, .given = *parts, .folder = folder, .complaints = complaints};
    size_t before = complaints->count;
    int problem = read_folder(folder, take_entry, &finding);
    if (problem != 0 && complaints->count == before) {
        complain_of_folder(&finding, problem);
    } else if (problem == 0 && finding.two_images) {
        complaint_list_add(complaints, folder, "has two images; a container holds one");
    } else if (problem == 0 && !finding.any) {
        complaint_list_add(complaints, folder,
                           "has no member of a container: %s*, %s, %s/, %s or %s",
                           MEMBER_IMAGE_PREFIX, MEMBER_LATENT, MEMBER_LATENTS, MEMBER_METADATA,
                           MEMBER_ENVIRONMENT);
    }
    return problem == 0 && !finding.two_images && finding.any;
}
