# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Modes, owners, times and extended attributes of ordinary files and folders behave in the mount as
# they do in the source.

import os
import struct
import subprocess
import unittest

from beside_source import (
    GROUP, OTHER_GROUP, STRANGER, USER, BesideSource, as_user, attempt, compared, look, mode_of,
    needs_root,
)
from system_calls import (
    AT_SYMLINK_NOFOLLOW, UTIME_NOW, UTIME_OMIT, fallocate, statx_fields, utimensat,
)


class Modes(BesideSource):
    @compared
    def test_every_mode_can_be_set(self, at):
        at.file()
        at.folder()
        os.mkfifo(at("fifo"))
        seen = {}
        for name in ("file", "folder", "fifo"):
            for mode in (0, 0o111, 0o222, 0o444, 0o777, 0o1777, 0o2777, 0o4777, 0o7777, 0o2644,
                         0o6755, 0o644):
                seen[name, mode] = attempt(os.chmod, at(name), mode), mode_of(at(name))
        return seen

    @compared
    def test_chmod_sets_the_change_time_alone(self, at):
        at.file()
        at.folder()
        os.symlink("file", at("link"))
        every = [at(), at("file"), at("folder"), at("link")]
        return (at.times_moved(every, os.chmod, at("file"), 0o600),
                at.times_moved(every, os.chmod, at("file"), 0o600),
                at.times_moved(every, os.chmod, at("folder"), 0o700),
                at.times_moved(every, os.chmod, at("link"), 0o640),
                at.times_moved(every, os.chmod, at("missing"), 0o640))

    @compared
    def test_the_errors_of_chmod_and_chown(self, at):
        at.file()
        os.symlink("loop", at("loop"))
        os.symlink("missing", at("dangling"))
        return {path: (attempt(os.chmod, at(path), 0o600), attempt(os.chown, at(path), -1, -1),
                       attempt(os.utime, at(path)))
                for path in ("missing", "file/x", "loop", "loop/x", "dangling", "n" * 256, "file/")}

    @needs_root
    @compared
    def test_the_owner_alone_changes_the_mode(self, at):
        os.chown(at.file("own"), USER, GROUP)
        at.file("root", mode=0o666)
        os.chown(at.file("group", mode=0o666), 0, GROUP)

        def change():
            return {(name, mode): (attempt(os.chmod, at(name), mode), mode_of(at(name)))
                    for name in ("own", "root", "group") for mode in (0o600, 0o4755, 0o1644)}
        return as_user(change)

    @needs_root
    @compared
    def test_set_group_id_needs_membership(self, at):
        for group in (GROUP, OTHER_GROUP, STRANGER):
            os.chown(at.file(f"file-{group}"), USER, group)
            os.chown(at.folder(f"folder-{group}"), USER, group)

        def change():
            return {(name, mode): (attempt(os.chmod, at(name), mode), mode_of(at(name)))
                    for name in sorted(os.listdir(at())) for mode in (0o2755, 0o2745, 0o6777)}
        return as_user(change, groups=[OTHER_GROUP])

    @needs_root
    @compared
    def test_every_class_of_users_has_its_own_rights(self, at):
        seen = {}
        for uid, gid in ((USER, STRANGER), (STRANGER, GROUP), (STRANGER, OTHER_GROUP),
                         (STRANGER, STRANGER)):
            for mode in (0o400, 0o200, 0o040, 0o020, 0o004, 0o002, 0o077, 0o707, 0o770, 0o666):
                path = at.file(f"{uid}-{gid}-{mode:o}", mode=mode)
                os.chown(path, uid, gid)

                def use():
                    def opened(flags):
                        os.close(os.open(path, flags))
                    return [attempt(opened, flags) for flags in (
                        os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_PATH,
                    )] + [attempt(os.truncate, path, 1)] + [
                        attempt(os.access, path, wanted) for wanted in (os.R_OK, os.W_OK, os.X_OK)]
                seen[uid, gid, mode] = as_user(use, groups=[OTHER_GROUP])
        return seen

    @needs_root
    @compared
    def test_programs_run_by_whom_they_may(self, at):
        seen = {}
        for mode in (0o755, 0o744, 0o644, 0o111):
            path = at.file(f"{mode:o}", b"#!/bin/sh\necho ran\n", mode)

            def execute():
                done = subprocess.run([path], capture_output=True)
                return done.returncode, done.stdout
            seen[mode] = attempt(execute), as_user(lambda: attempt(execute))
        return seen


class SetIdBits(BesideSource):
    """They go when somebody who could not set them changes the file."""

    def changes(self, at):
        def write(path):
            descriptor = os.open(path, os.O_WRONLY)
            try:
                os.write(descriptor, b"x")
            finally:
                os.close(descriptor)

        def write_nothing(path):
            descriptor = os.open(path, os.O_WRONLY)
            os.write(descriptor, b"")
            os.close(descriptor)

        def append(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.write(descriptor, b"x")
            os.close(descriptor)

        def open_truncated(path):
            os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))

        def create_truncated(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))

        def truncate_open(path):
            descriptor = os.open(path, os.O_WRONLY)
            os.ftruncate(descriptor, 3)
            os.close(descriptor)

        def allocate(path):
            descriptor = os.open(path, os.O_WRONLY)
            fallocate(descriptor, 0, 0, 10000)
            os.close(descriptor)

        def copy(path):
            descriptor = os.open(path, os.O_WRONLY)
            from_descriptor = os.open(at("from"), os.O_RDONLY)
            os.copy_file_range(from_descriptor, descriptor, 3)
            os.close(descriptor)
            os.close(from_descriptor)

        def own_group(path):
            os.chown(path, -1, GROUP)

        def no_owner(path):
            os.chown(path, -1, -1)

        def times(path):
            os.utime(path, (1, 1))

        def attribute(path):
            os.setxattr(path, "user.x", b"x")

        def linked(path):
            os.link(path, path + "-2")
            os.unlink(path + "-2")
        return [write, write_nothing, append, open_truncated, create_truncated, truncate_open,
                allocate, copy, own_group, no_owner, times, attribute, linked,
                lambda path: os.truncate(path, 2)]

    @needs_root
    @compared
    def test_the_set_id_bits_go_when_others_than_root_change_the_file(self, at):
        at.file("from")
        seen = {}
        for number, change in enumerate(self.changes(at)):
            for mode in (0o6777, 0o4755, 0o2755, 0o2666, 0o6666, 0o2767):
                # Set-group-id without x for the group stays where the user is in the group.
                for group in (GROUP, 0):
                    path = at.file(f"{number}-{mode:o}-{group}")
                    os.chown(path, USER, group)
                    os.chmod(path, mode)
                    result = as_user(lambda: attempt(change, path))
                    seen[change.__name__, number, mode, group] = result, mode_of(path)
        return seen

    @needs_root
    @compared
    def test_root_keeps_the_set_id_bits_but_for_a_change_of_owner(self, at):
        at.file("from")
        seen = {}
        for number, change in enumerate(self.changes(at)):
            for mode in (0o6777, 0o2666, 0o4755):
                path = at.file(f"{number}-{mode:o}", mode=mode)
                seen[change.__name__, number, mode] = attempt(change, path), mode_of(path)
        return seen

    @needs_root
    @compared
    def test_capabilities_go_with_a_write(self, at):
        capability = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
        seen = {}
        for number, change in enumerate(self.changes(at)):
            at.file("from")
            for user in (0, USER):
                path = at.file(f"{number}-{user}", mode=0o777)
                os.chown(path, USER, GROUP)
                os.setxattr(path, "security.capability", capability)
                if user == 0:
                    attempt(change, path)
                else:
                    as_user(lambda: attempt(change, path))
                seen[change.__name__, number, user] = "security.capability" in os.listxattr(path)
        return seen


class Owners(BesideSource):
    @needs_root
    @compared
    def test_root_gives_everything_away(self, at):
        at.file()
        at.folder()
        os.symlink("file", at("link"))
        os.mkfifo(at("fifo"))
        for name in ("file", "folder", "link", "fifo"):
            os.chown(at(name), USER, STRANGER, follow_symlinks=False)
        seen = {name: look(at(name)) for name in ("file", "folder", "link", "fifo")}
        os.chown(at("link"), STRANGER, -1)
        os.chown(at("folder"), -1, 0)
        descriptor = at.open(at("fifo"), os.O_RDWR)
        os.fchown(descriptor, 0, USER)
        return seen, {name: look(at(name)) for name in ("file", "folder", "link", "fifo")}

    @needs_root
    @compared
    def test_a_user_changes_groups_among_one_s_own(self, at):
        os.chown(at.file("own"), USER, GROUP)
        os.chown(at.file("root", mode=0o666), 0, GROUP)

        def change():
            return {(name, uid, gid): (attempt(os.chown, at(name), uid, gid), look(at(name))["owner"])
                    for name in ("own", "root") for uid in (-1, USER, 0, STRANGER)
                    for gid in (-1, GROUP, OTHER_GROUP, STRANGER, 0)}
        return as_user(change, groups=[OTHER_GROUP])

    @needs_root
    @compared
    def test_chown_sets_the_change_time_alone(self, at):
        at.file()
        os.symlink("file", at("link"))
        every = [at(), at("file"), at("link")]
        return (at.times_moved(every, os.chown, at("file"), USER, GROUP),
                at.times_moved(every, os.chown, at("file"), USER, GROUP),
                at.times_moved(every, os.chown, at("file"), -1, -1),
                at.times_moved(every, os.lchown, at("link"), USER, GROUP))

    @needs_root
    @compared
    def test_large_numbers_are_owners_too(self, at):
        at.file()
        seen = []
        for number in (65535, 65536, 100000, 2**31 - 1, 2**31, 2**32 - 2):
            seen.append((attempt(os.chown, at("file"), number, number), look(at("file"))))
        return seen


class Times(BesideSource):
    @compared
    def test_times_are_kept_to_the_nanosecond(self, at):
        at.file()
        at.folder()
        os.symlink("file", at("link"))
        os.mkfifo(at("fifo"))
        seen = {}
        for name in ("file", "folder", "link", "fifo"):
            for seconds, nanoseconds in ((0, 0), (0, 1), (1, 999999999), (10**9, 123456789),
                                         (2**31 - 1, 5), (2**31, 5), (2**32, 6), (2**33, 7), (-1, 9),
                                         (-2**31, 0), (-2**31 - 1, 0), (2**34, 0), (2**40, 1)):
                result = attempt(utimensat, at(name), (seconds, nanoseconds),
                                 (seconds + 1, nanoseconds), AT_SYMLINK_NOFOLLOW)
                status = os.lstat(at(name))
                seen[name, seconds] = result, status.st_atime_ns, status.st_mtime_ns
        return seen

    @compared
    def test_times_are_set_now_or_left_as_they_are(self, at):
        at.file()
        every = [at("file"), at()]
        now, omit, fixed = (0, UTIME_NOW), (0, UTIME_OMIT), (5, 6)
        seen = {}
        for accessed in (now, omit, fixed, (7, 10**9), (7, -1)):
            for modified in (now, omit, fixed):
                utimensat(at("file"), (1, 1), (1, 1))
                seen[accessed, modified] = at.times_moved(
                    every, utimensat, at("file"), accessed, modified
                )
        return seen

    @compared
    def test_what_was_set_stays_when_the_file_is_closed(self, at):
        descriptor = at.open(at("file"), os.O_CREAT | os.O_RDWR)
        os.write(descriptor, b"content")
        os.utime(descriptor, ns=(1234567890, 9876543210))
        os.close(descriptor)
        status = os.stat(at("file"))
        return status.st_atime_ns, status.st_mtime_ns

    @needs_root
    @compared
    def test_who_may_set_times(self, at):
        os.chown(at.file("own", mode=0o400), USER, GROUP)
        at.file("writable", mode=0o666)
        at.file("readable", mode=0o644)
        at.file("closed", mode=0o600)
        now, omit, fixed = (0, UTIME_NOW), (0, UTIME_OMIT), (5, 6)

        def change():
            return {(name, times): attempt(utimensat, at(name), *times)
                    for name in ("own", "writable", "readable", "closed")
                    for times in ((now, now), (fixed, fixed), (omit, omit), (now, omit), (omit, now),
                                  (fixed, omit))}
        return as_user(change)

    @compared
    def test_reading_and_writing_set_times(self, at):
        at.file(content=b"content" * 1000)
        at.folder()
        utimensat(at("file"), (1, 1), (2, 2))
        every = [at("file"), at()]

        def do(flags, call, *arguments):
            descriptor = os.open(at("file"), flags)
            try:
                return call(descriptor, *arguments)
            finally:
                os.close(descriptor)
        return [
            at.times_moved(every, do, os.O_WRONLY, os.write, b"x"),
            at.times_moved(every, do, os.O_WRONLY, os.write, b""),
            at.times_moved(every, do, os.O_WRONLY, os.pwrite, b"x", 100000),
            at.times_moved(every, do, os.O_WRONLY | os.O_APPEND, os.write, b"x"),
            at.times_moved(every, do, os.O_WRONLY, os.ftruncate, 50),
            at.times_moved(every, do, os.O_WRONLY, os.ftruncate, 50),
            at.times_moved(every, os.truncate, at("file"), 5000),
            at.times_moved(every, os.truncate, at("file"), 5000),
            at.times_moved(every, do, os.O_WRONLY | os.O_TRUNC, os.fsync),
            at.times_moved(every, do, os.O_WRONLY | os.O_TRUNC, os.fsync),
            at.times_moved(every, do, os.O_WRONLY, fallocate, 0, 0, 100),
            at.times_moved(every, do, os.O_WRONLY, fallocate, 1, 0, 1000),
            at.times_moved(every, do, os.O_RDONLY, os.fsync),
        ]

    # Not of a file that the kernel has pages of: it reads them without a word to the daemon.
    @compared
    def test_reading_sets_the_access_time_of_a_file_that_was_changed(self, at):
        seen = []
        for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY | os.O_NOATIME)):
            path = at.file(f"{number}")
            utimensat(path, (1, 1), (10**9, 2))

            def read():
                descriptor = os.open(path, flags)
                os.read(descriptor, 100)
                os.close(descriptor)
            seen.append(at.times_moved([path], read))
        return seen

    @needs_root
    @compared
    def test_the_owner_alone_reads_without_a_trace(self, at):
        os.chown(at.file("own"), USER, GROUP)
        at.file("root")

        def read(name):
            os.close(os.open(at(name), os.O_RDONLY | os.O_NOATIME))
        return as_user(lambda: [attempt(read, name) for name in ("own", "root")])

    @compared
    def test_the_change_time_tells_of_every_change(self, at):
        at.file()
        every = [at("file")]
        return [
            at.times_moved(every, os.setxattr, at("file"), "user.x", b"1"),
            at.times_moved(every, os.setxattr, at("file"), "user.x", b"2"),
            at.times_moved(every, os.removexattr, at("file"), "user.x"),
            at.times_moved(every, os.removexattr, at("file"), "user.x"),
            at.times_moved(every, os.utime, at("file"), (3, 3)),
            at.times_moved(every, os.link, at("file"), at("two")),
            at.times_moved(every, os.rename, at("two"), at("three")),
            at.times_moved(every, os.unlink, at("three")),
        ]


class ExtendedAttributes(BesideSource):
    @compared
    def test_they_are_created_replaced_and_removed(self, at):
        at.file()
        at.folder()
        seen = {}
        for name in ("file", "folder"):
            path = at(name)
            seen[name] = [
                attempt(os.setxattr, path, "user.a", b"1", os.XATTR_REPLACE),
                attempt(os.setxattr, path, "user.a", b"1", os.XATTR_CREATE),
                attempt(os.setxattr, path, "user.a", b"2", os.XATTR_CREATE),
                attempt(os.setxattr, path, "user.a", b"3", os.XATTR_REPLACE),
                attempt(os.setxattr, path, "user.a", b"3", 3),
                attempt(os.getxattr, path, "user.a"), attempt(os.getxattr, path, "user.b"),
                attempt(os.setxattr, path, "user.empty", b""),
                attempt(os.getxattr, path, "user.empty"),
                sorted(attempt(os.listxattr, path)), attempt(os.removexattr, path, "user.a"),
                attempt(os.removexattr, path, "user.a"), attempt(os.listxattr, path),
            ]
        return seen

    @compared
    def test_names_and_values_have_their_limits(self, at):
        at.file()
        seen = {}
        for name in ("user.", "user", "", "x", "foo.bar", "user." + "n" * 250, "user." + "n" * 251,
                     "trusted.x", "system.x", "security.x", "os2.x", "gnu.x"):
            seen[name] = attempt(os.setxattr, at("file"), name, b"x"), (
                attempt(os.getxattr, at("file"), name) if not name.startswith("security") else None)
        for size in (0, 1, 100, 3000, 4000, 65536, 65537):
            at.file(f"{size}")
            seen[size] = (attempt(os.setxattr, at(f"{size}"), "user.v", b"v" * size),
                          attempt(os.getxattr, at(f"{size}"), "user.v"))
        return seen

    @compared
    def test_many_are_listed(self, at):
        at.file()
        for number in range(40):
            os.setxattr(at("file"), f"user.attribute-{number}", b"%d" % number)
        return sorted(os.listxattr(at("file")))

    @compared
    def test_symlinks_and_pipes_have_none_of_the_user(self, at):
        os.symlink("file", at("link"))
        os.mkfifo(at("fifo"))
        return [(attempt(os.setxattr, at(name), kind + ".x", b"x", follow_symlinks=False),
                 attempt(os.getxattr, at(name), kind + ".x", follow_symlinks=False),
                 attempt(os.listxattr, at(name), follow_symlinks=False))
                for name in ("link", "fifo") for kind in ("user", "trusted")]

    @needs_root
    @compared
    def test_who_may_use_them(self, at):
        os.chown(at.file("own"), USER, GROUP)
        for mode in (0o600, 0o644, 0o666):
            at.file(f"{mode:o}", mode=mode)
        at.folder("sticky", 0o1777)
        os.chown(at.file("read-only", mode=0o400), USER, GROUP)
        for name in os.listdir(at()):
            for kind in ("user", "trusted", "security"):
                os.setxattr(at(name), f"{kind}.old", b"x")

        def use():
            return {(name, kind): (attempt(os.setxattr, at(name), f"{kind}.new", b"y"),
                                   attempt(os.getxattr, at(name), f"{kind}.old"),
                                   attempt(os.removexattr, at(name), f"{kind}.old"),
                                   sorted(os.listxattr(at(name))))
                    for name in sorted(os.listdir(at())) for kind in ("user", "trusted", "security")}
        return as_user(use)


class Statistics(BesideSource):
    @compared
    def test_the_file_system_is_told_as_the_source_s(self, at):
        seen = os.statvfs(at())
        return seen.f_bsize, seen.f_frsize, seen.f_blocks, seen.f_files, seen.f_namemax

    @compared
    def test_block_counts_follow_what_is_allocated(self, at):
        at.file("small", b"x")
        at.file("large", b"x" * 100000)
        with open(at("sparse"), "wb") as stream:
            stream.truncate(10**8)
        os.symlink("x", at("link"))
        seen = {}
        for name in ("small", "large", "sparse", "link"):
            if name != "link":
                descriptor = at.open(at(name), os.O_RDWR)
                os.fsync(descriptor)
            seen[name] = os.lstat(at(name)).st_blocks
        return seen, os.stat(at("small")).st_blksize

    @compared
    def test_statx_knows_what_stat_knows(self, at):
        at.file()
        seen = statx_fields(at("file"), wanted=0x7ff)
        return seen["mask"] & 0x7ff, seen["mode"]

    @compared
    def test_a_file_keeps_its_number_and_device(self, at):
        at.file()
        first = os.stat(at("file"))
        os.rename(at("file"), at("moved"))
        os.truncate(at("moved"), 0)
        second = os.stat(at("moved"))
        descriptor = at.open(at("moved"), os.O_RDONLY)
        return (os.path.samestat(first, second), os.path.samestat(first, os.fstat(descriptor)),
                first.st_dev == os.stat(at()).st_dev)


if __name__ == "__main__":
    unittest.main()
