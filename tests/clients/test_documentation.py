# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What is told of the command: --help and the manual pages in src/man say the same as the tables that
# the command reads its words by. A sub-command that is new needs a subsection of COMMANDS in
# src/man/gen5fs.1.

import os
import re
import subprocess
import unittest

from command_tables import help_of, mount_options, spellings, sub_commands, switches_of
from mount_case import read_file
from mounted import ROOT, run

MANUAL = os.path.join(ROOT, "src", "man")
PAGES = sorted(os.listdir(MANUAL))
# They print help wherever they stand, and the page says so once.
EVERYWHERE = {"-h", "--help"}


def page(name):
    return read_file(os.path.join(MANUAL, name)).decode()


def parts(text, macro):
    """The parts that begin with `.Sh` or `.Ss`, by their titles."""
    pieces = re.split(rf"^\.{macro} (.*)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def listed_switches(text):
    """The switches that the items of mdoc lists are about."""
    found = set()
    for line in re.findall(r"^\.It (Fl .*)$", text, re.MULTILINE):
        found |= {f"-{word}" for word in re.findall(r"Fl (\S+)", line)}
    return found


class Help(unittest.TestCase):
    def test_each_switch_of_a_table_is_explained_and_no_other(self):
        for command in sub_commands():
            with self.subTest(command):
                lines = re.findall(r"^  (-.*?)(?: {2,}|$)", help_of(command), re.MULTILINE)
                explained = {word for line in lines for word in re.split(r"[ ,=]+", line)
                             if word.startswith("-") and word != "--"}
                self.assertEqual(explained, spellings(switches_of(command)))

    def test_switches_with_a_value_are_shown_with_it(self):
        for command in sub_commands():
            for switch in switches_of(command):
                with self.subTest(command=command, switch=switch):
                    shown = f"--{switch.name}" if switch.name else f"-{switch.letter}"
                    self.assertRegex(help_of(command), rf"(?m)^  .*{shown}" + (
                        r"[ =]\[?[A-Z]" if switch.takes_value else r"(?![ =]\[?[A-Z])"))


class Manual(unittest.TestCase):
    def setUp(self):
        self.sections = parts(page("gen5fs.1"), "Sh")
        self.commands = parts(self.sections["COMMANDS"], "Ss")

    def test_the_command_page_has_all_sub_commands_and_no_other_in_the_order_of_help(self):
        self.assertEqual(list(self.commands), sub_commands(), "see COMMANDS in src/man/gen5fs.1")
        synopsis = re.findall(r"^\.Cm ([a-z]+)$", self.sections["SYNOPSIS"], re.MULTILINE)
        # A command may have several forms.
        self.assertEqual(list(dict.fromkeys(synopsis)), [*sub_commands(), "help"])

    def test_each_sub_command_has_all_switches_of_its_table_and_no_other(self):
        for command in sub_commands():
            with self.subTest(command):
                self.assertEqual(listed_switches(self.commands[command]),
                                 spellings(switches_of(command)) - EVERYWHERE)

    def test_the_options_of_mount_are_those_of_help(self):
        text = self.commands["mount"].replace(" Ns = Ns Ar MiB", "=MIB").replace(" , Cm ", " , ")
        items = re.findall(r"^\.It Cm (.*)$", text, re.MULTILINE)
        self.assertEqual([word for item in items for word in item.split(" , ")], mount_options())

    def test_each_exit_status_of_help_is_explained(self):
        explained = set(re.findall(r"^\.It (\d+)$", self.sections["EXIT STATUS"], re.MULTILINE))
        for command in sub_commands():
            told = help_of(command).split("Exit status:")[1]
            statuses = set(re.findall(r"(?:^|; )\s*(\d+) ", told.replace("\n", " ")))
            self.assertTrue(statuses, command)
            self.assertLessEqual(statuses, explained, command)

    def test_the_mount_helper_has_all_its_switches(self):
        self.assertEqual(listed_switches(page("mount.gen5fs.8")),
                         spellings(switches_of("mount_helper")))

    def test_the_library_page_names_every_public_header(self):
        headers = {name.removesuffix(".in") for name in os.listdir(os.path.join(ROOT, "include", "gen5"))}
        named = set(re.findall(r"^\.It In gen5/(\S+)$", page("libgen5.3"), re.MULTILINE))
        self.assertEqual(named, headers)

    def test_every_page_is_set_without_a_warning(self):
        for name in PAGES:
            path = os.path.join(MANUAL, name)
            for command in (
                ["mandoc", "-T", "lint", "-W", "warning", path],
                ["groff", "-ww", "-mandoc", "-Tutf8", "-z", path],
                ["man", "--warnings=all", "-l", path],
            ):
                with self.subTest(page=name, program=command[0]):
                    done = run(command, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"},
                               stderr=subprocess.PIPE)
                    self.assertEqual(done.stderr, b"")
                    if command[0] != "man":
                        self.assertEqual(done.stdout, b"")

    def test_pages_of_ours_that_are_referred_to_exist(self):
        for name in PAGES:
            for title, section in re.findall(r"^\.Xr (\S+) (\d)", page(name), re.MULTILINE):
                if "gen5" in title:
                    self.assertIn(f"{title}.{section}", PAGES, name)


if __name__ == "__main__":
    unittest.main()
