# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The bytes of ordinary files behave in the mount as they do in the source: opening, reading and
# writing, sizes, holes, copies, mappings and locks.

import ctypes
import fcntl
import functools
import mmap
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

from beside_source import BesideSource, attempt, compared, in_child, in_children
from system_calls import (
    F_OFD_GETLK, F_OFD_SETLK, FALLOC_COLLAPSE_RANGE, FALLOC_INSERT_RANGE, FALLOC_KEEP_SIZE,
    FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE, MS_ASYNC, MS_SYNC, fallocate, msync, sync_file_range,
)

PAGE = 4096


def content(path):
    with open(path, "rb") as stream:
        return stream.read()


class Opening(BesideSource):
    @compared
    def test_what_open_makes_of_every_kind_of_name(self, at):
        flags = {
            "read": os.O_RDONLY, "write": os.O_WRONLY, "both": os.O_RDWR,
            "create": os.O_WRONLY | os.O_CREAT, "new": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
            "empty": os.O_WRONLY | os.O_TRUNC, "create empty": os.O_RDWR | os.O_CREAT | os.O_TRUNC,
            "read empty": os.O_RDONLY | os.O_TRUNC, "no link": os.O_RDONLY | os.O_NOFOLLOW,
            "folder": os.O_RDONLY | os.O_DIRECTORY, "path": os.O_PATH,
            "path of link": os.O_PATH | os.O_NOFOLLOW, "create folder": os.O_CREAT | os.O_DIRECTORY,
            "new no link": os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW,
            "nonblocking": os.O_RDONLY | os.O_NONBLOCK, "append": os.O_WRONLY | os.O_APPEND,
            "unnamed": os.O_TMPFILE | os.O_RDWR,
        }
        seen = {}
        for number, (title, flag) in enumerate(flags.items()):
            folder = at.folder(f"{number}")
            place = type(at)(folder)
            place.file()
            place.folder()
            os.symlink("file", place("link"))
            os.symlink("folder", place("folder-link"))
            os.symlink("missing", place("dangling"))
            os.symlink("loop", place("loop"))
            for name in ("file", "folder", "link", "folder-link", "dangling", "loop", "new", "file/x",
                         "file/", "folder/", "new/", "no/where", ".", "folder/..", "n" * 256):
                if title == "unnamed" and name in ("folder", "folder-link", "folder/", ".",
                                                   "folder/.."):
                    continue  # what FUSE of libfuse 3.14 cannot: tested apart
                descriptor = attempt(os.open, place(name), flag, 0o640)
                if isinstance(descriptor, int):
                    status = os.fstat(descriptor)
                    os.close(descriptor)
                    descriptor = f"{status.st_mode:o}", None if name[-1] in "/." else \
                        (status.st_size if not status.st_mode & 0o040000 else "folder")
                seen[title, name] = descriptor
        return seen

    # A program that gets this makes a file with a name, as on file systems without any.
    def test_unnamed_files_are_not_supported(self):
        self.assertEqual(attempt(os.open, self.mount.path, os.O_TMPFILE | os.O_RDWR), "ENOTSUP")
        with tempfile.TemporaryFile(dir=self.mount.path) as stream:
            stream.write(b"content")

    @compared
    def test_a_new_file_is_made_once_however_many_try(self, at):
        def make():
            return attempt(os.open, at("file"), os.O_CREAT | os.O_EXCL | os.O_WRONLY) != "EEXIST"
        return sorted(in_children(*[make] * 8))

    @compared
    def test_flags_are_kept_with_the_descriptor(self, at):
        at.file()
        seen = []
        for flags in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_RDONLY | os.O_NONBLOCK,
                      os.O_RDWR | os.O_SYNC, os.O_RDWR | os.O_DSYNC, os.O_RDONLY | os.O_NOATIME):
            descriptor = at.open(at("file"), flags)
            seen.append(fcntl.fcntl(descriptor, fcntl.F_GETFL))
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
        return seen, fcntl.fcntl(descriptor, fcntl.F_GETFL)

    @compared
    def test_a_descriptor_reads_and_writes_only_what_it_was_opened_for(self, at):
        at.file()
        reading = at.open(at("file"), os.O_RDONLY)
        writing = at.open(at("file"), os.O_WRONLY)
        handle = at.open(at("file"), os.O_PATH)
        return [
            (attempt(os.read, descriptor, 5), attempt(os.write, descriptor, b"x"),
             attempt(os.ftruncate, descriptor, 3), attempt(fallocate, descriptor, 0, 0, 10),
             attempt(os.fsync, descriptor), attempt(os.fchmod, descriptor, 0o600))
            for descriptor in (reading, writing, handle)
        ]


class Writing(BesideSource):
    @compared
    def test_every_way_to_write_leaves_the_same_bytes(self, at):
        descriptor = at.open(at.file(content=b"0123456789" * 2000), os.O_RDWR)
        os.pwrite(descriptor, b"a" * 5000, 3)
        os.lseek(descriptor, 100, os.SEEK_SET)
        os.write(descriptor, b"b" * 10)
        os.writev(descriptor, [b"c" * 7, b"", b"d" * 4097])
        os.pwritev(descriptor, [b"e" * 3, b"f" * 100000], 30000)
        os.lseek(descriptor, 10, os.SEEK_END)
        os.write(descriptor, b"g")
        return (os.lseek(descriptor, 0, os.SEEK_CUR), os.pread(descriptor, 200000, 0),
                os.preadv(descriptor, [bytearray(10), bytearray(10)], 95),
                os.pread(descriptor, 10, 10**6), attempt(os.pwrite, descriptor, b"x", -1),
                attempt(os.pread, descriptor, 1, -1), attempt(os.lseek, descriptor, -1, os.SEEK_SET),
                os.fstat(descriptor).st_size)

    @compared
    def test_appending_goes_to_the_end_wherever_the_descriptor_is(self, at):
        at.file(content=b"start")
        first = at.open(at("file"), os.O_RDWR | os.O_APPEND)
        second = at.open(at("file"), os.O_WRONLY | os.O_APPEND)
        seen = []
        for descriptor, text in ((first, b"one"), (second, b"two"), (first, b"three")):
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, text)
            seen.append(os.lseek(descriptor, 0, os.SEEK_CUR))
        os.pwrite(first, b"four", 0)  # Linux appends here too
        os.truncate(at("file"), 4)
        os.write(second, b"five")
        seen.append(os.pread(first, 100, 0))
        fcntl.fcntl(first, fcntl.F_SETFL, 0)
        os.pwrite(first, b"S", 0)
        return seen, content(at("file"))

    @compared
    def test_many_processes_append_without_losing_a_line(self, at):
        path = at.file(content=b"")
        def append(number):
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            for line in range(100):
                os.write(descriptor, b"%d %03d %s\n" % (number, line, b"x" * (line * 37 % 900)))
        in_children(*(functools.partial(append, number) for number in range(4)))
        lines = sorted(content(path).split(b"\n"))
        # The order in the file differs from run to run.
        with open(path, "wb") as stream:
            stream.write(b"\n".join(lines))
        return lines

    @compared
    def test_truncation_cuts_and_fills_with_zeros(self, at):
        path = at.file(content=b"x" * 10000)
        descriptor = at.open(path, os.O_RDWR)
        seen = []
        for size in (5000, 4096, 4095, 20000, 0, 3, 1):
            os.ftruncate(descriptor, size)
            seen.append((os.fstat(descriptor).st_size, content(path)))
        os.truncate(path, 7)
        seen.append(os.pread(descriptor, 100, 0))
        return seen, attempt(os.truncate, path, -1), attempt(os.truncate, at(), 0), \
            attempt(os.truncate, at("missing"), 0)

    @compared
    def test_sizes_reach_as_far_as_the_source_s_file_system_lets_them(self, at):
        descriptor = at.open(at.file(), os.O_RDWR)
        seen = []
        for size in (2**31 - 1, 2**31, 2**32 + 1, 2**40):
            seen.append((attempt(os.ftruncate, descriptor, size),
                         attempt(os.pwrite, descriptor, b"end", size - 3),
                         os.fstat(descriptor).st_size, os.pread(descriptor, 10, size - 4)))
        seen.append((attempt(os.ftruncate, descriptor, 2**62),
                     attempt(os.pwrite, descriptor, b"x", 2**62)))
        os.ftruncate(descriptor, 5)
        return seen

    @compared
    def test_the_limit_on_file_sizes_holds(self, at):
        path = at.file(content=b"x" * 100)

        def write():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            descriptor = os.open(path, os.O_RDWR)
            appending = os.open(path, os.O_WRONLY | os.O_APPEND)
            return (attempt(os.pwrite, descriptor, b"y" * 100, 950),
                    attempt(os.pwrite, descriptor, b"y", 1000),
                    attempt(os.write, appending, b"z"), attempt(os.ftruncate, descriptor, 1001),
                    attempt(os.truncate, path, 2000), attempt(os.ftruncate, descriptor, 1000),
                    attempt(fallocate, descriptor, 0, 0, 2000), os.fstat(descriptor).st_size)
        return in_child(write)

    @compared
    def test_every_descriptor_sees_what_another_has_written(self, at):
        path = at.file(content=b"0" * 10000)
        one = at.open(path, os.O_RDWR)
        two = at.open(path, os.O_RDWR)
        os.link(path, at("other"))
        three = at.open(at("other"), os.O_RDONLY)
        seen = []
        for offset in (0, 4090, 9999, 12000):
            os.pwrite(one, b"one", offset)
            seen.append((os.pread(two, 10, offset), os.pread(three, 10, offset),
                         os.fstat(three).st_size))
            os.pwrite(two, b"2", offset)
            seen.append((os.pread(one, 10, offset), os.pread(three, 10, offset)))
        os.ftruncate(two, 11)
        seen.append((os.pread(one, 20, 0), os.pread(three, 20, 0)))
        return seen

    @compared
    def test_syncing_works_in_all_its_forms(self, at):
        descriptor = at.open(at.file(), os.O_RDWR)
        os.write(descriptor, b"more")
        folder = at.open(at(), os.O_RDONLY)
        os.sync()
        return (attempt(os.fsync, descriptor), attempt(os.fdatasync, descriptor),
                attempt(os.fsync, folder), attempt(os.fdatasync, folder),
                attempt(sync_file_range, descriptor, 0, 0, 7),
                attempt(os.posix_fadvise, descriptor, 0, 0, os.POSIX_FADV_DONTNEED))

    # epoll(7), which refuses files elsewhere, takes those of any FUSE file system.
    @compared
    def test_a_file_is_ready_at_all_times(self, at):
        descriptor = at.open(at.file(), os.O_RDWR)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLOUT)
        return [events for _, events in poll.poll(0)]


class Holes(BesideSource):
    def map_of(self, descriptor):
        """Where data and holes begin, by SEEK_DATA and SEEK_HOLE."""
        found = []
        at = 0
        while True:
            data = attempt(os.lseek, descriptor, at, os.SEEK_DATA)
            if isinstance(data, str):
                return found + [data]
            at = os.lseek(descriptor, data, os.SEEK_HOLE)
            found.append((data, at))

    @compared
    def test_holes_are_found(self, at):
        descriptor = at.open(at.file(content=b""), os.O_RDWR)
        os.pwrite(descriptor, b"x" * PAGE, 16 * PAGE)
        os.pwrite(descriptor, b"x" * PAGE, 64 * PAGE)
        os.ftruncate(descriptor, 100 * PAGE)
        return (self.map_of(descriptor), attempt(os.lseek, descriptor, 0, os.SEEK_HOLE),
                attempt(os.lseek, descriptor, 17 * PAGE, os.SEEK_HOLE),
                attempt(os.lseek, descriptor, 100 * PAGE, os.SEEK_DATA),
                attempt(os.lseek, descriptor, 100 * PAGE, os.SEEK_HOLE),
                attempt(os.lseek, descriptor, -1, os.SEEK_DATA),
                attempt(os.lseek, descriptor, 99 * PAGE, os.SEEK_DATA),
                os.lseek(descriptor, 0, os.SEEK_CUR))

    @compared
    def test_the_modes_of_fallocate(self, at):
        modes = {
            "plain": 0, "keep": FALLOC_KEEP_SIZE, "punch": FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE,
            "punch alone": FALLOC_PUNCH_HOLE, "zero": FALLOC_ZERO_RANGE,
            "zero keep": FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE, "collapse": FALLOC_COLLAPSE_RANGE,
            "insert": FALLOC_INSERT_RANGE, "unknown": 0x400,
        }
        # FUSE passes these modes on; the kernel refuses the others by itself.
        passed = ("plain", "keep", "punch", "punch alone", "zero", "zero keep", "unknown")
        seen = {}
        for name in passed:
            for offset, length in ((0, 100), (5000, 10000), (8192, 4096), (19000, 5000), (40000, 1),
                                   (0, 0), (-1, 5), (5, -1)):
                path = at.file(f"{name} {offset} {length}", b"x" * 20000)
                descriptor = os.open(path, os.O_RDWR)
                seen[name, offset, length] = (
                    attempt(fallocate, descriptor, modes[name], offset, length),
                    os.fstat(descriptor).st_size, os.pread(descriptor, 60000, 0))
                os.close(descriptor)
        return seen

    # FUSE has no way to pass them on: programs do without, as on most file systems.
    def test_ranges_are_neither_collapsed_nor_inserted(self):
        with open(os.path.join(self.mount.path, "ranges"), "wb") as stream:
            stream.write(b"x" * 10 * PAGE)
            stream.flush()
            for mode in (FALLOC_COLLAPSE_RANGE, FALLOC_INSERT_RANGE):
                self.assertEqual(attempt(fallocate, stream.fileno(), mode, 0, PAGE), "ENOTSUP")

    @compared
    def test_what_is_allocated_is_counted(self, at):
        descriptor = at.open(at.file(content=b""), os.O_RDWR)
        seen = []
        for mode, offset, length in ((0, 0, 10**6), (3, 0, 500 * 1024), (1, 10**6, 10**6)):
            fallocate(descriptor, mode, offset, length)
            os.fsync(descriptor)
            status = os.fstat(descriptor)
            seen.append((status.st_size, status.st_blocks))
        return seen


class Copying(BesideSource):
    @compared
    def test_copy_file_range_copies_within_and_between_files(self, at):
        source = at.open(at.file("from", bytes(range(256)) * 1000), os.O_RDWR)
        target = at.open(at.file("into", b"." * 1000), os.O_RDWR)
        appending = at.open(at("into"), os.O_WRONLY | os.O_APPEND)
        reading = at.open(at("into"), os.O_RDONLY)

        def copied(size, source_offset, target_offset, one=source, other=target):
            return attempt(os.copy_file_range, one, other, size, source_offset, target_offset)
        seen = [
            copied(1000, 5, 500), copied(10**6, 255000, 2000), copied(100, 256000, 0),
            copied(10, 10**7, 0), copied(0, 0, 0), copied(5000, 0, 100000), copied(4096, 0, 8192),
            copied(10, 0, 5, target, target), copied(100, 0, 300, target, target),
            copied(100, 0, 50, target, target), copied(10, 0, 0, source, appending),
            copied(10, 0, 0, source, reading), copied(10, 0, 0, reading, appending),
        ]
        os.lseek(source, 77, os.SEEK_SET)
        os.lseek(target, 88, os.SEEK_SET)
        seen.append(copied(9, None, None))
        return seen, os.lseek(source, 0, os.SEEK_CUR), os.lseek(target, 0, os.SEEK_CUR), \
            content(at("into"))

    @compared
    def test_what_was_just_written_is_copied(self, at):
        source = at.open(at.file("from", b"old" * 10000), os.O_RDWR)
        target = at.open(at.file("into", b""), os.O_RDWR)
        with mmap.mmap(source, 30000) as mapped:
            mapped[0:3] = b"new"
            os.pwrite(source, b"NEW", 9000)
            os.copy_file_range(source, target, 30000)
        first = content(at("into"))
        os.pwrite(target, b"changed", 0)
        return first, content(at("into")), content(at("from"))

    @compared
    def test_bytes_go_from_and_to_pipes_and_files_without_a_detour(self, at):
        source = at.open(at.file("from", b"0123456789" * 5000), os.O_RDONLY)
        target = at.open(at.file("into", b""), os.O_RDWR)
        reading, writing = os.pipe()
        at.descriptors += [reading, writing]
        seen = [
            os.sendfile(target, source, 100, 20000), os.splice(source, writing, 3000),
            os.splice(reading, target, 3000), os.splice(source, writing, 100, 49990),
            os.read(reading, 100), os.write(writing, b"piped"), os.splice(reading, target, 5, None, 9),
        ]
        return seen, content(at("into"))

    @compared
    def test_programs_copy(self, at):
        at.file("from", bytes(range(256)) * 3000)
        with open(at("from"), "r+b") as stream:
            stream.seek(10**6)
            stream.write(b"behind a hole")
        os.utime(at("from"), (1, 2))
        for number, command in enumerate((
            ["cp"], ["cp", "--sparse=always"], ["cp", "--reflink=auto", "-a"], ["install", "-m", "600"],
            ["dd", "status=none", "bs=70000"], ["rsync", "-aS"], ["ln"],
        )):
            arguments = [at("from"), at(f"{number}")]
            if command[0] == "dd":
                arguments = [f"if={at('from')}", f"of={at(str(number))}", "conv=sparse"]
            subprocess.run([*command, *arguments], check=True)
        shutil.copyfile(at("from"), at("shutil"))
        return {name: (os.stat(at(name)).st_blocks > 0, os.stat(at(name)).st_mtime > 2)
                for name in sorted(os.listdir(at()))}


class Mapping(BesideSource):
    @compared
    def test_stores_and_writes_see_each_other(self, at):
        path = at.file(content=b"0" * 3 * PAGE)
        descriptor = at.open(path, os.O_RDWR)
        seen = []
        with mmap.mmap(descriptor, 3 * PAGE) as mapped:
            mapped[10:15] = b"store"
            seen.append(os.pread(descriptor, 20, 0))
            os.pwrite(descriptor, b"write", PAGE + 3)
            seen.append(mapped[PAGE:PAGE + 20])
            with mmap.mmap(descriptor, PAGE, mmap.MAP_PRIVATE) as private:
                private[0:7] = b"private"
                seen.append((private[0:10], mapped[0:10]))
            mapped.flush()
            seen.append(content(path)[:20])
            mapped[2 * PAGE:2 * PAGE + 4] = b"last"
        seen.append(content(path)[2 * PAGE:2 * PAGE + 10])
        os.close(descriptor)
        return seen

    @compared
    def test_a_mapping_outlives_descriptor_and_name(self, at):
        path = at.file(content=b"0" * PAGE)
        descriptor = os.open(path, os.O_RDWR)
        mapped = mmap.mmap(descriptor, PAGE)
        os.link(path, at("other"))
        os.close(descriptor)
        os.unlink(path)
        mapped[0:4] = b"late"
        seen = mapped[0:8]
        mapped.close()
        return seen, content(at("other"))[:8]

    @compared
    def test_what_may_be_mapped(self, at):
        path = at.file(content=b"x" * 100)
        seen = []
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            descriptor = at.open(path, flags)
            for kind in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
                for rights in (mmap.PROT_READ, mmap.PROT_WRITE, mmap.PROT_READ | mmap.PROT_WRITE,
                               mmap.PROT_READ | mmap.PROT_EXEC):
                    def map_it():
                        mmap.mmap(descriptor, 100, flags=kind, prot=rights).close()
                    seen.append(attempt(map_it))
        return seen

    @compared
    def test_what_is_beyond_the_end_of_the_file_is_zero_and_does_not_become_part_of_it(self, at):
        path = at.file(content=b"x" * 100)
        descriptor = at.open(path, os.O_RDWR)
        with mmap.mmap(descriptor, 100) as mapped:
            address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
            tail = ctypes.string_at(address + 100, PAGE - 100)
            ctypes.memset(address + 100, ord("y"), 10)
            msync(address, PAGE, MS_SYNC)
            os.ftruncate(descriptor, 200)
            seen = tail == bytes(PAGE - 100), os.pread(descriptor, 300, 0)
        return seen, content(path)

    @compared
    def test_a_store_beyond_the_last_page_is_a_bus_error(self, at):
        path = at.file(content=b"x" * 2 * PAGE)

        def store():
            descriptor = os.open(path, os.O_RDWR)
            mapped = mmap.mmap(descriptor, 2 * PAGE)
            os.ftruncate(descriptor, 100)
            mapped[PAGE] = 1
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            store()
            os._exit(0)
        return os.WTERMSIG(os.waitpid(child, 0)[1])

    @compared
    def test_msync_writes_and_sets_times(self, at):
        path = at.file(content=b"x" * PAGE)
        descriptor = at.open(path, os.O_RDWR)
        os.utime(path, (1, 1))
        with mmap.mmap(descriptor, PAGE) as mapped:
            mapped[0] = 65
            address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
            result = attempt(msync, address, PAGE, MS_SYNC), attempt(msync, address, PAGE, MS_ASYNC), \
                attempt(msync, address + 1, 10, MS_SYNC), attempt(msync, address, PAGE, 8)
        return result, os.stat(path).st_mtime > 1


class Locks(BesideSource):
    def in_other_process(self, path, call, *arguments):
        def lock():
            descriptor = os.open(path, os.O_RDWR)
            return attempt(call, descriptor, *arguments)
        return in_child(lock)

    @compared
    def test_locks_of_whole_files_exclude_each_other(self, at):
        path = at.file()
        descriptor = at.open(path, os.O_RDONLY)
        other = at.open(path, os.O_RDONLY)
        tried = fcntl.LOCK_EX | fcntl.LOCK_NB
        shared = fcntl.LOCK_SH | fcntl.LOCK_NB
        seen = []
        for kind in (shared, tried, fcntl.LOCK_UN):
            fcntl.flock(descriptor, kind)
            seen.append((attempt(fcntl.flock, other, tried), attempt(fcntl.flock, other, shared),
                         self.in_other_process(path, fcntl.flock, shared),
                         attempt(fcntl.flock, other, fcntl.LOCK_UN)))
        return seen

    @compared
    def test_locks_of_records_exclude_each_other(self, at):
        path = at.file(content=b"x" * 100)
        descriptor = at.open(path, os.O_RDWR)
        fcntl.lockf(descriptor, fcntl.LOCK_EX, 10, 5)
        fcntl.lockf(descriptor, fcntl.LOCK_SH, 10, 50)
        tried = fcntl.LOCK_EX | fcntl.LOCK_NB
        shared = fcntl.LOCK_SH | fcntl.LOCK_NB
        seen = [self.in_other_process(path, fcntl.lockf, kind, length, start)
                for kind in (tried, shared)
                for length, start in ((5, 0), (6, 0), (1, 14), (0, 15), (10, 55), (0, 0))]
        # Closing any descriptor of the file gives all of the process's locks back.
        os.close(os.open(path, os.O_RDONLY))
        return seen, self.in_other_process(path, fcntl.lockf, tried)

    @compared
    def test_locks_of_open_files_are_the_descriptor_s(self, at):
        path = at.file(content=b"x" * 100)
        one = at.open(path, os.O_RDWR)
        two = at.open(path, os.O_RDWR)

        def lock(descriptor, kind, start, length):
            fcntl.fcntl(descriptor, F_OFD_SETLK, struct.pack("hhqqi", kind, 0, start, length, 0))

        def held(descriptor, start):
            return struct.unpack("hhqqi", fcntl.fcntl(
                descriptor, F_OFD_GETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, start, 1, 0)))[:4]
        seen = [attempt(lock, one, fcntl.F_WRLCK, 0, 10), attempt(lock, two, fcntl.F_WRLCK, 5, 10),
                attempt(lock, two, fcntl.F_WRLCK, 10, 10), held(two, 3), held(two, 30), held(one, 12)]
        os.close(os.open(path, os.O_RDONLY))
        return seen + [attempt(lock, two, fcntl.F_WRLCK, 5, 1)]

    @compared
    def test_a_lease_is_what_the_source_makes_of_it(self, at):
        path = at.file()
        descriptor = at.open(path, os.O_RDONLY)
        return attempt(fcntl.fcntl, descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK), \
            attempt(fcntl.fcntl, descriptor, fcntl.F_GETLEASE)


if __name__ == "__main__":
    unittest.main()
