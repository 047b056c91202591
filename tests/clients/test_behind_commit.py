# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What fails behind a commit, when the new container is in its place: what a program is told, what
# the container holds, and that what was written is neither lost nor kept twice.

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
def failing(pid, call, error, path, when="1+"):
    """While it lasts, the process's `call`s on exactly this path or a descriptor of it fail: those
    that `when` counts, in each thread."""
    tracer = subprocess.Popen(
        [STRACE, "-f", "-p", str(pid), "-P", path, "-e", f"trace={call}",
         "-e", f"inject={call}:error={error}:when={when}", "-o", "/dev/null"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        line = tracer.stderr.readline()
        while "attached" not in line:
            if not line:
                # Containers may forbid it; where the tests are to run for certain they fail.
                failure = AssertionError if "CI" in os.environ else unittest.SkipTest
                raise failure(f"strace cannot attach: status {tracer.wait()}")
            line = tracer.stderr.readline()
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()


@unittest.skipUnless(STRACE, "strace is missing")
class CommittedCase(MountCase):
    """A mount with a container, whose image is open for writing."""

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

    def assert_stored_once(self, image):
        self.assertEqual(self.stored("a.gen5").image, image)
        self.assertEqual(read_file(self.image), image)
        self.assertEqual(self.rescued_files(), {})
        self.assertNotIn("rescued", self.mount.log())

    def assert_numbers_stay(self):
        self.assertEqual(
            (os.stat(self.member("a.gen5")).st_ino, os.stat(self.image).st_ino), self.before
        )


class FolderThatCannotBeSynced(CommittedCase):
    """Only the folder's sync fails: fsync tells it, and what was written is stored all the same."""

    def failed_fsync(self, image=None):
        # To start a program closes its copies of our descriptors, which commits: so it comes first.
        with failing(self.mount.pid, "fsync", "EIO", self.mount.source):
            if image is not None:
                os.pwrite(self.writer, image, 0)
            self.assert_os_error(errno.EIO, os.fsync, self.writer)

    def test_fsync_fails_and_the_container_holds_what_was_written(self):
        self.failed_fsync(new_image(1))
        self.assert_stored_once(new_image(1))
        self.close()
        self.assert_stored_once(new_image(1))

    def test_the_numbers_of_the_container_and_its_members_stay(self):
        self.failed_fsync(new_image(1))
        self.close()
        self.assert_numbers_stay()

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


class ContainerThatCannotBeOpenedAgain(CommittedCase):
    """The container is replaced, and the daemon cannot open the new one at that moment."""

    # The first is opened to be locked.
    SECOND, ALL_BUT_THE_FIRST = "2", "2+"

    def store(self, image, when):
        with failing(self.mount.pid, "openat", "EMFILE", "a.gen5", when):
            os.pwrite(self.writer, image, 0)
            self.close()

    def test_a_save_succeeds_where_it_can_be_opened_next(self):
        self.store(new_image(1), self.SECOND)
        self.assert_stored_once(new_image(1))
        self.assert_numbers_stay()

    def test_a_save_succeeds_where_it_cannot_be_opened_for_a_while(self):
        self.store(new_image(1), self.ALL_BUT_THE_FIRST)
        self.assert_stored_once(new_image(1))
        self.assert_numbers_stay()


if __name__ == "__main__":
    unittest.main()
