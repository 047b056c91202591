# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# While programs read and save, another one swaps a container, and a folder, with a symbolic link to
# what is outside of the source, for GEN5_SWAP_SECONDS (2; by scripts/torture 30). The daemon never opens
# anything outside: without its sandbox, so that this is how it looks names up.

import ctypes
import os
import struct
import threading
import time
import unittest

from mount_case import MountCase, new_image, read_file

SECONDS = float(os.environ.get("GEN5_SWAP_SECONDS", "2"))
IN_OPEN, IN_NONBLOCK = 0x20, os.O_NONBLOCK
INOTIFY_EVENT = struct.Struct("iIII")


class Watch:
    """Counts what is opened in folders, by whomever."""

    def __init__(self, folders):
        library = ctypes.CDLL(None, use_errno=True)
        self.fd = library.inotify_init1(IN_NONBLOCK)
        for folder in folders:
            if library.inotify_add_watch(self.fd, os.fsencode(folder), IN_OPEN) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", folder)

    def opened(self):
        names = []
        while True:
            try:
                events = os.read(self.fd, 65536)
            except BlockingIOError:
                return names
            while events:
                _, _, _, size = INOTIFY_EVENT.unpack_from(events)
                names.append(events[INOTIFY_EVENT.size:][:size].rstrip(b"\0"))
                events = events[INOTIFY_EVENT.size + size:]

    def close(self):
        os.close(self.fd)


class Swapped(MountCase):
    def setUp(self):
        super().setUp()
        self.outside_folder = os.path.join(self.work, "outside")
        os.mkdir(self.outside_folder)
        self.mounted(options="nosandbox")
        self.mount.add("sd3-f16-raw.gen5", "secret.gen5")
        for name in ("a.gen5", "file"):
            os.rename(self.mount.add("sd3-f16-raw.gen5"), os.path.join(self.outside_folder, name))
        self.secret = self.stored("secret.gen5").image
        os.unlink(self.source("secret.gen5"))
        os.mkdir(self.source("folder"))
        for name in ("a.gen5", "folder/a.gen5", "folder/file"):
            self.mount.add("extra-fields.gen5", name)
        # What the names are swapped with.
        os.symlink(os.path.join(self.outside_folder, "a.gen5"), self.source("link"))
        os.symlink(self.outside_folder, self.source("folder-link"))
        self.done = threading.Event()
        self.reads = self.saves = self.swaps = 0
        self.failures = []

    def swap(self):
        while not self.done.is_set():
            for name, link in (("a.gen5", "link"), ("folder", "folder-link")):
                for _ in range(2):
                    os.rename(self.source(name), self.source("aside"))
                    os.rename(self.source(link), self.source(name))
                    os.rename(self.source("aside"), self.source(link))
                self.swaps += 2

    @staticmethod
    def opened_beneath(root, parts, flags):
        """Opens as one does who follows no link himself: whoever leaves the source is the daemon."""
        at = os.open(root, os.O_PATH)
        for part in parts[:-1]:
            try:
                inner = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            finally:
                os.close(at)
            at = inner
        try:
            return os.open(parts[-1], flags | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)

    def work_on(self, *parts):
        image = new_image(len(parts))
        while not self.done.is_set():
            try:
                descriptor = self.opened_beneath(self.mount.path, parts, os.O_RDWR)
                try:
                    content = os.read(descriptor, 1 << 20)
                    self.reads += 1
                    if content == self.secret:
                        self.failures.append(f"{parts} showed what is outside")
                    if parts[-1] == "image.png":
                        os.ftruncate(descriptor, 0)
                        os.pwrite(descriptor, image, 0)
                finally:
                    os.close(descriptor)
                self.saves += 1
            except OSError:
                continue  # There is a link, or nothing, at the moment.

    def test_nothing_outside_of_the_source_is_opened(self):
        before = {name: read_file(os.path.join(self.outside_folder, name)) for name in ("a.gen5", "file")}
        watch = Watch([self.outside_folder])
        self.addCleanup(watch.close)
        os.close(os.open(os.path.join(self.outside_folder, "file"), os.O_RDONLY))
        self.assertEqual(watch.opened(), [b"file"], "the watch sees nothing")
        threads = [threading.Thread(target=self.swap)] + [
            threading.Thread(target=self.work_on, args=parts) for parts in (
                ("a.gen5", "image.png"), ("folder", "a.gen5", "image.png"), ("folder", "file"))
        ]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS)
        self.done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(watch.opened(), [])
        self.assertEqual(self.failures, [])
        for name, content in before.items():
            self.assertEqual(read_file(os.path.join(self.outside_folder, name)), content)
        self.assertGreater(self.reads, 0)
        print(f"swapped: {self.swaps} swaps with links, {self.reads} reads and {self.saves} closes amid "
              "them, 0 opens outside of the source", flush=True)


if __name__ == "__main__":
    unittest.main()
