# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The kinds of saves that the tests of faults make fail in the middle. Each takes a container from one
# of two states to the other and back, so that what a whole save leaves behind is known to the byte.

import functools
import os
import re

import numpy as np

import container
from mount_case import new_image, new_latent, npy_bytes, read_file

NAME = "a.gen5"
FIXTURE = "extra-fields.gen5"
TAGS = "user.xdg.tags"
PROMPT = re.compile(rb'"prompt": "[^"]*"')


class Step:
    """What the program was doing: an OSError that leaves it says so in its attribute `step`."""

    def __init__(self, step):
        self.step = step

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, OSError) and not hasattr(error, "step"):
            error.step = self.step


def write_and_close(descriptor, content, sync=False):
    """As a program does that looks at every result."""
    try:
        with Step("write"):
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view):]
        if sync:
            with Step("fsync"):
                os.fsync(descriptor)
    except OSError:
        try:
            os.close(descriptor)
        except OSError:
            pass
        raise
    with Step("close"):
        os.close(descriptor)


def in_place(path, content, sync=False):
    with Step("open"):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    write_and_close(descriptor, content, sync)


def over_itself(path, content):
    with Step("open"):
        descriptor = os.open(path, os.O_RDWR)
    try:
        with Step("write"):
            os.ftruncate(descriptor, len(content))
    except OSError:
        try:
            os.close(descriptor)
        except OSError:
            pass
        raise
    write_and_close(descriptor, content)


def by_rename(path, content, sync=False):
    in_place(path + ".part", content, sync)
    with Step("rename"):
        os.rename(path + ".part", path)


def old_away_first(path, content):
    with Step("remove"):
        try:
            os.rename(path, path + "~")
        except FileNotFoundError:
            pass
    in_place(path, content)
    with Step("clean up"):
        os.unlink(path + "~")


def as_tags(path, content):
    with Step("set"):
        os.setxattr(path, TAGS, content)


def deleted_first(path, content):
    with Step("remove"):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
    in_place(path, content)


class Save:
    """One kind: a member, two contents and a way to write. `flip` 0 or 1 chooses the content."""

    def __init__(self, name, member, contents, write):
        self.name, self.member, self.contents, self.write = name, member, contents, write

    def __str__(self):
        return self.name

    def path(self, mount):
        return os.path.join(mount, NAME, self.member)

    def content(self, mount, flip):
        del mount
        return self.contents[flip]

    def shown(self, mount):
        """What is read back."""
        return read_file(self.path(mount))

    def act(self, mount, flip):
        self.write(self.path(mount), self.content(mount, flip))


class MetadataSave(Save):
    """The prompt alone is changed; the rest of the text is what is there."""

    def content(self, mount, flip):
        return PROMPT.sub(self.contents[flip], read_file(self.path(mount)))


class TagsSave(Save):
    """Of the container's directory, which is no file."""

    def shown(self, mount):
        return os.getxattr(self.path(mount), TAGS)


def _latents(dtype, side, order="C"):
    return [
        npy_bytes(np.asarray(new_latent((1, 4, side, side), dtype, seed), order=order))
        for seed in (1, 2)
    ]


def _flat_latents():
    """Shrink to little."""
    return [npy_bytes(np.full((1, 4, 64, 64), value, "<f4")) for value in (0.5, 1.5)]


@functools.lru_cache
def saves():
    images = [new_image(1), new_image(2)]
    large = [new_image(3, (240, 200)), new_image(4, (240, 200))]
    environments = [
        container.environment(("python", f"name=python;version=3.11.{n}")) for n in range(2)
    ]
    prompts = [b'"prompt": "one"', b'"prompt": "another"']
    return [
        Save("image in place", "image.png", images, in_place),
        Save("large image in place, synced", "image.png", large,
             functools.partial(in_place, sync=True)),
        Save("image over itself", "image.png", images, over_itself),
        Save("image by rename", "image.png", images, by_rename),
        Save("image by synced rename", "image.png", images, functools.partial(by_rename, sync=True)),
        Save("image, the old one renamed away first", "image.png", images, old_away_first),
        Save("image, the old one deleted first", "image.png", images, deleted_first),
        Save("latent in place", "latent.npy", _latents("<f2", 16), in_place),
        Save("latent by rename, to be converted", "latent.npy", _latents(">f4", 8, "F"), by_rename),
        Save("latent in place, to be compressed", "latent.npy", _flat_latents(), in_place),
        Save("environment in place", "env.json", environments, in_place),
        MetadataSave("metadata in place", "metadata.json", prompts, in_place),
        MetadataSave("metadata by rename", "metadata.json", prompts, by_rename),
        TagsSave("tags", "", [b"one,two", b"another"], as_tags),
    ]
