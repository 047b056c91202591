# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Each call of one kind that a save makes fails once, one save after the other. What the close
# acknowledged is stored, what it did not leaves the container as it was, and neither the directory
# nor the next unmount shows or loses anything else.

import errno
import os
import unittest

from faulty import FaultyMount
from mount_case import REFERENCE, MountCase, new_image, read_file, renamed_over, write_file

FIXTURE = os.path.join(REFERENCE, "extra-fields.gen5")
MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]


class FailingCalls(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.mount.add("extra-fields.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.before = self.stored("a.gen5")
        self.image = self.member("a.gen5", "image.png")

    def begin_anew(self):
        """Puts the first container back, which takes the mount as long as it takes to see it."""
        renamed_over(self.source("a.gen5"), read_file(FIXTURE))
        self.assert_eventually(
            lambda: os.path.exists(self.image) and read_file(self.image) == self.before.image,
            "the container that was put back is not seen")

    def shown(self):
        """The image, None where there is none. All else is as it was."""
        names = sorted(os.listdir(self.member("a.gen5")))
        self.assertEqual(sorted({*names, "image.png"}), MEMBERS)
        return read_file(self.image) if "image.png" in names else None

    def fails_at(self, number, call, error, save, also):
        """Saves while a call fails. False where there are not so many."""
        self.begin_anew()
        content = new_image(number)
        self.mount.faults.arm("fail", call, number, error)
        try:
            save(content)
            acknowledged = True
        except OSError:
            acknowledged = False
        fired = self.mount.faults.fired
        self.mount.faults.disarm()
        what = f"{call} {number} gives {errno.errorcode[error]}"
        allowed = [content] if acknowledged else [self.before.image, *also]
        self.assert_eventually(
            lambda: self.shown() in allowed, f"{what} ({acknowledged}): the mount shows something else")
        shown = self.shown()
        self.mount.unmount()
        # Until it is known that nothing takes its place, what was deleted comes back.
        self.assertIn(self.stored("a.gen5").image, {shown, *allowed[:1]}, what)
        self.mount.mount()
        return fired

    def fail_at_each(self, save, also=()):
        for call, error in (
            ("open", errno.ENOSPC), ("mode", errno.EIO), ("stat", errno.EIO), ("read", errno.EIO),
            ("open", errno.EOPNOTSUPP),
        ):
            number = 1
            while self.fails_at(number, call, error, save, also):
                number += 1
            self.assertGreater(number, 1, f"no {call} was counted")

    def test_a_save_by_delete_and_create_is_whole_or_not_done(self):
        def save(content):
            os.unlink(self.image)
            write_file(self.image, content)

        # Where no new file could be made at all, the deleted one is gone, as anywhere.
        self.fail_at_each(save, [None])

    def test_a_save_in_place_is_whole_or_not_done(self):
        self.fail_at_each(lambda content: write_file(self.image, content))


if __name__ == "__main__":
    unittest.main()
