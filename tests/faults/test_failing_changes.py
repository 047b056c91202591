# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Each call that the daemon makes during a change other than a save (changes.py) fails once, in each way
# that such calls fail. Every time the library is what it was or what it was to become; the program is
# told the cause, and told nothing where the change was made all the same; no descriptor and no
# temporary is left; and the same change works then. With GEN5_TORTURE all failures of all changes, else
# the first of each kind, and of memory for names in a container.

import os
import shutil
import stat
import unittest

import container
from changes import FIRST_TIME, FIXTURES, FOLDER, ONE, PLAIN, SECOND_TIME, THREE, changes
from failing import FAILURES, FailingCase
from mount_case import REFERENCE, Stored, process_lives, read_file, write_file

TORTURE = "GEN5_TORTURE" in os.environ
# That of a container that is made.
DATE = [("model_info", "date")]
# What libfuse says of a request that it has no memory for. Where that is a release, the daemon takes the
# file to be open for good.
NOT_TOLD = "failed to allocate request"


class Library:
    """What is in the source, gen5fs's own folder aside, and what the mount lists."""

    def __init__(self, case):
        self.case = case
        self.files, self.shown = {}, set()
        for folder, folders, files in os.walk(case.mount.source):
            if ".gen5fs" in folders:
                folders.remove(".gen5fs")
            for name in folders + files:
                path = os.path.join(folder, name)
                self.files[os.path.relpath(path, case.mount.source)] = self.thing(path)
        for folder, folders, files in os.walk(case.mount.path):
            self.shown |= {
                os.path.relpath(os.path.join(folder, name), case.mount.path) for name in folders + files
            }

    def thing(self, path):
        status = os.lstat(path)
        attributes = [
            (name, os.getxattr(path, name, follow_symlinks=False))
            for name in os.listxattr(path, follow_symlinks=False) if name.startswith("user.")
        ]
        return stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), attributes, \
            status.st_mtime if status.st_mtime in (FIRST_TIME, SECOND_TIME) else None, \
            self.content(path)

    def content(self, path):
        if not os.path.isfile(path):
            return None
        if not path.endswith(".gen5"):
            return read_file(path)
        try:
            stored = Stored(path)
        except (ValueError, KeyError) as error:
            return f"no container: {error}"
        self.case.assert_sound(path)
        return (
            stored.image, container.masked(stored.manifest_text, DATE), stored.environment,
            sorted((key, str(values.dtype), values.shape, values.tobytes())
                   for key, values in stored.latents.items()),
        )

    def __eq__(self, other):
        return self.files == other.files and self.shown == other.shown

    def is_but(self, other, names):
        """Whether it is like another, whatever is in these files."""
        return {**self.files, **dict.fromkeys(names)} == {**other.files, **dict.fromkeys(names)}

    def __repr__(self):
        return str({name: hash(str(thing)) % 10000 for name, thing in sorted(self.files.items())}) \
            + str(sorted(self.shown))


class FailingChanges(FailingCase):
    fixtures = FIXTURES

    def setUp(self):
        super().setUp()
        for name in (*FIXTURES, PLAIN + "2"):
            self.put_back(name)
        os.mkdir(self.source(FOLDER))
        self.latents = sorted(os.listdir(self.member(THREE, "latents")))

    def put_back(self, name):
        """What was removed or changed is what it was at first."""
        if name in FIXTURES:
            self.mount.add(FIXTURES[name], name)
        else:
            write_file(self.source(name), b"text")
            os.setxattr(self.source(name), "user.note", b"text")
        if name == ONE:
            os.utime(self.source(name), (SECOND_TIME, SECOND_TIME))

    def eventually_is(self, libraries, message):
        found = None

        def is_one_of_them():
            nonlocal found
            found = Library(self)
            return found in libraries

        try:
            self.assert_eventually(is_one_of_them, message, 4)
        except AssertionError as error:
            error.add_note(f"found {found}\nof {libraries}")
            raise
        return found

    def begin(self, change):
        """Makes sure that the change can be made and undone, and knows what the library is then."""
        self.old = Library(self)
        change.act(self)
        if change.late:
            self.assert_eventually(lambda: Library(self).files != self.old.files, "it is not made")
        self.new = Library(self)
        self.assertNotEqual(self.old, self.new, change)
        change.undo(self)
        self.eventually_is([self.old], "it cannot be undone")

    def ends(self, logged):
        """Waits until a change that is made late is made or given up, without asking the daemon."""
        before = self.old.files[THREE][-1]
        self.assert_eventually(
            lambda: Library.content(self.old, self.source(THREE)) != before
            or "stays in its container" in self.mount.log()[logged:], "nothing becomes of it")

    def take_away(self, names):
        """What a change that was cut off has made, so that it can be tried again."""
        for name in names:
            if name in self.old.files:
                continue
            if os.path.isdir(self.member(name)):
                shutil.rmtree(self.member(name))
            elif os.path.lexists(self.member(name)):
                os.unlink(self.member(name))

    def change_failing(self, change, failure, call, number):
        logged = len(self.mount.log())
        expected = self.arm(failure, call, number)
        error = None
        try:
            change.act(self)
            if change.late:
                self.ends(logged)
        except OSError as raised:
            error = raised
        finally:
            self.faults.disarm()
        fired = bool(self.faults.fired)
        self.assertTrue(process_lives(self.mount.pid), "the daemon is gone")
        if NOT_TOLD in self.mount.log()[logged:]:
            self.mount.unmount()
            self.mount.mount()
        self.assert_eventually(self.no_temporary_is_left, "a temporary is left")
        if error is None:
            libraries = [self.new, self.old] if change.late else [self.new]
            found = self.eventually_is(libraries, "what was said to be made is not there")
        else:
            self.assertTrue(fired, f"failed by itself: {error!r}")
            self.refusals += 1
            self.assertEqual(error.errno, expected, f"the cause is not told: {error!r}")
            found = Library(self)
            if found != self.new and found.is_but(self.old, change.between):
                self.take_away(change.between)
            else:
                found = self.eventually_is([self.old, self.new], "it is neither old nor new")
        if found != self.new:
            change.act(self)
            self.eventually_is([self.new], "the next try does not work")
        change.undo(self)
        self.eventually_is([self.old], "it cannot be undone")
        self.failures += fired
        return fired

    def start_anew(self, change):
        self.mount.unmount()
        for name in os.listdir(self.mount.source):
            path = self.source(name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        for name in (*FIXTURES, PLAIN + "2"):
            self.put_back(name)
        os.mkdir(self.source(FOLDER))
        self.mount.mount()
        self.begin(change)

    def fail_change(self, change, failures):
        self.begin(change)
        before = len(self.descriptors())
        for call, kinds in failures.items():
            self.fail_every_call(
                lambda *about: self.change_failing(change, *about), str(change), call=call,
                failures=kinds, begin=lambda: self.start_anew(change),
            )
        self.assert_nothing_is_left(before)

    def tearDown(self):
        self.report("failing_changes", "changes")

    def test_a_call_that_fails_leaves_the_old_library_or_the_new_one(self):
        for change in changes():
            failures = dict(FAILURES)
            if change.late or change.inside:
                # A new file that may not be given the old one's mode is stored with less of it.
                failures["mode"] = ["EIO"]
            if not TORTURE:
                failures = {call: kinds[:1] for call, kinds in failures.items()
                            if not change.late or call == "rename"}
            self.fail_change(change, failures)

    def test_where_there_is_no_memory_the_old_library_or_the_new_one_is_left(self):
        for change in changes():
            if TORTURE or change.inside:
                self.fail_change(change, {"malloc": ["ENOMEM"]})


if __name__ == "__main__":
    unittest.main()
