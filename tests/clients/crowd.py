# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Many containers, and what is true of a mount of them whose caps are small.

import os
import re
import shutil

from mount_case import REFERENCE, read_file

# What an inode of ext4 may have.
LINKS_MAX = 60_000


def make_crowd(folder, count):
    """So many containers: links to a few small ones."""
    original = os.path.join(REFERENCE, "one-pixel.gen5")
    for number in range(count):
        name = os.path.join(folder, f"{number:06}.gen5")
        if number % LINKS_MAX == 0:
            first = shutil.copy(original, name)
        else:
            os.link(first, name)


def anonymous_bytes(pid):
    text = read_file(f"/proc/{pid}/smaps_rollup").decode()
    return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE).group(1)) << 10


def is_sanitized():
    return bool(os.environ.get("GEN5_SANITIZED"))


class Crowded:
    """For a MountCase whose mount has CROWD containers and a cap of NAMES MiB."""

    # What a daemon takes besides, and until the kernel has answered.
    SLACK = 12 << 20

    def walk(self):
        """Looks at everything; how many files there are."""
        found = self.program("find", self.mount.path, "-name", "metadata.json", "-size", "+0")
        return found.stdout.count(b"\n")

    def assert_memory_is_bounded(self):
        if not is_sanitized():
            self.assertLess(anonymous_bytes(self.mount.pid), (self.NAMES << 20) + self.SLACK)
