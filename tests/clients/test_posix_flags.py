# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The flags that chattr(1) sets are those of the files in the source.

import fcntl
import os
import struct
import unittest

from beside_source import (
    GROUP, USER, BesideSource, as_user, attempt, compared, needs_root,
)
from system_calls import (
    FS_APPEND_FL, FS_EXTENT_FL, FS_IMMUTABLE_FL, FS_IOC_FSGETXATTR, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS,
    FS_NOATIME_FL, FS_NODUMP_FL, RENAME_EXCHANGE, fallocate, renameat2,
)


def get_flags(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return struct.unpack("=i", fcntl.ioctl(descriptor, FS_IOC_GETFLAGS, b"\0" * 4))[0]
    finally:
        os.close(descriptor)


def set_flags(path, flags):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, struct.pack("=i", flags))
    finally:
        os.close(descriptor)


def get_project(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return fcntl.ioctl(descriptor, FS_IOC_FSGETXATTR, b"\0" * 28)
    finally:
        os.close(descriptor)


class Flags(BesideSource):
    @compared
    def test_the_flags_of_a_file_are_read_and_set(self, at):
        at.file()
        at.folder()
        seen = {}
        for name in ("file", "folder"):
            first = attempt(get_flags, at(name))
            seen[name] = [first, attempt(get_project, at(name))]
            if isinstance(first, int):
                for flag in (FS_NODUMP_FL, FS_NOATIME_FL, 0):
                    seen[name] += [attempt(set_flags, at(name), first | flag),
                                   attempt(get_flags, at(name))]
        return seen

    @needs_root
    @compared
    def test_others_set_only_their_own(self, at):
        os.chown(at.file("own"), USER, GROUP)
        at.file("root")
        return as_user(lambda: {
            (name, flag): (attempt(set_flags, at(name), flag | FS_EXTENT_FL),
                           attempt(get_flags, at(name)))
            for name in ("own", "root") for flag in (FS_NODUMP_FL, FS_IMMUTABLE_FL, FS_APPEND_FL)
        })

    @needs_root
    @compared
    def test_what_is_immutable_or_for_appending_stays(self, at):
        seen = {}
        for flag in (FS_IMMUTABLE_FL, FS_APPEND_FL):
            place = type(at)(at.folder(f"{flag}"))
            path = place.file()
            folder = place.folder()
            place.file("folder/inside")
            place.file("other")
            descriptor = at.open(path, os.O_RDWR)
            old = attempt(get_flags, path)
            if isinstance(old, str):
                return "no flags"

            def write(flags):
                opened = os.open(path, flags)
                try:
                    os.write(opened, b"more")
                finally:
                    os.close(opened)
            try:
                seen[flag, "set"] = [attempt(set_flags, thing, old | flag) for thing in (path, folder)]
                seen[flag] = [
                    attempt(write, os.O_WRONLY), attempt(write, os.O_WRONLY | os.O_APPEND),
                    attempt(write, os.O_WRONLY | os.O_TRUNC), attempt(os.truncate, path, 1),
                    attempt(os.chmod, path, 0o600), attempt(os.chown, path, 1, 1),
                    attempt(os.utime, path), attempt(os.utime, path, (1, 1)),
                    attempt(os.link, path, place("link")), attempt(os.unlink, path),
                    attempt(os.rename, path, place("moved")),
                    attempt(os.rename, place("other"), path),
                    attempt(renameat2, path, place("other"), RENAME_EXCHANGE),
                    attempt(os.setxattr, path, "user.x", b"x"),
                    attempt(os.pwrite, descriptor, b"x", 0), attempt(os.ftruncate, descriptor, 1),
                    attempt(fallocate, descriptor, 0, 0, 100), attempt(fallocate, descriptor, 3, 0, 2),
                    attempt(os.mkdir, os.path.join(folder, "new")),
                    attempt(os.mknod, os.path.join(folder, "node")),
                    attempt(os.unlink, os.path.join(folder, "inside")),
                    attempt(os.rename, os.path.join(folder, "inside"), os.path.join(folder, "x")),
                    attempt(os.rename, place("other"), os.path.join(folder, "other")),
                    attempt(os.rmdir, folder), attempt(os.rename, folder, place("folder-2")),
                    attempt(os.chmod, folder, 0o700), sorted(os.listdir(folder)),
                ]
            finally:
                for thing in (path, folder):
                    attempt(set_flags, thing, old)
                for thing in ("moved", "folder-2"):
                    attempt(set_flags, place(thing), old)
        return seen


if __name__ == "__main__":
    unittest.main()
