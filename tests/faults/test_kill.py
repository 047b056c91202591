# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Workers save in every way that programs have until the daemon is killed, GEN5_KILLS times (25; by
# scripts/torture 500). Each time no container is torn, every save that was acknowledged is there, and one
# that was not is there whole or not at all. The next mount leaves no temporary.

import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import unittest

import numpy as np

import container
from mount_case import MountCase, Stored, eventually, new_image, new_latent, npy_bytes, read_file

KILLS = int(os.environ.get("GEN5_KILLS", "25"))
SLOWNESS = float(os.environ.get("GEN5_SLOWNESS", "1"))
# A worker begins with some containers, and never has more than so many.
WORKERS, CONTAINERS_EACH, CONTAINERS_EACH_MAX = 4, 3, 6
KILL_AFTER_MAX = 0.12 * SLOWNESS
# How long a worker may take to notice that the daemon is gone.
ENDING_SECONDS = 60
# Stores bytes at the end of a file through a mapping.
STORE = """
import mmap, sys
path, bytes_ = sys.argv[1], bytes.fromhex(sys.argv[2])
with open(path, "r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapping:
    mapping[-len(bytes_):] = bytes_
    mapping.flush()
"""
PROMPT = re.compile(rb'"prompt": "[^"]*"')


class Material:
    """Valid members to save, made once."""

    def __init__(self, seed):
        sizes = [(24, 16)] * 12 + [(160, 120)] * 6
        self.images = [new_image(seed + n, size) for n, size in enumerate(sizes)]
        self.latents = [
            npy_bytes(new_latent((1, 4, side, side), "<f2", seed + n))
            for n, side in enumerate([8] * 8 + [64] * 4)
        ]
        self.environments = [
            container.environment(("python", f"name=python;version=3.11.{n}")) for n in range(8)
        ]


class Holding:
    """What a container holds, as a value. A latent counts by its elements, whatever its key is."""

    MEMBERS = ("image", "prompt", "latents", "environment")

    def __init__(self, image=None, prompt="", latents=(), environment=None):
        self.image, self.prompt = image, prompt
        self.latents, self.environment = tuple(latents), environment

    def __eq__(self, other):
        return isinstance(other, Holding) and all(
            getattr(self, member) == getattr(other, member) for member in self.MEMBERS
        )

    def with_member(self, member, value):
        return Holding(**{name: getattr(self, name) for name in self.MEMBERS} | {member: value})

    def allows(self, found):
        return self == found

    def __repr__(self):
        parts = [self.image, self.prompt, self.latents, self.environment]
        return f"<{', '.join('-' if part is None else str(hash(part) % 10000) for part in parts)}>"


class Partly:
    """A container that was being filled or emptied: each member is there or is not."""

    def __init__(self, whole):
        self.whole = whole

    def allows(self, found):
        return (
            isinstance(found, Holding) and found.image in (None, self.whole.image)
            and found.prompt in ("", self.whole.prompt)
            and set(found.latents) <= set(self.whole.latents)
            and found.environment in (None, self.whole.environment)
        )


class Plain:
    """An ordinary file. One that was being written in place has what was written so far."""

    def __init__(self, content, whole=True):
        self.content, self.whole = content, whole

    def __repr__(self):
        return f"<{len(self.content)} bytes>" if self.whole else f"<part of {len(self.content)} bytes>"

    def allows(self, found):
        return isinstance(found, bytes) and (
            found == self.content if self.whole else self.content.startswith(found)
        )


def latent_values(npy):
    return npy[npy.index(b"\n") + 1:]


def holding_of(path):
    stored = Stored(path)
    return Holding(
        stored.image, stored.prompt,
        [np.ascontiguousarray(values).tobytes() for values in stored.latents.values()],
        stored.environment,
    )


class Worker:
    """One program at a time on files of its own. `state` has what was acknowledged: name to what is
    there; `possible` what else may be found if the daemon dies now: changes of the state, of which one
    has happened or none."""

    def __init__(self, case, number, seed):
        self.case, self.number = case, number
        self.chance = random.Random(seed)
        self.state, self.possible = {}, []
        self.serial = self.saves = 0

    def begin(self):
        for _ in range(CONTAINERS_EACH):
            name = self.new_name()
            self.case.mount.add("extra-fields.gen5", name)
            self.state[name] = holding_of(self.case.source(name))

    def new_name(self, extension=".gen5"):
        self.serial += 1
        return f"w{self.number}-{self.serial}{extension}"

    def path(self, *parts):
        return self.case.member(*parts)

    def containers(self):
        return [name for name, value in self.state.items() if isinstance(value, Holding)]

    def attempt(self, changes, act, *arguments, between=()):
        """Acts; then the changes are a fact. Fails with OSError as the act does."""
        self.possible = [changes, *between]
        act(*arguments)
        self.acknowledge(changes)

    def acknowledge(self, changes):
        self.state.update(changes)
        self.state = {name: value for name, value in self.state.items() if value is not None}
        self.possible = []
        self.saves += 1

    # Ways to save a member

    def in_place(self, path, content):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        write_and_close(descriptor, content)

    def in_pieces(self, path, content):
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        half = len(content) // 2
        os.write(descriptor, content[:half])
        write_and_close(descriptor, content[half:])

    def over_itself(self, path, content):
        descriptor = os.open(path, os.O_RDWR)
        os.ftruncate(descriptor, len(content))
        write_and_close(descriptor, content)

    def by_rename(self, path, content):
        self.in_place(path + ".part", content)
        os.replace(path + ".part", path)

    def by_synced_rename(self, path, content):
        descriptor = os.open(path + ".part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(descriptor, content)
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(path + ".part", path)

    def old_away_first(self, path, content):
        os.rename(path, path + "~")
        self.in_place(path, content)
        os.unlink(path + "~")

    def deleted_first(self, path, content):
        os.unlink(path)
        self.in_place(path, content)

    def save_member(self, name, file, member, value, content):
        old = self.state[name]
        new = old.with_member(member, value)
        ways = [self.in_place, self.in_pieces, self.over_itself, self.by_rename,
                self.by_synced_rename, self.old_away_first]
        if member != "prompt":
            ways.append(self.deleted_first)
        empty = () if member == "latents" else None
        self.attempt(
            {name: new}, self.chance.choice(ways), self.path(name, file), content,
            between=[{name: old.with_member(member, empty)}] if member != "prompt" else (),
        )

    # Acts

    def save_image(self, name):
        image = self.chance.choice(self.case.material.images)
        self.save_member(name, "image.png", "image", image, image)

    def save_latent(self, name):
        npy = self.chance.choice(self.case.material.latents)
        # A copy that was made from its own listing knows no other key than the name in it.
        key = os.listdir(self.path(name, "latents"))[0]
        file = self.chance.choice(("latent.npy", f"latents/{key}"))
        self.save_member(name, file, "latents", (latent_values(npy),), npy)

    def save_environment(self, name):
        text = self.chance.choice(self.case.material.environments)
        self.save_member(name, "env.json", "environment", text, text)

    def save_prompt(self, name):
        prompt = f"{name} {self.chance.getrandbits(32)}"
        text = read_file(self.path(name, "metadata.json"))
        text = PROMPT.sub(f'"prompt": "{prompt}"'.encode(), text)
        self.save_member(name, "metadata.json", "prompt", prompt, text)

    def save_by_fsync(self, name):
        """What fsync has acknowledged counts, although the file is never closed before the end."""
        image = self.chance.choice(self.case.material.images)
        descriptor = os.open(self.path(name, "image.png"), os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(descriptor, image)
            self.attempt({name: self.state[name].with_member("image", image)}, os.fsync, descriptor)
        finally:
            os.close(descriptor)

    def save_by_mapping(self, name):
        old = self.state[name]
        values = np.frombuffer(old.latents[0], "<f2").copy()
        values[-1] = self.chance.random()

        new = old.with_member("latents", (values.tobytes(),))
        self.possible = [{name: new}]
        # Whoever stores into a page of a daemon that is dead gets SIGBUS.
        self.run(sys.executable, "-c", STORE, self.path(name, "latent.npy"),
                 values[-1:].tobytes().hex())
        # The mapping's own close is not waited for by whoever unmaps it.
        eventually(lambda: holding_of(self.case.source(name)) == new or self.case.killed.is_set(), 60)
        if holding_of(self.case.source(name)) != new:
            raise OSError("killed before it was committed")
        self.acknowledge({name: new})

    def remove_image(self, name):
        gone = self.state[name].with_member("image", None)
        new = gone.with_member("image", self.case.material.images[0])
        self.possible = [{name: gone}, {name: new}]
        os.unlink(self.path(name, "image.png"))
        self.in_place(self.path(name, "image.png"), new.image)
        self.acknowledge({name: new})

    def copy_container(self, name):
        """cp -r of a folder of members makes a container."""
        new, whole = self.new_name(), self.state[name]
        self.attempt(
            {new: whole}, self.run, "cp", "-r", self.path(name), self.path(new),
            between=[{new: Partly(whole)}],
        )

    def copy_raw(self, name):
        """A container file, copied in whole. It is a plain file until it is closed."""
        new = self.new_name()
        raw = read_file(self.case.source(name))
        self.attempt(
            {new: self.state[name]}, self.in_place, self.path(new), raw,
            between=[{new: Plain(raw, whole=False)}],
        )
        self.await_folder(new)

    def await_folder(self, name):
        """The kernel may take a name for a file's until it has been told that it is a folder's."""
        eventually(lambda: os.path.isdir(self.path(name)) or self.case.killed.is_set(), 60)

    def move_raw_in(self, name):
        new, part = self.new_name(), self.new_name(".part")
        raw = read_file(self.case.source(name))
        self.attempt(
            {part: Plain(raw)}, self.in_place, self.path(part), raw,
            between=[{part: Plain(raw, whole=False)}],
        )
        self.attempt(
            {new: self.state[name], part: None}, os.rename, self.path(part), self.path(new)
        )
        self.await_folder(new)

    def remove_container(self, name):
        self.attempt(
            {name: None}, shutil.rmtree, self.path(name),
            between=[{name: Partly(self.state[name])}],
        )

    def make_container(self, name):
        del name
        new = self.new_name()
        self.attempt({new: Holding()}, os.mkdir, self.path(new))

    def rename_container(self, name):
        new = self.new_name()
        self.attempt(
            {new: self.state[name], name: None}, os.rename, self.path(name), self.path(new)
        )

    def save_plain(self, name):
        del name
        new, content = f"w{self.number}-notes.txt", os.urandom(self.chance.randrange(50_000))
        old = self.state.get(new)
        self.attempt(
            {new: Plain(content)}, self.by_rename, self.path(new), content,
            between=[{new: old, f"{new}.part": Plain(content, whole=False)},
                     {new: old, f"{new}.part": Plain(content)}],
        )

    def scratch(self, name):
        self.in_place(self.path(name, "scratch.txt"), b"scratch" * 100)
        if self.chance.random() < 0.7:
            os.unlink(self.path(name, "scratch.txt"))

    def run(self, *command):
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise OSError(done.stderr.decode())

    def act(self):
        name = self.chance.choice(self.containers())
        acts = [self.rename_container, self.save_plain, self.scratch, self.save_prompt]
        more = [self.copy_container, self.copy_raw, self.move_raw_in, self.make_container]
        if len(self.containers()) < CONTAINERS_EACH_MAX:
            acts += more
        if len(self.containers()) > CONTAINERS_EACH:
            acts += [self.remove_container] * len(more)
        if self.state[name].image is not None:
            acts += [self.save_image, self.save_image, self.save_by_fsync, self.remove_image]
        if len(self.state[name].latents) == 1:
            acts += [self.save_latent, self.save_latent, self.save_by_mapping]
        if self.state[name].environment is not None:
            acts += [self.save_environment]
        self.chance.choice(acts)(name)

    def work(self):
        try:
            while not self.case.killed.is_set():
                self.act()
        except OSError as error:
            if not self.case.killed.is_set():
                self.case.failures.append(error)
        except BaseException as error:
            if not (self.case.killed.is_set() and isinstance(error, AssertionError)):
                self.case.failures.append(error)

    def check(self, found):
        """Compares with what is there, name to Holding or bytes; what was unsure is a fact then."""
        outcomes = [{}, *self.possible]
        for outcome in outcomes:
            expected = {
                name: value for name, value in {**self.state, **outcome}.items() if value is not None
            }
            if expected.keys() == found.keys() and all(
                value.allows(found[name])
                for name, value in expected.items()
            ):
                break
        else:
            wrong = sorted(
                name for name in self.state.keys() | found.keys()
                if not (name in self.state and name in found
                        and self.state[name].allows(found[name]))
            )
            raise AssertionError(
                f"worker {self.number}: of {wrong} acknowledged were "
                f"{[self.state.get(name) for name in wrong]}, possible were {self.possible}, found was "
                f"{[f'{found.get(name)!r:.60}' for name in wrong]}"
            )
        self.state = {
            name: value if isinstance(value, Holding) else Plain(value)
            for name, value in found.items()
        }
        self.possible = []


def write_and_close(descriptor, content):
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view):]
    except OSError:
        try:
            os.close(descriptor)
        except OSError:
            pass
        raise
    os.close(descriptor)


class Kill(MountCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("GEN5_STORM_SEED", time.time_ns() % 1_000_000))
        self.material = Material(self.seed)
        self.chance = random.Random(self.seed)
        self.mounted()
        self.workers = [Worker(self, n, self.seed * 100 + n) for n in range(WORKERS)]
        for worker in self.workers:
            worker.begin()
        self.torn_copies = self.temporaries = 0

    def storm_and_kill(self):
        self.killed, self.failures = threading.Event(), []
        threads = [threading.Thread(target=worker.work, daemon=True) for worker in self.workers]
        for thread in threads:
            thread.start()
        time.sleep(self.chance.random() * KILL_AFTER_MAX)
        self.killed.set()
        self.mount.process.kill()
        for thread in threads:
            thread.join(ENDING_SECONDS)
        self.assertFalse(any(thread.is_alive() for thread in threads), "a worker hangs")
        self.mount.kill()
        if self.failures:
            raise self.failures[0]

    def look(self):
        """What each worker's files are now. A container that cannot be read counts as bytes: only one
        that was being copied in may be such a file."""
        found = [{} for _ in self.workers]
        for name in os.listdir(self.mount.source):
            path = self.source(name)
            if name.startswith(".gen5fs"):
                self.temporaries += name != ".gen5fs"
                continue
            worker = found[int(name[1:name.index("-")])]
            worker[name] = read_file(path)
            if name.endswith(".gen5"):
                try:
                    self.assert_sound(path)
                    worker[name] = holding_of(path)
                except AssertionError as error:
                    self.torn_copies += 1
                    worker[name] = read_file(path)
                    self.complaint = error
        return found

    def assert_consistent(self):
        self.complaint = None
        for worker, found in zip(self.workers, self.look()):
            try:
                worker.check(found)
            except AssertionError as error:
                raise error from self.complaint
            # What was cut while it was copied in is copied again by whoever wanted it.
            for name, value in list(worker.state.items()):
                if name.endswith((".gen5", ".part")) and isinstance(value, Plain):
                    os.unlink(self.source(name))
                    del worker.state[name]

    def assert_swept(self):
        def none_left():
            return not [
                name for name in os.listdir(self.mount.source)
                if name.startswith(".gen5fs-")
            ]
        self.assert_eventually(none_left, "the next mount leaves temporaries")
        self.assertFalse(os.path.exists(self.source(".gen5fs")), "something was rescued")

    def assert_shown(self):
        """The mount shows what the source has."""
        names = {name for worker in self.workers for name in worker.state}
        self.assertEqual(set(os.listdir(self.mount.path)), names)
        for worker in self.workers:
            name = self.chance.choice(worker.containers())
            if worker.state[name].image is not None:
                self.assertEqual(self.read(name, "image.png"), worker.state[name].image)

    def kill_once(self):
        self.storm_and_kill()
        self.assert_consistent()
        self.mount.mount()
        self.assert_swept()
        self.assert_shown()

    def test_kills_at_random_moments_tear_and_lose_nothing(self):
        for kill in range(KILLS):
            try:
                self.kill_once()
            except BaseException as error:
                error.add_note(f"GEN5_STORM_SEED={self.seed}, kill {kill}")
                raise
        self.mount.unmount()
        self.assert_consistent()
        saves = sum(worker.saves for worker in self.workers)
        self.assertGreater(saves, 2 * KILLS, "the storm was none")
        print(
            f"kill: {KILLS} kills, {saves} acknowledged saves, 0 containers torn, 0 acknowledged "
            f"saves lost, {self.temporaries} temporaries met and swept, {self.torn_copies} copies of "
            "whole container files cut short", flush=True,
        )


if __name__ == "__main__":
    unittest.main()
