# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Nothing that was written is lost: what is refused says why and is kept, what is left at unmount is
# kept, and what is written late is committed.

import errno
import json
import mmap
import os
import signal
import subprocess
import sys
import unittest

import numpy as np

from mount_case import (
    MountCase, new_image, new_latent, npy_bytes, process_lives, read_file, write_file,
)

MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]
GARBAGE = b"this is no image, and yet somebody wrote it\n" * 3


class RescueCase(MountCase):
    def setUp(self):
        super().setUp()
        self.mounted_with_container()
        self.bytes = read_file(self.source("a.gen5"))
        self.image = self.member("a.gen5", "image.png")

    def refuse(self, content=GARBAGE, member="image.png", container="a.gen5"):
        self.assert_os_error(errno.EINVAL, write_file, self.member(container, member), content)

    def assert_old_container(self):
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)


class Refusing(RescueCase):
    def documents(self):
        """Member, refused content and what the reason must speak of."""
        text = self.before.manifest_text
        not_finite = new_latent((1, 4, 8, 8), "<f2", 1)
        not_finite[0, 0, 0, 3] = np.nan
        environment = json.loads(self.before.environment)
        environment["components"][0]["component_sha256_digest"] = "0" * 64
        return [
            ("image.png", GARBAGE, "."),
            ("image.png", new_image(1)[:-30], "."),
            ("image.png", b"", "."),
            ("metadata.json", text[:-20], r"line \d+|offset \d+"),
            ("metadata.json", text.replace(b'"seed": 42', b'"seed": "x"'), "seed"),
            ("metadata.json", text.replace(b'"prompt"', b'"prompts"'), "prompt"),
            ("env.json", json.dumps(environment).encode(), "digest|sha|hash"),
            ("env.json", b"{}", "env_version|components"),
            ("latent.npy", npy_bytes(not_finite), "(?i)nan|finite"),
            ("latent.npy", npy_bytes(new_latent((4, 8, 8), "<f2", 1)), r"(?i)dimension|rank|4"),
            ("latent.npy", npy_bytes(new_latent((1, 4, 8, 8), "<f8", 1)), r"(?i)f8|float64|type"),
            ("latent.npy", npy_bytes(new_latent((1, 4, 8, 8), "<f2", 1))[:-1], "."),
        ]

    def test_what_is_not_valid_is_refused_with_its_reason_and_kept(self):
        for member, content, words in self.documents():
            with self.subTest(member, content=content[:40]):
                path = self.member("a.gen5", member)
                self.refuse(content, member)
                self.assert_old_container()
                reason = os.getxattr(path, "user.gen5.error").decode()
                self.assertRegex(reason, words)
        self.mount.unmount()
        for member, content, _ in self.documents():
            if content:
                with self.subTest(member, content=content[:40]):
                    self.assert_rescued(content, "a.gen5")

    def test_fsync_refuses_what_close_would_refuse(self):
        descriptor = os.open(self.image, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, GARBAGE)
        self.assert_os_error(errno.EINVAL, os.fsync, descriptor)
        self.assert_old_container()
        self.assert_os_error(errno.EINVAL, os.close, descriptor)
        self.assert_old_container()

    def test_fsync_commits_what_is_valid_before_close(self):
        descriptor = os.open(self.image, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        os.fsync(descriptor)
        self.assertEqual(self.stored("a.gen5").image, new_image(1))
        os.close(descriptor)
        self.assertEqual(self.stored("a.gen5").image, new_image(1))

    def test_the_old_member_is_read_after_a_refusal(self):
        self.refuse()
        self.assert_eventually(
            lambda: self.read("a.gen5", "image.png") == self.before.image,
            "the refused bytes are served",
        )
        self.assertEqual(os.path.getsize(self.image), len(self.before.image))
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)

    def test_a_save_after_a_refusal_is_committed(self):
        self.refuse()
        write_file(self.image, new_image(1))
        self.assertEqual(self.stored("a.gen5").image, new_image(1))
        self.assertEqual(self.read("a.gen5", "image.png"), new_image(1))

    def test_the_log_says_where_the_draft_is_kept(self):
        self.refuse()
        self.mount.unmount()
        kept = self.assert_rescued(GARBAGE, "a.gen5")
        log = as_text(self.mount.log())
        self.assertIn(".gen5fs/rescued", log)
        self.assertIn("a.gen5", log)
        self.assertIn(os.path.basename(kept), log)

    def test_two_refused_drafts_of_one_member_are_both_kept(self):
        self.refuse(b"the first attempt")
        self.refuse(b"the second attempt")
        self.mount.unmount()
        self.assert_rescued(b"the first attempt", "a.gen5")
        self.assert_rescued(b"the second attempt", "a.gen5")

    def test_a_refused_draft_in_a_folder_is_kept(self):
        os.mkdir(self.member("sub"))
        os.mkdir(self.member("sub", "x.gen5"))
        self.refuse(container="sub/x.gen5")
        self.mount.unmount()
        self.assertIn("x.gen5", self.assert_rescued(GARBAGE))

    def test_a_member_that_was_deleted_and_made_empty_comes_back(self):
        os.unlink(self.image)
        self.refuse(b"")
        self.assert_eventually(
            lambda: read_file(self.image) == self.before.image, "the old image does not come back")
        self.mount.unmount()
        self.assert_old_container()
        self.assertEqual(self.rescued_files(), {})

    def test_a_member_that_was_made_empty_when_the_mount_ends_comes_back(self):
        os.unlink(self.image)
        self.refuse(b"")
        self.mount.unmount()
        self.assert_old_container()

    def test_a_member_that_was_deleted_and_made_empty_is_written_by_who_opens_it_next(self):
        os.unlink(self.image)
        self.refuse(b"")
        with open(self.image, "r+b") as stream:
            stream.write(new_image(1, size=(2, 2)))
        self.assertEqual(self.stored("a.gen5").image, new_image(1, size=(2, 2)))

    def test_a_closed_duplicate_does_not_end_the_draft(self):
        content = new_image(1)
        descriptor = os.open(self.image, os.O_WRONLY | os.O_TRUNC)
        for start in range(0, len(content), 200):
            os.write(descriptor, content[start:start + 200])
            try:
                os.close(os.dup(descriptor))
            except OSError as error:
                self.assertEqual(error.errno, errno.EINVAL)
        os.close(descriptor)
        self.assertEqual(self.stored("a.gen5").image, content)
        self.assertEqual(self.read("a.gen5", "image.png"), content)

    def test_a_child_that_ends_does_not_end_the_draft(self):
        content = new_image(1)
        with open(self.image, "wb", buffering=0) as stream:
            for start in range(0, len(content), 400):
                stream.write(content[start:start + 400])
                subprocess.run(["true"], pass_fds=[stream.fileno()], check=True)
        self.assertEqual(self.stored("a.gen5").image, content)


class Leaving(RescueCase):
    def test_scratch_left_at_unmount_is_kept(self):
        write_file(self.member("a.gen5", "notes.txt"), b"remember the milk")
        self.mount.unmount()
        kept = self.assert_rescued(b"remember the milk", "a.gen5")
        self.assertIn("notes.txt", os.path.basename(kept))
        self.assertIn(".gen5fs/rescued", as_text(self.mount.log()))
        self.assert_old_container()

    def test_scratch_of_a_container_that_became_a_file_is_kept_under_its_name(self):
        os.mkdir(self.member("folder"))
        os.rename(self.member("a.gen5"), self.member("folder", "b.gen5"))
        write_file(self.member("folder", "b.gen5", "notes.txt"), b"notes")
        os.rename(self.member("folder", "b.gen5"), self.member("folder", "b.bin"))
        self.mount.unmount()
        self.assert_rescued(b"notes", "folder", "b.gen5")

    def test_a_draft_of_a_container_that_became_a_file_is_kept_under_its_name(self):
        descriptor = os.open(self.image, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(1))
        os.rename(self.member("a.gen5"), self.member("a.bin"))
        self.assert_os_error(errno.ESTALE, os.close, descriptor)
        self.assert_eventually(lambda: self.rescued_files("a.gen5"), "nothing was rescued")
        self.mount.unmount()
        self.assert_rescued(new_image(1), "a.gen5")
        self.assertEqual(read_file(self.source("a.bin")), self.bytes)

    def test_scratch_that_was_removed_is_not_kept(self):
        write_file(self.member("a.gen5", "notes.txt"), b"forget the milk")
        os.unlink(self.member("a.gen5", "notes.txt"))
        self.mount.unmount()
        self.assertNotIn(b"forget the milk", self.rescued_files().values())

    def test_scratch_that_became_a_member_is_not_kept(self):
        write_file(self.member("a.gen5", "part"), new_image(1))
        os.rename(self.member("a.gen5", "part"), self.image)
        self.mount.unmount()
        self.assertNotIn(new_image(1), self.rescued_files().values())
        self.assertEqual(self.stored("a.gen5").image, new_image(1))

    def test_nothing_is_left_in_the_source_when_nothing_was_refused(self):
        write_file(self.image, new_image(1))
        self.mount.unmount()
        self.assertEqual(self.rescued_files(), {})
        self.assertEqual([n for n in os.listdir(self.mount.source) if n != ".gen5fs"], ["a.gen5"])

    def test_a_draft_still_open_is_kept_when_the_daemon_is_told_to_end(self):
        descriptor = os.open(self.image, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(descriptor, GARBAGE)
            self.assert_os_error(errno.EINVAL, os.fsync, descriptor)
            os.kill(self.mount.pid, signal.SIGTERM)
            self.assert_process_ends(self.mount.pid)
        finally:
            try:
                os.close(descriptor)
            except OSError:
                pass
        self.assert_rescued(GARBAGE, "a.gen5")
        self.assert_old_container()

    def test_a_member_that_was_being_made_anew_when_the_daemon_ended_is_still_there(self):
        os.unlink(self.image)
        descriptor = os.open(self.image, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, GARBAGE)
        os.kill(self.mount.pid, signal.SIGTERM)
        self.assert_process_ends(self.mount.pid)
        self.assertRaises(OSError, os.close, descriptor)
        self.assert_rescued(GARBAGE, "a.gen5")
        self.assert_old_container()

    def test_scratch_is_kept_when_the_daemon_is_told_to_end(self):
        write_file(self.member("a.gen5", "notes.txt"), b"remember the bread")
        os.kill(self.mount.pid, signal.SIGTERM)
        self.assert_process_ends(self.mount.pid)
        self.assert_rescued(b"remember the bread", "a.gen5")

    def test_the_rescued_are_not_seen_in_the_mount(self):
        self.refuse()
        self.assertEqual(os.listdir(self.mount.path), ["a.gen5"])

    def test_umount_returns_when_the_daemon_is_gone(self):
        for _ in range(20):
            write_file(self.image, new_image(1))
        write_file(self.member("a.gen5", "notes.txt"), b"x" * 1_000_000)
        pid = self.mount.pid
        self.gen5fs("umount", self.mount.path)
        self.assertFalse(process_lives(pid))
        self.assertFalse(os.path.ismount(self.mount.path))
        self.assert_rescued(b"x" * 1_000_000, "a.gen5")


class MappedLate(RescueCase):
    def setUp(self):
        super().setUp()
        self.latent = self.member("a.gen5", "latent.npy")
        self.expected = np.array(self.before.latents["initial_noise"])
        self.expected.reshape(-1)[-1] = 0.125
        self.last = np.float16(0.125).tobytes()

    def assert_committed(self):
        self.eventually_stored(
            "a.gen5", lambda stored: np.array_equal(stored.latents["initial_noise"], self.expected)
        )
        np.testing.assert_array_equal(np.load(self.latent), self.expected)

    def test_a_map_written_after_close_is_committed(self):
        descriptor = os.open(self.latent, os.O_RDWR)
        mapped = mmap.mmap(descriptor, 0)
        os.close(descriptor)
        mapped[-2:] = self.last
        mapped.close()
        self.assert_committed()

    def test_a_map_flushed_after_close_is_committed(self):
        with open(self.latent, "r+b") as stream:
            mapped = mmap.mmap(stream.fileno(), 0)
        mapped[-2:] = self.last
        mapped.flush()
        mapped.close()
        self.assert_committed()

    def test_a_map_left_by_a_process_that_was_killed_is_committed(self):
        script = (
            "import mmap, os, signal, sys\n"
            "descriptor = os.open(sys.argv[1], os.O_RDWR)\n"
            "mapped = mmap.mmap(descriptor, 0)\n"
            "os.close(descriptor)\n"
            "mapped[-2:] = bytes.fromhex(sys.argv[2])\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        self.program(
            sys.executable, "-c", script, self.latent, self.last.hex(), status=-signal.SIGKILL
        )
        self.assert_committed()

    def test_a_map_written_late_survives_an_unmount(self):
        with open(self.latent, "r+b") as stream:
            mapped = mmap.mmap(stream.fileno(), 0)
        mapped[-2:] = self.last
        mapped.close()
        self.mount.unmount()
        np.testing.assert_array_equal(self.stored("a.gen5").latents["initial_noise"], self.expected)


class Status(RescueCase):
    def status(self):
        return self.gen5fs("status", self.mount.path).stdout.decode()

    def test_status_names_the_source(self):
        self.assertIn(self.mount.source, self.status())

    def test_status_lists_a_draft_that_is_being_written(self):
        with open(self.image, "wb", buffering=0) as stream:
            stream.write(new_image(1)[:100])
            text = self.status()
            self.assertRegex(text, r"(?s)a\.gen5.*image\.png")
            stream.write(new_image(1)[100:])
        self.assertNotRegex(self.status(), r"(?s)a\.gen5.*image\.png")

    def test_status_lists_a_draft_that_was_refused_or_rescued(self):
        self.assertNotIn("a.gen5", self.status())
        self.refuse()
        text = self.status()
        self.assertIn("a.gen5", text)
        self.assertIn("image.png", text)
        self.assertRegex(text, r"(?i)rescued|failed")

    def test_status_lists_what_an_earlier_mount_has_rescued(self):
        self.refuse()
        self.mount.unmount()
        kept = os.path.basename(self.assert_rescued(GARBAGE, "a.gen5"))
        point = os.path.join(self.work, "again")
        os.mkdir(point)
        self.gen5fs("mount", self.mount.source, point)
        try:
            text = self.gen5fs("status", point).stdout.decode()
        finally:
            self.gen5fs("umount", point)
        self.assertIn(kept, text)
        self.assertRegex(text, "(?i)rescued")

    def test_status_names_a_container_that_cannot_be_written(self):
        self.program("chattr", "+i", self.source("a.gen5"))
        self.addCleanup(subprocess.run, ["chattr", "-i", self.source("a.gen5")], check=True)
        with self.assertRaises(OSError) as raised:
            write_file(self.image, new_image(1))
        self.assertIn(raised.exception.errno, (errno.EROFS, errno.EPERM, errno.EACCES))
        self.assert_old_container()
        self.assertIn("a.gen5", self.status())

    def test_status_of_a_folder_that_is_no_mount_fails(self):
        done = self.gen5fs("status", self.work, status=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(self.work, done.stderr.decode())


def as_text(log):
    return log.decode() if isinstance(log, bytes) else log


if __name__ == "__main__":
    unittest.main()
