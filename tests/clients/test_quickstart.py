# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The first command that a newcomer types, in a copy of the source tree whose path has a space in it, on
# a machine that has what scripts/install-packages installs for it and no more.

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import private_system
from mount_case import REFERENCE, MountCase, daemon_of
from mounted import ROOT, is_mount_point, run

BUILD_SECONDS = 300


@unittest.skipIf("GEN5_SANITIZED" in os.environ, "the script builds its own release")
class Quickstart(MountCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="gen5fs-client-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.tree = os.path.join(folder, "a tree")
        os.mkdir(cls.tree)
        for name in ("include", "scripts", "src"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(cls.tree, name))
        for name in ("CMakeLists.txt", "CMakePresets.json"):
            shutil.copy(os.path.join(ROOT, name), cls.tree)

    def setUp(self):
        super().setUp()
        self.point = os.path.join(self.tree, "build", "quickstart", "mnt")
        self.addCleanup(self.take_away, self.point)
        folder = run(["pkg-config", "--variable=pcfiledir", "criterion"]).stdout.decode().strip()
        private_system.hide_file(self, os.path.join(folder, "criterion.pc"))

    def take_away(self, point):
        while is_mount_point(point):
            run(["umount", "-l", point])

    def quickstart(self, *arguments):
        done = subprocess.run(
            [os.path.join(self.tree, "scripts", "quickstart"), *arguments], cwd=self.work,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            timeout=BUILD_SECONDS, env=self.environment,
        )
        self.assertEqual(done.returncode, 0, f"{done.stdout.decode()}\n{done.stderr.decode()}")
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode()

    def unmount_as_told(self, told):
        """Types the line that the script has printed last."""
        self.shell(told.strip().splitlines()[-1])

    def test_a_library_is_mounted_and_unmounted_as_the_script_says(self):
        told = self.quickstart()
        self.assertTrue(is_mount_point(self.point))
        self.assertRegex("\n".join(os.listdir(self.point)), r"\.gen5")
        self.unmount_as_told(told)
        self.assertFalse(is_mount_point(self.point))

    def test_once_leaves_nothing_mounted(self):
        told = self.quickstart("--once")
        self.assertIn("Edited by sed", told)
        self.assertFalse(is_mount_point(self.point))

    def test_a_mount_that_an_earlier_run_has_left_is_replaced(self):
        self.quickstart()
        os.kill(daemon_of(self.point), signal.SIGKILL)
        self.quickstart("--once")
        self.assertFalse(is_mount_point(self.point))

    def test_a_folder_of_ones_own_is_mounted_though_there_are_spaces(self):
        library, point = os.path.join(self.work, "my library"), os.path.join(self.work, "my mount")
        os.mkdir(library)
        shutil.copyfile(
            os.path.join(REFERENCE, "extra-fields.gen5"), os.path.join(library, "a.gen5")
        )
        self.addCleanup(self.take_away, point)
        told = self.quickstart("my library", "my mount")
        self.assertEqual(os.listdir(point), ["a.gen5"])
        self.unmount_as_told(told)
        self.assertFalse(is_mount_point(point))


if __name__ == "__main__":
    private_system.enter()
    unittest.main()
