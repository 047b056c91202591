# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What the daemon does to the disk is recorded, and the power is cut after each of its calls: in every
# state that may be found then (crash_states.py) a container is the old one or the new one, to the byte,
# and once a program's fsync has returned, the new one.

import errno
import os
import shutil
import unittest

import saves
from crash_states import SYNC, Disk, read_records
from faulty import FaultyMount
from mount_case import MountCase, read_file

RESCUED = f".gen5fs/rescued/{saves.NAME}/"
NEW = "new.gen5"


def sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def of_user(state):
    """Without gen5fs's own temporaries and folder."""
    return {path: content for path, content in state.items() if not path.startswith(".gen5fs")}


class PowerCut(MountCase):
    def setUp(self):
        super().setUp()
        self.mount = self.enterContext(FaultyMount())
        self.mount.add(saves.FIXTURE, saves.NAME)
        self.old = read_file(self.source(saves.NAME))
        self.eventually_listed(saves.NAME)
        self.calls = self.states = 0

    def tearDown(self):
        done = self.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", " ")
        print(f"power_cut: {self.calls} calls, {self.states} states: {done}", flush=True)

    def record(self, act, promised=None):
        """Acts. The disk before, the records, and how many of them there were when what `promised`
        does (an fsync) had returned."""
        disk = Disk(self.mount.source)
        begin = os.path.getsize(self.mount.record) if os.path.exists(self.mount.record) else 0
        self.mount.faults.record()
        act()
        if promised is not None:
            promised()
        promised_at = os.path.getsize(self.mount.record)
        self.mount.faults.record(False)
        records = list(read_records(self.mount.record, begin))
        self.assertTrue(records, "nothing was recorded")
        kept = sum(end <= promised_at for _, end in records)
        return disk, [record for record, _ in records], kept

    def cut(self, recorded, allowed, promised):
        """`allowed` and `promised` tell whether a state may be found: ever, and at the end."""
        disk, records, kept = recorded
        for number in range(len(records) + 1):
            if number > 0:
                disk.apply(records[number - 1])
            self.calls += 1
            for state in disk.states():
                self.states += 1
                good = promised(state) if number >= kept else allowed(state)
                self.assertTrue(good, self.described(number, records, state))

    @staticmethod
    def described(number, records, state):
        sizes = {path: len(content) for path, content in state.items()}
        return f"cut after {records[max(0, number - 3):number]} ({number}) leaves {sizes}"

    def states_of(self, save):
        states = []
        for flip in (0, 1, 0):
            save.act(self.mount.path, flip)
            states.append({saves.NAME: read_file(self.source(saves.NAME))})
        self.assertEqual(states[0], states[2], "saving is not deterministic")
        return states[:2]

    def test_a_save_is_the_old_container_or_the_new_one(self):
        for save in saves.saves():
            with self.subTest(str(save)):
                old, new = self.states_of(save)
                recorded = self.record(
                    lambda: save.act(self.mount.path, 1), lambda: sync(save.path(self.mount.path))
                )
                self.cut(recorded, lambda state: of_user(state) in (old, new),
                         lambda state: of_user(state) == new)

    def test_an_fsync_in_the_middle_of_writing_is_enough(self):
        save = saves.saves()[0]
        old, new = self.states_of(save)
        descriptor = os.open(save.path(self.mount.path), os.O_WRONLY | os.O_TRUNC)
        recorded = self.record(
            lambda: os.write(descriptor, save.content(self.mount.path, 1)),
            lambda: os.fsync(descriptor),
        )
        os.close(descriptor)
        self.cut(recorded, lambda state: of_user(state) in (old, new),
                 lambda state: of_user(state) == new)

    def test_a_save_without_one_of_its_syncs_would_be_torn_or_lost(self):
        """That these tests can fail."""
        save = saves.saves()[0]
        old, new = self.states_of(save)
        without_loss = lambda state: of_user(state) in (old, new)
        for forgotten in (0, 1):
            disk, records, _ = self.record(
                lambda: save.act(self.mount.path, 1), lambda: sync(save.path(self.mount.path))
            )
            syncs = [record for record in records if record.kind == SYNC]
            self.assertEqual(len(syncs), 2, "of the file and of the folder")
            records.remove(syncs[forgotten])
            with self.assertRaisesRegex(AssertionError, "cut after"):
                self.cut((disk, records, len(records)), without_loss,
                         lambda state: of_user(state) == new)
            save.act(self.mount.path, 0)

    def test_a_removed_member_is_there_or_not(self):
        def remove():
            os.unlink(self.member(saves.NAME, "image.png"))
            self.eventually_stored(saves.NAME, lambda stored: stored.image is None)

        old = {saves.NAME: self.old}
        recorded = self.record(remove, lambda: sync(self.member(saves.NAME)))
        new = {saves.NAME: read_file(self.source(saves.NAME))}
        self.cut(recorded, lambda state: of_user(state) in (old, new),
                 lambda state: of_user(state) == new)

    def test_a_new_container_is_whole_or_not_there(self):
        recorded = self.record(
            lambda: os.mkdir(self.member(NEW)), lambda: sync(self.member(NEW))
        )
        self.assert_sound(self.source(NEW))
        old = {saves.NAME: self.old}
        new = {saves.NAME: self.old, NEW: read_file(self.source(NEW))}
        self.cut(recorded, lambda state: of_user(state) in (old, new),
                 lambda state: of_user(state) == new)

    def test_a_copied_container_file_is_whole_after_its_fsync(self):
        recorded = self.record(
            lambda: saves.in_place(self.member(NEW), self.old, sync=True),
            lambda: sync(self.mount.path),
        )
        self.cut(recorded, lambda state: state[saves.NAME] == self.old,
                 lambda state: of_user(state) == {saves.NAME: self.old, NEW: self.old})

    def test_a_container_file_that_is_renamed_into_place_is_whole_or_not_there(self):
        recorded = self.record(
            lambda: saves.by_rename(self.member(NEW), self.old, sync=True),
            lambda: sync(self.mount.path),
        )
        self.cut(
            recorded,
            lambda state: state[saves.NAME] == self.old and state.get(NEW, self.old) == self.old,
            lambda state: of_user(state) == {saves.NAME: self.old, NEW: self.old},
        )

    def test_a_renamed_container_has_one_of_its_names(self):
        recorded = self.record(
            lambda: os.rename(self.member(saves.NAME), self.member(NEW)),
            lambda: sync(self.mount.path),
        )
        self.cut(recorded, lambda state: of_user(state) in ({saves.NAME: self.old}, {NEW: self.old}),
                 lambda state: of_user(state) == {NEW: self.old})

    def test_a_removed_container_is_whole_or_gone(self):
        recorded = self.record(
            lambda: shutil.rmtree(self.member(saves.NAME)), lambda: sync(self.mount.path)
        )
        self.cut(recorded, lambda state: of_user(state) in ({saves.NAME: self.old}, {}),
                 lambda state: of_user(state) == {})

    def test_what_is_rescued_is_kept_whole(self):
        draft = b"no image, but long enough to be cut in two " * 5000

        def refuse():
            self.assert_os_error(
                errno.EINVAL, saves.in_place, self.member(saves.NAME, "image.png"), draft
            )
            self.assert_eventually(
                lambda: "its bytes are kept in" in self.mount.log()[logged:], "nothing is rescued"
            )

        def kept(state):
            """What is rescued now, under the last name."""
            files = {
                path.removeprefix(RESCUED): content for path, content in state.items()
                if path.startswith(RESCUED) and not path.startswith(RESCUED + ".gen5fs-")
            }
            return {name: content for name, content in files.items() if name not in before}

        def is_part_of(files, whole):
            return all(whole.get(name) == content for name, content in files.items())

        for links in ("linked", "copied"):
            with self.subTest(links):
                shutil.rmtree(self.source(".gen5fs"), ignore_errors=True)
                before, logged = {}, len(self.mount.log())
                if links == "copied":
                    self.mount.faults.arm("fail", "link", error=errno.EXDEV, lasts=True)
                recorded = self.record(refuse)
                self.mount.faults.disarm()
                found = {
                    os.path.basename(path): content
                    for path, content in self.rescued_files(saves.NAME).items()
                }
                self.assertIn(draft, found.values())
                self.cut(
                    recorded,
                    lambda state: of_user(state) == {saves.NAME: self.old}
                    and is_part_of(kept(state), found),
                    lambda state: of_user(state) == {saves.NAME: self.old} and kept(state) == found,
                )


if __name__ == "__main__":
    unittest.main()
