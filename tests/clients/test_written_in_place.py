# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A container that another program writes into in place, byte by byte, while a member of it is open:
# nobody should, and whoever reads gets what was there or an error, never bytes that no hash stands
# for.

import errno
import os
import unittest

import numpy as np

import container
from container import build
from mount_case import MountCase, npy_bytes, write_file

SHAPE = (1, 4, 512, 512)
# More than the daemon keeps of what it has decoded (snapshot.h).
MANY = 12


def flat(value):
    return np.full(SHAPE, value, "<f4")


def latents(*values):
    return [(f"k{i}", "float32", SHAPE, flat(value).tobytes()) for i, value in enumerate(values)]


class WrittenInPlace(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted()

    def opened(self, *parts):
        descriptor = os.open(self.member(*parts), os.O_RDONLY | os.O_DIRECT)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def write_into(self, name, offset, content):
        """Writes a part of a container's file and sets its times back to what they were."""
        before = os.stat(self.source(name))
        with open(self.source(name), "r+b") as stream:
            stream.seek(offset)
            stream.write(content)
        os.utime(self.source(name), ns=(before.st_atime_ns, before.st_mtime_ns))

    def test_a_raw_payload_is_not_served_though_the_times_were_set_back(self):
        write_file(self.source("a.gen5"), build(latents=latents(1.0)))
        content = npy_bytes(flat(1.0))
        descriptor = self.opened("a.gen5", "latent.npy")
        self.assertEqual(os.pread(descriptor, 4096, 0), content[:4096])
        self.write_into("a.gen5", 2 ** 21, b"\xaa" * 8192)
        self.assert_os_error(errno.EIO, os.pread, descriptor, 4096, 2 ** 21)

    def test_a_payload_that_is_decoded_once_more_is_hashed_once_more(self):
        values = [float(value) for value in range(1, MANY + 1)]
        right = build(latents=latents(*values), compressed="zstd")
        other = build(latents=latents(64.0, *values[1:]), compressed="zstd")
        record, wrong = (container.parse(data).records[0] for data in (right, other))
        self.assertEqual(record["compressed_size"], wrong["compressed_size"])
        span = slice(record["offset"], record["offset"] + record["compressed_size"])
        write_file(self.source("a.gen5"), right)
        descriptor = self.opened("a.gen5", "latents", "k0.npy")
        self.assertEqual(os.pread(descriptor, 4096, 4096), npy_bytes(flat(1.0))[4096:8192])
        for i, value in enumerate(values):
            self.assertEqual(self.read("a.gen5", "latents", f"k{i}.npy"), npy_bytes(flat(value)))
        with open(self.source("a.gen5"), "r+b") as stream:
            stream.seek(span.start)
            stream.write(other[span])
        self.assert_os_error(errno.EIO, os.pread, descriptor, 4096, 4096)


if __name__ == "__main__":
    unittest.main()
