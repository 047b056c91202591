# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The Debian packages that scripts/package makes.

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from mount_case import PROGRAM_SECONDS
from mounted import ROOT, run

BUILD_SECONDS = 300


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gen5fs-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        run([os.path.join(ROOT, "scripts", "package"), cls.folder], timeout=BUILD_SECONDS)
        cls.packages = sorted(glob.glob(os.path.join(cls.folder, "*.deb")))
        cls.command, cls.library, cls.development = cls.packages

    def files(self, package):
        told = run(["dpkg-deb", "--fsys-tarfile", package]).stdout
        names = run(["tar", "-t"], input=told).stdout.decode().splitlines()
        return {name.removeprefix(".") for name in names if not name.endswith("/")}

    def field(self, package, name):
        return run(["dpkg-deb", "--field", package, name]).stdout.decode().strip()

    def test_lintian_finds_nothing(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning",
                               *self.packages], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=3 * PROGRAM_SECONDS, check=False)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))

    def test_the_command_the_library_and_what_programs_are_compiled_with_are_apart(self):
        command, library, development = map(self.files, self.packages)
        self.assertLessEqual({
            "/usr/bin/gen5fs", "/usr/sbin/mount.gen5fs", "/usr/lib/systemd/user/gen5fs@.service",
            "/usr/share/man/man1/gen5fs.1.gz", "/usr/share/mime/packages/application-x-gen5.xml",
            "/usr/share/zsh/vendor-completions/_gen5fs",
        }, command)
        self.assertTrue(all("libgen5" in name for name in library), library)
        self.assertTrue(any("/libgen5.so.0" in name for name in library), library)
        self.assertIn("/usr/include/gen5/container.h", development)
        self.assertTrue(any(name.endswith("/libgen5.so") for name in development), development)
        self.assertFalse(command & library | library & development | command & development)

    def test_each_package_asks_for_what_it_is_used_with(self):
        version = self.field(self.library, "Version")
        for package in (self.command, self.development):
            self.assertIn(f"{self.field(self.library, 'Package')} (= {version})",
                          self.field(package, "Depends"))
        self.assertIn("fuse3", self.field(self.command, "Depends"))
        self.assertIn("libzstd1", self.field(self.library, "Depends"))

    def test_the_command_runs_with_the_library_from_the_packages(self):
        for package in (self.command, self.library):
            run(["dpkg-deb", "--extract", package, os.path.join(self.folder, "root")])
        libraries = glob.glob(os.path.join(self.folder, "root/usr/lib/*-linux-gnu*"))
        done = run([os.path.join(self.folder, "root/usr/bin/gen5fs"), "--version"],
                   env={"LD_LIBRARY_PATH": libraries[0]})
        self.assertEqual(done.stdout.decode(), f"gen5fs {self.field(self.command, 'Version')}\n")


if __name__ == "__main__":
    unittest.main()
