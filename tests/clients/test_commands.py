# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What holds for every sub-command alike: help, wrong usage, exit statuses, what goes to which output,
# pipes, hostile names, JSON. A new sub-command needs a row here.

import collections
import functools
import os
import re
import shutil
import signal
import sys
import tempfile
import unittest

from command_case import HOSTILE_NAMES, CommandCase, strict_json
from command_tables import sub_commands, switches_of
from mount_case import GEN5FS, new_image, read_file, take_down, write_file
from mounted import REFERENCE

FIXTURE = "three-latents.gen5"
# Who may look at it sees these in a terminal that is told to take part.
CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")

# words     what stands before the name; `-o` and the like write to self.out
# needs     what the name is of: a container, a folder of members, a folder of containers
# good      exit statuses of what is sound
# missing   exit status where nothing has the name
# damaged   exit status where what has it is damaged, None where that is no failure
# prints    whether something is printed of what is sound
Row = collections.namedtuple("Row", "words needs good missing damaged prints")
ENV = ("env", "--python", sys.executable, "--check")
ROWS = {
    "mount": Row(("mount",), "library", {0}, 10, None, False),
    "umount": Row(("umount",), "mount", {0}, 20, None, False),
    "status": Row(("status",), "mount", {0}, 20, None, True),
    "info": Row(("info",), "container", {0}, 1, 1, True),
    "verify": Row(("verify",), "container", {0}, 2, 1, False),
    "pack": Row(("pack", "-o"), "members", {0}, 1, 1, False),
    "unpack": Row(("unpack", "-C"), "container", {0}, 1, 1, False),
    "diff": Row(("diff", os.path.join(REFERENCE, FIXTURE)), "container", {0}, 2, 2, True),
    "preview": Row(("preview", "-o"), "container", {0}, 1, 1, False),
    # Another machine's environment drifts from this one's.
    "env": Row(ENV, "container", {0, 1}, 2, 2, True),
}
OFFLINE = [command for command in ROWS if ROWS[command].needs in ("container", "members")]
WITH_JSON = [command for command in ROWS
             if any(switch.name == "json" for switch in switches_of(command))]


def of_each(*commands):
    """Makes a test of one command that of each of these, of all without a word."""
    def decorate(test):
        @functools.wraps(test)
        def tests(self):
            for command in commands or ROWS:
                with self.subTest(command):
                    test(self, command)
        return tests
    return decorate


class CommandsCase(CommandCase):
    def make(self, command, name=b"sound.gen5"):
        """What the command is given, with this name, in a folder of its own: self.place."""
        self.place = os.fsencode(tempfile.mkdtemp(dir=self.work))
        path, needs = os.path.join(self.place, name), ROWS[command].needs
        if needs == "container":
            shutil.copyfile(os.path.join(REFERENCE, FIXTURE), path)
            return path
        os.mkdir(path)
        if needs == "members":
            write_file(os.path.join(path, b"image.png"), new_image(1))
        elif needs == "library":
            shutil.copyfile(os.path.join(REFERENCE, FIXTURE), os.path.join(path, b"a.gen5"))
        else:
            library = os.path.join(self.place, b"library")
            os.mkdir(library)
            self.mounts(path)
            self.gen5fs("mount", "--", library, path)
        return path

    def mounts(self, path):
        """Something is going to be mounted there."""
        self.addCleanup(take_down, os.fsdecode(path))

    def words(self, command):
        """The words in front of the name."""
        words = list(ROWS[command].words)
        return words + [os.path.join(self.place, b"made")] if words[-1] in ("-o", "-C") else words

    def on(self, command, name=b"sound.gen5", *switches):
        """Runs it on what has the name; anything may come of it."""
        behind = []
        if command == "mount":
            behind = [os.path.join(self.place, b"point")]
            os.mkdir(behind[0])
            self.mounts(behind[0])
        return self.program(GEN5FS, *self.words(command), *switches, "--", name, *behind,
                            status=None, cwd=self.place)

    def assert_good(self, command, done):
        """It went well, in silence but for results that are plain lines."""
        self.assertIn(done.returncode, ROWS[command].good, done.stderr)
        self.assertEqual(done.stderr if command != "env" else b"", b"")
        self.assertNotRegex(done.stdout, CONTROLS)

    def complaint(self, command, done):
        """The last line of standard error, which is the only one but for what `env` notes of this
        machine."""
        self.assertNotRegex(done.stderr, CONTROLS)
        lines = done.stderr.splitlines()
        self.assertTrue(all(line.startswith(b"gen5fs: ") for line in lines), done.stderr)
        if command != "env":
            self.assertEqual(len(lines), 1, done.stderr)
        return lines[-1]


class Usage(CommandsCase):
    def test_every_sub_command_is_looked_at_here(self):
        self.assertEqual(list(ROWS), sub_commands())

    @of_each()
    def test_help_is_the_same_however_it_is_asked_for(self, command):
        self.assert_help(command)
        self.assertEqual(self.gen5fs("help", command).stdout,
                         self.gen5fs(command, "--help").stdout)

    def test_the_help_of_all_is_the_same_however_it_is_asked_for(self):
        for words in ("--help",), ("-h",), ("help",), ("help", "help"), ("help", "--help"):
            done = self.gen5fs(*words)
            self.assertEqual(done.stderr, b"")
            self.assertEqual(re.findall(rb"^  gen5fs ([a-z]+) ", done.stdout, re.MULTILINE),
                             [command.encode() for command in ROWS])

    def test_the_version_is_printed(self):
        for word in "--version", "-V":
            done = self.gen5fs(word)
            self.assertRegex(done.stdout, rb"^gen5fs \d+\.\d+\.\d+\n$")
            self.assertEqual(done.stderr, b"")

    def test_the_closest_right_form_is_told(self):
        for words, says in (
            (["infos", "x.gen5"], "gen5fs info?"), (["verfy"], "gen5fs verify?"),
            (["halp"], "gen5fs help?"), (["version"], "gen5fs --version?"),
            (["--versoin"], "gen5fs --version?"), (["--hlep"], "gen5fs --help?"),
            (["help", "unpak"], "gen5fs unpack?"), (["help", "nonsense"], "see gen5fs --help"),
            (["help", "info", "diff"], "use gen5fs help COMMAND"), (["xyzzy"], "see gen5fs --help"),
            (["-x", "a", "b"], "see gen5fs mount --help"),
            (["mount", "-o", "alow_other", "a", "b"], "-o allow_other?"),
        ):
            with self.subTest(words):
                self.assert_usage_error(*words, says=[says])

    @of_each()
    def test_a_switch_that_is_misspelt_is_told_with_the_one_that_is_meant(self, command):
        for switch in switches_of(command):
            if switch.name:
                self.assert_usage_error(command, f"--{switch.name[:-1]}",
                                        says=[f"{command}: ", f"--{switch.name}?"])

    @of_each()
    def test_a_value_that_is_missing_or_too_much_is_told(self, command):
        for switch in switches_of(command):
            if switch.takes_value:
                word = f"-{switch.letter}" if switch.letter else f"--{switch.name}"
                self.assert_usage_error(command, word, says=[f"{command}: {word} needs a value"])
            elif switch.name:
                word = f"--{switch.name}"
                self.assert_usage_error(command, f"{word}=x", says=[f"{command}: {word} takes no value"])

    @of_each("mount", "umount", "info", "verify", "pack", "unpack", "diff", "preview")
    def test_operands_that_are_missing_are_told_with_the_right_form(self, command):
        self.assert_usage_error(command, says=[f"gen5fs: {command}: ", "use "])

    def test_nothing_at_all_is_wrong_usage(self):
        done = self.gen5fs(status=2)
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"usage: gen5fs COMMAND", done.stderr)


class Results(CommandsCase):
    @of_each()
    def test_what_is_sound_gives_results_to_standard_output_alone(self, command):
        self.make(command)
        done = self.on(command)
        self.assert_good(command, done)
        self.assertEqual(done.stdout != b"", ROWS[command].prints, done.stdout)

    @of_each()
    def test_what_is_not_there_is_told_with_its_name_and_the_reason(self, command):
        self.make(command)
        done = self.on(command, b"not there.gen5")
        self.assertEqual(done.returncode, ROWS[command].missing)
        self.assertEqual(done.stdout, b"")
        self.assertRegex(self.complaint(command, done),
                         rb"^gen5fs: [^:]*not there\.gen5: .*[Nn]o such (file|folder)")

    @of_each(*(command for command in ROWS if ROWS[command].damaged))
    def test_what_is_damaged_is_told_with_its_name(self, command):
        path = self.make(command)
        if os.path.isdir(path):
            write_file(os.path.join(path, b"image.png"), b"no image")
        else:
            write_file(path, read_file(path)[:1000])
        done = self.on(command)
        self.assertEqual(done.returncode, ROWS[command].damaged)
        if command == "verify":  # which looks for faults: they are its result
            self.assertIn(b"sound.gen5: ", done.stdout)
            self.assertEqual(done.stderr, b"")
        else:
            self.assertIn(b"sound.gen5", self.complaint(command, done))
            self.assertEqual(done.stdout, b"")

    @of_each(*(command for command in ROWS if ROWS[command].prints))
    def test_results_that_are_lost_are_no_success(self, command):
        path = self.make(command)
        self.assertEqual(self.to_closed_pipe(*self.words(command), path).returncode, -signal.SIGPIPE)
        done = self.to_full_disk(*self.words(command), path)
        self.assertNotIn(done.returncode, ROWS[command].good)
        self.assertIn(b"gen5fs: standard output: No space left on device\n", done.stderr)

    @of_each()
    def test_help_that_is_lost_is_no_success(self, command):
        self.assertEqual(self.to_closed_pipe(command, "--help").returncode, -signal.SIGPIPE)
        self.assertNotEqual(self.to_full_disk(command, "--help").returncode, 0)

    @of_each(*OFFLINE)
    def test_no_standard_input_is_needed(self, command):
        path = self.make(command)
        done = self.shell('exec "$@" <&-', GEN5FS, *self.words(command), path, status=None)
        self.assert_good(command, done)

    @of_each(*OFFLINE)
    def test_no_colour_is_shown_where_none_is_wanted(self, command):
        path = self.make(command)
        for damaged in False, True:
            if damaged and not os.path.isdir(path):
                write_file(path, read_file(path)[:1000])
            shown = self.on_terminal(*self.words(command), path, status=None, NO_COLOR="1")
            self.assertNotRegex(shown, rb"\x1b\[[0-9;]*m")


class HostileNames(CommandsCase):
    @of_each()
    def test_they_are_understood(self, command):
        for name in HOSTILE_NAMES:
            with self.subTest(name=name):
                self.make(command, name)
                self.assert_good(command, self.on(command, name))

    @of_each()
    def test_they_stay_one_harmless_line_in_a_complaint(self, command):
        self.make(command)
        for name in HOSTILE_NAMES:
            with self.subTest(name=name):
                if command == "mount":
                    self.make(command)
                done = self.on(command, name)
                self.assertEqual(done.returncode, ROWS[command].missing)
                self.complaint(command, done)

    @of_each(*WITH_JSON)
    def test_they_come_back_from_json(self, command):
        for name in HOSTILE_NAMES:
            with self.subTest(name=name):
                self.make(command, name)
                done = self.on(command, name, "--json")
                self.assert_good(command, done)
                line = strict_json(done.stdout.decode("ascii"))
                told = line["second" if command == "diff" else "file"]
                self.assertEqual(os.fsencode(told), name)


class Json(CommandsCase):
    @of_each(*WITH_JSON)
    def test_it_is_one_object_a_line_for_what_is_sound_and_what_is_not(self, command):
        path = self.make(command)
        damaged = path.replace(b"sound", b"damaged")
        write_file(damaged, b"GEN5 and no more")
        paths = [path] if command == "diff" else [path, damaged, path + b".missing", path]
        done = self.program(GEN5FS, *self.words(command), "--json", *paths, status=None)
        self.assertTrue(done.stdout.endswith(b"\n"))
        found = [strict_json(line) for line in done.stdout.decode("ascii").splitlines()]
        self.assertTrue(all(isinstance(line, dict) for line in found))
        told = [os.fsencode(line["second" if command == "diff" else "file"]) for line in found]
        self.assertEqual(told, paths)


if __name__ == "__main__":
    unittest.main()
