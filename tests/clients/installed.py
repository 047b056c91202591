# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs as `cmake --install` lays it down, for the tests that use it from there.

import os
import shutil
import subprocess
import tempfile
import unittest

from mount_case import GEN5FS, PROGRAM_SECONDS
from mounted import run

BUILD = os.path.dirname(GEN5FS)


class Installed(unittest.TestCase):
    """gen5fs in a prefix that nobody knew when it was built, with a space in it."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="gen5fs-install-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.prefix = os.path.join(folder, "a prefix")
        run(["cmake", "--install", BUILD, "--prefix", cls.prefix])

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="gen5fs-client-")
        self.addCleanup(shutil.rmtree, self.work)

    def installed(self, *names):
        return os.path.join(self.prefix, *names)

    def the_only(self, name):
        """The path of the one installed file with this name."""
        found = [os.path.join(folder, name) for folder, _, files in os.walk(self.prefix)
                 if name in files]
        self.assertEqual(len(found), 1, f"{name}: {found}")
        return found[0]

    def program(self, *command, status=0, **environment):
        done = subprocess.run(
            command, cwd=self.work, env={**os.environ, **environment}, timeout=PROGRAM_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        )
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}\n{done.stderr}")
        return done

    def write(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path
