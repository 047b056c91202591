# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What the command takes, as its sources have it: the sub-commands that --help lists, and the table of
# switches of each. What is told of the command elsewhere is held against these.

import collections
import os
import re

from mount_case import GEN5FS, read_file
from mounted import ROOT, run

Switch = collections.namedtuple("Switch", "letter name takes_value")
SOURCES = os.path.join(ROOT, "src", "cli")


def spellings(switches):
    """Every way in which switches are written, "-f" and "--foreground"."""
    return {f"-{switch.letter}" for switch in switches if switch.letter} | {
        f"--{switch.name}" for switch in switches if switch.name}


def sub_commands():
    """The sub-commands in the order of --help."""
    text = run([GEN5FS, "--help"]).stdout.decode()
    return re.findall(r"^  gen5fs ([a-z]+) ", text, re.MULTILINE)


def help_of(command):
    return run([GEN5FS, command, "--help"]).stdout.decode()


def switches_of(source):
    """The table of switches in a source file of src/cli, "mount" for mount.c."""
    text = read_file(os.path.join(SOURCES, f"{source}.c")).decode()
    table = re.search(r"struct argument_switch switches\[\] = \{(.*?)\n\};", text, re.DOTALL)[1]
    rows = re.findall(r"\{'(.+?)', (?:\"(.*?)\"|NULL), (true|false)\}", table)
    if table.count("{") != len(rows):
        raise ValueError(f"{source}.c: a row of its table of switches is not understood")
    return [Switch(letter.replace("\\0", ""), name, value == "true") for letter, name, value in rows]


def mount_options():
    """The words of an -o list that `gen5fs mount --help` explains."""
    words = re.findall(r"^ {6}([a-z].*?)(?: {2,}|$)", help_of("mount"), re.MULTILINE)
    return [word for line in words for word in line.split(", ")]
