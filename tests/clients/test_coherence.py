# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Ordinary files of the mount, whose pages the kernel keeps: what anybody writes, through the mount
# or in the source, is what everybody reads (DESIGN.md 2.2 rule 11). An ordinary file is the
# source's own, so an open descriptor and a mapping follow it too.

import ctypes
import fcntl
import mmap
import os
import random
import struct
import sys
import threading
import unittest

from mount_case import SEEN_SECONDS, MountCase, read_file, renamed_over, write_file

PAGE = mmap.PAGESIZE
PAGES = 16
LIBC = ctypes.CDLL(None, use_errno=True)


def filled(byte, size=PAGES * PAGE):
    return bytes([byte]) * size


def write_in_place(path, content, offset=0):
    """Changes bytes of a file as it is: the inode and the size stay."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, content, offset)
    finally:
        os.close(descriptor)


def resident_pages(mapping):
    """How many of a mapping's pages the kernel has in memory, without touching one."""
    view = ctypes.c_char.from_buffer(mapping)
    states = (ctypes.c_ubyte * (len(mapping) // PAGE))()
    try:
        result = LIBC.mincore(ctypes.c_void_p(ctypes.addressof(view)), len(mapping), states)
    finally:
        del view
    if result != 0:
        raise OSError(ctypes.get_errno(), "mincore")
    return sum(state & 1 for state in states)


class CoherenceCase(MountCase):
    """A mount with one ordinary file, whose pages are all in the kernel's memory."""

    def setUp(self):
        super().setUp()
        self.mounted(prepare=lambda source: write_file(os.path.join(source, "file"), filled(1)))
        self.file = self.member("file")
        self.assertEqual(read_file(self.file), filled(1))

    def assert_seen(self, predicate):
        self.assert_eventually(predicate, "the change is not seen in the mount", SEEN_SECONDS)

    def opened(self, path, flags=os.O_RDONLY):
        descriptor = os.open(path, flags, 0o644)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def mapped(self, path, flags=os.O_RDWR):
        descriptor = self.opened(path, flags)
        mapping = mmap.mmap(descriptor, os.path.getsize(path))
        self.addCleanup(mapping.close)
        return mapping


class ChangedInTheSource(CoherenceCase):
    """Another program writes into the file in the source, and its size stays what it was."""

    def test_a_fresh_open_reads_the_new_bytes_at_once(self):
        for byte in range(2, 40):
            write_in_place(self.source("file"), filled(byte))
            self.assertEqual(read_file(self.file), filled(byte))

    def test_an_open_descriptor_reads_the_new_bytes(self):
        reader = self.opened(self.file)
        for byte in range(2, 40):
            self.assertEqual(os.pread(reader, PAGES * PAGE, 0), filled(byte - 1))
            write_in_place(self.source("file"), filled(byte))
            self.assert_seen(lambda: os.pread(reader, PAGES * PAGE, 0) == filled(byte))

    def test_a_descriptor_open_for_writing_reads_the_new_bytes(self):
        writer = self.opened(self.file, os.O_RDWR)
        for byte in range(2, 20):
            os.pwrite(writer, filled(byte), 0)
            self.assertEqual(os.pread(writer, PAGES * PAGE, 0), filled(byte))
            write_in_place(self.source("file"), filled(byte + 100))
            self.assert_seen(lambda: os.pread(writer, PAGES * PAGE, 0) == filled(byte + 100))

    def test_a_mapping_shows_the_new_bytes(self):
        mapping = self.mapped(self.file)
        for byte in range(2, 40):
            self.assertEqual(mapping[:], filled(byte - 1))
            write_in_place(self.source("file"), filled(byte))
            self.assert_seen(lambda: mapping[:] == filled(byte))

    def test_a_single_byte_in_the_middle_is_seen(self):
        reader = self.opened(self.file)
        mapping = self.mapped(self.file)
        at = 7 * PAGE + 123
        self.assertEqual((os.pread(reader, 1, at), mapping[at]), (b"\1", 1))
        write_in_place(self.source("file"), b"\2", at)
        self.assert_seen(lambda: os.pread(reader, 1, at) == b"\2" and mapping[at] == 2)

    def test_what_was_read_in_the_middle_of_a_write_is_read_again_at_its_end(self):
        size = 128 << 20
        for byte in range(2, 8):
            # The times change with the first byte of a write, and its last byte comes later.
            write_file(self.source("file"), filled(1, size))
            self.assert_seen(lambda: read_file(self.file)[-1] == 1)
            before = os.stat(self.source("file")).st_mtime_ns
            writing = threading.Thread(target=write_in_place,
                                       args=(self.source("file"), filled(byte, size)))
            writing.start()
            while os.stat(self.source("file")).st_mtime_ns == before:
                pass
            with open(self.file, "rb") as stream:
                os.pread(stream.fileno(), PAGE, size - PAGE)
            writing.join()
            self.assert_seen(lambda: read_file(self.file) == filled(byte, size))

    def test_what_is_appended_to_a_file_that_has_grown_is_read_where_it_is(self):
        appending = self.opened(self.file, os.O_RDWR | os.O_APPEND)
        for byte in range(2, 5):
            mapping = self.mapped(self.file)
            self.assertEqual(len(set(mapping[:])), byte * 2 - 3)
            with open(self.source("file"), "ab") as stream:
                stream.write(filled(100 + byte, PAGE))
            # From here on the mount knows of it, and the kernel has not asked for the size again.
            self.assert_seen(lambda: resident_pages(mapping) == 0)
            os.write(appending, filled(byte, 2 * PAGE))
            content = read_file(self.source("file"))
            self.assertEqual(content[-3 * PAGE:], filled(100 + byte, PAGE) + filled(byte, 2 * PAGE))
            self.assert_seen(lambda: os.pread(appending, len(content) + 1, 0) == content)

    def test_a_file_made_through_the_mount_and_still_open_shows_them(self):
        made = self.opened(self.member("made"), os.O_RDWR | os.O_CREAT | os.O_EXCL)
        for byte in range(1, 5):
            write_in_place(self.source("made"), filled(byte))
            self.assert_seen(lambda: os.pread(made, PAGES * PAGE, 0) == filled(byte))

    def test_a_file_that_has_another_name_in_the_mount_shows_them(self):
        os.link(self.file, self.member("link"))
        mapping = self.mapped(self.member("link"))
        self.assertEqual(mapping[:], filled(1))
        write_in_place(self.source("file"), filled(2))
        self.assert_seen(lambda: mapping[:] == filled(2))

    def test_a_descriptor_of_a_file_that_was_renamed_over_keeps_its_file(self):
        reader = self.opened(self.file)
        write_file(self.source("other"), filled(2))
        os.rename(self.source("other"), self.source("file"))
        self.assert_seen(lambda: read_file(self.file) == filled(2))
        self.assertEqual(os.pread(reader, PAGES * PAGE, 0), filled(1))


class NamesInTheSource(CoherenceCase):
    """Another program removes, replaces or moves a file that the kernel knows, and in the same
    moment the mount is asked for its name."""

    ROUNDS = 200

    def known(self, content=b"old"):
        """A file of the mount, and its name in the source."""
        write_file(self.member("known"), content)
        os.stat(self.member("known"))
        return self.member("known"), self.source("known")

    def test_a_file_that_is_made_where_one_was_removed_is_in_the_source(self):
        for _ in range(self.ROUNDS):
            path, there = self.known()
            os.unlink(there)
            write_file(path, b"new")
            self.assertEqual(read_file(there), b"new")

    def test_what_is_written_where_a_file_was_replaced_is_in_the_source(self):
        for _ in range(self.ROUNDS):
            path, there = self.known()
            renamed_over(there, b"between")
            write_in_place(path, b"new")
            self.assertEqual(read_file(there), b"newween")

    def test_what_is_written_where_a_file_was_moved_away_leaves_that_file_alone(self):
        for _ in range(self.ROUNDS):
            path, there = self.known()
            os.rename(there, self.source("moved"))
            write_file(path, b"new")
            self.assertEqual(read_file(there), b"new")
            self.assertEqual(read_file(self.source("moved")), b"old")

    def test_a_fresh_open_reads_what_a_file_was_replaced_with(self):
        for number in range(self.ROUNDS):
            path, there = self.known()
            renamed_over(there, b"%d" % number)
            self.assertEqual(read_file(path), b"%d" % number)

    def test_attributes_are_set_of_what_a_file_was_replaced_with(self):
        for number in range(self.ROUNDS):
            path, there = self.known()
            renamed_over(there, b"between")
            os.truncate(path, 2)
            self.assertEqual(read_file(there), b"be")
            renamed_over(there, b"between")
            os.chmod(path, 0o600 + number % 64)
            self.assertEqual(os.stat(there).st_mode & 0o777, 0o600 + number % 64)
            renamed_over(there, b"between")
            os.setxattr(path, "user.one", b"1")
            self.assertEqual(os.listxattr(there), ["user.one"])
            renamed_over(there, b"between")
            os.setxattr(there, "user.one", b"1")
            os.removexattr(path, "user.one")
            self.assertEqual(os.listxattr(there), [])

    def test_a_link_is_made_of_what_a_file_was_replaced_with(self):
        for _ in range(self.ROUNDS):
            path, there = self.known()
            os.rename(there, self.source("moved"))
            write_file(there, b"new")
            os.link(path, self.member("link"))
            self.assertEqual(read_file(self.source("link")), b"new")
            os.unlink(self.member("link"))

    def test_a_name_is_not_lost_with_another_of_the_same_file(self):
        path, there = self.known()
        os.link(path, self.member("link"))
        for _ in range(self.ROUNDS):
            os.stat(self.member("link"))
            os.unlink(self.source("link"))
            write_in_place(path, b"new")
            self.assertEqual(read_file(there), b"new")
            os.link(there, self.source("link"))
            self.assert_seen(lambda: os.path.exists(self.member("link")))

    def test_an_open_file_that_was_removed_is_opened_again_by_its_descriptor(self):
        for _ in range(self.ROUNDS):
            path, there = self.known()
            descriptor = os.open(path, os.O_RDWR)
            os.unlink(there)
            with open(f"/proc/self/fd/{descriptor}", "r+b") as again:
                self.assertEqual(again.read(), b"old")
                again.write(b", new")
            self.assertEqual(os.pread(descriptor, 100, 0), b"old, new")
            os.fchmod(descriptor, 0o600)
            os.setxattr(descriptor, "user.one", b"1")
            os.removexattr(descriptor, "user.one")
            os.ftruncate(descriptor, 2)
            self.assertEqual(os.fstat(descriptor).st_size, 2)
            os.close(descriptor)


class OwnChanges(CoherenceCase):
    """What is done through the mount is known to the kernel: it keeps the file's pages."""

    def assert_pages_stay(self, change):
        mapping = self.mapped(self.file)
        self.assertEqual(mapping[:], filled(1))
        change()
        # Events come in their order: when the second is seen, the first was dealt with.
        write_file(self.source("later"), b"")
        self.assert_seen(lambda: "later" in os.listdir(self.mount.path))
        os.stat(self.file if os.path.exists(self.file) else self.member("moved"))
        self.assertEqual(resident_pages(mapping), PAGES)

    def test_a_write_keeps_the_pages(self):
        self.assert_pages_stay(lambda: write_in_place(self.file, b"\2", 0))

    def test_a_rename_keeps_the_pages(self):
        self.assert_pages_stay(lambda: os.rename(self.file, self.member("moved")))

    def test_a_link_keeps_the_pages(self):
        self.assert_pages_stay(lambda: os.link(self.file, self.member("link")))

    def test_a_removed_link_keeps_the_pages(self):
        os.link(self.file, self.member("link"))
        self.assert_pages_stay(lambda: os.unlink(self.member("link")))

    def test_a_changed_mode_keeps_the_pages(self):
        self.assert_pages_stay(lambda: os.chmod(self.file, 0o600))

    def test_an_attribute_keeps_the_pages(self):
        def change():
            os.setxattr(self.file, "user.one", b"1")
            os.removexattr(self.file, "user.one")

        self.assert_pages_stay(change)

    def test_an_open_and_a_close_keep_the_pages(self):
        self.assert_pages_stay(lambda: self.opened(self.file, os.O_RDWR))


class Worker:
    """One of several processes that write the same file, record by record. A record is locked, must
    hold what whoever wrote it last has left there, and is written anew (LTP's doio with `-r`).

    table   memory that all workers share: what was last written, by record
    """

    def __init__(self, path, lock_path, table, records, record_size, reads, writes, reopens, seed):
        self.path, self.table, self.records, self.size = path, table, records, record_size
        self.reads, self.writes, self.reopens = reads, writes, reopens
        self.chance = random.Random(seed)
        self.lock_descriptor = os.open(lock_path, os.O_RDWR)
        self.descriptor = None
        self.mapping = None
        self.seed = seed

    def open(self):
        self.descriptor = os.open(self.path, os.O_RDWR)
        self.mapping = mmap.mmap(self.descriptor, self.records * self.size)

    def close(self):
        self.mapping.close()
        os.close(self.descriptor)

    def read(self, at):
        way = self.chance.choice(self.reads)
        if way == "pread":
            return way, os.pread(self.descriptor, self.size, at)
        if way == "read":
            os.lseek(self.descriptor, at, os.SEEK_SET)
            return way, os.read(self.descriptor, self.size)
        return way, self.mapping[at:at + self.size]

    def write(self, at, content):
        way = self.chance.choice(self.writes)
        if way == "pwrite":
            os.pwrite(self.descriptor, content, at)
        elif way == "writev":
            os.lseek(self.descriptor, at, os.SEEK_SET)
            os.writev(self.descriptor, [content[:7], content[7:]])
        else:
            self.mapping[at:at + self.size] = content
        if way == "store and sync":
            start = at - at % PAGE
            self.mapping.flush(start, at + self.size - start)
        return way

    def expected(self, record):
        return self.table[record * 8:record * 8 + 8]

    def step(self, number):
        record = self.chance.randrange(self.records)
        at = record * self.size
        fcntl.lockf(self.lock_descriptor, fcntl.LOCK_EX, self.size, at)
        try:
            if self.reopens:
                self.open()
            way, found = self.read(at)
            if found != self.expected(record) * (self.size // 8):
                raise AssertionError(
                    f"worker {self.seed}, step {number}, record {record}: by {way} found"
                    f" {found[:8]!r}..{found[-8:]!r}, last written was {self.expected(record)!r}")
            mark = struct.pack("<II", self.seed + 1, number + 1)
            self.write(at, mark * (self.size // 8))
            self.table[record * 8:record * 8 + 8] = mark
            if self.reopens:
                self.close()
        finally:
            fcntl.lockf(self.lock_descriptor, fcntl.LOCK_UN, self.size, at)

    def run(self, steps):
        if not self.reopens:
            self.open()
        for number in range(steps):
            self.step(number)
        if not self.reopens:
            self.close()


class RecordsOfTwo(CoherenceCase):
    """Processes that write one file and lock its records read back what the other wrote."""

    RECORDS = 128
    STEPS = 1500
    ANY_READ = ("pread", "read", "load")
    ANY_WRITE = ("pwrite", "writev", "store", "store and sync")

    def assert_coherent(self, paths, record_size, reads, writes, reopens=False, lock_path=None):
        """One worker for each path, all on the same file. `lock_path` is what they lock, by default
        the file itself."""
        table = mmap.mmap(-1, self.RECORDS * 8)
        self.addCleanup(table.close)
        write_file(paths[0], bytes(self.RECORDS * record_size))
        workers = []
        for seed, path in enumerate(paths):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    Worker(path, lock_path or path, table, self.RECORDS, record_size, reads, writes,
                           reopens, seed).run(self.STEPS)
                    status = 0
                except BaseException as error:
                    sys.stderr.write(f"{error}\n")
                finally:
                    os._exit(status)
            workers.append(child)
        self.assertEqual([os.waitpid(child, 0)[1] for child in workers], [0] * len(workers))
        self.assert_file_is(paths, table, record_size)

    def assert_file_is(self, paths, table, record_size):
        """What everybody sees in the end is what was written last."""
        last = b"".join(table[record * 8:record * 8 + 8] * (record_size // 8)
                        for record in range(self.RECORDS))
        for path in {*paths, self.source("file")}:
            self.assertEqual(read_file(path), last, path)

    def test_records_within_pages_through_the_mount(self):
        self.assert_coherent([self.file] * 2, 512, self.ANY_READ, self.ANY_WRITE)

    def test_records_of_pages_through_the_mount(self):
        self.assert_coherent([self.file] * 2, PAGE, self.ANY_READ, self.ANY_WRITE)

    def test_records_across_pages_through_the_mount(self):
        self.assert_coherent([self.file] * 3, 1000, self.ANY_READ, self.ANY_WRITE)

    def test_records_of_a_file_that_is_opened_each_time_through_the_mount(self):
        self.assert_coherent([self.file] * 2, 512, self.ANY_READ, self.ANY_WRITE, reopens=True,
                             lock_path=self.outside("lock", b""))

    def test_records_within_pages_on_both_sides(self):
        self.assert_coherent([self.file, self.source("file")], 512, ("pread", "read", "load"),
                             ("pwrite", "writev"), reopens=True,
                             lock_path=self.outside("lock", b""))

    def test_records_of_pages_on_both_sides(self):
        self.assert_coherent([self.file, self.source("file")], PAGE, self.ANY_READ,
                             ("pwrite", "writev", "store and sync"), reopens=True,
                             lock_path=self.outside("lock", b""))


if __name__ == "__main__":
    unittest.main()
