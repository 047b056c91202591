# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What is measured on: containers made by libgen5, and the same files once more as a plain folder, a
# squashfs image and a zip. Made once and kept in build/bench.

import os
import shutil
import subprocess

# Goes up when make_corpus makes something else.
GENERATION = 1


class Corpus:
    """Folders of containers below `home`: small (images of 1.5 MB), raw and compressed (a latent of
    100 MB each), huge (1 GiB)."""

    def __init__(self, home, build, count, large):
        self.count = count
        self.make = os.path.join(build, "tests", "make_corpus")
        self.folder = os.path.join(home, f"corpus-{GENERATION}-{count}-{large}")
        self.counts = {"small": count, "raw": large, "compressed": large, "huge": 1}
        if not os.path.exists(os.path.join(self.folder, "complete")):
            self._make_all()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def _make_all(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for kind, count in self.counts.items():
            folder = self.path("containers", kind)
            os.makedirs(folder)
            subprocess.run([self.make, folder, kind, str(count)], check=True)

    def complete(self, mounted):
        """Makes the other forms from a mount of the containers, once."""
        if os.path.exists(self.path("complete")):
            return
        subprocess.run(["cp", "-r", "--preserve=timestamps", mounted, self.path("plain")], check=True)
        shutil.rmtree(self.path("plain", "huge"))
        for kind in ("small", "raw", "compressed"):
            subprocess.run(
                ["mksquashfs", self.path("plain", kind), self.path(kind + ".squashfs"), "-comp",
                 "zstd", "-quiet", "-no-progress"], check=True, stdout=subprocess.DEVNULL,
            )
        hundred = sorted(os.listdir(self.path("plain", "small")))[:100]
        subprocess.run(
            ["zip", "-q", "-r", "-0", self.path("hundred.zip"), *hundred],
            cwd=self.path("plain", "small"), check=True,
        )
        with open(self.path("complete"), "w", encoding="ascii"):
            pass

    def names(self, kind, member, folder):
        """Paths below `folder`, where a kind of containers is shown, of a member of each, as one
        text of lines. Nothing in the folder is looked at."""
        containers = sorted(os.listdir(self.path("containers", kind)))
        return "".join(f"{folder}/{name}/{member}\n" for name in containers).encode()

    def warm(self):
        """Reads every file once, so that no contender meets the disk."""
        for folder, _, files in os.walk(self.folder):
            for file in files:
                with open(os.path.join(folder, file), "rb") as opened:
                    while opened.read(1 << 20):
                        pass
