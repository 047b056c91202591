# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Containers for others than the daemon's user: what the source's owners, modes and access-control
# lists allow them is what they may do in the mount, and what they make is theirs.

import os
import re
import unittest

from beside_source import (
    GROUP, STRANGER, USER, as_user, attempt, getfacl, in_child, mode_of, needs_root, setfacl,
)
from mount_case import MountCase, read_file

# The lists as getfacl prints them end in an empty line, and split leaves one more.
END = ["", ""]


def with_new_prompt(text):
    return re.sub(rb'("prompt"\s*:\s*")', rb"\1another ", text, count=1)


def look_around(folder):
    """What a program may see of a container: its listing, and a member's first bytes."""
    def first_bytes():
        with open(os.path.join(folder, "metadata.json"), "rb") as stream:
            return stream.read(1)
    return attempt(os.listdir, folder) != "EACCES", attempt(first_bytes)


@needs_root
class OtherUsers(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted_with_container(options="allow_other")
        # Its folder is closed to others.
        os.chmod(os.path.dirname(self.mount.path), 0o755)
        os.chmod(self.mount.source, 0o777)
        self.folder = self.member("a.gen5")
        self.metadata = self.member("a.gen5", "metadata.json")
        self.file = self.source("a.gen5")

    def owned(self, uid=USER, gid=GROUP, mode=0o644):
        """The container's file gets an owner and a mode, through the mount."""
        os.chown(self.folder, uid, gid)
        os.chmod(self.folder, mode)
        setfacl("-b", self.folder)


class Owners(OtherUsers):
    def test_scratch_files_belong_to_who_makes_them(self):
        self.owned()
        path = os.path.join(self.folder, "scratch")

        def use():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            status = os.stat(path)
            return (status.st_uid, status.st_gid, attempt(os.chmod, path, 0o640),
                    attempt(os.utime, path, (1, 1)), attempt(os.truncate, path, 3), mode_of(path))
        self.assertEqual(as_user(use), (USER, GROUP, None, None, None, "0640"))

    def test_the_umask_is_taken_from_a_scratch_file_s_mode(self):
        self.owned()
        path = os.path.join(self.folder, "scratch")

        def make():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
            return mode_of(path)
        self.assertEqual(as_user(make, umask=0o027), "0640")

    def test_a_member_that_is_renamed_away_stays_its_owner_s_when_it_is_written(self):
        self.owned(mode=0o640)
        kept = self.metadata + "~"

        def use():
            os.rename(self.metadata, kept)
            before = os.stat(kept)
            with open(kept, "ab") as stream:
                stream.write(b"\n")
            after = os.stat(kept)
            return [(status.st_uid, status.st_gid, status.st_mode & 0o777)
                    for status in (before, after)]
        self.assertEqual(as_user(use), [(USER, GROUP, 0o640)] * 2)

    def test_a_save_by_way_of_a_temporary_of_one_s_own_keeps_the_container_s_owner(self):
        self.owned()
        text = with_new_prompt(read_file(self.metadata))

        def save():
            temporary = self.metadata + ".tmp"
            with open(temporary, "wb") as stream:
                stream.write(text)
                os.fchmod(stream.fileno(), 0o600)
            os.rename(temporary, self.metadata)
        as_user(save)
        status = os.stat(self.file)
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777),
                         (USER, GROUP, 0o644))
        self.assertEqual(self.stored("a.gen5").model_info["prompt"],
                         "another " + self.before.model_info["prompt"])


class AccessControlLists(OtherUsers):
    def test_the_list_of_the_file_decides_who_enters_and_reads(self):
        for entry, expected in ((f"u:{USER}:r", True), (f"u:{USER}:-", False),
                                ("g::-,u:1234:r,m::r", False), (f"g:{GROUP}:r", True)):
            with self.subTest(entry):
                self.owned(0, GROUP if entry.startswith("g::") else 0, 0o600)
                none = getfacl(self.folder)[0]
                setfacl("-m", entry, self.file)
                self.assert_eventually(lambda: getfacl(self.folder)[0] != none, "the list is seen")
                self.assertEqual(as_user(lambda: look_around(self.folder)),
                                 (True, b"{") if expected else (False, "EACCES"))

    def test_a_list_that_is_taken_away_in_the_source_takes_effect(self):
        self.owned(0, 0, 0o600)
        setfacl("-m", f"u:{USER}:r", self.file)
        self.assert_eventually(
            lambda: as_user(lambda: look_around(self.folder)) == (True, b"{"), "the list is seen")
        setfacl("-b", self.file)
        self.assert_eventually(
            lambda: as_user(lambda: look_around(self.folder)) == (False, "EACCES"),
            "its removal is seen")

    def test_the_list_is_shown_with_x_for_the_directory_and_without_for_its_files(self):
        self.owned(0, 0, 0o640)
        setfacl("-m", f"u:{USER}:rwx,g:{GROUP}:r", self.file)
        for path, expected in (
            (self.folder, ["user::rwx", f"user:{USER}:rwx", "group::r-x", f"group:{GROUP}:r-x",
                           "mask::rwx", "other::---", *END]),
            (self.metadata, ["user::rw-", f"user:{USER}:rw-", "group::r--", f"group:{GROUP}:r--",
                             "mask::rw-", "other::---", *END]),
        ):
            self.assert_eventually(lambda: getfacl(path)[0] != [""], "the list is seen")
            self.assertEqual(getfacl(path)[0], expected)
        self.assertIn("system.posix_acl_access", os.listxattr(self.folder))

    def test_a_list_that_is_set_is_the_file_s(self):
        for name in ("", "metadata.json"):
            with self.subTest(name):
                self.owned()
                path = os.path.join(self.folder, name)
                self.assertEqual(as_user(lambda: setfacl("-m", f"u:{STRANGER}:rwx", path)), (0, ""))
                self.assertEqual(getfacl(self.file)[0], [
                    "user::rw-", f"user:{STRANGER}:rw-", "group::r--", "mask::rw-", "other::r--",
                    *END])
                self.assertEqual(mode_of(self.folder), "0775")
                self.assertEqual(setfacl("-b", path), (0, ""))
                self.assertEqual((getfacl(self.file)[0], mode_of(self.file)), ([""], "0644"))

    def test_the_owner_alone_sets_it(self):
        self.owned(0, 0, 0o666)
        self.assertEqual(as_user(lambda: setfacl("-m", f"u:{STRANGER}:r", self.folder)),
                         (1, "Operation not permitted"))

    def test_a_save_keeps_the_list(self):
        self.owned(0, 0, 0o600)
        setfacl("-m", f"u:{USER}:rw", self.file)
        before = getfacl(self.file)
        text = with_new_prompt(read_file(self.metadata))

        def save():
            with open(self.metadata, "wb") as stream:
                stream.write(text)
        as_user(save)
        self.assertEqual(getfacl(self.file), before)
        self.assertEqual(as_user(lambda: look_around(self.folder)), (True, b"{"))

    def test_a_container_that_is_made_inherits_the_folder_s_default_list(self):
        setfacl("-m", f"d:u:{USER}:rwx,d:g::r-x,d:o::---", self.mount.source)
        plain = self.source("plain")

        def make():
            os.mkdir(self.member("b.gen5"))
            os.close(os.open(plain, os.O_CREAT | os.O_WRONLY, 0o666))
        in_child(make, umask=0o077)
        self.assertEqual(getfacl(self.source("b.gen5")), getfacl(plain))
        self.assertEqual(as_user(lambda: look_around(self.member("b.gen5"))), (True, b"{"))

    def test_neither_a_container_s_directory_nor_a_scratch_file_has_a_default_list(self):
        setfacl("-m", f"d:u:{STRANGER}:rwx", self.mount.source)
        self.owned()
        path = os.path.join(self.folder, "scratch")
        as_user(lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666)), umask=0o022)
        self.assertEqual((getfacl(path)[0], mode_of(path)), ([""], "0644"))
        self.assertEqual(setfacl("-m", f"d:u:{STRANGER}:r", self.folder),
                         (1, "Operation not supported"))
        self.assertEqual(setfacl("-k", self.folder), (0, ""))

    def test_cp_takes_modes_and_lists_along(self):
        self.owned(0, 0, 0o640)
        setfacl("-m", f"u:{USER}:r", self.file)
        copy = self.member("b.gen5")
        self.program("cp", "-a", self.folder, copy)
        self.assertEqual(getfacl(copy), getfacl(self.folder))


if __name__ == "__main__":
    unittest.main()
