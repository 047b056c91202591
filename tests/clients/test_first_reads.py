# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# First reads of members. A small one is given to the kernel with the answer to its first open; of a
# large one that is compressed no more is kept than its beginning until more is asked for. Whoever
# reads sees neither.

import errno
import os
import threading
import unittest

import numpy as np

from container import build, parse
from mount_case import MountCase, new_latent, npy_bytes, read_file, rewrite_outside, write_file
from mounted import REFERENCE

ROUNDS = 60
LARGE = (1, 4, 1024, 1024)


class TestSmall(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted_with_container()

    def test_what_is_being_written_is_not_overwritten_by_what_is_given_to_a_reader(self):
        content = read_file(os.path.join(REFERENCE, "extra-fields.gen5"))
        for number in range(ROUNDS):
            write_file(self.source(f"{number}.gen5"), content)
        both = threading.Barrier(2)
        failures = []

        def read(number):
            both.wait()
            self.read(f"{number}.gen5", "metadata.json")

        def write(number):
            path = self.member(f"{number}.gen5", "metadata.json")
            both.wait()
            descriptor = os.open(path, os.O_RDWR)
            old = os.pread(descriptor, 1 << 20, 0)
            new = old.replace(b"a", b"b", 1)
            os.pwrite(descriptor, new, 0)
            for _ in range(20):
                if os.pread(descriptor, 1 << 20, 0) != new:
                    failures.append(number)
            os.pwrite(descriptor, old, 0)
            os.close(descriptor)

        for number in range(ROUNDS):
            threads = [threading.Thread(target=function, args=(number,)) for function in (read, write)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])

    def test_a_member_that_another_program_changed_is_read_anew_by_whoever_opens_it(self):
        for number in range(10):
            prompt = f"prompt {number}"
            rewrite_outside(self.source("a.gen5"), prompt=prompt)
            self.assert_eventually(lambda: prompt.encode() in self.read("a.gen5", "metadata.json"),
                                   f"{prompt} is not read")
            self.assertIn(prompt.encode(), self.read("a.gen5", "metadata.json"))

    def test_a_small_member_that_is_damaged_is_not_given(self):
        damaged = bytearray(build(env=b'{"env_version": 1, "components": []}'))
        at = damaged.index(b"components")
        damaged[at:at + 10] = b"COMPONENTS"
        write_file(self.source("d.gen5"), damaged)
        self.eventually_listed("d.gen5")
        for _ in range(2):
            self.assert_os_error(errno.EIO, self.read, "d.gen5", "env.json")


class TestLarge(MountCase):
    def setUp(self):
        super().setUp()
        self.values = np.round(new_latent(LARGE, "<f4", 1), 1)
        self.mounted(prepare=self.prepare)

    def prepare(self, source):
        latent = ("key", "float32", LARGE, self.values.tobytes())
        self.right = build(latents=[latent], compressed="zstd")
        write_file(os.path.join(source, "a.gen5"), self.right)
        write_file(os.path.join(source, "cut.gen5"), self.with_another_end())

    def with_another_end(self):
        """A container whose last element is another than its hash stands for."""
        digest = parse(self.right).document["chunks"][0]["hash"]
        other = self.values.copy()
        other.flat[-1] += 1

        def keep_hash(manifest):
            manifest["gen5_metadata"]["chunks"][0]["hash"] = digest
            return manifest

        return build(latents=[("key", "float32", LARGE, other.tobytes())], compressed="zstd",
                     manifest=keep_hash)

    def opened(self, name):
        descriptor = os.open(self.member(name, "latent.npy"), os.O_RDONLY | os.O_DIRECT)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def test_it_reads_the_same_whatever_is_read_first(self):
        content = npy_bytes(self.values)
        for first in (0, 4096, 255 << 10, (256 << 10) - 64, 256 << 10, 8 << 20, len(content) - 10):
            with self.subTest(first=first):
                write_file(self.source("b.gen5"), self.right)
                self.eventually_listed("b.gen5")
                descriptor = self.opened("b.gen5")
                for offset in (first, 0, 1 << 20, (256 << 10) - 512, first):
                    self.assertEqual(os.pread(descriptor, 65536, offset), content[offset:offset + 65536])
                os.unlink(self.source("b.gen5"))

    def test_its_beginning_is_not_served_where_its_end_is_damaged(self):
        descriptor = self.opened("cut.gen5")
        for offset in (0, 4096, 1 << 20, 0):
            self.assert_os_error(errno.EIO, os.pread, descriptor, 4096, offset)


if __name__ == "__main__":
    unittest.main()
