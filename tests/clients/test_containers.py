# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Containers that come and go with ordinary tools, the names in a container's directory that are no
# members, and the raw bytes behind a directory.

import errno
import io
import itertools
import os
import shutil
import stat
import threading
import unittest

import numpy as np
from PIL import Image

from mount_case import (
    REFERENCE, MountCase, Stored, new_image, new_latent, npy_bytes, read_file, sha256, write_file,
)

MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]


def jpeg_image():
    target = io.BytesIO()
    Image.linear_gradient("L").resize((24, 16)).save(target, "JPEG")
    return target.getvalue()


class ContainerCase(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted()

    def add(self, fixture, name=None):
        """A container in the source that the mount lists; what it holds."""
        name = name or fixture
        self.mount.add(fixture, name)
        self.eventually_listed(name)
        return Stored(self.source(name))

    def assert_directory(self, *parts):
        self.assert_eventually(
            lambda: stat.S_ISDIR(os.stat(self.member(*parts)).st_mode),
            f"{parts} did not become a directory",
        )

    def assert_same_document(self, one, other):
        self.assertEqual(one.model_info, other.model_info)
        self.assertEqual(sorted(map(repr, one.extras())), sorted(map(repr, other.extras())))


class MakingContainers(ContainerCase):
    def test_mkdir_makes_a_valid_empty_container(self):
        os.mkdir(self.member("x.gen5"))
        stored = self.stored("x.gen5")
        self.assertEqual(stored.document["chunks"], [])
        self.assertEqual(os.listdir(self.member("x.gen5")), ["metadata.json"])
        self.assertEqual(self.read("x.gen5", "metadata.json"), stored.manifest_text)

    def test_mkdir_of_an_existing_container_says_so(self):
        self.add("one-pixel.gen5")
        old = read_file(self.source("one-pixel.gen5"))
        self.assert_os_error(errno.EEXIST, os.mkdir, self.member("one-pixel.gen5"))
        self.assertEqual(read_file(self.source("one-pixel.gen5")), old)

    def test_members_are_put_into_a_new_container_one_by_one(self):
        model = self.add("extra-fields.gen5", "model.gen5")
        os.mkdir(self.member("x.gen5"))
        values = new_latent((1, 4, 8, 8), "<f4", 1)
        write_file(self.member("x.gen5", "latent.npy"), npy_bytes(values))
        self.assertEqual(len(self.stored("x.gen5").latents), 1)
        write_file(self.member("x.gen5", "image.png"), new_image(1))
        self.assertEqual(self.stored("x.gen5").image, new_image(1))
        write_file(self.member("x.gen5", "env.json"), model.environment)
        write_file(self.member("x.gen5", "metadata.json"), model.manifest_text)
        stored = self.stored("x.gen5")
        self.assertEqual(stored.model_info, model.model_info)
        self.assertEqual(stored.environment, model.environment)
        self.assertEqual(stored.image, new_image(1))
        np.testing.assert_array_equal(list(stored.latents.values())[0], values)
        self.assertEqual(sorted(os.listdir(self.member("x.gen5"))), MEMBERS)

    def test_a_container_is_made_in_a_new_folder(self):
        os.makedirs(self.member("one", "two"))
        os.mkdir(self.member("one", "two", "x.gen5"))
        write_file(self.member("one", "two", "x.gen5", "image.png"), new_image(1))
        self.assertEqual(self.stored("one", "two", "x.gen5").image, new_image(1))

    def test_mkdir_of_another_name_makes_a_folder(self):
        os.mkdir(self.member("plain"))
        self.assertTrue(os.path.isdir(self.source("plain")))

    def test_an_image_of_another_format_replaces_the_only_image(self):
        self.add("extra-fields.gen5", "a.gen5")
        write_file(self.member("a.gen5", "image.jpg"), jpeg_image())
        stored = self.stored("a.gen5")
        self.assertEqual(stored.image, jpeg_image())
        self.assertEqual([r["type"] for r in stored.document["chunks"]].count("DATA"), 1)
        self.assertEqual(
            sorted(os.listdir(self.member("a.gen5"))),
            ["env.json", "image.jpg", "latent.npy", "metadata.json"],
        )


class CopyingContainers(ContainerCase):
    def test_cp_copies_containers_within_the_mount(self):
        for fixture in (
            "extra-fields.gen5", "three-latents.gen5", "jpeg-image.gen5", "no-image.gen5",
            "mixed-dtypes-raw.gen5", "unicode-prompt.gen5", "big-numbers.gen5", "no-settings.gen5",
        ):
            with self.subTest(fixture):
                before = self.add(fixture)
                self.program("cp", "-r", self.member(fixture), self.member("copy-" + fixture))
                after = self.stored("copy-" + fixture)
                self.assert_same_payloads(after, before)
                self.assert_same_document(after, before)
                self.assertEqual(
                    sorted(os.listdir(self.member("copy-" + fixture))),
                    sorted(os.listdir(self.member(fixture))),
                )

    def test_cp_copies_containers_with_their_attributes(self):
        before = self.add("extra-fields.gen5", "a.gen5")
        os.chmod(self.source("a.gen5"), 0o640)
        self.assert_eventually(
            lambda: stat.S_IMODE(os.stat(self.member("a.gen5")).st_mode) == 0o750,
            "the mount does not see the mode",
        )
        self.program("cp", "-a", self.member("a.gen5"), self.member("b.gen5"))
        self.assert_same_payloads(self.stored("b.gen5"), before)
        self.assertEqual(stat.S_IMODE(os.stat(self.source("b.gen5")).st_mode), 0o640)

    def test_cp_copies_latents_with_hostile_keys(self):
        before = self.add("odd-latent-keys.gen5", "odd.gen5")
        self.program("cp", "-r", self.member("odd.gen5"), self.member("copy.gen5"))
        after = self.stored("copy.gen5")
        self.assertEqual(
            sorted(values.tobytes() for values in after.latents.values()),
            sorted(values.tobytes() for values in before.latents.values()),
        )

    def test_cp_takes_containers_out_and_puts_them_in_again(self):
        for fixture in ("extra-fields.gen5", "three-latents.gen5", "webp-image.gen5"):
            with self.subTest(fixture):
                before = self.add(fixture)
                out = os.path.join(self.work, fixture)
                self.program("cp", "-r", self.member(fixture), out)
                self.program("cp", "-r", out, self.member("in-" + fixture))
                after = self.stored("in-" + fixture)
                self.assert_same_payloads(after, before)
                self.assertEqual(after.model_info, before.model_info)

    def test_the_files_of_a_new_container_may_be_made_in_any_order(self):
        before = self.add("three-latents.gen5")
        out = os.path.join(self.work, "out")
        shutil.copytree(self.member("three-latents.gen5"), out)
        latents = os.listdir(os.path.join(out, "latents"))
        for order in itertools.permutations(["latent.npy", "metadata.json", *latents]):
            name = f"{len(os.listdir(self.mount.source))}.gen5"
            with self.subTest(order):
                os.mkdir(self.member(name))
                os.mkdir(self.member(name, "latents"))
                for member in (*order, "image.png", "env.json"):
                    path = os.path.join("latents", member) if member in latents else member
                    if os.path.exists(os.path.join(out, path)):
                        # As cp and tar do in a folder that they made themselves.
                        with open(self.member(name, path), "xb") as stream:
                            stream.write(read_file(os.path.join(out, path)))
                after = self.stored(name)
                self.assert_same_payloads(after, before)
                self.assertEqual(after.model_info, before.model_info)
                self.assertEqual(sorted(os.listdir(self.member(name, "latents"))), sorted(latents))

    def test_copying_members_over_an_existing_container_replaces_them(self):
        before = self.add("extra-fields.gen5", "a.gen5")
        self.add("two-gpus.gen5", "b.gen5")
        self.shell('cp "$1"/* "$2"/', self.member("a.gen5"), self.member("b.gen5"))
        after = self.stored("b.gen5")
        self.assert_same_payloads(after, before)
        self.assertEqual(after.model_info, before.model_info)


class RenamingContainers(ContainerCase):
    def setUp(self):
        super().setUp()
        self.before = self.add("extra-fields.gen5", "a.gen5")
        self.bytes = read_file(self.source("a.gen5"))

    def assert_moved(self, *parts):
        self.assertFalse(os.path.exists(self.source("a.gen5")))
        self.assertFalse(os.path.exists(self.member("a.gen5")))
        self.assertEqual(read_file(self.source(*parts)), self.bytes)
        self.assertEqual(sorted(os.listdir(self.member(*parts))), MEMBERS)
        self.assertEqual(sha256(self.read(*parts, "image.png")), sha256(self.before.image))

    def test_mv_renames_a_container(self):
        number = os.stat(self.source("a.gen5")).st_ino
        shown = os.stat(self.member("a.gen5")).st_ino
        self.program("mv", self.member("a.gen5"), self.member("b.gen5"))
        self.assert_moved("b.gen5")
        self.assertEqual(os.stat(self.source("b.gen5")).st_ino, number)
        self.assertEqual(os.stat(self.member("b.gen5")).st_ino, shown)

    def test_mv_moves_a_container_to_another_folder(self):
        os.mkdir(self.member("sub"))
        self.program("mv", self.member("a.gen5"), self.member("sub"))
        self.assert_moved("sub", "a.gen5")

    def test_a_renamed_container_is_written_under_its_new_name(self):
        os.rename(self.member("a.gen5"), self.member("b.gen5"))
        write_file(self.member("b.gen5", "image.png"), new_image(1))
        self.assertEqual(self.stored("b.gen5").image, new_image(1))
        self.assertFalse(os.path.exists(self.source("a.gen5")))

    def test_a_container_renamed_under_an_open_draft_keeps_what_is_written(self):
        with open(self.member("a.gen5", "image.png"), "wb", buffering=0) as stream:
            stream.write(new_image(1))
            os.rename(self.member("a.gen5"), self.member("b.gen5"))
        self.assertEqual(self.stored("b.gen5").image, new_image(1))
        self.assertFalse(os.path.exists(self.source("a.gen5")))

    def test_a_renamed_folder_takes_its_containers_along(self):
        os.mkdir(self.member("old"))
        os.rename(self.member("a.gen5"), self.member("old", "a.gen5"))
        os.rename(self.member("old"), self.member("new"))
        write_file(self.member("new", "a.gen5", "image.png"), new_image(1))
        self.assertEqual(self.stored("new", "a.gen5").image, new_image(1))

    def test_renaming_over_a_container_that_is_not_empty_is_refused(self):
        self.add("one-pixel.gen5", "b.gen5")
        other = read_file(self.source("b.gen5"))
        with self.assertRaises(OSError) as raised:
            os.rename(self.member("a.gen5"), self.member("b.gen5"))
        self.assertIn(raised.exception.errno, (errno.ENOTEMPTY, errno.EEXIST))
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)
        self.assertEqual(read_file(self.source("b.gen5")), other)

    def test_mv_into_a_container_is_refused_and_loses_nothing(self):
        self.add("one-pixel.gen5", "b.gen5")
        self.assertNotEqual(
            self.program(
                "mv", self.member("a.gen5"), self.member("b.gen5"), status=None
            ).returncode, 0,
        )
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)

    def test_renaming_to_another_suffix_makes_it_a_file_and_back_a_directory(self):
        os.rename(self.member("a.gen5"), self.member("a.bak"))
        self.assertEqual(read_file(self.source("a.bak")), self.bytes)
        self.assert_eventually(
            lambda: self.read("a.bak") == self.bytes, "the container did not become a file"
        )
        self.assertTrue(stat.S_ISREG(os.stat(self.member("a.bak")).st_mode))
        self.assertEqual(os.listdir(self.mount.path), ["a.bak"])
        os.rename(self.member("a.bak"), self.member("a.gen5"))
        self.assert_directory("a.gen5")
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)


class RemovingContainers(ContainerCase):
    def setUp(self):
        super().setUp()
        self.add("three-latents.gen5", "a.gen5")
        self.bytes = read_file(self.source("a.gen5"))

    def test_rm_removes_a_container_without_rewriting_it(self):
        seen, over = set(), threading.Event()

        def watch():
            while not over.wait(0.0005):
                try:
                    now = os.stat(self.source("a.gen5"))
                    seen.add((now.st_ino, now.st_size, now.st_mtime_ns))
                except FileNotFoundError:
                    pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        self.assert_eventually(lambda: seen, "the watcher saw nothing")
        self.program("rm", "-r", self.member("a.gen5"))
        over.set()
        watcher.join()
        self.assertEqual(len(seen), 1, "the container was rewritten on its way out")
        self.assertFalse(os.path.exists(self.source("a.gen5")))
        self.assertEqual(os.listdir(self.mount.path), [])

    def test_python_removes_a_tree_of_containers(self):
        os.mkdir(self.member("sub"))
        for number in range(5):
            self.program("cp", "-r", self.member("a.gen5"), self.member("sub", f"{number}.gen5"))
        shutil.rmtree(self.member("sub"))
        self.assertFalse(os.path.exists(self.source("sub")))

    def test_a_removed_container_is_made_anew_at_once(self):
        shutil.rmtree(self.member("a.gen5"))
        os.mkdir(self.member("a.gen5"))
        write_file(self.member("a.gen5", "image.png"), new_image(1))
        stored = self.stored("a.gen5")
        self.assertEqual(stored.image, new_image(1))
        self.assertEqual(stored.latents, {})

    def test_rmdir_of_a_container_with_members_is_refused(self):
        self.assert_os_error(errno.ENOTEMPTY, os.rmdir, self.member("a.gen5"))
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)
        self.assertEqual(len(os.listdir(self.member("a.gen5", "latents"))), 3)

    def test_unlink_of_a_container_is_refused_as_for_any_directory(self):
        self.assert_os_error(errno.EISDIR, os.unlink, self.member("a.gen5"))
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)


class WholeFiles(ContainerCase):
    def setUp(self):
        super().setUp()
        self.original = os.path.join(REFERENCE, "extra-fields.gen5")

    def assert_became_a_container(self, name):
        self.assert_directory(name)
        self.assertEqual(sorted(os.listdir(self.member(name))), MEMBERS)
        self.assertEqual(read_file(self.source(name)), read_file(self.original))
        self.assertEqual(
            sha256(self.read(name, "image.png")),
            self.expected("extra-fields.gen5")["image"]["sha256"],
        )

    def test_cp_of_a_container_file_becomes_a_directory(self):
        self.program("cp", self.original, self.member("x.gen5"))
        self.assert_became_a_container("x.gen5")

    def test_cp_into_the_mount_keeps_the_name(self):
        self.program("cp", "-p", self.original, self.mount.path + "/")
        self.assert_became_a_container("extra-fields.gen5")

    def test_a_container_file_written_in_pieces_is_a_file_until_it_is_closed(self):
        content = read_file(self.original)
        with open(self.member("x.gen5"), "wb", buffering=0) as stream:
            for start in range(0, len(content), 1000):
                stream.write(content[start:start + 1000])
                self.assertTrue(stat.S_ISREG(os.fstat(stream.fileno()).st_mode))
            self.assertEqual(os.fstat(stream.fileno()).st_size, len(content))
        self.assert_became_a_container("x.gen5")

    def test_a_container_file_whose_header_is_written_last_becomes_a_directory(self):
        content = read_file(self.original)
        with open(self.member("x.gen5"), "wb", buffering=0) as stream:
            stream.seek(32)
            stream.write(content[32:])
            stream.seek(0)
            stream.write(content[:32])
        self.assert_became_a_container("x.gen5")

    def test_a_file_renamed_to_a_container_name_becomes_a_directory(self):
        shutil.copyfile(self.original, self.member("part"))
        self.program("mv", self.member("part"), self.member("x.gen5"))
        self.assert_became_a_container("x.gen5")
        self.assertEqual(os.listdir(self.mount.path), ["x.gen5"])

    def test_rsync_and_its_temporary_name_make_a_container(self):
        self.program("rsync", "-a", self.original, self.mount.path + "/")
        self.assert_became_a_container("extra-fields.gen5")

    def test_an_invalid_container_file_becomes_a_damaged_container_and_loses_no_byte(self):
        garbage = b"GEN5" + bytes(range(256)) * 20
        try:
            write_file(self.member("x.gen5"), garbage)
        except OSError as error:
            self.assertEqual(error.errno, errno.EINVAL)
        self.assert_eventually(
            lambda: os.listdir(self.member("x.gen5")) == ["gen5-error.txt"],
            "no damaged container is shown",
        )
        self.assertRegex(self.read("x.gen5", "gen5-error.txt"), rb"\d")
        self.assertEqual(read_file(self.source("x.gen5")), garbage)

    def test_a_damaged_container_is_removed_with_ordinary_tools(self):
        write_file(self.source("x.gen5"), b"no container")
        self.eventually_listed("x.gen5")
        self.assertEqual(os.listdir(self.member("x.gen5")), ["gen5-error.txt"])
        self.program("rm", "-r", self.member("x.gen5"))
        self.assertFalse(os.path.exists(self.source("x.gen5")))


class RemovingMembers(ContainerCase):
    def setUp(self):
        super().setUp()
        self.before = self.add("extra-fields.gen5", "a.gen5")

    def test_a_removed_member_is_gone_at_once_and_its_chunk_soon(self):
        os.unlink(self.member("a.gen5", "image.png"))
        self.assert_os_error(errno.ENOENT, os.stat, self.member("a.gen5", "image.png"))
        self.assertNotIn("image.png", os.listdir(self.member("a.gen5")))
        after = self.eventually_stored("a.gen5", lambda stored: stored.image is None)
        self.assert_same_payloads(after, self.before, but="image")
        self.assertEqual(after.model_info, self.before.model_info)
        self.assertEqual(
            sorted(os.listdir(self.member("a.gen5"))), ["env.json", "latent.npy", "metadata.json"]
        )

    def test_every_member_but_the_metadata_can_be_removed(self):
        for name in ("image.png", "latent.npy", "env.json"):
            os.unlink(self.member("a.gen5", name))
        self.eventually_stored("a.gen5", lambda stored: stored.document["chunks"] == [])
        self.assertEqual(os.listdir(self.member("a.gen5")), ["metadata.json"])

    def test_a_member_removed_and_made_anew_at_once_stays_one_member(self):
        for seed in range(5):
            os.unlink(self.member("a.gen5", "image.png"))
            write_file(self.member("a.gen5", "image.png"), new_image(seed))
        stored = self.stored("a.gen5")
        self.assertEqual(stored.image, new_image(4))
        self.assertEqual([r["type"] for r in stored.document["chunks"]].count("DATA"), 1)
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)

    def test_a_member_removed_just_before_unmounting_is_removed(self):
        os.unlink(self.member("a.gen5", "image.png"))
        self.mount.unmount()
        self.assertIsNone(self.stored("a.gen5").image)

    def test_a_member_renamed_away_is_removed_when_its_copy_is_replaced(self):
        os.rename(self.member("a.gen5", "image.png"), self.member("a.gen5", "old.png"))
        write_file(self.member("a.gen5", "notes.txt"), b"scratch")
        os.rename(self.member("a.gen5", "notes.txt"), self.member("a.gen5", "old.png"))
        self.eventually_stored("a.gen5", lambda stored: stored.image is None)

    def test_a_member_renamed_away_stays_when_an_older_copy_is_deleted(self):
        image, new = self.member("a.gen5", "image.png"), new_image(1)
        os.rename(image, self.member("a.gen5", "older.png"))
        write_file(image, new)
        os.rename(image, self.member("a.gen5", "old.png"))
        os.unlink(self.member("a.gen5", "older.png"))
        os.unlink(self.member("a.gen5", "env.json"))
        # What was removed at the same time goes at the same time.
        after = self.eventually_stored("a.gen5", lambda stored: stored.environment is None)
        self.assertEqual(after.image, new)

    def test_removing_the_metadata_hides_it_and_the_container_keeps_it(self):
        os.unlink(self.member("a.gen5", "metadata.json"))
        self.assertNotIn("metadata.json", os.listdir(self.member("a.gen5")))
        self.assert_os_error(errno.ENOENT, os.stat, self.member("a.gen5", "metadata.json"))
        write_file(self.member("a.gen5", "image.png"), new_image(1))
        self.assertEqual(self.stored("a.gen5").model_info, self.before.model_info)
        write_file(
            self.member("a.gen5", "metadata.json"),
            self.before.manifest_text.replace(b"puppy smiling", b"fish swimming"),
        )
        self.assertIn("metadata.json", os.listdir(self.member("a.gen5")))
        self.assertIn("fish swimming", self.stored("a.gen5").prompt)


class Latents(ContainerCase):
    def test_a_new_latent_is_added_by_its_key(self):
        before = self.add("extra-fields.gen5", "a.gen5")
        values = new_latent((1, 16, 4, 4), "<f4", 1)
        write_file(self.member("a.gen5", "latents", "refined x2.npy"), npy_bytes(values))
        after = self.stored("a.gen5")
        self.assertEqual(list(after.latents), ["initial_noise", "refined x2"])
        np.testing.assert_array_equal(after.latents["refined x2"], values)
        self.assert_same_payloads(after, before, but="latents")
        self.assertEqual(
            sorted(os.listdir(self.member("a.gen5", "latents"))),
            ["initial_noise.npy", "refined x2.npy"],
        )
        self.assertEqual(
            os.stat(self.member("a.gen5", "latent.npy")).st_ino,
            os.stat(self.member("a.gen5", "latents", "initial_noise.npy")).st_ino,
        )

    def test_the_folder_of_latents_can_be_made_where_it_is_not_listed(self):
        self.add("extra-fields.gen5", "a.gen5")
        try:
            os.mkdir(self.member("a.gen5", "latents"))
        except FileExistsError:
            pass
        write_file(
            self.member("a.gen5", "latents", "b.npy"), npy_bytes(new_latent((1, 1, 2, 2), "<f2", 1))
        )
        self.assertIn("b", self.stored("a.gen5").latents)

    def test_a_latent_is_replaced_under_its_key(self):
        before = self.add("three-latents.gen5", "a.gen5")
        keys = list(before.latents)
        values = new_latent((1, 4, 8, 8), "<f2", 1)
        write_file(self.member("a.gen5", "latents", keys[1] + ".npy"), npy_bytes(values))
        after = self.stored("a.gen5")
        self.assertEqual(list(after.latents), keys)
        np.testing.assert_array_equal(after.latents[keys[1]], values)
        for key in (keys[0], keys[2]):
            np.testing.assert_array_equal(after.latents[key], before.latents[key])

    def test_a_latent_is_removed_under_its_key(self):
        keys = list(self.add("three-latents.gen5", "a.gen5").latents)
        os.unlink(self.member("a.gen5", "latents", keys[1] + ".npy"))
        self.eventually_stored("a.gen5", lambda stored: list(stored.latents) == [keys[0], keys[2]])

    def test_a_latent_is_renamed_to_another_key(self):
        before = self.add("three-latents.gen5", "a.gen5")
        keys = list(before.latents)
        os.rename(
            self.member("a.gen5", "latents", keys[2] + ".npy"),
            self.member("a.gen5", "latents", "renamed.npy"),
        )
        after = self.eventually_stored(
            "a.gen5", lambda stored: sorted(stored.latents) == sorted(keys[:2] + ["renamed"])
        )
        np.testing.assert_array_equal(after.latents["renamed"], before.latents[keys[2]])


class OtherNames(ContainerCase):
    def setUp(self):
        super().setUp()
        self.before = self.add("extra-fields.gen5", "a.gen5")
        self.bytes = read_file(self.source("a.gen5"))

    def test_scratch_is_kept_aside_and_never_enters_the_container(self):
        write_file(self.member("a.gen5", "notes.txt"), b"one")
        with open(self.member("a.gen5", "notes.txt"), "ab") as stream:
            stream.write(b" two")
        self.assertEqual(self.read("a.gen5", "notes.txt"), b"one two")
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), sorted(MEMBERS + ["notes.txt"]))
        os.rename(self.member("a.gen5", "notes.txt"), self.member("a.gen5", ".notes~"))
        self.assertEqual(self.read("a.gen5", ".notes~"), b"one two")
        os.unlink(self.member("a.gen5", ".notes~"))
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)

    def test_scratch_becomes_a_member_by_its_name(self):
        write_file(self.member("a.gen5", "image.png.part"), new_image(1))
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)
        os.rename(self.member("a.gen5", "image.png.part"), self.member("a.gen5", "image.png"))
        self.assertEqual(self.stored("a.gen5").image, new_image(1))
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)

    def test_the_name_of_a_temporary_can_be_used_again(self):
        # A renamed file keeps its inode number; mv takes files of one number for the same file.
        temporary, image = self.member("a.gen5", "part"), self.member("a.gen5", "image.png")
        for seed in range(3):
            write_file(temporary, new_image(seed))
            self.assertNotEqual(os.stat(temporary).st_ino, os.stat(image).st_ino)
            self.program("mv", temporary, image)
            self.assertEqual(self.stored("a.gen5").image, new_image(seed))

    def test_scratch_that_is_no_image_does_not_become_the_image(self):
        write_file(self.member("a.gen5", "part"), b"not an image")
        self.assert_os_error(
            errno.EINVAL, os.rename, self.member("a.gen5", "part"),
            self.member("a.gen5", "image.png"),
        )
        self.assertEqual(self.read("a.gen5", "image.png"), self.before.image)
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)
        self.assertEqual(self.read("a.gen5", "part"), b"not an image")

    def test_links_pipes_and_folders_are_refused_in_a_container(self):
        member, ordinary = self.member("a.gen5", "image.png"), self.member("plain.txt")
        write_file(ordinary, b"plain")
        other = self.member("a.gen5", "other")
        for call, arguments in (
            (os.link, (member, other)), (os.link, (ordinary, other)), (os.symlink, ("x", other)),
            (os.mkfifo, (other,)), (os.mkdir, (other,)),
            (os.mknod, (other, stat.S_IFSOCK | 0o600)),
        ):
            with self.subTest(call.__name__):
                self.assert_os_error(errno.EPERM, call, *arguments)
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)

    def test_many_scratch_files_come_and_go(self):
        for number in range(300):
            write_file(self.member("a.gen5", f"scratch {number}"), b"x" * number)
        self.assertEqual(len(os.listdir(self.member("a.gen5"))), 304)
        for number in range(300):
            self.assertEqual(self.read("a.gen5", f"scratch {number}"), b"x" * number)
            os.unlink(self.member("a.gen5", f"scratch {number}"))
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)


class RawBytes(ContainerCase):
    def setUp(self):
        super().setUp()
        self.add("extra-fields.gen5", "a.gen5")
        self.raw = self.member(".gen5fs", "raw", "a.gen5")

    def test_the_raw_bytes_are_read(self):
        self.assertTrue(stat.S_ISREG(os.stat(self.raw).st_mode))
        self.assertEqual(os.path.getsize(self.raw), os.path.getsize(self.source("a.gen5")))
        self.assertEqual(read_file(self.raw), read_file(self.source("a.gen5")))

    def test_the_raw_bytes_follow_a_save(self):
        self.assertEqual(read_file(self.raw), read_file(self.source("a.gen5")))
        write_file(self.member("a.gen5", "image.png"), new_image(1))
        self.assert_eventually(
            lambda: read_file(self.raw) == read_file(self.source("a.gen5")),
            "the raw bytes are those of an old version",
        )

    def test_the_raw_bytes_are_not_written(self):
        old = read_file(self.source("a.gen5"))
        self.assert_os_error(errno.EROFS, os.open, self.raw, os.O_WRONLY)
        self.assert_os_error(errno.EROFS, os.open, self.raw, os.O_RDWR | os.O_TRUNC)
        self.assert_os_error(errno.EROFS, os.unlink, self.raw)
        self.assert_os_error(
            errno.EROFS, os.open, self.member(".gen5fs", "raw", "new.gen5"),
            os.O_WRONLY | os.O_CREAT, 0o644,
        )
        self.assertEqual(read_file(self.source("a.gen5")), old)

    def test_the_folder_of_raw_bytes_is_not_listed(self):
        read_file(self.raw)
        self.assertEqual(os.listdir(self.mount.path), ["a.gen5"])

    def test_their_folder_stays_where_it_is(self):
        control = self.member(".gen5fs")
        self.assert_os_error(errno.EPERM, os.rmdir, control)
        self.assert_os_error(errno.EPERM, os.rename, control, self.member("other"))
        self.assertNotEqual(self.program("rm", "-rf", control, status=None).returncode, 0)
        self.assertEqual(read_file(self.raw), read_file(self.source("a.gen5")))


class HardLinks(ContainerCase):
    """One container file with several names is as many directories: a save separates them."""

    def setUp(self):
        super().setUp()
        self.add("extra-fields.gen5", "a.gen5")
        os.mkdir(self.source("backup"))
        os.link(self.source("a.gen5"), self.source("b.gen5"))
        os.link(self.source("a.gen5"), self.source("backup", "a.gen5"))
        self.mount.unmount()
        self.mount.mount()

    def numbers(self):
        """st_ino of every container and member."""
        found = {}
        for folder, folders, files in os.walk(self.mount.path):
            for name in [*folders, *files]:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, self.mount.path)] = os.stat(path).st_ino
        return found

    def test_each_name_has_numbers_of_its_own_and_keeps_them(self):
        before = self.numbers()
        self.assertEqual(len(set(before.values())), len(before), before)
        with os.scandir(self.mount.path) as entries:
            for entry in entries:
                self.assertEqual(entry.inode(), before[entry.name], entry.name)
        write_file(self.member("a.gen5", "image.png"), new_image(1))
        self.assertEqual(self.numbers(), before)
        write_file(self.member("backup", "a.gen5", "image.png"), new_image(2))
        self.assertEqual(self.numbers(), before)

    def test_the_numbers_are_the_same_on_the_next_mount(self):
        before = self.numbers()
        self.mount.unmount()
        self.mount.mount()
        for name in sorted(before, reverse=True):
            self.assertEqual(os.stat(self.member(name)).st_ino, before[name], name)

    def test_a_member_is_copied_from_one_to_the_other(self):
        old = self.read("b.gen5", "image.png")
        write_file(self.member("a.gen5", "image.png"), new_image(1))
        self.program("cp", self.member("a.gen5", "image.png"), self.member("b.gen5", "image.png"))
        self.assertEqual(self.stored("b.gen5").image, new_image(1))
        self.assertEqual(self.stored("backup", "a.gen5").image, old)


class OddNames(ContainerCase):
    NAMES = [
        b"with some spaces.gen5", "\N{ARTIST PALETTE} \N{SNOWMAN}.gen5".encode(),
        b"new\nline.gen5", b"-leading dash.gen5", b"n" * 250 + b".gen5", b"percent%20%2F.gen5",
        b"'quotes' \"and\" $(more).gen5", b"not \xff\xfe UTF-8.gen5", b".hidden.gen5",
        b"two.gen5.gen5",
    ]

    def test_containers_of_any_name_are_shown_and_saved(self):
        root, source = os.fsencode(self.mount.path), os.fsencode(self.mount.source)
        for name in self.NAMES:
            with self.subTest(name):
                shutil.copyfile(
                    os.path.join(REFERENCE, "extra-fields.gen5"), os.path.join(source, name)
                )
                path = os.path.join(root, name)
                self.assert_eventually(lambda: os.path.isdir(path), "the container is not shown")
                self.assertIn(name, os.listdir(root))
                write_file(os.path.join(path, b"image.png"), new_image(1))
                container = os.fsdecode(os.path.join(source, name))
                self.assert_sound(container)
                self.assertEqual(Stored(container).image, new_image(1))
        self.assertEqual(sorted(os.listdir(root)), sorted(self.NAMES))

    def test_containers_of_any_name_are_made_renamed_and_removed(self):
        root, source = os.fsencode(self.mount.path), os.fsencode(self.mount.source)
        for name in self.NAMES:
            with self.subTest(name):
                path = os.path.join(root, name)
                os.mkdir(path)
                write_file(os.path.join(path, b"image.png"), new_image(1))
                os.rename(path, os.path.join(root, b"other.gen5"))
                os.rename(os.path.join(root, b"other.gen5"), path)
                container = os.fsdecode(os.path.join(source, name))
                self.assertEqual(Stored(container).image, new_image(1))
                shutil.rmtree(path)
                self.assertFalse(os.path.exists(os.path.join(source, name)))

    def test_a_name_that_is_too_long_is_refused(self):
        self.assert_os_error(errno.ENAMETOOLONG, os.mkdir, self.member("n" * 251 + ".gen5"))

    def test_a_name_that_is_too_long_is_refused_in_a_container(self):
        self.add("three-latents.gen5", "a.gen5")
        for folder in (self.member("a.gen5"), self.member("a.gen5", "latents")):
            for length in (256, 300, 1024, 2000):
                path = os.path.join(folder, "n" * length)
                with self.subTest(folder=folder, length=length):
                    self.assert_os_error(errno.ENAMETOOLONG, os.stat, path)
                    self.assert_os_error(errno.ENAMETOOLONG, write_file, path, b"scratch")
                    self.assert_os_error(errno.ENAMETOOLONG, os.mkdir, path)
                    self.assert_os_error(errno.ENAMETOOLONG, os.unlink, path)
                    self.assert_os_error(
                        errno.ENAMETOOLONG, os.rename, self.member("a.gen5", "image.png"), path)
        self.assertIn("image.png", os.listdir(self.member("a.gen5")))

    def test_scratch_of_any_name_is_kept(self):
        self.add("one-pixel.gen5", "a.gen5")
        folder = os.fsencode(self.member("a.gen5"))
        for name in self.NAMES + [b"s" * 255, b"gen5-error.txt"]:
            with self.subTest(name):
                write_file(os.path.join(folder, name), name)
                self.assertIn(name, os.listdir(folder))
                self.assertEqual(read_file(os.path.join(folder, name)), name)
                os.unlink(os.path.join(folder, name))


if __name__ == "__main__":
    unittest.main()
