# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What the client tests share: a test case with a mount and a scratch folder, a view of what a
# container in the source holds, and material (images, latents, documents) to write.

import functools
import hashlib
import io
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import numpy as np
from PIL import Image

import container
from mounted import GEN5FS, REFERENCE, Mount, eventually, is_mount_point

# Sanitizer builds on a busy machine are slow; a deadline only ends what would never end.
PROGRAM_SECONDS = 60
COMMIT_SECONDS = 30
# A change in the source is seen a second later at the latest; the half is for looking.
SEEN_SECONDS = 1.5 * float(os.environ.get("GEN5_SLOWNESS", "1"))
DTYPES = {"float16": "<f2", "float32": "<f4"}


@functools.lru_cache
def golden_digests():
    with open(os.path.join(REFERENCE, "expected.json"), encoding="utf-8") as stream:
        return {entry.get("container_sha256") for entry in json.load(stream).values()}


def sha256(content):
    return None if content is None else hashlib.sha256(content).hexdigest()


def new_image(seed, size=(24, 16)):
    """The bytes of a valid PNG that differs from seed to seed."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    target = io.BytesIO()
    Image.fromarray(values).save(target, "PNG")
    return target.getvalue()


def new_latent(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def npy_bytes(values):
    target = io.BytesIO()
    np.save(target, values)
    return target.getvalue()


def read_file(path):
    with open(path, "rb") as stream:
        return stream.read()


def process_lives(pid):
    """Whether a process runs; one that only waits for its parent to notice its end does not."""
    try:
        return read_file(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def daemon_of(point):
    """The process that serves a mount point, not its guard; None if there is none."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and process_lives(entry):
            try:
                name = read_file(f"/proc/{entry}/comm")
                command = read_file(f"/proc/{entry}/cmdline").split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if name != b"gen5fs-guard\n" and b"gen5fs" in name and os.fsencode(point) in command:
                return int(entry)
    return None


def take_down(point):
    """Unmounts whatever a test has left at a mount point."""
    while is_mount_point(point):
        subprocess.run(["umount", "-l", point], check=True)


def write_file(path, content):
    """Writes like a program that looks at every result, that of close included."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view):]
    except OSError as error:
        try:
            os.close(descriptor)
        except OSError:
            pass
        raise error
    os.close(descriptor)


class Stored:
    """What one container file holds, decoded by the tests' own reader."""

    def __init__(self, path):
        parsed = container.parse(path)
        self.manifest_text = parsed.manifest_bytes
        self.document = parsed.document
        self.model_info = parsed.model_info
        self.prompt = self.model_info["prompt"]
        self.image = parsed.image
        self.environment = parsed.environment
        self.latents = {
            key: np.frombuffer(payload, DTYPES[dtype]).reshape(shape)
            for key, (dtype, shape, payload) in parsed.latents.items()
        }

    def user_text(self):
        """The document as text, with what is computed masked."""
        return container.masked(self.manifest_text)

    def extras(self):
        """What the user said of each chunk, by type."""
        return [
            (record["type"],
             {k: v for k, v in record["extra"].items() if k not in ("shape", "dtype")})
            for record in self.document["chunks"]
        ]


def rewrite_outside(path, image=None, prompt=None, latent=None):
    """What a careful program that knows the format does in the source: reads the container, writes
    a changed one under a temporary name and renames it over. It keeps what it does not know."""
    old = container.parse(path)
    info = dict(old.model_info) if prompt is None else {**old.model_info, "prompt": prompt}
    latents = [(key, *value) for key, value in old.latents.items()]
    if latent is not None:
        dtype = {2: "float16", 4: "float32"}[latent.itemsize]
        latents[0] = (latents[0][0], dtype, latent.shape, latent.tobytes())
    said = {(record["type"], record["extra"].get("key")): record for record in old.records}

    def with_what_was_said(new):
        new, records = new["gen5_metadata"], []
        for record in new["chunks"]:
            before = said.get((record["type"], record["extra"].get("key")), {"extra": {}})
            records.append({**before, **record, "extra": {**before["extra"], **record["extra"]}})
        file_info = {**old.file_info, **new["file_info"]}
        return {**old.root, "gen5_metadata": {
            **old.document, **new, "file_info": file_info, "chunks": records,
        }}

    renamed_over(path, container.build(
        image=old.image if image is None else image, latents=latents, env=old.environment,
        info=info, manifest=with_what_was_said,
    ))


def renamed_over(path, content):
    """Replaces a file whole, as any careful program does."""
    # The name differs from caller to caller, and is no container's.
    temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
    write_file(temporary, content)
    os.rename(temporary, path)


class Paths:
    """What is below self.mount, in the mount and in its source."""

    def member(self, *parts):
        return os.path.join(self.mount.path, *parts)

    def source(self, *parts):
        return os.path.join(self.mount.source, *parts)

    def read(self, *parts):
        return read_file(self.member(*parts))


class SharedMountCase(Paths, unittest.TestCase):
    """The tests of a class share one mount, of `fixtures` (golden containers) and of `containers`
    (bytes by name)."""

    fixtures = ()
    containers = {}
    options = ""

    @classmethod
    def prepare(cls, source):
        for name, content in cls.containers.items():
            write_file(os.path.join(source, name), content)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mount = cls.enterClassContext(
            Mount(options=cls.options, fixtures=cls.fixtures, prepare=cls.prepare))


class MountCase(Paths, unittest.TestCase):
    """A scratch folder, self.work, and with mounted() a mount, self.mount."""

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="gen5fs-client-")
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        home = os.path.join(self.work, "home")
        os.mkdir(home)
        # Programs see nothing of the person who runs the tests.
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": home, "LANG": "C.UTF-8",
            "TERM": "vt100", "TMPDIR": self.work,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def mounted(self, **options):
        self.mount = self.enterContext(Mount(**options))
        return self.mount

    def mounted_with_container(self, **options):
        """A mount that shows a.gen5, which the reference wrote; self.before is what it holds."""
        self.mounted(**options)
        self.mount.add("extra-fields.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.before = self.stored("a.gen5")

    def outside(self, name, content):
        """A file outside of the mount; its path."""
        path = os.path.join(self.work, name)
        write_file(path, content)
        return path

    def expected(self, fixture):
        with open(os.path.join(REFERENCE, "expected.json"), encoding="utf-8") as stream:
            return json.load(stream)[fixture]

    def program(self, *command, input=None, status=0, cwd=None):
        """Runs a program to its end; `status` is what it must return, None for anything."""
        given = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
            cwd=cwd or self.work, timeout=PROGRAM_SECONDS, check=False, **given,
        )
        if status is not None:
            self.assertEqual(done.returncode, status, f"{command}: {done.stdout} {done.stderr}")
        return done

    def gen5fs(self, *arguments, status=0):
        return self.program(GEN5FS, *arguments, status=status)

    def mount_in_background(self, source, point, *options):
        """Mounts with the command; what is still mounted when the test ends is taken down."""
        self.addCleanup(take_down, point)
        return self.gen5fs("mount", *options, source, point)

    def assert_one_line(self, done, says):
        """A program that failed said so in one line, with these words in it; the line."""
        message = done.stderr.decode()
        self.assertEqual(len(message.strip().splitlines()), 1, message)
        for words in says:
            self.assertIn(words, message)
        return message

    def shell(self, script, *arguments, status=0):
        return self.program("sh", "-c", script, "sh", *arguments, status=status)

    def assert_sound(self, path):
        """The container file passes every rule of the format that writers are held to. What the
        reference wrote, and nobody has touched, is held to less."""
        golden = sha256(read_file(path)) in golden_digests()
        container.strict_check(
            path, lenient_file_size=golden, lenient_schema=golden, stale_records=golden
        )

    def stored(self, *parts):
        """What the sound container in the source holds."""
        path = self.source(*parts)
        self.assert_sound(path)
        return Stored(path)

    def assert_same_payloads(self, one, other, but=()):
        if "image" not in but:
            self.assertEqual(sha256(one.image), sha256(other.image), "image")
        if "environment" not in but:
            self.assertEqual(one.environment, other.environment, "environment")
        if "latents" not in but:
            self.assertEqual(sorted(one.latents), sorted(other.latents))
            for key, values in other.latents.items():
                self.assertEqual(one.latents[key].dtype, values.dtype, key)
                np.testing.assert_array_equal(one.latents[key], values, key)

    def assert_eventually(self, predicate, message, seconds=COMMIT_SECONDS):
        try:
            eventually(predicate, seconds)
        except AssertionError as error:
            raise AssertionError(f"{message} ({error})") from error.__cause__

    def eventually_stored(self, name, predicate, seconds=COMMIT_SECONDS):
        """Waits until the container in the source holds what `predicate` looks for."""
        self.assert_eventually(
            lambda: predicate(Stored(self.source(name))), f"{name} never came to hold it", seconds
        )
        return self.stored(name)

    def eventually_listed(self, name, listed=True):
        self.assert_eventually(
            lambda: (name in os.listdir(self.mount.path)) == listed,
            f"{name} is {'not ' if listed else 'still '}listed",
        )

    def rescued_files(self, *parts):
        """Everything under .gen5fs/rescued/PARTS in the source: path to content."""
        found = {}
        for folder, _, files in os.walk(self.source(".gen5fs", "rescued", *parts)):
            for file in files:
                found[os.path.join(folder, file)] = read_file(os.path.join(folder, file))
        return found

    def assert_rescued(self, content, *parts):
        """`content` is kept, and a file of one line beside it says why; the path of the content."""
        found = self.rescued_files(*parts)
        kept = [path for path, data in found.items() if data == content]
        self.assertTrue(kept, f"{content[:60]!r} is not among {sorted(found)}")
        reasons = [data.decode(errors="replace") for data in found.values() if data != content]
        self.assertTrue(
            any(text.strip() and len(text.strip().splitlines()) == 1 for text in reasons),
            f"no reason of one line among {reasons}",
        )
        return kept[0]

    def assert_process_ends(self, pid):
        self.assert_eventually(lambda: not process_lives(pid), f"process {pid} lives on")

    def assert_os_error(self, number, call, *arguments, **options):
        with self.assertRaises(OSError) as raised:
            call(*arguments, **options)
        self.assertEqual(raised.exception.errno, number, raised.exception)


class LibraryCase(MountCase):
    """A library of one container and a mount point, for tests that mount by themselves."""

    def setUp(self):
        super().setUp()
        self.library = os.path.join(self.work, "library")
        self.point = os.path.join(self.work, "point")
        os.mkdir(self.library)
        os.mkdir(self.point)
        self.container = os.path.join(self.library, "a.gen5")
        shutil.copyfile(os.path.join(REFERENCE, "extra-fields.gen5"), self.container)
        self.addCleanup(take_down, self.point)


def drive_terminal(command, steps, environment, seconds=PROGRAM_SECONDS):
    """Runs a program on a terminal: when it shows the first of a pair, types the second."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, environment)
    steps, shown, deadline = list(steps), b"", time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
            if steps and steps[0][0] in shown:
                os.write(terminal, steps.pop(0)[1])
                shown = b""
        else:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(terminal)
        status = os.waitpid(child, 0)[1]
    if steps or status != 0:
        raise AssertionError(f"{command}: status {status}, never showed {steps[:1]}: {shown!r}")
