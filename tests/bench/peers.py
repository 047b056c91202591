# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Those who are compared: a plain folder, gen5fs and other FUSE file systems, each a context manager
# whose `path` holds the files.

import os
import re
import subprocess
import tempfile
import time

READY_SECONDS = 60


def _wait_until(condition, what):
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {READY_SECONDS} s")
        time.sleep(0.0005)


class Plain:
    """A folder of the disk's own file system."""

    pid = None

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Daemon:
    """A file system that a program serves in the foreground."""

    def __init__(self, command):
        self.command = command
        self.path = None
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="gen5fs-bench-")
        command = [word.replace("MOUNTPOINT", self.path) for word in self.command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _wait_until(self._is_live, command[0])
        return self

    def _is_live(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command}: {self.process.stderr.read().decode()}")
        return os.path.ismount(self.path)

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)
        self.process.wait(READY_SECONDS)
        self.process.stderr.close()
        os.rmdir(self.path)

    def cpu_seconds(self):
        """What the program has used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def anonymous_memory(self):
        """Bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) << 10


class Gen5fs(Daemon):
    def __init__(self, program, source, options=""):
        command = [program, "mount", "-f", source, "MOUNTPOINT"]
        super().__init__(command + (["-o", options] if options else []))
        self.program = program

    def requests(self):
        """How many of each kind the kernel has sent. Asking sends some itself."""
        text = subprocess.run(
            [self.program, "status", "--requests", self.path], check=True, stdout=subprocess.PIPE
        ).stdout.decode()
        return {line.split()[0]: int(line.split()[1]) for line in text.splitlines()}


def squashfuse(image):
    return Daemon(["squashfuse_ll", "-f", image, "MOUNTPOINT"])


def passthrough(program, folder):
    return Daemon([program, "-f", "-o", f"source={folder}", "MOUNTPOINT"])


def fuse_zip(archive):
    return Daemon(["fuse-zip", "-f", archive, "MOUNTPOINT"])
