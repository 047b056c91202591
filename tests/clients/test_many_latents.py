# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A container with as many latents as are read (include/gen5/limits.h): its folder is an ordinary
# one.

import os
import struct
import unittest

import container
from mount_case import MountCase, read_file, renamed_over

SHAPE = (1, 1, 1, 2)
RECORDS_MAX = 65536
TICKS = os.sysconf("SC_CLK_TCK")


def payload(number):
    return struct.pack("<HH", number & 0x3FFF, number >> 14)


def many(count):
    """A container of small latents; no two are alike."""
    return container.build(latents=[
        (f"step {number:05}", "float16", SHAPE, payload(number)) for number in range(count)])


def names(count):
    return [f"step {number:05}.npy" for number in range(count)]


class LargestContainer(MountCase):
    def show(self, count):
        """Puts a container of so many latents into the source; the latents' folder in the mount."""
        name = f"{count}.gen5"
        renamed_over(self.source(name), many(count))
        self.eventually_listed(name)
        return self.member(name, "latents")

    def processor_seconds(self):
        fields = read_file(f"/proc/{self.mount.pid}/stat").rsplit(b")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cost_of(self, count):
        """The daemon's time for a container of so many latents: listed, looked up and read."""
        folder = self.show(count)
        before = self.processor_seconds()
        self.assertEqual(os.listdir(folder), names(count))
        with os.scandir(folder) as entries:
            numbers = {entry.name: entry.inode() for entry in entries}
        self.assertEqual(len(set(numbers.values())), count)
        for number, name in enumerate(names(count)):
            path = os.path.join(folder, name)
            self.assertEqual(os.stat(path).st_ino, numbers[name])
            self.assertEqual(read_file(path)[-4:], payload(number))
        return self.processor_seconds() - before

    def test_every_latent_is_listed_found_and_read_in_linear_time(self):
        self.mounted()
        few = self.cost_of(RECORDS_MAX // 8)
        # Eight times as many in at most three times eight times the time. What takes each latent a
        # look at all others takes 64 times the time.
        self.assertLess(self.cost_of(RECORDS_MAX), 24 * max(few, 0.1))


if __name__ == "__main__":
    unittest.main()
