# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The terminal session that README.md begins with, typed line by line: it shows what it says.

import os
import pty
import re
import subprocess
import unittest

from mount_case import GEN5FS, PROGRAM_SECONDS, MountCase, read_file, take_down
from mounted import ROOT

COLUMNS = 80


def session(text):
    """Commands of the first terminal session in a page, each with the lines that it shows."""
    block = re.search(r"```\n(\$ .*?)```", text, re.DOTALL)[1]
    return [(command, shown) for command, shown
            in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]


class Readme(MountCase):
    def setUp(self):
        super().setUp()
        programs = os.path.dirname(GEN5FS)
        os.makedirs(os.path.join(self.work, "renders"))
        os.makedirs(os.path.join(self.work, "mnt"))
        self.program(os.path.join(programs, "make_samples"), os.path.join(self.work, "renders"))
        self.addCleanup(take_down, os.path.join(self.work, "mnt"))
        self.environment = {**self.environment, "HOME": self.work, "COLUMNS": str(COLUMNS),
                            "PATH": f"{programs}:/usr/bin:/bin:/usr/sbin:/sbin"}

    def typed(self, line):
        """What a line shows on a terminal."""
        ours, theirs = pty.openpty()
        try:
            done = subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, stdout=theirs,
                                  stderr=theirs, cwd=self.work, env=self.environment,
                                  timeout=PROGRAM_SECONDS, check=False)
            os.write(theirs, b"\x04")  # So that there is something to read.
            shown = os.read(ours, 1 << 16).decode().removesuffix("\x04")
        finally:
            os.close(ours)
            os.close(theirs)
        self.assertEqual(done.returncode, 0, f"{line}\n{shown}")
        return shown.replace("\r\n", "\n").expandtabs()

    def test_its_session_shows_what_it_says(self):
        lines = session(read_file(os.path.join(ROOT, "README.md")).decode())
        self.assertGreater(len(lines), 5)
        for command, shown in lines:
            self.assertEqual(self.typed(command), shown, command)


if __name__ == "__main__":
    unittest.main()
