# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The works that are timed. Each takes a folder and returns the seconds that its client took.

import os
import random
import shutil
import subprocess
import tempfile
import time


def timed(command, **options):
    begin = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.monotonic() - begin


def find(folder):
    """Looks at the size of every file."""
    return timed(["find", folder, "-size", "+1000G"])


def ls(folder):
    """Lists everything, with owners, times and marks of extended attributes."""
    return timed(["ls", "-lR", folder])


class Reader:
    """Reads a member of every container, by the C client read_files."""

    def __init__(self, program, paths):
        self.program = program
        self.paths = paths

    def shuffle(self):
        """By chance, and each time alike."""
        paths = self.paths.splitlines(keepends=True)
        random.Random(1).shuffle(paths)
        self.paths = b"".join(paths)

    def read(self, mode, number):
        done = subprocess.run(
            [self.program, mode, str(number)], input=self.paths, stdout=subprocess.PIPE, check=True
        )
        return float(done.stdout)


def load_latents(folder):
    """numpy.load of every latent in one process, without its start."""
    script = (
        "import glob, sys, time, numpy\n"
        "paths = sorted(glob.glob(sys.argv[1] + '/*/latent.npy'))\n"
        "begin = time.monotonic()\n"
        "for path in paths: numpy.load(path)\n"
        "print(time.monotonic() - begin)\n"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, folder], stdout=subprocess.PIPE, check=True
    )
    return float(done.stdout)


def edit_prompt(path, word):
    """One word changed in a metadata.json, opened, written and closed as an editor does. The old
    text is read before the clock starts."""
    with open(path, "rb") as file:
        text = file.read()
    changed = text.replace(b"lighthouse", word) if b"lighthouse" in text else text
    if changed == text:
        raise RuntimeError(f"{path}: nothing to change")
    begin = time.monotonic()
    with open(path, "wb") as file:
        file.write(changed)
    seconds = time.monotonic() - begin
    with open(path, "wb") as file:
        file.write(text)
    return seconds


def write_and_rename(content, path):
    """The bytes of a container to a temporary, which is renamed over the old one."""
    begin = time.monotonic()
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.rename(path + ".part", path)
    return time.monotonic() - begin


def clone_and_rename(path):
    seconds = timed(["cp", "--reflink=auto", path, path + ".part"])
    begin = time.monotonic()
    os.rename(path + ".part", path)
    return seconds + time.monotonic() - begin


def copy_out(folder, count):
    """cp -r of so many containers to the disk."""
    sources = [os.path.join(folder, name) for name in sorted(os.listdir(folder))[:count]]
    target = tempfile.mkdtemp(prefix="gen5fs-bench-")
    try:
        return timed(["cp", "-r", *sources, target])
    finally:
        shutil.rmtree(target)


def copy_in(plain, count, target):
    """cp -r of so many plain folders to an empty folder."""
    sources = [os.path.join(plain, name) for name in sorted(os.listdir(plain))[:count]]
    return timed(["cp", "-r", *sources, target])


def verify(program, paths):
    """gen5fs verify of containers, without a mount."""
    return timed([program, "verify", "--", *paths])


def sha256sum(paths, processes):
    """sha256sum of files by so many processes at once, each of which has its share of every size."""
    begin = time.monotonic()
    started = [
        subprocess.Popen(["sha256sum", "--", *paths[number::processes]], stdout=subprocess.DEVNULL)
        for number in range(processes)
    ]
    if any([process.wait() for process in started]):
        raise RuntimeError("sha256sum has failed")
    return time.monotonic() - begin
