# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The daemon is killed before each of the calls that a save, or another change of a container, makes.
# Each time the container is the old one or the new one, to the byte, and the next mount sweeps. With
# GEN5_TORTURE before every system call, else before those that change something.

import errno
import os
import shutil
import unittest

import saves
from faulty import CALLS, CHANGING_CALLS, FaultyMount
from mount_case import MountCase, read_file

COUNTED = CHANGING_CALLS
if "GEN5_TORTURE" in os.environ:
    COUNTED = [name for name in CALLS if name != "malloc"]


class KillAtCalls(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.mount.add(saves.FIXTURE, saves.NAME)
        self.kills = 0
        self.without_links = False

    def listing(self):
        """What is in the source, gen5fs's own folder aside."""
        return {
            name: read_file(self.source(name)) for name in os.listdir(self.mount.source)
            if name != ".gen5fs"
        }

    def assert_swept(self):
        self.assert_eventually(
            lambda: not any(
                name.startswith(".gen5fs-") for _, _, names in os.walk(self.mount.source)
                for name in names
            ),
            "the next mount leaves a temporary",
        )

    def kill_at(self, number, act):
        """Acts, and dies at a call. False where there are not so many; the daemon lives then."""
        self.mount.faults.arm("kill", COUNTED, number)
        if self.without_links:
            self.mount.faults.arm("fail", "link", error=errno.EXDEV, lasts=True, rule=1)
        try:
            act()
        except OSError as error:
            self.assertTrue(self.mount.faults.fired, error)
        self.mount.faults.disarm()
        if not self.mount.faults.fired:
            return False
        self.mount.kill()
        self.kills += 1
        return True

    def kill_at_every_call(self, act, undo, before, after):
        """`before` and `after` tell whether the source is as it was, and as it is to be."""
        number, dies = 0, True
        while dies:
            number += 1
            dies = self.kill_at(number, act)
            if dies:
                self.mount.mount()
            self.assert_swept()
            if not dies:
                self.assertTrue(after(), f"{number} calls, not killed")
            elif after():
                undo()
            else:
                self.assertTrue(before(), f"killed at call {number}")
        self.assertGreater(number, 1, "no call was counted")

    def tearDown(self):
        done = self.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", " ")
        print(f"kill_at_calls: {self.kills} kills: {done}", flush=True)

    def test_a_save_is_whole_or_not_done_at_whichever_call_it_dies(self):
        for save in saves.saves():
            with self.subTest(str(save)):
                states = []
                for flip in (0, 1, 0):
                    save.act(self.mount.path, flip)
                    states.append(self.listing())
                    self.assert_sound(self.source(saves.NAME))
                self.assertEqual(states[0], states[2], "saving is not deterministic")
                self.kill_at_every_call(
                    lambda: save.act(self.mount.path, 1), lambda: save.act(self.mount.path, 0),
                    lambda: self.listing() == states[0], lambda: self.listing() == states[1],
                )

    def test_a_new_container_is_whole_or_not_there(self):
        def is_there():
            if "new.gen5" in self.listing():
                self.assert_sound(self.source("new.gen5"))
                return True
            return False

        self.kill_at_every_call(
            lambda: os.mkdir(self.member("new.gen5")), lambda: os.unlink(self.source("new.gen5")),
            lambda: list(self.listing()) == [saves.NAME], is_there,
        )

    def test_a_container_has_its_old_name_or_the_new_one(self):
        content = read_file(self.source(saves.NAME))
        self.kill_at_every_call(
            lambda: os.rename(self.member(saves.NAME), self.member("b.gen5")),
            lambda: os.rename(self.member("b.gen5"), self.member(saves.NAME)),
            lambda: self.listing() == {saves.NAME: content},
            lambda: self.listing() == {"b.gen5": content},
        )

    def test_a_removed_container_is_whole_or_gone(self):
        content = read_file(self.source(saves.NAME))

        def put_back():
            self.mount.add(saves.FIXTURE, saves.NAME)
            self.eventually_listed(saves.NAME)

        self.kill_at_every_call(
            lambda: shutil.rmtree(self.member(saves.NAME)), put_back,
            lambda: self.listing() == {saves.NAME: content}, lambda: self.listing() == {},
        )

    def test_a_copied_container_file_is_whole_when_its_close_has_returned(self):
        content = read_file(self.source(saves.NAME))

        def part_is_there():
            part = self.listing().get("new.gen5", b"")
            if "new.gen5" in self.listing():
                os.unlink(self.source("new.gen5"))
            return content.startswith(part)

        self.kill_at_every_call(
            lambda: saves.in_place(self.member("new.gen5"), content),
            lambda: os.unlink(self.source("new.gen5")),
            part_is_there, lambda: self.listing().get("new.gen5") == content,
        )

    def rescued(self, name):
        """What is kept of a member, and whether a reason says why."""
        found = self.rescued_files(saves.NAME)
        reasons = [path for path in found if path.endswith(".reason")]
        kept = [content for path, content in found.items() if path.endswith(name)]
        return kept, bool(reasons)

    def test_a_draft_that_is_being_rescued_is_kept_whole_or_not_at_all(self):
        content = read_file(self.source(saves.NAME))
        draft = b"no image, but long enough to be cut in two " * 5000

        def refuse():
            with self.assertRaises(OSError):
                saves.in_place(self.member(saves.NAME, "image.png"), draft)
            # Whoever closes does not wait until what was refused has been put away.
            self.assert_eventually(
                lambda: self.rescued("image.png")[1] or self.mount.process.poll() is not None,
                "nothing is rescued",
            )

        def forget():
            shutil.rmtree(self.source(".gen5fs"))

        def none_is_there():
            kept, _ = self.rescued("image.png")
            self.assertIn(kept, ([], [draft]))
            shutil.rmtree(self.source(".gen5fs"), ignore_errors=True)
            return self.listing() == {saves.NAME: content}

        self.kill_at_every_call(
            refuse, forget, none_is_there, lambda: self.rescued("image.png") == ([draft], True)
        )

    def test_a_draft_that_is_rescued_by_copying_is_kept_whole_or_not_at_all(self):
        self.without_links = True
        self.test_a_draft_that_is_being_rescued_is_kept_whole_or_not_at_all()

    def test_what_is_left_at_unmount_is_kept_whole_or_not_at_all(self):
        content = read_file(self.source(saves.NAME))
        scratch = b"scratch " * 5000

        def end():
            saves.in_place(self.member(saves.NAME, "notes.txt"), scratch)
            self.program("umount", self.mount.path)
            self.mount.process.wait()

        def none_is_there():
            kept, _ = self.rescued("notes.txt")
            self.assertIn(kept, ([], [scratch]))
            shutil.rmtree(self.source(".gen5fs"), ignore_errors=True)
            return self.listing() == {saves.NAME: content}

        self.kill_at_every_call(
            end, lambda: shutil.rmtree(self.source(".gen5fs")), none_is_there,
            lambda: self.rescued("notes.txt") == ([scratch], True),
        )


if __name__ == "__main__":
    unittest.main()
