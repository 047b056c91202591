# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A mount that is read-only. The kernel opens and closes its files by itself, so that the daemon
# never learns which are open: an open descriptor has to keep reading the version that it opened all
# the same (DESIGN.md 2.2 rule 11).

import mmap
import os
import shutil
import unittest

from mount_case import MountCase, new_latent, npy_bytes, read_file, renamed_over, write_file
from mounted import REFERENCE, run
import container

# More than the kernel reads ahead at the first read, so that some of it is read from the daemon only
# after the container was replaced.
SHAPE = (1, 4, 1024, 1024)


def latent_container(seed):
    values = new_latent(SHAPE, "<f2", seed)
    content = container.build(latents=[("key", "float16", SHAPE, values.tobytes())])
    return content, npy_bytes(values)


class ReadOnlyCase(MountCase):
    wrapper = ()

    def setUp(self):
        super().setUp()
        self.mounted(options="ro", prepare=self.prepare, wrapper=self.wrapper)

    def prepare(self, source):
        pass

    def opened(self, *parts):
        descriptor = os.open(self.member(*parts), os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def whole(self, descriptor):
        content = b""
        while piece := os.pread(descriptor, 1 << 17, len(content)):
            content += piece
        return content


class TestVersions(ReadOnlyCase):
    def prepare(self, source):
        self.content, self.latent = latent_container(1)
        write_file(os.path.join(source, "a.gen5"), self.content)

    def replace(self, seed=2):
        content, latent = latent_container(seed)
        renamed_over(self.source("a.gen5"), content)
        return latent

    def eventually_read(self, content):
        self.assert_eventually(lambda: self.read("a.gen5", "latent.npy") == content,
                               "the new version is not read")

    def test_a_descriptor_that_has_read_nothing_yet_reads_what_it_opened(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        self.eventually_read(self.replace())
        self.assertEqual(self.whole(descriptor), self.latent)

    def test_a_descriptor_that_has_read_a_part_reads_the_rest_of_what_it_opened(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        begin = os.read(descriptor, 4096)
        self.eventually_read(self.replace())
        self.assertEqual(begin, self.latent[:4096])
        self.assertEqual(self.whole(descriptor), self.latent)

    def test_a_descriptor_reads_what_it_opened_before_anybody_has_seen_the_change(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        self.replace()
        self.assertEqual(self.whole(descriptor), self.latent)

    def test_descriptors_of_many_versions_read_one_each(self):
        wanted = [(self.opened("a.gen5", "latent.npy"), self.latent)]
        for seed in range(2, 7):
            latent = self.replace(seed)
            self.eventually_read(latent)
            wanted.append((self.opened("a.gen5", "latent.npy"), latent))
        for descriptor, latent in reversed(wanted):
            self.assertEqual(self.whole(descriptor), latent)

    def test_a_descriptor_outlives_its_container(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        os.unlink(self.source("a.gen5"))
        self.assert_eventually(lambda: not os.path.exists(self.member("a.gen5")), "it is still there")
        self.assertEqual(self.whole(descriptor), self.latent)
        self.assertEqual(os.fstat(descriptor).st_size, len(self.latent))

    def test_a_descriptor_outlives_a_container_that_became_unreadable(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        renamed_over(self.source("a.gen5"), b"no container")
        self.assert_eventually(lambda: self.read("a.gen5", "gen5-error.txt"), "it is not told")
        self.assertEqual(self.whole(descriptor), self.latent)

    def test_a_mapping_shows_the_version_that_was_mapped(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        mapping = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        self.addCleanup(mapping.close)
        self.assertEqual(mapping[:16], self.latent[:16])
        self.eventually_read(self.replace())
        self.assertEqual(mapping[:], self.latent)

    def test_a_member_that_did_not_change_stays_the_same_file(self):
        renamed_over(self.source("b.gen5"), read_file(os.path.join(REFERENCE, "extra-fields.gen5")))
        self.eventually_listed("b.gen5")
        before = os.stat(self.member("b.gen5", "image.png")).st_ino
        image = self.read("b.gen5", "image.png")
        os.utime(self.source("b.gen5"))
        self.assertEqual(self.read("b.gen5", "image.png"), image)
        self.assertEqual(os.stat(self.member("b.gen5", "image.png")).st_ino, before)

    def test_a_descriptor_knows_its_data_from_its_holes_and_syncs(self):
        descriptor = self.opened("a.gen5", "latent.npy")
        self.assertEqual(os.lseek(descriptor, 0, os.SEEK_DATA), 0)
        self.assertEqual(os.lseek(descriptor, 0, os.SEEK_HOLE), len(self.latent))
        os.fsync(descriptor)

    def test_many_readers_read_while_the_container_is_replaced_over_and_over(self):
        known = {self.latent}
        for seed in range(2, 12):
            descriptor = self.opened("a.gen5", "latent.npy")
            known.add(self.replace(seed))
            self.assertIn(self.whole(descriptor), known)
            self.assertIn(self.read("a.gen5", "latent.npy"), known)


class TestVersionsWhereFewFilesMayBeOpen(TestVersions):
    """Where the kernel opens files one by one after all."""

    wrapper = ("prlimit", "--nofile=2048:2048")


class TestOrdinaryFiles(ReadOnlyCase):
    def prepare(self, source):
        write_file(os.path.join(source, "file"), b"1" * 100_000)

    def test_what_is_written_in_place_is_seen(self):
        self.assertEqual(self.read("file"), b"1" * 100_000)
        with open(self.source("file"), "r+b") as file:
            file.write(b"2" * 100_000)
        self.assert_eventually(lambda: self.read("file") == b"2" * 100_000, "it is not seen")

    def test_a_descriptor_outlives_the_name(self):
        descriptor = self.opened("file")
        os.unlink(self.source("file"))
        self.assert_eventually(lambda: not os.path.exists(self.member("file")), "it is still there")
        self.assertEqual(self.whole(descriptor), b"1" * 100_000)

    def test_holes_are_those_of_the_file(self):
        with open(self.source("sparse"), "wb") as file:
            file.truncate(1 << 20)
            file.seek(1 << 19)
            file.write(b"data")
        self.eventually_listed("sparse")
        descriptor = self.opened("sparse")
        self.assertEqual(os.lseek(descriptor, 0, os.SEEK_DATA), 1 << 19)

    def test_nothing_is_written(self):
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_RDONLY | os.O_CREAT):
            path = self.member("file" if flags != os.O_RDONLY | os.O_CREAT else "new")
            with self.assertRaises(OSError):
                os.close(os.open(path, flags, 0o644))
        self.assertEqual(self.read("file"), b"1" * 100_000)

    @unittest.skipUnless(os.getuid() == 0, "only root mounts anew")
    def test_a_mount_that_was_made_writable_from_outside_writes_nothing(self):
        run(["mount", "-i", "-o", "remount,rw", self.mount.path])
        with self.assertRaises(OSError):
            write_file(self.member("file"), b"2")
        with self.assertRaises(OSError):
            with open(self.member("file"), "r+b", buffering=0) as file:
                file.write(b"2")
        self.assertEqual(read_file(self.source("file")), b"1" * 100_000)


class TestStatus(ReadOnlyCase):
    def test_the_status_is_of_the_moment_in_which_it_is_read(self):
        def looked_up():
            lines = self.read(".gen5fs", "status").decode().splitlines()
            return int(next(line for line in lines if line.startswith("request lookup")).split()[2])

        before = looked_up()
        self.assertFalse(os.path.exists(self.member("no such file")))
        self.assertGreater(looked_up(), before)

    def test_a_copy_of_the_whole_mount_is_the_source(self):
        shutil.copy(os.path.join(REFERENCE, "extra-fields.gen5"), self.source("a.gen5"))
        self.eventually_listed("a.gen5")
        target = os.path.join(self.work, "copy")
        shutil.copytree(self.mount.path, target)
        stored = self.stored("a.gen5")
        self.assertEqual(read_file(os.path.join(target, "a.gen5", "image.png")), stored.image)


if __name__ == "__main__":
    unittest.main()
