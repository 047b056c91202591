# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A program creates a file where the kernel has found none, and another program makes something of
# that name in the source before the daemon does. The kernel has not asked whether the first may open
# what is there now.

import os
import threading
import unittest

from beside_source import as_user, attempt, needs_root
from faulty import FaultyMount
from mount_case import MountCase, read_file, write_file

SECRET = b"root's secret"


@needs_root
class MadeMeanwhile(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount(options="allow_other"))
        os.chmod(os.path.dirname(self.mount.path), 0o755)
        os.chmod(self.mount.source, 0o777)
        self.path = self.member("file")
        self.made = self.source("file")
        self.assertFalse(os.path.exists(self.path))

    def create(self):
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o644)
        os.write(descriptor, b"user")
        os.close(descriptor)

    def created_after(self, make):
        """What a user gets who creates the file and is overtaken by `make`."""
        answers = []
        creator = threading.Thread(
            target=lambda: answers.append(as_user(lambda: attempt(self.create)))
        )
        self.mount.faults.arm("hold", "open")
        creator.start()
        self.assert_eventually(lambda: self.mount.faults.fired, "the file is not being created")
        make()
        self.mount.faults.disarm()
        creator.join()
        return answers[0]

    def make_file(self, mode):
        write_file(self.made, SECRET)
        os.chmod(self.made, mode)

    def test_a_file_that_the_user_may_not_open_is_not_opened(self):
        self.assertEqual(self.created_after(lambda: self.make_file(0o600)), "EACCES")
        self.assertEqual(read_file(self.made), SECRET)

    def test_a_file_that_the_user_may_only_read_is_not_written(self):
        self.assertEqual(self.created_after(lambda: self.make_file(0o644)), "EACCES")
        self.assertEqual(read_file(self.made), SECRET)

    def test_a_file_that_the_user_may_write_is_written(self):
        self.assertIsNone(self.created_after(lambda: self.make_file(0o666)))
        self.assertEqual(read_file(self.made), b"user's secret")

    def test_a_folder_is_told_as_one(self):
        self.assertEqual(self.created_after(lambda: os.mkdir(self.made)), "EISDIR")

    def test_a_symlink_is_followed(self):
        self.assertEqual(self.created_after(lambda: os.symlink("missing/file", self.made)), "ENOENT")

    def test_a_pipe_is_opened(self):
        self.assertIsNone(self.created_after(lambda: (os.mkfifo(self.made), os.chmod(self.made, 0o666))))

    def test_a_file_of_ones_own_is_created_where_none_is(self):
        self.assertIsNone(self.created_after(lambda: None))
        self.assertEqual(read_file(self.made), b"user")


if __name__ == "__main__":
    unittest.main()
