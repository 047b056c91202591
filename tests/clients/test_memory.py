# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What a mount keeps in memory stays below its caps, and what was dropped is found again. With
# GEN5_CROWD=100000 as many containers, and the caps that a mount has by itself.

import contextlib
import os
import unittest

import numpy as np

from crowd import Crowded, is_sanitized, make_crowd
from mount_case import MountCase, new_image, read_file

CROWD = int(os.environ.get("GEN5_CROWD", "500" if is_sanitized() else "5000"))
IS_FULL = CROWD >= 50_000


class ManyContainers(Crowded, MountCase):
    NAMES = 32 if IS_FULL else 1
    # Of a walk that makes and frees so much, more lies about.
    SLACK = 32 << 20 if IS_FULL else Crowded.SLACK

    def setUp(self):
        super().setUp()
        self.mounted(options="" if IS_FULL else f"names={self.NAMES}",
                     prepare=lambda source: make_crowd(source, CROWD))

    def test_walking_through_all_of_them_takes_no_more_than_the_cap(self):
        for _ in range(2):
            self.assertEqual(len(os.listdir(self.mount.path)), CROWD)
            self.assertEqual(self.walk(), CROWD)
            self.assert_memory_is_bounded()

    def test_everything_is_found_again_with_its_number(self):
        names = [f"{number:06}.gen5" for number in range(0, CROWD, CROWD // 20)]
        members = [self.member(name, member) for name in names
                   for member in ("", "image.png", "latent.npy", "metadata.json")]
        before = [os.stat(member).st_ino for member in members]
        contents = [self.read(name, "metadata.json") for name in names]
        self.walk()
        self.assertEqual([os.stat(member).st_ino for member in members], before)
        self.assertEqual([self.read(name, "metadata.json") for name in names], contents)

    def test_what_is_in_use_stays_usable(self):
        first, second = "000000.gen5", "000001.gen5"
        content = self.read(first, "image.png")
        with (contextlib.chdir(self.member(second)),
              open(self.member(first, "image.png"), "rb") as reader,
              open("draft.txt", "w+b") as scratch):
            scratch.write(b"begun")
            scratch.flush()
            self.walk()
            self.assertEqual(os.getcwd(), self.member(second))
            self.assertIn("draft.txt", os.listdir("."))
            self.assertEqual(os.readlink(f"/proc/self/fd/{reader.fileno()}"),
                             self.member(first, "image.png"))
            self.assertEqual(reader.read(), content)
            scratch.write(b", ended")
            scratch.flush()
            self.assertEqual(read_file("draft.txt"), b"begun, ended")
        os.unlink(self.member(second, "draft.txt"))

    def test_what_is_saved_meanwhile_is_stored(self):
        name, image = "000002.gen5", new_image(1)
        with open(self.member(name, "image.png"), "r+b") as writer:
            writer.truncate(0)
            writer.write(image)
            writer.flush()
            self.walk()
        self.walk()
        self.assertEqual(self.read(name, "image.png"), image)

    def test_a_mount_that_sends_no_opens_is_bounded_alike(self):
        self.mount.unmount()
        self.mount.options = f"ro,names={self.NAMES}"
        self.mount.mount()
        content = self.read("000000.gen5", "image.png")
        with open(self.member("000000.gen5", "image.png"), "rb") as reader:
            for _ in range(2):
                self.assertEqual(self.walk(), CROWD)
                self.assert_memory_is_bounded()
            self.assertEqual(reader.read(), content)


class Caps(MountCase):
    def test_a_cap_that_is_none_is_refused_in_words(self):
        for option, said in (
            ("names", "from 1 to"), ("names=", "from 1 to"), ("names=0", "from 1 to"),
            ("decoded=-1", "from 1 to"), ("decoded=1x", "from 1 to"),
            ("manifests=99999999999999999999", "from 1 to"), ("name=3", "did you mean"),
        ):
            with self.subTest(option):
                done = self.gen5fs("mount", "-o", option, self.work, self.work, status=2)
                self.assertIn(said.encode(), done.stderr)

    def test_a_member_larger_than_every_cap_is_served(self):
        self.mounted(options="decoded=1,manifests=1,names=1",
                     fixtures=["zeros-latent.gen5", "three-latents.gen5"])
        latent = np.load(self.member("zeros-latent.gen5", "latent.npy"))
        self.assertGreater(latent.nbytes, 1 << 20)
        self.assertFalse(latent.any())
        self.assertEqual(len(os.listdir(self.member("three-latents.gen5", "latents"))), 3)


if __name__ == "__main__":
    unittest.main()
