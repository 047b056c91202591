# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The changes, other than saves, that the tests of faults make fail in the middle: containers that
# come, go and move, names in a container, attributes, and what is no container. Each can be undone.

import os
import shutil

from mount_case import read_file
from saves import in_place

ONE, THREE, NEW = "a.gen5", "three.gen5", "new.gen5"
FIXTURES = {ONE: "extra-fields.gen5", THREE: "three-latents.gen5"}
PLAIN, FOLDER = "notes.txt", "folder"
# That a change gives a file and takes away again, in seconds.
FIRST_TIME, SECOND_TIME = 10**9, 2 * 10**9


class Change:
    """act(case) makes it, undo(case) takes it back. `between` are names whose content, where the
    change was cut off, may be between the old one and the new one. One that is `late` is made when
    the program has gone on: case.ends() waits for it. `inside` is one of names in a container."""

    def __init__(self, name, act, undo, between=(), late=False, inside=False):
        self.name, self.act, self.undo = name, act, undo
        self.between, self.late, self.inside = between, late, inside

    def __str__(self):
        return self.name


def rename(*names):
    """Old and new name, each parts below the mount."""
    old, new = ((name,) if isinstance(name, str) else name for name in names)
    return Change(
        f"{'/'.join(old)} is renamed to {'/'.join(new)}",
        lambda case: os.rename(case.member(*old), case.member(*new)),
        lambda case: os.rename(case.member(*new), case.member(*old)),
        inside=old[0] == new[0],
    )


def removed(name):
    return lambda case: os.unlink(case.member(name))


def emptied(name):
    return lambda case: shutil.rmtree(case.member(name))


def put_back(name):
    return lambda case: case.put_back(name)


def raw(case):
    return read_file(case.source(ONE))


def copy_out_of_raw(case):
    in_place(case.member(NEW), read_file(case.member(".gen5fs", "raw", ONE)), sync=True)


def move_in(case):
    """As rsync and curl write a file: whole under another name, then renamed."""
    in_place(case.member("part"), raw(case))
    os.rename(case.member("part"), case.member(NEW))


def away_and_back(case):
    """Ends with something that shows that it has ended."""
    if not os.path.exists(case.member(ONE, "image.png~")):
        os.rename(case.member(ONE, "image.png"), case.member(ONE, "image.png~"))
    os.rename(case.member(ONE, "image.png~"), case.member(ONE, "image.png"))
    os.mkdir(case.member("made"))


def remove_latent(case):
    os.unlink(case.member(THREE, "latents", case.latents[-1]))


def set_mode(mode, *names):
    return lambda case: os.chmod(case.member(*names), mode)


def set_times(time, *names):
    return lambda case: os.utime(case.member(*names), (time, time))


def changes():
    return [
        Change("a container is made", lambda case: os.mkdir(case.member(NEW)), emptied(NEW)),
        Change("a container file is copied in",
               lambda case: in_place(case.member(NEW), raw(case)), emptied(NEW), between=[NEW]),
        Change("a container file is copied out of raw and synced", copy_out_of_raw, emptied(NEW),
               between=[NEW]),
        Change("a container file is moved in", move_in, emptied(NEW), between=["part"]),
        Change("a container is removed", emptied(ONE), put_back(ONE), between=[ONE]),
        rename(ONE, NEW),
        rename(ONE, PLAIN),
        rename(THREE, (FOLDER, NEW)),
        Change("a member is removed", remove_latent, put_back(THREE), late=True),
        rename((ONE, "image.png"), (ONE, "image.png~")),
        rename((ONE, "metadata.json"), (ONE, "metadata.json~")),
        rename((THREE, "latents", "final_latent.npy"), (THREE, "latents", "other.npy")),
        Change("a member is moved away and back", away_and_back,
               lambda case: os.rmdir(case.member("made")), between=[ONE], inside=True),
        Change("a container's mode is set", set_mode(0o700, ONE), set_mode(0o755, ONE)),
        Change("a member's mode is set", set_mode(0o600, ONE, "image.png"),
               set_mode(0o644, ONE, "image.png")),
        Change("a container's times are set", set_times(FIRST_TIME, ONE),
               set_times(SECOND_TIME, ONE)),
        Change("an attribute is set",
               lambda case: os.setxattr(case.member(FOLDER), "user.note", b"text"),
               lambda case: os.removexattr(case.member(FOLDER), "user.note")),
        Change("an attribute is removed",
               lambda case: os.removexattr(case.member(PLAIN + "2"), "user.note"),
               lambda case: os.setxattr(case.member(PLAIN + "2"), "user.note", b"text")),
        Change("a file is written", lambda case: in_place(case.member(PLAIN), b"text" * 9999, True),
               removed(PLAIN), between=[PLAIN]),
        rename(PLAIN + "2", PLAIN),
        Change("a folder is made", lambda case: os.mkdir(case.member("made")),
               lambda case: os.rmdir(case.member("made"))),
        Change("a link is made",
               lambda case: os.link(case.member(PLAIN + "2"), case.member("link")),
               removed("link")),
        Change("a symbolic link is made",
               lambda case: os.symlink("target", case.member("link")), removed("link")),
        Change("a file is removed", removed(PLAIN + "2"), put_back(PLAIN + "2")),
    ]
