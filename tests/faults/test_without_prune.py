# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The kernel is one that cannot be asked to forget by number, as before Linux 6.18: memory stays below
# the cap all the same, and what is in use stays usable.

import contextlib
import errno
import os
import unittest

from crowd import Crowded, is_sanitized, make_crowd
from faulty import FaultyMount
from mount_case import MountCase, new_image

CROWD = 500 if is_sanitized() else 5000


class WithoutPrune(Crowded, MountCase):
    # Names of containers themselves, which are folders, are not forgotten.
    NAMES = 1 if is_sanitized() else 4

    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount(
            options=f"names={self.NAMES}", prepare=lambda source: make_crowd(source, CROWD)
        ))
        self.mount.faults.arm("fail", "prune", error=errno.EINVAL, lasts=True)

    def test_walking_through_all_containers_takes_no_more_than_the_cap(self):
        for _ in range(2):
            self.assertEqual(self.walk(), CROWD)
            self.assert_memory_is_bounded()
        self.assertGreater(self.mount.faults.fired, 0, "the cap was never reached")

    def test_what_is_in_use_stays_usable(self):
        first, second = "000000.gen5", "000001.gen5"
        image = new_image(1)
        with (contextlib.chdir(self.member(second)),
              open(self.member(first, "image.png"), "r+b") as writer):
            writer.truncate(0)
            writer.write(image)
            writer.flush()
            self.walk()
            self.assertEqual(os.getcwd(), self.member(second))
            self.assertIn("metadata.json", os.listdir("."))
            writer.seek(0)
            self.assertEqual(writer.read(), image)
        self.walk()
        self.assertEqual(self.read(first, "image.png"), image)


if __name__ == "__main__":
    unittest.main()
