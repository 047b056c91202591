// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// What the container_*.c files share: a container that somebody has looked into, and its files.
//
// A container is the file in the source (a snapshot of what it is now) under a thin layer of what
// is known only here: drafts that are being written, scratch files, and members that are hidden
// because they were removed or renamed away a moment ago. A file is known by its path in the
// container; a latent's is always "latents/NAME.npy", also when it is called by its other name,
// "latent.npy".
#ifndef GEN5FS_CONTAINER_H
#define GEN5FS_CONTAINER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "container_operations.h"
#include "file_index.h"
#include "gen5/npy.h"
#include "gen5/repack.h"
#include "latent_order.h"
#include "snapshot.h"

enum member_kind {
    MEMBER_NONE, // a scratch file
    MEMBER_IMAGE,
    MEMBER_LATENT,
    MEMBER_ENVIRONMENT,
    MEMBER_METADATA,
    MEMBER_NOTICE, // gen5-error.txt of a container that cannot be read
};

// What a path stands for.
struct member {
    enum member_kind kind;
    enum gen5_image_kind image_kind; // MEMBER_IMAGE: what the name promises
    char *key;                       // MEMBER_LATENT; owned
    size_t key_length;
};

// Which bytes a member has: two members with equal versions read the same.
struct version {
    bool present;
    uint64_t size; // of the file, in bytes
    struct gen5_digest digest;
};

// What must not change underneath a draft: its member's bytes and, of metadata, the user's part
// (the rest changes with every save of another member).
struct base {
    struct version version;
    struct snapshot *snapshot; // of metadata, which snapshot has it; a reference. Else NULL
};

// A member's bytes in a snapshot: a head from memory (a .npy header, or all of a text), then a
// payload.
struct content {
    const struct gen5_record *record; // NULL: head alone
    const char *head;
    size_t head_size;
    char npy_header[GEN5_NPY_HEADER_SIZE_MAX];
};

// A path and what it stands for, for a file to take: made before anything is changed, since taking
// it cannot fail.
struct file_name {
    char *path;
    struct member member;
    struct member origin;
};

struct file_node {
    struct file_node *next; // in container.files, as long as the node lives
    struct file_node *previous;
    struct file_node *path_next; // in container.index
    struct file_node *number_next;
    struct file_node *leaving_next; // in container.leaving, while `leaving` is not 0
    struct node *node;              // one reference of ours while `kept`
    struct container *container;
    // Changed under commit_lock and container.lock together, so that either is enough to read them:
    char *path;
    struct member member; // MEMBER_NONE for scratch
    struct member
        origin; // the member whose bytes `snapshot` has; scratch that was a member keeps it
    // Protected by container.lock:
    bool attached;       // the path leads here
    bool replaced;       // by a rename over it, while somebody writes to it
    bool kept;           // scratch, or has a draft or an error: lives on when the kernel forgets it
    bool tried;          // fresh_adopt_scratch has looked at it
    bool given_up_later; // closed empty while fresh: there is work waiting that looks at it again
    bool fresh;          // made here, the container has no such member yet
    struct version version;    // of the member when it was last read or committed
    struct base base;          // what the draft was begun from
    struct snapshot *snapshot; // while open, and for as long as a detached file or scratch needs it
    uint32_t opens;
    uint32_t writers;
    uint32_t writers_flushed;
    uint32_t leaving;  // references to `node` that go when the container is left
    uint32_t settling; // last writers that have left and whose draft is being put away
    bool stale_pages;  // the kernel's pages are of an older version
    bool pages_given;  // it was given pages of this version, and may have kept them
    bool giving;       // it is being given them: nobody opens the file for writing meanwhile
    int error_number;  // of the last commit, or of reading; 0 for none
    char *error;       // why, in words
    bool error_of_reading;
    struct gen5_identity error_state; // the state of the container that could not be read
    uint64_t changes;                 // of the draft
    uint64_t changes_done;            // committed, or refused and reported, up to here
    uint64_t changes_committed;
    // Exclusive to make, drop or commit the draft, shared to write into it.
    pthread_rwlock_t draft_lock;
    // Unnamed file, -1 for none. Changed under draft_lock (exclusive) and container.lock together.
    int draft_fd;
};

// A member that the container still has and that is not shown.
struct hidden {
    struct hidden *next;
    char *path;
    struct member member;
    struct version version; // the bytes that are hidden; what another program puts there is not
    int64_t due_ms;         // when it is removed from the container; -1: not by itself
};

struct container {
    struct node *node; // the NODE_CONTAINER; not a reference of ours: the node owns the container
    struct node
        *latents; // the NODE_LATENTS, while the kernel or a caller knows it; not a reference
    pthread_mutex_t commit_lock;
    pthread_mutex_t lock;
    pthread_cond_t released; // a writer left a file, or the kernel was given one; with lock
    uint32_t pins;           // callers inside, protected by node_table.lock
    // Protected by lock:
    struct file_node *files;
    struct file_index index; // the same files
    struct latent_order order;
    struct file_node *leaving;
    struct hidden *hidden;
    struct gen5_identity seen; // the state of the file that the kernel was last told of
    // Where the kernel opens no files: the file that its nodes were last found in, kept open, since
    // any of them may be being read when another program replaces it. -1 for none.
    int held_fd;
    struct gen5_identity held; // what that was then
    char *first_latent;        // the path that LATENT_NAME led to then; NULL: not known
    bool removal_scheduled;
    // A container that mkdir made, until it has been left alone for a while (container_fresh.c).
    int64_t fresh_until_ms; // 0: not fresh
    bool fresh_first; // a latent was made as latent.npy, and not yet by its own name: this one
    struct gen5_digest fresh_first_digest;
    pid_t fresh_maker;
    // Metadata that was written before the chunks that it speaks of. Changed under commit_lock and
    // lock together.
    char *fresh_text;
    size_t fresh_text_size;
};

#define LATENT_NAME "latent.npy"
#define LATENTS_NAME "latents"
#define LATENTS_PREFIX LATENTS_NAME "/"
#define NOTICE_NAME "gen5-error.txt"
#define METADATA_NAME "metadata.json"
#define ENVIRONMENT_NAME "env.json"
// The key of a latent that was saved as latent.npy into a container without latents.
#define PLACEHOLDER_KEY "latent"
#define PLACEHOLDER_PATH LATENTS_NAME "/" PLACEHOLDER_KEY ".npy"
#define FRESH_TEXT_MAX (16U << 20) // bytes of metadata that are remembered

// How long a removal waits for the replacement that may follow it, and mkdir's container for its
// content.
enum { REMOVAL_DELAY_MS = 1000, FRESH_MS = 3000, SETTLE_MS = 200 };

// container_life.c

// The container of a NODE_CONTAINER, NODE_LATENTS or NODE_FILE; made when nobody has looked inside
// before. Kept until container_leave. 0 or ENOMEM.
int container_enter(struct filesystem *filesystem, struct node *node, struct container **container);
void container_leave(struct filesystem *filesystem, struct container *container);
// What the st_ino of everything in a container starts with; the lower 24 bits are free.
uint64_t inside_ino(const struct container *container);
struct file_node *file_of(const struct node *node);
// A new file, attached, with a reference to its node for the caller. container.lock is held.
int file_new(struct filesystem *filesystem, struct container *container, const char *path,
             const struct member *member, struct file_node **file);
// A new file is not to be forgotten where it is one of so many latents that their numbers, which
// are found free only among those that are known, would be given twice.
void file_stay_if_crowded(struct filesystem *filesystem, const struct file_node *file,
                          const struct snapshot *snapshot);
void file_detach(struct filesystem *filesystem, struct file_node *file);
// The same for a member that a rename replaced. Who is writing to it is told (DESIGN.md 2.2
// rule 10).
void file_replace(struct filesystem *filesystem, struct file_node *file);
// Give up a reference to the file's node while container.lock is held: releasing the last one takes
// the lock, so it is done when a caller leaves the container.
void file_release_later(struct file_node *file);
void file_keep(struct filesystem *filesystem, struct file_node *file, bool keep);
struct file_node *file_find(const struct container *container, const char *path);
int file_name_make(struct file_name *name, const char *path, const struct member *member,
                   const struct member *origin);
void file_name_release(struct file_name *name);
// container.commit_lock and container.lock are held. Leaves the name empty.
void file_take_name(struct file_node *file, struct file_name *name);
void file_set_error(struct file_node *file, int number, const char *text);
// The same for one of reading a state of the container; it is over when that is another.
void file_set_read_error(struct file_node *file, int number, const char *text,
                         const struct snapshot *snapshot);
bool file_error_is_over(const struct file_node *file, const struct snapshot *snapshot);
// The file's draft is one of what this snapshot has. container.lock is held.
void file_set_base(struct filesystem *filesystem, struct file_node *file,
                   struct snapshot *snapshot);

// container_members.c

// The file name of a path in latents/, which is a part of the path; NULL for any other path.
const char *path_in_latents(const char *path);
// What a path stands for, by itself and (for names of latents that were cut) by what the snapshot
// has.
int member_of_path(const struct snapshot *snapshot, const char *path, struct member *member);
void member_release(struct member *member);
int member_copy(struct member *to, const struct member *from);
bool member_equal(const struct member *left, const struct member *right);
// The path of the latent with a key; 0 or ENOMEM.
int latent_path(const char *key, size_t key_length, char **path);
// The path under which a snapshot shows a member; 0, ENOENT or ENOMEM.
int member_path(const struct snapshot *snapshot, const struct member *member, char **path);
// Its bytes, and which they are. false where the snapshot has none.
bool member_content(const struct snapshot *snapshot, const struct member *member,
                    struct content *content);
struct version member_version(const struct snapshot *snapshot, const struct member *member);
struct base base_of(struct snapshot *snapshot, const struct member *member);
void base_release(struct filesystem *filesystem, struct base *base);
// 0 where a snapshot still has the member as it was; ESTALE or ENOMEM with the reason.
int base_check(const struct base *base, const struct member *member,
               const struct snapshot *snapshot, struct gen5_error *error);
bool version_equal(const struct version *left, const struct version *right);
// A name in a folder as a path; LATENT_NAME becomes the first latent's. The caller frees. 0,
// ENOMEM, or ENAMETOOLONG for one that no folder could hold.
int path_of_name(struct container *container, const struct snapshot *snapshot,
                 const struct node *folder, const char *name, char **path);
int content_read(struct filesystem *filesystem, struct snapshot *snapshot,
                 const struct member *member, void *buffer, size_t size, uint64_t offset,
                 size_t *got, struct gen5_error *error);

// container_hidden.c

int hidden_add(struct container *container, const char *path, const struct member *member,
               const struct version *version, int64_t due_ms);
// Whether a member of this version is hidden. Metadata is in every version, since that changes with
// each save of another member.
bool hidden_has(const struct container *container, const char *path, const struct version *version);
void hidden_drop(struct container *container, const char *path);

// container_view.c

// What the container is now. 0 or an errno (ENOENT where its file is gone); the caller releases it.
int container_snapshot(struct filesystem *filesystem, struct container *container,
                       struct snapshot **snapshot);
// Where the kernel opens no files: files whose version is another in `snapshot` keep the file that
// they were found in until now, and the container holds the present one. container.lock is held.
void view_hold(struct filesystem *filesystem, struct container *container,
               struct snapshot *snapshot);
void view_let_go(struct filesystem *filesystem, struct container *container);
// A snapshot that has the version which the file shows, where the kernel opens no files: `now`,
// which may be NULL, or the one that was held. ESTALE where there is none any more; the caller
// releases it. container.lock is held.
int view_version(struct filesystem *filesystem, struct file_node *file, struct snapshot *now,
                 struct snapshot **snapshot);
// Look at what a folder of a container shows. After 0 container.lock is held, until view_end.
int view_begin(struct filesystem *filesystem, struct node *folder, struct container **container,
               struct snapshot **snapshot);
void view_end(struct filesystem *filesystem, struct container *container,
              struct snapshot *snapshot);
// Whether a file's bytes come from the container as it is now, and not from a draft or an older
// state.
bool file_follows_container(const struct file_node *file);
// Whether such a file may go on to another version, with the same node: nobody has it open.
bool file_may_adopt(const struct filesystem *filesystem, const struct file_node *file);
void file_adopt(struct file_node *file, const struct version *version);
// The file that a path leads to now, found or made, with a node reference; ENOENT. lock is held.
int view_find(struct filesystem *filesystem, struct container *container, struct snapshot *snapshot,
              const char *path, struct file_node **file);
// The same where it is known what the path stands for.
int view_find_member(struct filesystem *filesystem, struct container *container,
                     struct snapshot *snapshot, const char *path, const struct member *member,
                     struct file_node **file);
// The node of latents/ and its attributes; ENOENT where the container cannot be read. lock is held.
int view_latents(struct filesystem *filesystem, struct container *container,
                 struct snapshot *snapshot, struct node **child, struct stat *attributes);
// Wait, for a moment, until a file whose every writer has closed shows what came of it: the last
// release follows the close at once, but whoever closed need not wait for it. The lock is held.
void view_settle(struct container *container, const struct file_node *file);

// container_notices.c

// The kernel lists the container's directory and latents/ again. No lock is held.
void view_tell_listings(struct filesystem *filesystem, struct container *container);
// The same, and it asks again for a path in the container. A path in latents/ may be known as
// LATENT_NAME too.
void view_tell_path(struct filesystem *filesystem, struct container *container, const char *path);
// The same after a request for a path: of what is not in latents/ the kernel knows by itself.
void view_tell_latent(struct filesystem *filesystem, struct container *container, const char *path);
// Bring every file that is shown up to `snapshot` and tell the kernel. No lock is held.
void view_update(struct filesystem *filesystem, struct container *container,
                 struct snapshot *snapshot);

// container_files.c

// Hold the state of the container that the file shows, for as long as it is open. container.lock is
// held.
void file_pin(struct file_node *file, struct snapshot *snapshot);
// truncate(2), or ftruncate(2) where there is a handle.
int file_set_size(struct filesystem *filesystem, struct file_node *file, struct handle *handle,
                  off_t size);

// container_attributes.c

// Attributes of the container's directory or latents/, and of a file; the lock is held.
void view_folder_attributes(struct filesystem *filesystem, const struct snapshot *snapshot,
                            const struct node *node, struct stat *attributes);
int view_attributes(const struct snapshot *snapshot, const struct file_node *file,
                    struct stat *attributes);
// An O_PATH descriptor of the container's file, whatever it is; the caller closes it.
int container_source_open(struct filesystem *filesystem, struct container *container, int *fd);
// After a change of its mode, owner, times or list.
void container_source_changed(struct filesystem *filesystem, struct container *container);

// container_access_list.c: as container_getxattr and _setxattr, for access_list_is_name. `value` is
// NULL to remove the list. A directory has no default list, since nothing is made in a container
// that could inherit it.
int container_access_list_get(struct filesystem *filesystem, struct node *node, const char *name,
                              char **value, size_t *size);
int container_access_list_set(struct filesystem *filesystem, struct node *node, const char *name,
                              const char *value, size_t size, int flags);

// container_tags.c

#define TAGS_NAME "user.xdg.tags"
// The tags of a container that can be read, with commas between them: 0, ENOMEM, or ENODATA where
// there are none. The caller frees *value.
int tags_value(const struct snapshot *snapshot, char **value, size_t *size);
// As container_setxattr for TAGS_NAME of a container's directory. `value` is NULL to remove the
// tags. The reason of a failure is told as that of a save of metadata.json.
int container_tags_set(struct filesystem *filesystem, struct node *node, const char *value,
                       size_t size, int flags);

// container_draft.c; draft_lock is held exclusively

// Make the draft, empty or with the file's bytes.
int draft_make(struct filesystem *filesystem, struct file_node *file, bool empty,
               struct gen5_error *error);
void draft_drop(struct file_node *file);
// A new unnamed file in the source's file system; its descriptor or -errno.
int draft_new(struct filesystem *filesystem, struct container *container);
// What a draft shows where it is a scratch file. Only root can give it away.
int draft_belongs_to(const struct filesystem *filesystem, int fd, uid_t uid, gid_t gid,
                     mode_t mode);

// container_commit.c; commit_lock is held

struct condition {
    const struct member *member;
    const struct base *base;
};
// Change the container's file by edits that were checked, if each member that `conditions` name is
// as it was (base_check). 0, ESTALE where one is not, or an errno, with the reason in `error`.
// *after is what the container is then: NULL where it is changed, but cannot be looked at.
int change_make(struct filesystem *filesystem, struct container *container,
                const struct gen5_edit *edits, size_t edit_count,
                const struct condition *conditions, size_t condition_count, struct snapshot **after,
                struct gen5_error *error);
// Says that the member has changed underneath a draft; ESTALE.
int change_refused(struct gen5_error *error);
// Commit a file's draft to the member that its path stands for; draft_lock is held exclusively.
// `old` may name one more member that the same commit removes.
int draft_commit(struct filesystem *filesystem, struct file_node *file, const struct member *old,
                 struct gen5_error *error);
// Take the locks and commit what has not been. 0 or an errno, which user.gen5.error explains. With
// `again`, what could not be stored for want of room or the like is tried once more; without, the
// answer is the same as before.
int file_commit(struct filesystem *filesystem, struct file_node *file, bool again);
void removals_commit(struct filesystem *filesystem, struct container *container, bool all);
// Carry out what is due in REMOVAL_DELAY_MS. 0 or ENOMEM: then the next one that is scheduled, or
// the end of the mount, does it too. container.lock is held.
int removal_schedule(struct filesystem *filesystem, struct container *container);
// Log what became of a path in the container, and why.
void container_note(struct filesystem *filesystem, struct container *container, const char *path,
                    const char *what, const char *why);
void file_note(struct filesystem *filesystem, struct file_node *file, const char *what,
               const char *why);
// The container's path relative to the source's root, for messages, and where it was last if it was
// removed. The caller frees; NULL without memory.
char *container_path(struct filesystem *filesystem, struct container *container);

// container_fresh.c

void fresh_begin(struct container *container, pid_t maker);
bool fresh_is(struct container *container); // lock is held
void fresh_touch(struct container *container);
void fresh_end(struct container *container);
// Whether a path is one that whoever fills the container makes anew though it is there: mkdir's own
// metadata.json, or a latent by its own name after it was made as latent.npy.
bool fresh_gives_way(struct container *container, const struct snapshot *snapshot,
                     const char *path);
// Whether such a thing, or the other name of the first latent, is to be hidden in `folder` from
// this thread, which is about to make one.
bool fresh_hides(const struct filesystem *filesystem, struct container *container,
                 const struct snapshot *snapshot, const struct node *folder, const char *name,
                 pid_t caller);

// How a draft is to be committed to a container that is being filled: latent.npy comes without its
// key, and again under latents/ with it; metadata.json may come before or after the latents that it
// names.
struct fresh_plan {
    struct member member;     // to store it as
    struct file_name name;    // for the file to take then; empty where it has it
    bool nothing_to_do;       // it is a twin of a latent that is there under its own key
    bool removes_placeholder; // it is the twin with the key
    const char *text;         // metadata to apply along with it, NULL for none; the container's
    size_t text_size;
};
// 0, or an errno and nothing to release.
int fresh_plan(struct filesystem *filesystem, const struct file_node *file,
               const struct snapshot *now, struct fresh_plan *plan);
void fresh_plan_release(struct fresh_plan *plan);
// A latent whose name was cut has its key in the metadata alone: scratch files that are such
// latents are stored. commit_lock is held.
void fresh_adopt_scratch(struct filesystem *filesystem, struct container *container);
// The member that a path in latents/ stands for by the metadata. false where it says nothing.
bool fresh_member(struct filesystem *filesystem, struct container *container, const char *path,
                  struct member *member);
void fresh_remember_text(struct container *container, const struct file_node *file);
// The metadata that is remembered gets the value that the container's has got at `path`
// (gen5/document.h). commit_lock is held.
void fresh_change_text(const struct filesystem *filesystem, struct container *container,
                       const char *path, const char *literal);

#endif
