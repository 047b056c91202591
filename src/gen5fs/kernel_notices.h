// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The gen5fs authors
//
// Telling the kernel that something it remembers is out of date. The kernel takes a folder's lock
// for some of these, and may be holding it for a request that we are answering: so names are told
// from a thread of their own, which holds no lock of ours, and nobody waits for it while answering
// a request.
#ifndef GEN5FS_KERNEL_NOTICES_H
#define GEN5FS_KERNEL_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filesystem;
struct node;
struct kernel_notices;

int kernel_notices_start(struct filesystem *filesystem); // sets filesystem->notices; 0 or errno
// Whatever is queued is dropped. false where a thread is left behind, since the kernel holds it up:
// what it uses, the session included, must stay.
bool kernel_notices_stop(struct filesystem *filesystem);

// A name in a folder may now lead elsewhere (or nowhere): the kernel looks it up again at its next
// use. Queued; told soon, and once more `again_ms` later (0: not), for an answer that was on its
// way to the kernel.
void notice_entry(struct filesystem *filesystem, struct node *folder, const char *name,
                  int64_t again_ms);
// A node's attributes, and with `pages` its cached content or listing, are out of date. Queued as
// well.
void notice_node(struct filesystem *filesystem, struct node *node, bool pages);
// The same at once. Takes no lock of a folder in the kernel, so it may be called while a request is
// being answered, but with none of our locks held, and not for the node of a read or write under
// way.
void notice_node_now(struct filesystem *filesystem, struct node *node, bool pages);

// Put a file's first bytes into the kernel's memory, before it asks for them. At once, as above,
// and only where the kernel can have no other bytes of the file and none on their way.
void notice_content(struct filesystem *filesystem, struct node *node, void *bytes, size_t size);

// A folder lists other names than before. Queued; told soon, and once more a second later, for a
// listing that was on its way to the kernel: it keeps listings until it is told.
void notice_listing(struct filesystem *filesystem, struct node *folder);
// The second telling alone. Behind notice_node_now, or for a listing that is being answered and
// that nothing will tell of changes in.
void notice_listing_later(struct filesystem *filesystem, struct node *folder);

// Call `work(filesystem, argument)` on the thread at `due_ms` (clock_ms). What is left at stop is
// called then. 0 or ENOMEM.
int notice_later(struct filesystem *filesystem, int64_t due_ms,
                 void (*work)(struct filesystem *filesystem, void *argument), void *argument);

// The same on the thread that tells the kernel; `work` is called with NULL. It may call what
// follows, and nobody else.
int notice_telling(struct filesystem *filesystem, int64_t due_ms,
                   void (*work)(struct filesystem *filesystem, void *argument));

// Ask the kernel to forget nodes that nobody uses there; it sends a forget for each that it does.
// false where it knows no such request.
bool notice_prune(struct filesystem *filesystem, struct node *const *nodes, size_t count);
// A name leads nowhere any more. What it led to is forgotten unless it is open.
void notice_name_gone(struct filesystem *filesystem, struct node *folder, const char *name);

#endif
