# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Frames that unpack to a million times their size, in a daemon that may have 256 MiB of memory: who reads
# them gets EIO within a second of the daemon's time, and everything else stays readable.

import errno
import os
import struct
import unittest

import container
from mount_case import MountCase, Stored, read_file, write_file

MEMORY_MAX = 256 * 2 ** 20
SECONDS_MAX = 1
HIDDEN, CLAIMED = 2 ** 30, 2 ** 30


def bomb(declared, claimed):
    """The bytes of a container with a latent of 1 GiB of zeros, in a frame that declares and with a
    record that claims other sizes."""
    def stored(whole):
        size = struct.pack("<I", min(claimed, 2 ** 32 - 1))
        return container.repeat(whole[:8] + size, b"\0", HIDDEN, declared)
    return container.build(chunks=[container.Chunk(
        "LATN", b"", compressed=True, stored=stored, record={
            "uncompressed_size": claimed, "hash": "0" * 64,
            "extra": {"shape": [1, 1, claimed // 2 // 4096, 4096], "dtype": "float16", "key": "x"},
        })])


@unittest.skipIf(os.environ.get("GEN5_SANITIZED") == "1", "sanitizers need more memory")
class Bomb(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted(wrapper=("prlimit", f"--data={MEMORY_MAX}"))

    def seconds(self):
        """Of processor time that the daemon has used."""
        fields = read_file(f"/proc/{self.mount.pid}/stat").rsplit(b")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_it_is_an_error_at_once(self):
        self.mount.add("extra-fields.gen5", "good.gen5")
        for name, declared, claimed in (
            ("small to the record", -1, 8192), ("small to the frame", 140, 8192),
            ("as large as it is", -1, CLAIMED),
        ):
            with self.subTest(name):
                content = bomb(declared, claimed)
                self.assertLess(len(content), HIDDEN // 20000)
                write_file(self.source("bomb.gen5"), content)
                self.eventually_listed("bomb.gen5")
                begin = self.seconds()
                self.assert_os_error(errno.EIO, self.read, "bomb.gen5", "latent.npy")
                self.assertLess(self.seconds() - begin, SECONDS_MAX)
                self.assertEqual(self.read("good.gen5", "image.png"),
                                 Stored(self.source("good.gen5")).image)
                os.unlink(self.source("bomb.gen5"))
                self.eventually_listed("bomb.gen5", False)


if __name__ == "__main__":
    unittest.main()
