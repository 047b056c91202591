# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Several writers and readers of one source: two mounts, another program in the source, readers that
# hold on to an old version, and mounts in unusual places.

import errno
import json
import os
import shutil
import threading
import time
import unittest

import numpy as np

import container
from mount_case import (
    REFERENCE, SEEN_SECONDS, Mount, MountCase, Stored, daemon_of, new_image, new_latent, npy_bytes,
    process_lives, read_file, renamed_over, rewrite_outside, sha256, write_file,
)

MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]


def with_prompt(text, prompt):
    return text.replace(b"A puppy smiling, cinematic", prompt.encode())


class TwoMounts(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted_with_container()
        self.second = self.enterContext(Mount(source=self.mount.source))

    def other(self, *parts):
        return os.path.join(self.second.path, *parts)

    def test_edits_of_different_members_through_both_survive(self):
        for number in range(25):
            start, failures = threading.Barrier(2), []

            def save(path, content):
                start.wait()
                try:
                    write_file(path, content)
                except OSError as error:
                    failures.append(error)

            prompt = f"round {number}"
            writers = [
                threading.Thread(target=save, args=arguments)
                for arguments in (
                    (self.member("a.gen5", "image.png"), new_image(number)),
                    (self.other("a.gen5", "metadata.json"),
                     with_prompt(self.before.manifest_text, prompt)),
                )
            ]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            self.assertEqual(failures, [], f"round {number}")
            after = self.stored("a.gen5")
            self.assertEqual(after.prompt, prompt)
            self.assertEqual(after.image, new_image(number), f"round {number}")
        self.assert_same_payloads(after, self.before, but="image")

    def test_drafts_of_different_members_open_at_once_survive(self):
        values = new_latent((1, 4, 8, 8), "<f2", 1)
        with open(self.member("a.gen5", "image.png"), "wb", buffering=0) as image:
            image.write(new_image(1)[:200])
            with open(self.other("a.gen5", "latent.npy"), "wb", buffering=0) as latent:
                latent.write(npy_bytes(values))
                image.write(new_image(1)[200:])
        after = self.stored("a.gen5")
        self.assertEqual(after.image, new_image(1))
        np.testing.assert_array_equal(after.latents["initial_noise"], values)
        self.assertEqual(after.model_info, self.before.model_info)

    def test_the_same_member_changed_through_the_other_mount_gives_estale(self):
        descriptor = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        write_file(self.other("a.gen5", "image.png"), new_image(2))
        self.assert_os_error(errno.ESTALE, os.close, descriptor)
        self.assertEqual(self.stored("a.gen5").image, new_image(2))
        self.assert_eventually(
            lambda: self.read("a.gen5", "image.png") == new_image(2),
            "the first mount does not show what the other has saved",
        )
        write_file(self.member("a.gen5", "image.png"), new_image(3))
        self.assertEqual(self.stored("a.gen5").image, new_image(3))
        self.mount.unmount()
        self.assert_rescued(new_image(1), "a.gen5")

    def assert_metadata_conflicts(self, mine, change):
        """A draft of this metadata is refused and kept where `change` comes in between."""
        descriptor = os.open(self.member("a.gen5", "metadata.json"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, mine)
        change()
        between = self.stored("a.gen5")
        self.assert_os_error(errno.ESTALE, os.close, descriptor)
        after = self.stored("a.gen5")
        self.assertEqual(after.manifest_text, between.manifest_text)
        self.mount.unmount()
        self.assert_rescued(mine, "a.gen5")

    def save_metadata(self, content):
        write_file(self.other("a.gen5", "metadata.json"), content)

    def with_note(self, note):
        document = json.loads(self.before.manifest_text)
        document["gen5_metadata"]["chunks"][1]["extra"]["note"] = note
        return json.dumps(document, indent=2).encode()

    def test_what_is_said_of_a_chunk_through_both_gives_estale(self):
        self.assert_metadata_conflicts(
            self.with_note("one"), lambda: self.save_metadata(self.with_note("other")))

    def test_prompts_that_differ_in_spaces_alone_give_estale(self):
        self.assert_metadata_conflicts(
            with_prompt(self.before.manifest_text, "a, b"),
            lambda: self.save_metadata(with_prompt(self.before.manifest_text,
                                                   "A  puppy smiling, cinematic")))

    def test_a_latent_renamed_through_the_other_mount_keeps_its_name(self):
        self.assert_metadata_conflicts(
            with_prompt(self.before.manifest_text, "mine"),
            lambda: os.rename(self.other("a.gen5", "latents", "initial_noise.npy"),
                              self.other("a.gen5", "latents", "renamed.npy")))

    def test_latents_that_come_and_go_are_no_conflict_of_the_metadata(self):
        write_file(self.member("a.gen5", "metadata.json"), self.with_note("mine"))
        text = self.read("a.gen5", "metadata.json")
        values = new_latent((1, 4, 8, 8), "<f2", 1)
        with open(self.member("a.gen5", "metadata.json"), "wb", buffering=0) as stream:
            stream.write(with_prompt(text, "mine"))
            write_file(self.other("a.gen5", "latents", "another.npy"), npy_bytes(values))
            os.unlink(self.other("a.gen5", "latents", "initial_noise.npy"))
            self.eventually_stored("a.gen5", lambda stored: list(stored.latents) == ["another"])
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, "mine")
        self.assertEqual(list(after.latents), ["another"])
        self.assertEqual(dict(after.extras())["DATA"]["note"], "mine")

    def test_a_member_of_a_new_container_made_through_both_gives_estale(self):
        os.mkdir(self.member("new.gen5"))
        for name, mine, other in (
            ("image.png", new_image(1), new_image(2)),
            ("env.json", self.before.environment, container.environment()),
            ("latents/one.npy", npy_bytes(new_latent((1, 4, 8, 8), "<f2", 1)),
             npy_bytes(new_latent((1, 4, 8, 8), "<f2", 2))),
        ):
            descriptor = os.open(self.member("new.gen5", name), os.O_WRONLY | os.O_CREAT, 0o644)
            os.write(descriptor, mine)
            write_file(self.other("new.gen5", name), other)
            self.assert_os_error(errno.ESTALE, os.close, descriptor)
            self.assertEqual(read_file(self.other("new.gen5", name)), other)
        self.assertEqual(self.stored("new.gen5").image, new_image(2))

    def test_each_mount_shows_what_the_other_has_saved(self):
        for seed in range(6):
            writer, reader = (
                (self.member, self.other) if seed % 2 else (self.other, self.member)
            )
            write_file(writer("a.gen5", "image.png"), new_image(seed, size=(20 + seed, 20)))
            self.assert_eventually(
                lambda: read_file(reader("a.gen5", "image.png"))
                == new_image(seed, size=(20 + seed, 20)),
                "the other mount shows an old image", SEEN_SECONDS,
            )

    def test_a_container_removed_through_the_other_mount_is_gone(self):
        self.assertEqual(sorted(os.listdir(self.other("a.gen5"))), MEMBERS)
        shutil.rmtree(self.member("a.gen5"))
        self.assert_eventually(
            lambda: not os.path.exists(self.other("a.gen5")) and os.listdir(self.second.path) == [],
            "the other mount still shows the container", SEEN_SECONDS,
        )


class AnotherProgramWrites(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted_with_container()

    def test_a_container_rewritten_under_a_draft_keeps_both_edits(self):
        with open(self.member("a.gen5", "metadata.json"), "wb", buffering=0) as stream:
            stream.write(with_prompt(self.before.manifest_text, "from the mount"))
            rewrite_outside(self.source("a.gen5"), image=new_image(1))
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, "from the mount")
        self.assertEqual(after.image, new_image(1))

    def test_a_removal_does_not_take_what_another_program_has_put_there_since(self):
        os.unlink(self.member("a.gen5", "image.png"))
        rewrite_outside(self.source("a.gen5"), image=new_image(1))
        os.unlink(self.member("a.gen5", "env.json"))
        after = self.eventually_stored("a.gen5", lambda stored: stored.environment is None)
        self.assertEqual(after.image, new_image(1))
        self.assertEqual(self.read("a.gen5", "image.png"), new_image(1))

    def test_the_end_of_a_removal_does_not_take_what_another_program_has_put_there_since(self):
        for name in MEMBERS:
            os.unlink(self.member("a.gen5", name))
        rewrite_outside(self.source("a.gen5"), image=new_image(1))
        self.assert_os_error(errno.ENOTEMPTY, os.rmdir, self.member("a.gen5"))
        self.assertEqual(self.stored("a.gen5").image, new_image(1))
        self.assertIn("image.png", os.listdir(self.member("a.gen5")))

    def test_metadata_rewritten_under_a_draft_of_the_image_keeps_both_edits(self):
        with open(self.member("a.gen5", "image.png"), "wb", buffering=0) as stream:
            stream.write(new_image(2))
            rewrite_outside(self.source("a.gen5"), prompt="from outside")
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, "from outside")
        self.assertEqual(after.image, new_image(2))
        self.assertIn(b"from outside", self.read("a.gen5", "metadata.json"))

    def test_the_member_rewritten_under_its_own_draft_gives_estale_and_a_rescue(self):
        descriptor = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        rewrite_outside(self.source("a.gen5"), image=new_image(2))
        self.assert_os_error(errno.ESTALE, os.close, descriptor)
        self.assertEqual(self.stored("a.gen5").image, new_image(2))
        self.mount.unmount()
        self.assert_rescued(new_image(1), "a.gen5")

    def test_saves_wait_for_a_program_that_changes_the_container_again_and_again(self):
        def save(number):
            write_file(self.member("a.gen5", "image.png"), new_image(number))

        save(0)
        began = time.monotonic()
        save(1)
        seconds, done = time.monotonic() - began, threading.Event()

        def touch():
            while not done.wait(3 * seconds):
                end = time.monotonic() + 20 * seconds
                while time.monotonic() < end:
                    os.utime(self.source("a.gen5"))
                    time.sleep(seconds / 20)

        toucher = threading.Thread(target=touch)
        toucher.start()
        try:
            for number in range(2, 12):
                save(number)
                self.assertEqual(self.stored("a.gen5").image, new_image(number))
        finally:
            done.set()
            toucher.join()

    def test_a_save_waits_for_a_program_that_writes_the_container_in_place(self):
        changed = self.outside("changed.gen5", read_file(self.source("a.gen5")))
        rewrite_outside(changed, image=new_image(1))
        content = read_file(changed)
        with open(self.member("a.gen5", "metadata.json"), "wb", buffering=0) as stream:
            stream.write(with_prompt(self.before.manifest_text, "from the mount"))
            target = os.open(self.source("a.gen5"), os.O_WRONLY | os.O_TRUNC)
            os.write(target, content[:-100])
            closing = threading.Thread(target=stream.close)
            closing.start()
            closing.join(0.5)
            self.assertTrue(closing.is_alive(), "a container that cannot be read was saved to")
            os.write(target, content[-100:])
            os.close(target)
            closing.join()
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, "from the mount")
        self.assertEqual(after.image, new_image(1))

    def test_a_save_does_not_take_the_place_of_a_container_that_is_being_written(self):
        # What it holds can be read at each moment, and is not yet what it is going to be.
        old = read_file(self.source("a.gen5"))
        changed = self.outside("changed.gen5", old)
        rewrite_outside(changed, image=new_image(1))
        content = read_file(changed)
        saved = threading.Event()

        def save():
            write_file(self.member("a.gen5", "metadata.json"),
                       with_prompt(self.before.manifest_text, "from the mount"))
            saved.set()

        with open(self.source("a.gen5"), "r+b", buffering=0) as target:
            saving = threading.Thread(target=save)
            saving.start()
            self.assertFalse(saved.wait(0.5))
            target.write(content)
            target.truncate()
        saving.join()
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, "from the mount")
        self.assertEqual(after.image, new_image(1))

    def replace_by_rename(self, content):
        write_file(self.member("a.gen5", "next.png"), content)
        os.rename(self.member("a.gen5", "next.png"), self.member("a.gen5", "image.png"))

    def test_a_member_replaced_by_a_rename_under_its_draft_gives_estale_and_a_rescue(self):
        descriptor = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        self.replace_by_rename(new_image(2))
        status = self.gen5fs("status", self.mount.path).stdout.decode()
        self.assertIn("dirty: a.gen5/image.png\n", status)
        self.assert_os_error(errno.ESTALE, os.close, descriptor)
        self.assertEqual(self.stored("a.gen5").image, new_image(2))
        self.assertEqual(self.read("a.gen5", "image.png"), new_image(2))
        self.mount.unmount()
        self.assert_rescued(new_image(1), "a.gen5")

    def test_a_new_member_replaced_by_a_rename_under_its_draft_is_rescued(self):
        os.unlink(self.member("a.gen5", "image.png"))
        descriptor = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, new_image(1))
        self.replace_by_rename(new_image(2))
        self.assert_os_error(errno.ESTALE, os.fsync, descriptor)
        self.assert_os_error(errno.ESTALE, os.close, descriptor)
        self.mount.unmount()
        self.assertEqual(self.stored("a.gen5").image, new_image(2))
        self.assert_rescued(new_image(1), "a.gen5")

    def test_a_member_that_was_stored_before_a_rename_replaced_it_is_closed_in_peace(self):
        descriptor = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        os.fsync(descriptor)
        self.replace_by_rename(new_image(2))
        os.close(descriptor)
        self.assertEqual(self.stored("a.gen5").image, new_image(2))
        self.mount.unmount()
        self.assertEqual(self.rescued_files(), {})

    def test_a_container_removed_under_a_draft_loses_no_byte(self):
        descriptor = os.open(self.member("a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        os.unlink(self.source("a.gen5"))
        try:
            os.close(descriptor)
            acknowledged = True
        except OSError as error:
            self.assertIn(error.errno, (errno.ESTALE, errno.ENOENT))
            acknowledged = False
        self.mount.unmount()
        if acknowledged:
            self.assertEqual(self.stored("a.gen5").image, new_image(1))
        else:
            self.assert_rescued(new_image(1), "a.gen5")


class Seeing(MountCase):
    """What another program does in the source shows in a mount whose caches are warm."""

    def setUp(self):
        super().setUp()
        self.mounted()
        self.mount.add("extra-fields.gen5", "a.gen5")
        os.mkdir(self.source("folder"))
        write_file(self.source("folder", "plain.txt"), b"one")
        shutil.copyfile(self.source("a.gen5"), self.source("folder", "b.gen5"))
        self.eventually_listed("a.gen5")
        self.assert_eventually(
            lambda: sorted(os.listdir(self.member("folder"))) == ["b.gen5", "plain.txt"],
            "the folder is not shown",
        )
        self.warm()

    def warm(self):
        for folder, _, files in os.walk(self.mount.path):
            for file in files:
                read_file(os.path.join(folder, file))
        for name in ("new.gen5", "new.txt", "other"):
            self.assertFalse(os.path.exists(self.member(name)))

    def assert_seen(self, predicate):
        began = time.monotonic()
        self.assert_eventually(predicate, "the change is not seen in the mount")
        took = time.monotonic() - began
        self.assertLess(took, SEEN_SECONDS, "the change was seen late")

    def test_a_new_container_is_seen(self):
        shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"), self.source("new.gen5"))
        self.assert_seen(lambda: sorted(os.listdir(self.member("new.gen5"))) == MEMBERS)
        self.assert_seen(lambda: "new.gen5" in os.listdir(self.mount.path))

    def test_a_new_container_in_a_folder_is_seen(self):
        shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"), self.source("folder", "c.gen5"))
        self.assert_seen(lambda: "c.gen5" in os.listdir(self.member("folder")))

    def test_a_replaced_container_is_seen(self):
        renamed_over(
            self.source("a.gen5"), read_file(os.path.join(REFERENCE, "default-f16-zstd.gen5"))
        )
        expected = self.expected("default-f16-zstd.gen5")
        self.assert_seen(
            lambda: sha256(self.read("a.gen5", "image.png")) == expected["image"]["sha256"]
        )
        self.assert_seen(
            lambda: os.path.getsize(self.member("a.gen5", "image.png")) == expected["image"]["size"]
        )
        self.assertEqual(
            sha256(self.read("a.gen5", "metadata.json")), expected["metadata.json"]["sha256"]
        )

    def test_a_container_written_in_place_is_seen(self):
        write_file(
            self.source("a.gen5"), read_file(os.path.join(REFERENCE, "default-f16-zstd.gen5"))
        )
        expected = self.expected("default-f16-zstd.gen5")
        self.assert_seen(
            lambda: sha256(self.read("a.gen5", "image.png")) == expected["image"]["sha256"]
        )

    def test_a_container_that_lost_its_image_is_seen(self):
        renamed_over(self.source("a.gen5"), read_file(os.path.join(REFERENCE, "no-image.gen5")))
        self.assert_seen(lambda: "image.png" not in os.listdir(self.member("a.gen5")))
        self.assert_seen(lambda: not os.path.exists(self.member("a.gen5", "image.png")))

    def test_a_removed_container_is_seen(self):
        os.unlink(self.source("a.gen5"))
        self.assert_seen(lambda: not os.path.exists(self.member("a.gen5")))
        self.assert_seen(lambda: os.listdir(self.mount.path) == ["folder"])

    def test_a_new_file_is_seen(self):
        write_file(self.source("new.txt"), b"new")
        self.assert_seen(lambda: self.read("new.txt") == b"new")
        self.assert_seen(lambda: "new.txt" in os.listdir(self.mount.path))

    def test_a_file_changed_to_content_of_the_same_size_is_seen(self):
        write_file(self.source("folder", "plain.txt"), b"two")
        self.assert_seen(lambda: self.read("folder", "plain.txt") == b"two")

    def test_a_file_changed_by_one_byte_in_place_is_seen(self):
        with open(self.source("folder", "plain.txt"), "r+b") as stream:
            stream.write(b"O")
        self.assert_seen(lambda: self.read("folder", "plain.txt") == b"One")

    def test_a_renamed_folder_is_seen(self):
        os.rename(self.source("folder"), self.source("other"))
        self.assert_seen(lambda: self.read("other", "plain.txt") == b"one")
        self.assert_seen(lambda: not os.path.exists(self.member("folder")))
        self.assert_seen(
            lambda: sorted(os.listdir(self.member("other"))) == ["b.gen5", "plain.txt"]
        )
        write_file(self.source("other", "plain.txt"), b"six")
        self.assert_seen(lambda: self.read("other", "plain.txt") == b"six")
        write_file(self.member("other", "b.gen5", "image.png"), new_image(1))
        self.assertEqual(self.stored("other", "b.gen5").image, new_image(1))

    def test_a_container_renamed_in_the_source_is_seen(self):
        os.rename(self.source("a.gen5"), self.source("new.gen5"))
        self.assert_seen(lambda: sorted(os.listdir(self.member("new.gen5"))) == MEMBERS)
        self.assert_seen(lambda: not os.path.exists(self.member("a.gen5")))

    def test_a_changed_mode_is_seen(self):
        os.chmod(self.source("a.gen5"), 0o600)
        self.assert_seen(
            lambda: os.stat(self.member("a.gen5", "image.png")).st_mode & 0o777 == 0o600
        )

    def with_latents(self, *keys):
        """A container of latents by these keys, each filled with its key's first character."""
        return container.build(latents=[
            (key, "float16", (1, 1, 2, 2), np.full(4, ord(key[0]), "<f2").tobytes()) for key in keys
        ])

    def show_latents(self, *keys):
        renamed_over(self.source("a.gen5"), self.with_latents(*keys))
        self.assert_seen(lambda: os.listdir(self.member("a.gen5", "latents")) == [
            f"{key}.npy" for key in keys])
        os.stat(self.member("a.gen5", "latents"))
        read_file(self.member("a.gen5", "latent.npy"))

    def first_latent(self):
        return chr(int(np.load(self.member("a.gen5", "latent.npy")).flat[0]))

    def test_a_changed_mode_of_the_latents_is_seen(self):
        self.show_latents("b", "c")
        os.chmod(self.source("a.gen5"), 0o600)
        self.assert_seen(
            lambda: os.stat(self.member("a.gen5", "latents")).st_mode & 0o777 == 0o700
        )

    def test_latents_in_another_order_are_seen(self):
        self.show_latents("b", "c")
        renamed_over(self.source("a.gen5"), self.with_latents("c", "b"))
        self.assert_seen(lambda: self.first_latent() == "c")
        self.assert_seen(lambda: os.path.samefile(
            self.member("a.gen5", "latent.npy"), self.member("a.gen5", "latents", "c.npy")))

    def test_a_container_that_cannot_be_read_any_more_has_no_latents(self):
        self.show_latents("b", "c")
        renamed_over(self.source("a.gen5"), b"no container")
        self.assert_seen(lambda: os.listdir(self.member("a.gen5")) == ["gen5-error.txt"])
        self.assert_seen(lambda: not os.path.exists(self.member("a.gen5", "latents")))

    def test_a_member_that_left_a_moment_ago_is_absent_and_not_damaged(self):
        for number in range(50):
            self.show_latents("b", "c")
            renamed_over(self.source("a.gen5"), self.with_latents("d"))
            self.assertEqual(self.first_latent(), "d", number)
            self.assert_os_error(errno.ENOENT, self.read, "a.gen5", "latents", "b.npy")

    def test_many_changes_of_one_container_end_with_the_last(self):
        for seed in range(30):
            rewrite_outside(self.source("a.gen5"), image=new_image(seed))
        self.assert_seen(lambda: self.read("a.gen5", "image.png") == new_image(29))


class HoldingOn(MountCase):
    """An open file keeps reading the version it opened, pages that were never read included."""

    def setUp(self):
        super().setUp()
        self.mounted()
        self.mount.add("sd3-f16-raw.gen5", "a.gen5")
        self.eventually_listed("a.gen5")
        self.before = self.stored("a.gen5")
        self.latent = self.member("a.gen5", "latent.npy")
        self.values = next(iter(self.before.latents.values()))
        self.other = new_latent(self.values.shape, self.values.dtype.str, 9)

    def replace_outside(self):
        rewrite_outside(self.source("a.gen5"), latent=self.other, image=new_image(9, (300, 200)))
        self.assert_eventually(
            lambda: np.array_equal(np.load(self.latent), self.other), "the new latent is not shown"
        )

    def test_a_descriptor_reads_the_version_it_opened(self):
        for member in ("latent.npy", "image.png"):
            with self.subTest(member):
                before = self.read("a.gen5", member)
                with open(self.member("a.gen5", member), "rb", buffering=0) as stream:
                    self.replace_outside()
                    self.assertEqual(sha256(stream.readall()), sha256(before))
                renamed_over(
                    self.source("a.gen5"), read_file(os.path.join(REFERENCE, "sd3-f16-raw.gen5"))
                )
                self.assert_eventually(
                    lambda: self.read("a.gen5", member) == before, "the old version is not back"
                )

    def test_pages_that_were_not_read_before_are_those_of_the_old_version(self):
        # A fresh mount: not one page of the image is in a cache but the first.
        with open(self.member("a.gen5", "image.png"), "rb", buffering=0) as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            first = os.pread(stream.fileno(), 4096, 0)
            self.replace_outside()
            rest = b""
            while piece := os.pread(stream.fileno(), 65536, 4096 + len(rest)):
                rest += piece
        self.assertEqual(sha256(first + rest), sha256(self.before.image))

    def test_a_mapped_array_keeps_its_version(self):
        mapped = np.load(self.latent, mmap_mode="r")
        corner = float(mapped[0, 0, 0, 0])
        self.replace_outside()
        np.testing.assert_array_equal(mapped, self.values)
        self.assertEqual(corner, float(self.values[0, 0, 0, 0]))
        np.testing.assert_array_equal(np.load(self.latent, mmap_mode="r"), self.other)

    def test_a_descriptor_outlives_its_container(self):
        with open(self.latent, "rb", buffering=0) as stream:
            os.unlink(self.source("a.gen5"))
            self.eventually_listed("a.gen5", listed=False)
            self.assertEqual(stream.readall(), npy_bytes(self.values))

    def test_a_descriptor_outlives_a_rename_through_the_mount(self):
        with open(self.latent, "rb", buffering=0) as stream:
            os.rename(self.member("a.gen5"), self.member("b.gen5"))
            self.assertEqual(stream.readall(), npy_bytes(self.values))


class UnusualPlaces(MountCase):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.work, "library")
        os.mkdir(self.folder)
        self.path = os.path.join(self.folder, "a.gen5")
        shutil.copyfile(os.path.join(REFERENCE, "extra-fields.gen5"), self.path)

    def walk(self, folder):
        return self.program("find", folder, "-type", "f").stdout.decode().splitlines()

    def test_source_and_mount_point_are_the_same_folder(self):
        self.mount_in_background(self.folder, self.folder)
        self.assertEqual(sorted(os.listdir(self.path)), MEMBERS)
        write_file(os.path.join(self.path, "image.png"), new_image(1))
        self.assertEqual(read_file(os.path.join(self.path, "image.png")), new_image(1))
        self.gen5fs("umount", self.folder)
        self.assert_sound(self.path)
        self.assertEqual(Stored(self.path).image, new_image(1))

    def test_a_folder_mounted_on_itself_twice_does_not_hang(self):
        self.mount_in_background(self.folder, self.folder)
        again = self.gen5fs("mount", self.folder, self.folder, status=None)
        self.assertTrue(self.walk(self.folder))
        if again.returncode == 0:
            self.gen5fs("umount", self.folder)
        else:
            self.assertEqual(len(again.stderr.decode().strip().splitlines()), 1, again.stderr)
        self.assertEqual(sorted(os.listdir(self.path)), MEMBERS)
        self.gen5fs("umount", self.folder)
        self.assertTrue(os.path.isfile(self.path))

    def test_the_source_is_one_container(self):
        point = os.path.join(self.work, "point")
        os.mkdir(point)
        self.mount_in_background(self.path, point)
        image = next(path for path in self.walk(point) if path.endswith("/image.png"))
        self.assertEqual(sha256(read_file(image)),
                         self.expected("extra-fields.gen5")["image"]["sha256"])
        write_file(image, new_image(1))
        self.assert_sound(self.path)
        self.assertEqual(Stored(self.path).image, new_image(1))
        rewrite_outside(self.path, image=new_image(2))
        self.assert_eventually(
            lambda: read_file(image) == new_image(2), "the new image is not seen"
        )
        self.gen5fs("umount", point)
        self.assertTrue(os.path.isfile(self.path))

    def test_a_mount_point_inside_the_source_does_not_hang(self):
        point = os.path.join(self.folder, "point")
        os.mkdir(point)
        self.mount_in_background(self.folder, point)
        self.assertIn(os.path.join(point, "a.gen5", "image.png"), self.walk(point))
        write_file(os.path.join(point, "a.gen5", "image.png"), new_image(1))
        self.assertEqual(Stored(self.path).image, new_image(1))

    def test_a_second_mount_of_the_source_inside_the_first_does_not_hang(self):
        point = os.path.join(self.work, "point")
        os.mkdir(point)
        os.mkdir(os.path.join(self.folder, "inner"))
        self.mount_in_background(self.folder, point)
        inner = os.path.join(point, "inner")
        self.mount_in_background(self.folder, inner)
        found = self.walk(point)
        self.assertIn(os.path.join(point, "a.gen5", "image.png"), found)
        self.assertIn(os.path.join(inner, "a.gen5", "image.png"), found)
        write_file(os.path.join(inner, "a.gen5", "image.png"), new_image(1))
        self.assert_eventually(
            lambda: read_file(os.path.join(point, "a.gen5", "image.png")) == new_image(1),
            "the outer mount does not show what the inner has saved",
        )
        self.gen5fs("umount", inner)
        self.gen5fs("umount", point)

    def test_a_mount_of_a_mount_does_not_hang(self):
        first, second = os.path.join(self.work, "first"), os.path.join(self.work, "second")
        os.mkdir(first)
        os.mkdir(second)
        self.mount_in_background(self.folder, first)
        self.mount_in_background(first, second)
        self.assertEqual(len(self.walk(second)), len(self.walk(first)))
        self.gen5fs("umount", second)
        self.gen5fs("umount", first)

    def lazily_unmounted(self, *command):
        point = os.path.join(self.work, "point")
        os.mkdir(point)
        self.mount_in_background(self.folder, point)
        daemon = daemon_of(point)
        descriptor = os.open(os.path.join(point, "a.gen5", "image.png"), os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1)[:100])
        self.program(*command, point)
        self.assertEqual(os.listdir(point), [])
        self.assertTrue(process_lives(daemon))
        os.write(descriptor, new_image(1)[100:])
        os.close(descriptor)
        self.assert_sound(self.path)
        self.assertEqual(Stored(self.path).image, new_image(1))
        self.assert_process_ends(daemon)

    def test_a_file_open_at_a_lazy_umount_is_still_committed(self):
        self.lazily_unmounted("umount", "-l")

    def test_a_file_open_at_a_lazy_fusermount_is_still_committed(self):
        self.lazily_unmounted("fusermount3", "-u", "-z")

    def test_a_busy_mount_is_not_unmounted_and_stays_usable(self):
        point = os.path.join(self.work, "point")
        os.mkdir(point)
        self.mount_in_background(self.folder, point)
        with open(os.path.join(point, "a.gen5", "image.png"), "rb"):
            done = self.gen5fs("umount", point, status=None)
            self.assertNotEqual(done.returncode, 0)
            self.assertTrue(done.stderr.strip())
            write_file(os.path.join(point, "a.gen5", "image.png"), new_image(1))
        self.assertEqual(Stored(self.path).image, new_image(1))
        self.gen5fs("umount", point)


if __name__ == "__main__":
    unittest.main()
