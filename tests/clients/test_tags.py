# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# user.xdg.tags of a container's directory: what is written there are the tags of its metadata.

import errno
import json
import os
import subprocess
import threading
import unittest

import container
import private_system
from mount_case import MountCase, Stored, new_image, read_file, rewrite_outside, write_file
from mounted import Mount

TAGS, ERROR = "user.xdg.tags", "user.gen5.error"


class TagsCase(MountCase):
    options = ""

    def setUp(self):
        super().setUp()
        self.mounted_with_container(options=self.options)
        self.path = self.member("a.gen5")

    def tags(self):
        """What is stored."""
        return self.stored("a.gen5").model_info["tags"]

    def set(self, value, flags=0):
        os.setxattr(self.path, TAGS, value, flags)

    def get(self):
        return os.getxattr(self.path, TAGS)

    def assert_none(self):
        self.assertEqual(self.tags(), [])
        self.assert_os_error(errno.ENODATA, os.getxattr, self.path, TAGS)
        self.assertNotIn(TAGS, os.listxattr(self.path))


class Writing(TagsCase):
    def test_what_is_written_is_stored_and_read_back(self):
        for value, tags in (
            (b"one", ["one"]), (b"two words,x", ["two words", "x"]),
            ("Straße,🐶".encode(), ["Straße", "🐶"]), (b'"quoted",back\\slash', ['"quoted"', "back\\slash"]),
            (b",".join(b"tag%d" % number for number in range(1000)),
             [f"tag{number}" for number in range(1000)]),
        ):
            with self.subTest(value[:40]):
                self.set(value)
                self.assertEqual(self.tags(), tags)
                self.assertEqual(self.get(), value)
                self.assertEqual(json.loads(self.read("a.gen5", "metadata.json"))[
                    "gen5_metadata"]["model_info"]["tags"], tags)

    def test_space_around_a_tag_and_empty_tags_are_left_out(self):
        self.set(b" a, b c ,,\n")
        self.assertEqual(self.tags(), ["a", "b c"])
        self.assertEqual(self.get(), b"a,b c")

    def test_nothing_else_changes(self):
        self.set(b"other")
        after = self.stored("a.gen5")
        self.assert_same_payloads(after, self.before)
        self.assertEqual({**after.model_info, "tags": None}, {**self.before.model_info, "tags": None})
        self.assertEqual(after.extras(), self.before.extras())
        self.set(",".join(self.before.model_info["tags"]).encode())
        self.assertEqual(self.stored("a.gen5").user_text(), self.before.user_text())

    def test_the_tools_of_the_shell_write_and_read_them(self):
        self.program("setfattr", "-n", TAGS, "-v", "sea,storm", self.path)
        self.assertEqual(self.tags(), ["sea", "storm"])
        told = self.program("getfattr", "--absolute-names", "-n", TAGS, "--only-values", self.path)
        self.assertEqual(told.stdout, b"sea,storm")
        self.program("setfattr", "-x", TAGS, self.path)
        self.assert_none()
        self.program("setfattr", "-x", TAGS, self.path, status=1)

    def test_an_empty_list_and_a_removal_leave_none(self):
        self.set(b"")
        self.assert_none()
        self.set(b"a")
        os.removexattr(self.path, TAGS)
        self.assert_none()
        self.assert_os_error(errno.ENODATA, os.removexattr, self.path, TAGS)

    def test_flags_mind_whether_there_are_tags(self):
        self.assert_os_error(errno.EEXIST, self.set, b"a", os.XATTR_CREATE)
        self.assertEqual(self.tags(), self.before.model_info["tags"])
        self.set(b"a", os.XATTR_REPLACE)
        os.removexattr(self.path, TAGS)
        self.assert_os_error(errno.ENODATA, self.set, b"b", os.XATTR_REPLACE)
        self.assert_none()
        self.set(b"c", os.XATTR_CREATE)
        self.assertEqual(self.tags(), ["c"])
        self.assertNotIn(ERROR, os.listxattr(self.member("a.gen5", "metadata.json")))

    def test_what_is_there_already_is_not_stored_again(self):
        self.set(b"a,b")
        before = os.stat(self.source("a.gen5"))
        for value in (b"a,b", b" a , b ,"):
            self.set(value)
        after = os.stat(self.source("a.gen5"))
        self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_a_tag_with_a_comma_survives_being_written_back(self):
        info = container.model_info(tags=["a,b", "c"])
        path = self.source("commas.gen5")
        write_file(path + ".part", container.build(info=info, image=new_image(1)))
        os.rename(path + ".part", path)
        self.eventually_listed("commas.gen5")
        folder = self.member("commas.gen5")
        os.setxattr(folder, TAGS, os.getxattr(folder, TAGS))
        self.assertEqual(self.stored("commas.gen5").model_info["tags"], ["a,b", "c"])

    def test_members_have_them_read_only(self):
        for name in ("image.png", "metadata.json", "latents"):
            path = self.member("a.gen5", name)
            self.assert_os_error(errno.EOPNOTSUPP, os.setxattr, path, TAGS, b"x")
            self.assert_os_error(errno.EOPNOTSUPP, os.removexattr, path, TAGS)
            self.assertEqual(os.getxattr(path, TAGS), self.get())

    def test_a_copy_with_its_attributes_has_the_same_tags(self):
        self.set(b"kept,too")
        self.program("cp", "-a", self.path, self.member("b.gen5"))
        self.assertEqual(self.stored("b.gen5").model_info["tags"], ["kept", "too"])

    def test_tags_set_while_a_container_is_filled_stay(self):
        os.mkdir(self.member("b.gen5"))
        text = self.read("a.gen5", "metadata.json")
        write_file(self.member("b.gen5", "metadata.json"), text)
        os.setxattr(self.member("b.gen5"), TAGS, b"new")
        write_file(self.member("b.gen5", "image.png"), new_image(3))
        write_file(self.member("b.gen5", "latent.npy"), self.read("a.gen5", "latent.npy"))
        stored = self.stored("b.gen5")
        self.assertEqual(stored.model_info["tags"], ["new"])
        self.assertEqual(stored.prompt, self.before.prompt)


class Refusals(TagsCase):
    def test_what_is_no_utf8_is_refused_with_a_reason_until_it_is_mended(self):
        metadata = self.member("a.gen5", "metadata.json")
        self.assert_os_error(errno.EINVAL, self.set, b"a,\xff")
        self.assertEqual(self.tags(), self.before.model_info["tags"])
        self.assertIn(b"byte 2", os.getxattr(metadata, ERROR))
        self.assertIn(b"UTF-8", os.getxattr(metadata, ERROR))
        self.assertIn("a.gen5/user.xdg.tags was not stored: no UTF-8", self.mount.log())
        self.assertIn(b"failed: a.gen5/metadata.json", self.gen5fs("status", self.mount.path).stdout)
        self.set(b"a")
        self.assert_os_error(errno.ENODATA, os.getxattr, metadata, ERROR)
        self.assertNotIn(b"failed", self.gen5fs("status", self.mount.path).stdout)

    def test_what_is_longer_than_an_attribute_may_be_is_refused(self):
        self.assert_os_error(errno.E2BIG, self.set, b"x" * 65537)
        self.set(b"x" * 65536)
        self.assertEqual(self.tags(), ["x" * 65536])
        self.assertEqual(self.get(), b"x" * 65536)

    def test_faults_that_the_metadata_has_already_are_let_through_as_in_a_save_of_it(self):
        path = self.source("bad.gen5")
        info = container.model_info()
        del info["tags"]
        info["generation_settings"]["steps"] = 0
        write_file(path + ".part", container.build(info=info, image=new_image(1)))
        os.rename(path + ".part", path)
        self.eventually_listed("bad.gen5")
        folder = self.member("bad.gen5")
        os.setxattr(folder, TAGS, b"mended")
        self.assertEqual(Stored(path).model_info["tags"], ["mended"])

    def test_a_container_that_cannot_be_read_has_none(self):
        write_file(self.source("broken.part"), b"GEN5 no more")
        os.rename(self.source("broken.part"), self.source("broken.gen5"))
        self.eventually_listed("broken.gen5")
        folder = self.member("broken.gen5")
        self.assert_os_error(errno.ENODATA, os.getxattr, folder, TAGS)
        self.assert_os_error(errno.EIO, os.setxattr, folder, TAGS, b"x")
        self.assertEqual(read_file(self.source("broken.gen5")), b"GEN5 no more")

    def test_what_a_user_may_not_write_is_refused(self):
        os.chmod(self.source("a.gen5"), 0o444)
        with Mount(source=self.mount.source, options="allow_other,default_permissions") as mount:
            os.chmod(os.path.dirname(mount.path), 0o755)
            done = subprocess.run(
                private_system.as_plain_user("setfattr", "-n", TAGS, "-v", "x",
                                             os.path.join(mount.path, "a.gen5")),
                cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"Permission denied", done.stderr)
        self.assertEqual(self.tags(), self.before.model_info["tags"])


class ReadOnly(TagsCase):
    options = "ro"

    def test_they_are_read_and_not_written(self):
        self.assertEqual(self.get(), ",".join(self.before.model_info["tags"]).encode())
        self.assert_os_error(errno.EROFS, self.set, b"x")
        self.assert_os_error(errno.EROFS, os.removexattr, self.path, TAGS)
        self.assertEqual(self.tags(), self.before.model_info["tags"])


class Conflicts(TagsCase):
    def test_a_draft_of_the_metadata_that_is_open_conflicts_and_is_rescued(self):
        path = self.member("a.gen5", "metadata.json")
        text = read_file(path).replace(self.before.prompt.encode(), b"a draft")
        draft = os.open(path, os.O_WRONLY | os.O_TRUNC)
        os.write(draft, text)
        self.set(b"tagged")
        self.assert_os_error(errno.ESTALE, os.close, draft)
        stored = self.stored("a.gen5")
        self.assertEqual((stored.model_info["tags"], stored.prompt), (["tagged"], self.before.prompt))
        self.mount.unmount()
        self.assert_rescued(text, "a.gen5")

    def test_a_draft_of_another_member_does_not(self):
        image = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(image, new_image(5))
        self.set(b"tagged")
        os.close(image)
        stored = self.stored("a.gen5")
        self.assertEqual((stored.model_info["tags"], stored.image), (["tagged"], new_image(5)))

    def test_metadata_that_is_open_and_was_not_written_to_is_no_draft(self):
        descriptor = os.open(self.member("a.gen5", "metadata.json"), os.O_RDWR)
        self.set(b"tagged")
        os.close(descriptor)
        self.assertEqual(self.tags(), ["tagged"])

    def test_what_another_program_changes_meanwhile_is_kept(self):
        rewrite_outside(self.source("a.gen5"), prompt="from outside")
        self.set(b"tagged")
        stored = Stored(self.source("a.gen5"))
        self.assertEqual((stored.model_info["tags"], stored.prompt), (["tagged"], "from outside"))

    def test_several_who_set_them_at_once_leave_those_of_one(self):
        failures = []

        def work(name):
            try:
                for number in range(20):
                    self.set(b"%s,%d" % (name, number))
            except OSError as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in (b"a", b"b", b"c")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertIn(self.tags(), [[name, "19"] for name in "abc"])


class Durability(TagsCase):
    def test_what_was_acknowledged_is_there_when_the_daemon_is_killed(self):
        self.set(b"acknowledged")
        self.mount.kill()
        self.assertEqual(self.tags(), ["acknowledged"])


if __name__ == "__main__":
    unittest.main()
