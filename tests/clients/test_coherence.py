# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Ordinary files of the mount, whose pages the kernel keeps: what anybody writes, through the mount
# or in the source, is what everybody reads (DESIGN.md 2.2 rule 11). An ordinary file is the
# source's own, so an open descriptor and a mapping follow it too.

import ctypes
import mmap
import os
import unittest

from mount_case import SEEN_SECONDS, MountCase, read_file, write_file

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


if __name__ == "__main__":
    unittest.main()
