# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What the daemon has given up by the time that it reads its first container (intruder.c), and that
# it is not missed.

import errno
import os
import unittest

import container
from mount_case import GEN5FS, MountCase, read_file

LIBRARY = os.path.abspath(os.environ.get(
    "GEN5_INTRUDER_LIBRARY", os.path.join(os.path.dirname(GEN5FS), "tests", "libintruder.so")
))
SANITIZED = "GEN5_SANITIZED" in os.environ
IN_FORCE = "gen5fs: in force: no new privileges"
LANDLOCK = "no files but the source's (Landlock)"
SECCOMP = "no system calls that change the system (seccomp)"


class Intruder(MountCase):
    """Somebody has got into the daemon, who runs as root or as whoever runs the test."""

    def setUp(self):
        super().setUp()
        self.target = self.outside("target", b"of somebody else")
        # A path with a space would be taken for two libraries.
        self.library = os.path.join(self.work, "library")
        os.symlink(LIBRARY, self.library)

    def intrude(self, options=""):
        return self.mounted(
            options=options, fixtures=["extra-fields.gen5"],
            prepare=lambda source: open(os.path.join(source, "file"), "wb").close(),
            daemon={"LD_PRELOAD": self.library, "GEN5_INTRUDER_TARGET": self.target,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
                    + ":verify_asan_link_order=0"})

    def outcome(self, deed):
        """The errno that the deed ends with."""
        return int(os.getxattr(self.member("file"), f"user.intruder.{deed}"))

    def require(self, what):
        self.assert_eventually(lambda: IN_FORCE in self.mount.log(), "the log does not say")
        if what not in self.mount.log():
            self.skipTest(f"not on this machine: {what}")

    def test_the_log_says_what_is_in_force(self):
        self.intrude()
        self.require(IN_FORCE)

    def test_files_outside_the_source_cannot_be_got_at(self):
        self.intrude()
        self.require(LANDLOCK)
        for deed in ("read", "write", "truncate", "remove"):
            self.assertEqual(self.outcome(deed), errno.EACCES, deed)
        self.assertEqual(read_file(self.target), b"of somebody else")

    def test_the_system_and_other_processes_cannot_be_got_at(self):
        self.intrude()
        self.require(SECCOMP)
        for deed in ("run", "network", "mount", *(() if SANITIZED else ("trace",))):
            self.assertEqual(self.outcome(deed), errno.EPERM, deed)

    def test_without_the_sandbox_all_of_it_succeeds(self):
        self.intrude("nosandbox")
        for deed in ("read", "write", "run", "network", "truncate", "remove"):
            self.assertEqual(self.outcome(deed), 0, deed)
        self.assertFalse(os.path.exists(self.target))
        self.assertEqual(self.mount.log(), "")


class Confined(MountCase):
    def test_a_large_latent_of_a_read_only_mount_is_decoded_to_a_file_and_not_to_memory(self):
        side = 2048
        self.mounted(
            options="ro", daemon={"TMPDIR": self.work},
            prepare=lambda source: container.build(os.path.join(source, "a.gen5"), latents=[
                ("zeros", "float32", (1, 4, side, side), bytes(16 * side * side))],
                compressed="zstd"))
        with open(self.member("a.gen5", "latent.npy"), "rb") as stream:
            self.assertEqual(len(stream.read()), 16 * side * side + 128)
            folder = f"/proc/{self.mount.pid}/fd"
            opened = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
        self.assertTrue(any(path.startswith(self.work) for path in opened), opened)


if __name__ == "__main__":
    unittest.main()
