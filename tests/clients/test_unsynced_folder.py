# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A folder that cannot be synced, behind a commit that is made: what a program is told, what the
# container holds, and that what was written is neither lost nor kept twice.

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import unittest

from mount_case import MountCase, new_image, read_file

STRACE = shutil.which("strace")


@contextlib.contextmanager
def failing(pid, call, error, path):
    """While it lasts, the process's `call`s on exactly this path or a descriptor of it fail."""
    tracer = subprocess.Popen(
        [STRACE, "-f", "-p", str(pid), "-P", path, "-e", f"trace={call}",
         "-e", f"inject={call}:error={error}", "-o", "/dev/null"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        line = tracer.stderr.readline()
        while "attached" not in line:
            if not line:
                raise AssertionError(f"strace does not attach: status {tracer.wait()}")
            line = tracer.stderr.readline()
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()


@unittest.skipUnless(STRACE, "strace is missing")
class FolderThatCannotBeSynced(MountCase):
    """The new container is in its place and only the folder's sync fails: fsync tells it, and what
    was written is stored all the same, once."""

    def setUp(self):
        super().setUp()
        self.mounted()
        self.mount.add("sd3-f16-raw.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.image = self.member("a.gen5", "image.png")
        self.before = os.stat(self.member("a.gen5")).st_ino, os.stat(self.image).st_ino
        self.writer = os.open(self.image, os.O_RDWR | os.O_TRUNC)
        self.addCleanup(lambda: self.writer is None or os.close(self.writer))

    def close(self):
        writer, self.writer = self.writer, None
        os.close(writer)

    def failed_fsync(self, image=None):
        # To start a program closes its copies of our descriptors, which commits: so it comes first.
        with failing(self.mount.pid, "fsync", "EIO", self.mount.source):
            if image is not None:
                os.pwrite(self.writer, image, 0)
            self.assert_os_error(errno.EIO, os.fsync, self.writer)

    def assert_stored_once(self, image):
        self.assertEqual(self.stored("a.gen5").image, image)
        self.assertEqual(read_file(self.image), image)
        self.assertEqual(self.rescued_files(), {})
        self.assertNotIn("rescued", self.mount.log())

    def test_fsync_fails_and_the_container_holds_what_was_written(self):
        self.failed_fsync(new_image(1))
        self.assert_stored_once(new_image(1))
        self.close()
        self.assert_stored_once(new_image(1))

    def test_the_numbers_of_the_container_and_its_members_stay(self):
        self.failed_fsync(new_image(1))
        self.close()
        self.assertEqual(
            (os.stat(self.member("a.gen5")).st_ino, os.stat(self.image).st_ino), self.before
        )

    def test_fsync_tries_again(self):
        self.failed_fsync(new_image(1))
        self.failed_fsync()
        os.fsync(self.writer)
        self.close()
        self.assert_stored_once(new_image(1))

    def test_the_log_says_what_is_not_safe(self):
        self.failed_fsync(new_image(1))
        self.assertRegex(self.mount.log(), r"a\.gen5.*sync the folder: Input/output error")

    def test_the_draft_is_written_on_and_stored_again(self):
        self.failed_fsync(new_image(1))
        os.ftruncate(self.writer, 0)
        os.pwrite(self.writer, new_image(2), 0)
        self.close()
        self.assert_stored_once(new_image(2))


if __name__ == "__main__":
    unittest.main()
