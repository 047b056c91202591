# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What the tests of the sub-commands share: they run the command on files, without a mount, in a
# pipe or on a terminal, and read its JSON with Python's own reader.

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import numpy as np

import container
from mount_case import GEN5FS, PROGRAM_SECONDS, REFERENCE, MountCase, read_file

FIXTURES = sorted(name for name in os.listdir(REFERENCE) if name.endswith(".gen5"))

# Names that a shell, a terminal or an option parser may stumble over; the last is not UTF-8.
HOSTILE_NAMES = (
    b"two words.gen5", b"-o.gen5", b"--json", b"new\nline.gen5", b"tab\tand\x1b[31mred.gen5",
    b"quote'\"\\.gen5", "umlaut-\u00e4-\u202e.gen5".encode(), b"latin-\xe4-\xff.gen5",
)


def strict_json(text):
    """A JSON text as RFC 8259 has it: Python's NaN and Infinity are no JSON."""
    def refuse(word):
        raise ValueError(f"{word} is no JSON")
    return json.loads(text, parse_constant=refuse)


class Literal(str):
    """A number as it stands in a JSON text."""


def json_with_literals(text):
    return json.loads(text, parse_int=Literal, parse_float=Literal)


def tree(folder):
    """Every file below a folder: its path there, and its content."""
    found = {}
    for place, _, files in os.walk(os.fsencode(folder)):
        for name in files:
            path = os.path.join(place, name)
            found[os.path.relpath(path, os.fsencode(folder))] = read_file(path)
    return found


def latent(key, seed):
    values = np.random.default_rng(seed).standard_normal((1, 4, 4, 4)).astype("<f2")
    return key, "float16", values.shape, values.tobytes()


class CommandCase(MountCase):
    def fixture(self, name, as_name=None):
        """A copy of a golden container to work on; its path."""
        path = os.path.join(self.work, as_name or name)
        shutil.copyfile(os.path.join(REFERENCE, name), path)
        return path

    def built(self, name, **options):
        """A container of the tests' own making; its path."""
        path = os.path.join(self.work, name)
        container.build(path, **options)
        return path

    def damaged(self, name, change, as_name="damaged.gen5"):
        """A copy of a golden container that `change`, a function on a bytearray, has harmed."""
        path = os.path.join(self.work, as_name)
        data = bytearray(read_file(os.path.join(REFERENCE, name)))
        data = change(data) or data
        with open(path, "wb") as stream:
            stream.write(data)
        return path

    def json_lines(self, *arguments, status=0):
        """The objects that the command prints, one a line, and nothing else."""
        done = self.gen5fs(*arguments, status=status)
        text = done.stdout.decode("ascii")
        self.assertTrue(text == "" or text.endswith("\n"), text[-200:])
        return [strict_json(line) for line in text.splitlines()]

    def assert_complaint(self, done, *words):
        """Standard error has one line, of the command's form, with these words in it."""
        message = done.stderr.decode(errors="replace")
        self.assertEqual(len(message.splitlines()), 1, message)
        self.assertTrue(message.startswith("gen5fs: "), message)
        for word in words:
            self.assertIn(word, message)

    def assert_usage_error(self, *arguments, says=()):
        done = self.gen5fs(*arguments, status=2)
        self.assertEqual(done.stdout, b"")
        self.assert_complaint(done, *says)

    def assert_help(self, command):
        done = self.gen5fs(command, "--help")
        text = done.stdout.decode()
        self.assertTrue(text.startswith(f"usage: gen5fs {command} "), text)
        self.assertIn("Exit status:", text)
        self.assertEqual(done.stderr, b"")
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.assertEqual(self.gen5fs(command, "-h").stdout.decode(), text)

    def on_terminal(self, *arguments, status=0, columns=100, **environment):
        """What the command shows on a terminal of its own, as bytes."""
        command = [os.fsencode(word) for word in (GEN5FS, *arguments)]
        child, terminal = pty.fork()
        if child == 0:
            try:
                os.chdir(self.work)
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
                os.execve(command[0], command, {**self.environment, **environment})
            finally:
                os._exit(127)
        shown, deadline = b"", time.monotonic() + PROGRAM_SECONDS
        try:
            while time.monotonic() < deadline:
                if select.select([terminal], [], [], 1)[0]:
                    try:
                        shown += os.read(terminal, 65536)
                    except OSError:
                        break  # the program has ended
            else:
                os.kill(child, signal.SIGKILL)
        finally:
            os.close(terminal)
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status is not None:
            self.assertEqual(ended, status, shown)
        return shown

    def to_closed_pipe(self, *arguments):
        """Runs the command with nobody who reads; its wait status and what it said."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                (GEN5FS, *arguments), stdin=subprocess.DEVNULL, stdout=writer,
                stderr=subprocess.PIPE, env=self.environment, cwd=self.work,
                timeout=PROGRAM_SECONDS, check=False,
            )
        finally:
            os.close(writer)
        return done

    def to_full_disk(self, *arguments):
        """Runs the command with a standard output that takes nothing."""
        with open("/dev/full", "wb") as full:
            return subprocess.run(
                (GEN5FS, *arguments), stdin=subprocess.DEVNULL, stdout=full,
                stderr=subprocess.PIPE, env=self.environment, cwd=self.work,
                timeout=PROGRAM_SECONDS, check=False,
            )
