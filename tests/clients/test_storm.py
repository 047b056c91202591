# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Eight workers do everything at once for GEN5_STORM_SECONDS. Afterwards every container is sound,
# every save that was acknowledged is there, and the daemon holds no more than when it began.

import errno
import os
import random
import re
import shutil
import threading
import time
import unittest

import numpy as np

from mount_case import (
    MountCase, Stored, eventually, new_image, new_latent, npy_bytes, read_file, rewrite_outside,
    write_file,
)

STORM_SECONDS = float(os.environ.get("GEN5_STORM_SECONDS", "8"))
# How long the workers may take to finish what they are at when time is up.
ENDING_SECONDS = 120
WORKERS = 8
OWN, SHARED = 16, 4
PROMPT = re.compile(rb'"prompt": "[^"]*"')
# What a rival may cause: the file is gone, changed, or of the other kind; two programs that write
# one member at the same time make a mixture, which is refused.
RIVALRY = {
    errno.ENOENT, errno.ESTALE, errno.EINVAL, errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY,
    errno.ENOTDIR, errno.EISDIR,
}
DESCRIPTORS_MORE = 20
MEMORY_MORE = 64 << 20


class Owned:
    """A container that one worker writes: what was acknowledged is what it must hold."""

    def __init__(self, storm, name, chance):
        self.storm, self.name, self.chance = storm, name, chance
        before = Stored(storm.source(name))
        self.image, self.prompt = before.image, before.prompt
        self.latent = before.latents["initial_noise"]
        self.serial = 0

    def path(self, member):
        return self.storm.member(self.name, member)

    def fresh(self):
        self.serial += 1
        return self.chance.getrandbits(32)

    def save(self, member, content):
        """Saves in one of the ways programs have; whether it was acknowledged."""
        try:
            if self.chance.random() < 0.5:
                write_file(self.path(member), content)
            else:
                write_file(self.path(member + ".part"), content)
                os.replace(self.path(member + ".part"), self.path(member))
        except OSError as error:
            # Only what this worker did in the source a moment ago can be in the way.
            if error.errno != errno.ESTALE:
                raise
            try:
                os.unlink(self.path(member + ".part"))
            except FileNotFoundError:
                pass
            return False
        return True

    def save_image(self):
        content = new_image(self.fresh())
        if self.save("image.png", content):
            self.image = content
            self.check("image.png", content)

    def save_latent(self):
        values = new_latent((1, 4, 16, 16), "<f2", self.fresh())
        if self.save("latent.npy", npy_bytes(values)):
            self.latent = values
            self.check("latent.npy", npy_bytes(values))

    def save_prompt(self):
        prompt = f"{self.name} {self.serial} {self.fresh()}"
        text = PROMPT.sub(f'"prompt": "{prompt}"'.encode(), read_file(self.path("metadata.json")))
        if self.save("metadata.json", text):
            self.prompt = prompt
            if prompt.encode() not in read_file(self.path("metadata.json")):
                raise AssertionError(f"{self.name}: the saved prompt is not read back")

    def check(self, member, content):
        if read_file(self.path(member)) != content:
            raise AssertionError(f"{self.name}/{member}: what was saved is not read back")

    def remove_image(self):
        try:
            os.unlink(self.path("image.png"))
        except FileNotFoundError:
            return
        if self.chance.random() < 0.7:
            self.image = None
            self.save_image()
            return
        self.image = None
        eventually(lambda: Stored(self.storm.source(self.name)).image is None, 60)

    def rename(self):
        other = f"renamed-{self.fresh()}-{self.name}"[:60] + ".gen5"
        os.rename(self.storm.member(self.name), self.storm.member(other))
        self.name = other

    def rewrite(self):
        image, prompt = new_image(self.fresh()), f"outside {self.fresh()}"
        rewrite_outside(self.storm.source(self.name), image=image, prompt=prompt)
        self.image, self.prompt = image, prompt
        eventually(lambda: read_file(self.path("image.png")) == image, 60)

    def scratch(self):
        write_file(self.path("notes.txt"), b"scratch" * 100)
        os.unlink(self.path("notes.txt"))

    def act(self):
        self.chance.choice((
            self.save_image, self.save_image, self.save_latent, self.save_prompt, self.save_prompt,
            self.remove_image, self.rename, self.rewrite, self.scratch,
        ))()


class Storm(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted()
        for number in range(OWN):
            self.mount.add("extra-fields.gen5", f"own-{number}.gen5")
        for number in range(SHARED):
            self.mount.add("extra-fields.gen5", f"shared-{number}.gen5")
        self.assert_eventually(
            lambda: len(os.listdir(self.mount.path)) == OWN + SHARED, "not everything is listed"
        )
        self.template = Stored(self.source("shared-0.gen5")).manifest_text
        self.walk()
        self.failures = []
        self.acts = 0

    def walk(self):
        for folder, _, files in os.walk(self.mount.path):
            for file in files:
                read_file(os.path.join(folder, file))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.mount.pid}/fd"))

    def memory(self):
        text = read_file(f"/proc/{self.mount.pid}/status").decode()
        return int(re.search(r"RssAnon:\s+(\d+) kB", text).group(1)) << 10

    def remove_tree(self, name):
        try:
            shutil.rmtree(self.member(name))
        except OSError as error:
            # What rmtree says, without an errno, of a directory that a rival removed and made anew
            # between its look and its open.
            if error.errno is not None:
                raise

    def disturb(self, chance):
        """One act on a container that every worker writes."""
        name = f"shared-{chance.randrange(SHARED)}.gen5"
        act = chance.randrange(8)
        seed = chance.getrandbits(32)
        try:
            if act <= 1:
                write_file(self.member(name, "image.png"), new_image(seed))
            elif act == 2:
                part = self.member(name, f"part-{threading.get_ident()}")
                try:
                    write_file(part, npy_bytes(new_latent((1, 4, 8, 8), "<f4", seed)))
                    os.replace(part, self.member(name, "latent.npy"))
                except OSError:
                    os.unlink(part)
                    raise
            elif act == 3:
                text = read_file(self.member(name, "metadata.json"))
                write_file(
                    self.member(name, "metadata.json"),
                    PROMPT.sub(f'"prompt": "{seed}"'.encode(), text),
                )
            elif act == 4:
                rewrite_outside(self.source(name), image=new_image(seed))
            elif act == 5:
                for member in os.listdir(self.member(name)):
                    read_file(self.member(name, member))
            elif act == 6:
                aside = self.member(f"aside-{threading.get_ident()}.gen5")
                os.rename(self.member(name), aside)
                os.rename(aside, self.member(name))
            else:
                self.remove_tree(name)
                os.mkdir(self.member(name))
                write_file(self.member(name, "image.png"), new_image(seed))
                write_file(self.member(name, "metadata.json"), self.template)
        except OSError as error:
            if error.errno not in RIVALRY:
                raise

    def work_until(self, deadline, chance, owned):
        try:
            while time.monotonic() < deadline:
                if chance.random() < 0.6:
                    chance.choice(owned).act()
                else:
                    self.disturb(chance)
                self.acts += 1
        except BaseException as error:
            self.failures.append(error)

    def test_a_storm_of_everything_loses_nothing(self):
        seed = int(os.environ.get("GEN5_STORM_SEED", time.time_ns() % 1_000_000))
        descriptors, memory = self.descriptors(), self.memory()
        deadline, workers, owned = time.monotonic() + STORM_SECONDS, [], []
        for number in range(WORKERS):
            chance = random.Random(seed * WORKERS + number)
            mine = [Owned(self, f"own-{n}.gen5", chance) for n in range(number, OWN, WORKERS)]
            owned += mine
            workers.append(threading.Thread(
                target=self.work_until, args=(deadline, chance, mine), daemon=True
            ))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(max(0, deadline + ENDING_SECONDS - time.monotonic()))
        self.assertFalse(
            any(worker.is_alive() for worker in workers), f"seed {seed}: a worker hangs"
        )
        if self.failures:
            raise AssertionError(f"seed {seed}: {self.failures}") from self.failures[0]
        self.assertGreater(self.acts, WORKERS, "the storm was none")
        with self.subTest("what was acknowledged is there", seed=seed):
            for container in owned:
                self.assert_holds(container)
        with self.subTest("everything is sound", seed=seed):
            self.assert_all_sound()
        with self.subTest("the daemon holds no more than before", seed=seed):
            self.assert_eventually(
                lambda: self.descriptors() <= descriptors + DESCRIPTORS_MORE,
                f"{descriptors} descriptors became {self.descriptors()}",
            )
            if "ASAN_OPTIONS" not in os.environ and "TSAN_OPTIONS" not in os.environ:
                self.assertLess(self.memory(), memory + MEMORY_MORE)
        self.mount.unmount()
        with self.subTest("nothing is left behind", seed=seed):
            self.assert_all_sound()
            left = [
                name for name in os.listdir(self.mount.source)
                if not name.endswith(".gen5") and name != ".gen5fs"
            ]
            self.assertEqual(left, [])

    def assert_holds(self, container):
        stored = self.eventually_stored(
            container.name, lambda stored: stored.image == container.image
        )
        self.assertEqual(stored.prompt, container.prompt)
        np.testing.assert_array_equal(stored.latents["initial_noise"], container.latent)

    def assert_all_sound(self):
        names = [name for name in os.listdir(self.mount.source) if name.endswith(".gen5")]
        self.assertGreaterEqual(len(names), OWN)
        for name in names:
            self.assert_sound(self.source(name))


if __name__ == "__main__":
    unittest.main()
