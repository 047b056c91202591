# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What a power cut may leave on the disk, by the record that recording.c makes of a daemon's calls. What
# was not synced may be there or not: of a file's bytes all, some or none, of a folder's names each. The
# order in which things were done says nothing; only a sync does.

import copy
import itertools
import os
import struct

# struct record and enum recorded
HEADER = struct.Struct("<4I4Qq")
WRITE, TRUNCATE, SYNC, NAME, RENAME, UNLINK, NEW = range(7)
# Beyond so many unsynced names not every choice of them is looked at.
NAMES_MAX = 7


class Record:
    def __init__(self, fields, name, old_name, data):
        self.kind, _, _, _, self.device, self.inode, self.folder, self.old_folder, self.offset = fields
        self.name, self.old_name, self.data = name, old_name, data

    def cut(self):
        """Half of a write."""
        half = copy.copy(self)
        half.data = self.data[:len(self.data) // 2]
        return half

    def __repr__(self):
        kind = ("write", "truncate", "sync", "name", "rename", "unlink", "new")[self.kind]
        return f"<{kind} {self.inode} {self.old_name}->{self.name} {self.offset}+{len(self.data)}>"


def read_records(path, begin=0):
    """Those that stand behind the offset `begin`, each with the offset at which it ends."""
    with open(path, "rb") as stream:
        stream.seek(begin)
        content = stream.read()
    at = 0
    while at < len(content):
        fields = HEADER.unpack_from(content, at)
        at += HEADER.size
        parts = []
        for size in fields[1:4]:
            parts.append(content[at:at + size])
            at += size
        name, old_name, data = parts
        yield Record(fields, os.fsdecode(name), os.fsdecode(old_name), data), begin + at


def changed(content, change):
    if change.kind == TRUNCATE:
        return content[:change.offset].ljust(change.offset, b"\0")
    content = content.ljust(change.offset, b"\0")
    return content[:change.offset] + change.data + content[change.offset + len(change.data):]


class File:
    def __init__(self, content=b""):
        self.durable, self.pending = content, []

    def after(self, changes):
        content = self.durable
        for change in changes:
            content = changed(content, change)
        return content

    def sync(self):
        self.durable, self.pending = self.after(self.pending), []

    # Ways to lose what was not synced.

    def nothing_reached(self):
        return self.durable

    def all_reached(self):
        return self.after(self.pending)

    def size_alone_reached(self):
        size = len(self.all_reached())
        return self.durable[:size].ljust(size, b"\0")

    def half_reached(self):
        return self.after(self.pending[:len(self.pending) // 2])

    def every_second_reached(self):
        return self.after(self.pending[::2])

    def the_last_is_cut(self):
        last = self.pending[-1:]
        if last and last[0].kind == WRITE:
            last = [last[0].cut()]
        return self.after(self.pending[:-1] + last)


LOSSES = (
    File.all_reached, File.nothing_reached, File.size_alone_reached, File.half_reached,
    File.every_second_reached, File.the_last_is_cut,
)


class Disk:
    """A folder and what is below it. All that is there at the beginning is durable."""

    def __init__(self, path):
        self.root, self.device = os.stat(path).st_ino, os.stat(path).st_dev
        self.files, self.folders = {}, {self.root: {}}
        self.pending = []  # names: records
        self._add(path, self.root)

    def _add(self, path, inode):
        self.folders[inode] = {}
        for entry in os.scandir(path):
            found = entry.stat(follow_symlinks=False).st_ino
            self.folders[inode][entry.name] = found
            if entry.is_dir(follow_symlinks=False):
                self._add(entry.path, found)
            else:
                with open(entry.path, "rb") as stream:
                    self.files[found] = File(stream.read())

    def apply(self, record):
        if record.device != self.device:
            return
        if record.kind == NEW:
            self.files[record.inode] = File()
        elif record.kind in (WRITE, TRUNCATE):
            self.files.setdefault(record.inode, File()).pending.append(record)
        elif record.kind == SYNC and record.inode in self.files:
            self.files[record.inode].sync()
        elif record.kind == SYNC:
            mine = [
                name for name in self.pending if record.inode in (name.folder, name.old_folder)
            ]
            for name in mine:
                self.change(self.folders, name)
            self.pending = [name for name in self.pending if name not in mine]
        else:
            self.pending.append(record)

    @staticmethod
    def change(folders, record):
        if record.kind in (RENAME, UNLINK):
            folders.setdefault(record.old_folder, {}).pop(record.old_name, None)
        if record.kind in (NAME, RENAME):
            folders.setdefault(record.folder, {})[record.name] = record.inode

    def choices(self):
        """Which of the unsynced names have reached the disk."""
        if len(self.pending) <= NAMES_MAX:
            for count in range(len(self.pending) + 1):
                yield from itertools.combinations(self.pending, count)
            return
        for count in range(len(self.pending) + 1):
            yield self.pending[:count]
            yield self.pending[count:]
            yield self.pending[:count] + self.pending[count + 1:]

    def _tree(self, folders, loss, inode, path, found):
        for name, child in folders.get(inode, {}).items():
            if child in folders:
                self._tree(folders, loss, child, f"{path}{name}/", found)
            else:
                found[path + name] = loss(self.files.get(child, File()))
        return found

    def states(self):
        """What may be found after a power cut now: each a dictionary of paths and contents."""
        for choice in self.choices():
            folders = {inode: dict(names) for inode, names in self.folders.items()}
            for record in choice:
                self.change(folders, record)
            for loss in LOSSES:
                yield self._tree(folders, loss, self.root, "", {})
