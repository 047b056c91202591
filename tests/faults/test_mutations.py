# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Small containers with one byte changed, or cut short, are read through a mount: what is read is EIO, or
# what was stored. With GEN5_TORTURE every byte and every length of each, and several changes of a byte.

import errno
import os
import unittest

import container
from mount_case import (
    REFERENCE, MountCase, Stored, new_image, new_latent, npy_bytes, read_file, write_file
)

TORTURE = "GEN5_TORTURE" in os.environ
# What a byte is changed by.
CHANGES = (0x01, 0x80, 0xff) if TORTURE else (0x01,)
STEP = 1 if TORTURE else 7
# So many are in the source at a time.
BATCH = 500


def small_containers():
    """Of each way to store a payload one, name to bytes."""
    values = new_latent((1, 4, 2, 3), "<f2", 1)
    latent = ("initial_noise", "float16", values.shape, values.tobytes())
    environment = container.environment(("python", "name=python;version=3.11.1"))
    whole = {"image": new_image(1, (3, 2)), "latents": [latent], "env": environment}
    return {
        "golden": read_file(os.path.join(REFERENCE, "one-pixel.gen5")),
        "plain": container.build(**whole),
        "frames": container.build(**whole, compressed=True),
        "zstd": container.build(**whole, compressed="zstd"),
        "latents": container.build(latents=[latent, ("second", *latent[1:])]),
    }


def variants(whole):
    """Every variant of a container's bytes, with what was done to it."""
    for at in range(0, len(whole), STEP):
        for change in CHANGES:
            yield f"byte {at} ^ {change:#x}", whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1:]
    for size in range(0, len(whole), STEP):
        yield f"cut to {size}", whole[:size]


class Mutations(MountCase):
    def setUp(self):
        super().setUp()
        self.read_right = self.refused = self.variants = 0

    def stored_payloads(self, whole):
        """What may be read, whatever the name."""
        path = os.path.join(self.work, "whole.gen5")
        write_file(path, whole)
        stored = Stored(path)
        return {stored.image, stored.environment, *map(npy_bytes, stored.latents.values())}

    def check_file(self, path, allowed):
        try:
            content = read_file(path)
        except OSError as error:
            self.assertEqual(error.errno, errno.EIO, path)
            self.refused += 1
            return
        self.assertIn(content, allowed)
        self.read_right += 1

    def check_container(self, name, allowed):
        for folder, _, files in os.walk(self.member(name), onerror=self.fail_to_list):
            for file in files:
                # The text is the user's: no hash says what it was. The reason of damage is ours.
                if file not in ("metadata.json", "gen5-error.txt"):
                    self.check_file(os.path.join(folder, file), allowed)

    def fail_to_list(self, error):
        raise error

    def check_batch(self, batch, allowed):
        for number, (_, content) in enumerate(batch):
            write_file(self.source(f"{number}.gen5"), content)
        self.mount.mount()
        for number, (what, _) in enumerate(batch):
            with self.subTest(what):
                self.check_container(f"{number}.gen5", allowed)
        self.mount.unmount()
        for number in range(len(batch)):
            os.unlink(self.source(f"{number}.gen5"))
        self.variants += len(batch)

    def test_what_is_read_is_what_was_stored_or_an_error(self):
        self.mounted()
        self.mount.unmount()
        for name, whole in small_containers().items():
            allowed = self.stored_payloads(whole)
            every = list(variants(whole))
            for begin in range(0, len(every), BATCH):
                with self.subTest(name):
                    self.check_batch(every[begin:begin + BATCH], allowed)
        print(f"mutations: {self.variants} damaged containers, of whose members {self.read_right} were read "
              f"as stored, {self.refused} refused, 0 read as anything else", flush=True)


if __name__ == "__main__":
    unittest.main()
