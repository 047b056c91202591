# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What other programs do while a save is being stored: it is held before the rename that ends it.

import os
import threading
import unittest

from faulty import FaultyMount
from mount_case import MountCase, new_image, new_latent, npy_bytes, write_file


class DuringASave(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.mount.add("extra-fields.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.image = self.member("a.gen5", "image.png")

    def act_during(self, save, act):
        self.mount.faults.arm("hold", "rename")
        saving = threading.Thread(target=save)
        saving.start()
        try:
            self.assert_eventually(lambda: self.mount.faults.fired, "nothing is being stored")
            act()
        finally:
            self.mount.faults.disarm()
            saving.join()

    def test_a_member_that_is_removed_is_gone(self):
        self.act_during(lambda: write_file(self.image, new_image(1)),
                        lambda: os.unlink(self.image))
        self.assertNotIn("image.png", os.listdir(self.member("a.gen5")))
        self.eventually_stored("a.gen5", lambda stored: stored.image is None)
        self.assertNotIn("image.png", os.listdir(self.member("a.gen5")))

    def test_a_new_member_that_is_removed_is_gone(self):
        path = self.member("a.gen5", "latents", "new.npy")
        values = npy_bytes(new_latent((1, 4, 8, 8), "<f2", 1))
        self.act_during(lambda: write_file(path, values), lambda: os.unlink(path))
        self.assertFalse(os.path.exists(path))
        self.eventually_stored("a.gen5", lambda stored: list(stored.latents) == ["initial_noise"])

    def test_the_metadata_that_is_removed_is_hidden(self):
        path = self.member("a.gen5", "metadata.json")
        content = self.read("a.gen5", "metadata.json").replace(b"puppy", b"kitten")
        self.act_during(lambda: write_file(path, content), lambda: os.unlink(path))
        self.assertNotIn("metadata.json", os.listdir(self.member("a.gen5")))
        self.assertIn("kitten", self.stored("a.gen5").prompt)


if __name__ == "__main__":
    unittest.main()
