# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Saves members with the programs that people have. Whatever way a program saves, the container in
# the source must be sound afterwards, hold what the program wrote, and list nothing extra.

import io
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile

import numpy as np
from PIL import Image

from mount_case import MountCase, drive_terminal, new_image, new_latent, sha256

PROMPT = "A puppy smiling, cinematic"
NEW_PROMPT = "A kitten frowning, macro"
MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]


class ProgramCase(MountCase):
    """One mount with one container, whose state before the program ran is in self.before."""

    def setUp(self):
        super().setUp()
        self.mounted_with_container()
        self.folder = self.member("a.gen5")
        self.metadata = self.member("a.gen5", "metadata.json")
        self.image = self.member("a.gen5", "image.png")
        self.latent = self.member("a.gen5", "latent.npy")

    def assert_members(self, *left_aside, name="a.gen5"):
        self.assertEqual(sorted(os.listdir(self.member(name))), sorted(MEMBERS + list(left_aside)))

    def assert_prompt_changed(self, *left_aside, ends_line=False):
        """The prompt is the new one, and every other byte of the user's is the old one.

        Editors that end the last line (`ends_line`) add a newline, which is the user's as well.
        """
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, NEW_PROMPT)
        self.assertEqual(
            after.user_text(),
            self.before.user_text().replace(PROMPT, NEW_PROMPT) + ("\n" if ends_line else ""),
            "the rewrite changed more of the document than the prompt",
        )
        self.assert_same_payloads(after, self.before)
        self.assertEqual(self.read("a.gen5", "metadata.json"), after.manifest_text)
        self.assert_members(*left_aside)

    def assert_image_is(self, content, *left_aside, name="a.gen5"):
        after = self.stored(name)
        self.assertEqual(sha256(after.image), sha256(content))
        self.assertEqual(sha256(self.read(name, "image.png")), sha256(content))
        self.assert_members(*left_aside, name=name)
        return after

    def assert_only_image_is(self, content, *left_aside):
        """The image is `content` and nothing else of the container has changed."""
        after = self.assert_image_is(content, *left_aside)
        self.assert_same_payloads(after, self.before, but="image")
        self.assertEqual(after.user_text(), self.before.user_text())

    def edited_metadata(self):
        """A copy of metadata.json outside of the mount, with the new prompt in it."""
        return self.outside(
            "metadata.json",
            self.before.manifest_text.replace(PROMPT.encode(), NEW_PROMPT.encode()),
        )


class Editors(ProgramCase):
    def vim(self, *settings):
        commands = [argument for setting in settings for argument in ("-c", setting)]
        self.program(
            "vim", "-Nu", "NONE", "-i", "NONE", "-es", *commands,
            "-c", f"%s/{PROMPT}/{NEW_PROMPT}/", "-c", "wq", self.metadata,
        )

    def test_vim_with_backupcopy_auto_saves_the_prompt(self):
        self.vim("set backupcopy=auto")
        self.assert_prompt_changed(ends_line=True)

    def test_vim_with_backupcopy_yes_saves_the_prompt(self):
        self.vim("set backupcopy=yes")
        self.assert_prompt_changed(ends_line=True)

    def test_vim_with_backupcopy_no_saves_the_prompt(self):
        self.vim("set backupcopy=no")
        self.assert_prompt_changed(ends_line=True)

    def test_vim_keeps_a_backup_aside_when_it_is_told_to(self):
        self.vim("set backupcopy=no", "set backup", "set backupskip=")
        self.assert_prompt_changed("metadata.json~", ends_line=True)
        self.assertEqual(self.read("a.gen5", "metadata.json~"), self.before.manifest_text)

    def test_vim_saves_without_a_backup_at_all(self):
        self.vim("set nobackup nowritebackup noswapfile")
        self.assert_prompt_changed(ends_line=True)

    def test_vim_saves_with_an_undo_file_aside(self):
        self.vim("set undofile", "set undodir=.")
        self.assert_prompt_changed(".metadata.json.un~", ends_line=True)

    def nano(self, *options):
        lines = self.before.manifest_text.decode().split("\n")
        number = next(n for n, line in enumerate(lines, 1) if PROMPT in line)
        column = lines[number - 1].index(PROMPT) + 1
        drive_terminal(
            ["nano", "-I", *options, f"+{number},{column}", self.metadata],
            [
                (b"metadata.json", b"\x1b[3~" * len(PROMPT) + NEW_PROMPT.encode() + b"\x0f"),
                (b"File Name to Write", b"\r"),
                (b"Wrote", b"\x18"),
            ],
            self.environment,
        )

    def test_nano_saves_the_prompt(self):
        self.nano("-L")
        self.assert_prompt_changed()

    def test_nano_saves_the_prompt_with_a_backup_aside(self):
        self.nano("-L", "-B")
        self.assert_prompt_changed("metadata.json~")

    def emacs(self, settings):
        # Batch mode and files under /tmp get no backup unless it is asked for.
        settings += " backup-enable-predicate (lambda (_) t)"
        self.program(
            "emacs", "-Q", "-nw", "--batch", "--eval", f"(setq {settings})", self.metadata,
            "--eval",
            f'(progn (goto-char (point-min)) (search-forward "{PROMPT}")'
            f' (replace-match "{NEW_PROMPT}") (save-buffer))',
        )

    def test_emacs_saves_the_prompt(self):
        self.emacs("make-backup-files nil")
        self.assert_prompt_changed(ends_line=True)

    def test_emacs_renames_the_old_member_to_its_backup(self):
        self.emacs("make-backup-files t backup-by-copying nil")
        self.assert_prompt_changed("metadata.json~", ends_line=True)
        self.assertEqual(self.read("a.gen5", "metadata.json~"), self.before.manifest_text)

    def test_emacs_copies_the_old_member_to_its_backup(self):
        self.emacs("make-backup-files t backup-by-copying t")
        self.assert_prompt_changed("metadata.json~", ends_line=True)

    def test_emacs_writes_aside_and_renames(self):
        self.emacs("make-backup-files nil file-precious-flag t")
        self.assert_prompt_changed(ends_line=True)

    def test_ed_saves_the_prompt(self):
        self.program("ed", "-s", self.metadata, input=f"%s/{PROMPT}/{NEW_PROMPT}/\nw\nq\n".encode())
        self.assert_prompt_changed(ends_line=True)


class StreamEditors(ProgramCase):
    def test_sed_in_place_saves_the_prompt(self):
        self.program("sed", "-i", f"s/{PROMPT}/{NEW_PROMPT}/", self.metadata)
        self.assert_prompt_changed()

    def test_sed_in_place_with_a_suffix_leaves_its_backup_aside(self):
        self.program("sed", "-i.old", f"s/{PROMPT}/{NEW_PROMPT}/", self.metadata)
        self.assert_prompt_changed("metadata.json.old")

    def test_perl_in_place_saves_the_prompt(self):
        self.program("perl", "-pi", "-e", f"s/{PROMPT}/{NEW_PROMPT}/", self.metadata)
        self.assert_prompt_changed()

    def test_perl_in_place_with_a_suffix_leaves_its_backup_aside(self):
        self.program("perl", "-pi.bak", "-e", f"s/{PROMPT}/{NEW_PROMPT}/", self.metadata)
        self.assert_prompt_changed("metadata.json.bak")

    def test_jq_and_sponge_save_the_prompt(self):
        self.shell(
            'jq --arg p "$2" \'.gen5_metadata.model_info.prompt = $p\' "$1" | sponge "$1"',
            self.metadata, NEW_PROMPT,
        )
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, NEW_PROMPT)
        self.assertEqual(after.extras(), self.before.extras())
        self.assert_same_payloads(after, self.before)
        self.assert_members()


class Shells(ProgramCase):
    def test_a_redirection_replaces_a_member(self):
        self.shell('cat "$1" > "$2"', self.edited_metadata(), self.metadata)
        self.assert_prompt_changed()

    def test_a_group_of_commands_writes_one_member(self):
        self.shell(
            '{ head -c 700 "$1"; tail -c +701 "$1"; } > "$2"', self.edited_metadata(),
            self.metadata, status=None,
        )
        self.assert_prompt_changed()

    def test_a_subshell_writes_one_member(self):
        picture = self.outside("new.png", new_image(3))
        self.shell(
            '(head -c 100 "$1"; head -c 300 "$1" | tail -c +101; (tail -c +301 "$1")) > "$2"',
            picture, self.image, status=None,
        )
        self.assert_only_image_is(new_image(3))

    def test_a_loop_appends_to_one_descriptor(self):
        self.shell(
            'exec 3> "$2"; while IFS= read -r line || [ -n "$line" ]; do'
            ' printf "%s\\n" "$line" >&3; done < "$1"; exec 3>&-',
            self.edited_metadata(), self.metadata, status=None,
        )
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, NEW_PROMPT)
        self.assert_same_payloads(after, self.before)
        self.assert_members()

    def test_appending_white_space_to_the_metadata_keeps_it(self):
        self.shell('echo >> "$1"', self.metadata)
        after = self.stored("a.gen5")
        self.assertEqual(after.user_text(), self.before.user_text() + "\n")
        self.assert_same_payloads(after, self.before)
        self.assert_members()

    def test_a_pipe_that_reads_the_member_first_saves_it(self):
        self.shell(
            'new=$(sed "s/$2/$3/" "$1"; echo x); printf %s "${new%x}" > "$1"',
            self.metadata, PROMPT, NEW_PROMPT,
        )
        self.assert_prompt_changed()

    def test_two_members_are_written_by_one_command_line(self):
        picture = self.outside("new.png", new_image(4))
        self.shell(
            'cat "$1" > "$2" & cat "$3" > "$4" & wait %1 && wait %2',
            self.edited_metadata(), self.metadata, picture, self.image,
        )
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, NEW_PROMPT)
        self.assertEqual(sha256(after.image), sha256(new_image(4)))
        self.assert_members()


class Copies(ProgramCase):
    def setUp(self):
        super().setUp()
        self.picture = self.outside("new.png", new_image(1))

    def test_cp_replaces_the_image(self):
        self.program("cp", self.picture, self.image)
        self.assert_only_image_is(new_image(1))

    def test_cp_preserving_everything_replaces_the_image(self):
        os.utime(self.picture, (1_500_000_000, 1_500_000_000))
        self.program("cp", "-a", self.picture, self.image)
        self.assert_only_image_is(new_image(1))

    def test_cp_with_force_and_remove_destination_replaces_the_image(self):
        self.program("cp", "--remove-destination", self.picture, self.image)
        self.assert_image_is(new_image(1))

    def test_cp_with_a_backup_leaves_the_old_image_aside(self):
        self.program("cp", "--backup=simple", self.picture, self.image)
        self.assert_image_is(new_image(1), "image.png~")

    def test_cp_copies_members_out(self):
        self.program("cp", "-a", *[self.member("a.gen5", name) for name in MEMBERS], self.work)
        for name in MEMBERS:
            with open(os.path.join(self.work, name), "rb") as stream:
                self.assertEqual(stream.read(), self.read("a.gen5", name), name)

    def test_mv_out_of_the_mount_takes_the_image_away(self):
        target = os.path.join(self.work, "taken.png")
        self.program("mv", self.image, target)
        with open(target, "rb") as stream:
            self.assertEqual(sha256(stream.read()), sha256(self.before.image))
        self.assertNotIn("image.png", os.listdir(self.folder))
        self.eventually_stored("a.gen5", lambda stored: stored.image is None)

    def test_mv_into_the_mount_replaces_the_image(self):
        self.program("mv", self.picture, self.image)
        self.assertFalse(os.path.exists(self.picture))
        self.assert_image_is(new_image(1))

    def test_mv_out_of_the_mount_and_in_again_has_nothing_to_complain_of(self):
        # The copy outside has the attributes that the mount shows, where its file system takes any.
        aside = os.path.join(self.work, "aside.png")
        for source, target in ((self.image, aside), (aside, self.image)):
            self.assertEqual(self.program("mv", source, target).stderr, b"")
        self.assert_image_is(self.before.image)

    def test_mv_of_an_image_to_another_container_moves_it(self):
        self.mount.add("one-pixel.gen5", "b.gen5")
        self.eventually_listed("b.gen5")
        self.program("mv", self.image, self.member("b.gen5", "image.png"))
        self.assert_image_is(self.before.image, name="b.gen5")
        self.eventually_stored("a.gen5", lambda stored: stored.image is None)

    def test_mv_of_a_whole_container_out_and_in_again_keeps_its_payloads(self):
        aside = os.path.join(self.work, "aside")
        self.program("mv", self.folder, aside)
        self.assertFalse(os.path.exists(self.source("a.gen5")))
        self.program("mv", aside, self.member("again.gen5"))
        self.assert_same_payloads(self.stored("again.gen5"), self.before)
        self.assert_members(name="again.gen5")

    def test_install_replaces_the_image(self):
        self.program("install", "-m", "644", self.picture, self.image)
        self.assert_image_is(new_image(1))

    def test_dd_patches_the_latent_in_place(self):
        values = np.load(self.latent)
        start = os.path.getsize(self.latent) - values.nbytes
        patch = np.array([1.5, -2.25], "<f2")
        self.program(
            "dd", f"of={self.latent}", "conv=notrunc", "oflag=seek_bytes", f"seek={start + 20}",
            "status=none", input=patch.tobytes(),
        )
        expected = values.copy()
        expected.reshape(-1)[10:12] = patch
        after = self.stored("a.gen5")
        np.testing.assert_array_equal(after.latents["initial_noise"], expected)
        np.testing.assert_array_equal(np.load(self.latent), expected)
        self.assert_same_payloads(after, self.before, but="latents")
        self.assert_members()

    def test_dd_writes_a_whole_image_in_small_blocks(self):
        self.program("dd", f"if={self.picture}", f"of={self.image}", "bs=37", "status=none")
        self.assert_only_image_is(new_image(1))

    def test_truncate_to_the_same_size_changes_nothing(self):
        size = os.path.getsize(self.image)
        self.program("truncate", "-s", str(size), self.image)
        self.assert_only_image_is(self.before.image)

    def test_truncate_to_nothing_and_append_loses_nothing(self):
        # Closing an empty draft may be refused, which leaves the old member for the appending
        # program. Whichever way it goes: what was acknowledged is there, what was refused is kept.
        new = self.edited_metadata()
        emptied = self.program("truncate", "-s", "0", self.metadata, status=None)
        appended = self.shell('cat "$1" >> "$2"', new, self.metadata, status=None)
        after = self.stored("a.gen5")
        if emptied.returncode == 0 and appended.returncode == 0:
            self.assertEqual(after.prompt, NEW_PROMPT)
        else:
            self.assertEqual(after.prompt, PROMPT)
        self.assert_same_payloads(after, self.before)
        if appended.returncode != 0:
            # The kernel lets go of the file a moment after the close has been answered.
            self.assert_eventually(
                lambda: any(
                    NEW_PROMPT.encode() in content
                    for content in self.rescued_files("a.gen5").values()
                ),
                "what was refused is not kept",
            )


class Synchronising(ProgramCase):
    STAMP = 1_600_000_000

    def outside_copy(self, name="copy", source="a.gen5"):
        """A copy of the container's members outside, all of one age."""
        copy = os.path.join(self.work, name)
        shutil.copytree(self.member(source), copy)
        self.stamp(copy)
        return copy

    def stamp(self, folder):
        for name in os.listdir(folder):
            os.utime(os.path.join(folder, name), (self.STAMP, self.STAMP))
        os.utime(folder, (self.STAMP, self.STAMP))

    def test_rsync_replaces_the_image(self):
        picture = self.outside("image.png", new_image(1))
        self.program("rsync", "--ignore-times", picture, self.folder + "/")
        self.assert_only_image_is(new_image(1))

    def test_rsync_in_place_replaces_the_image(self):
        picture = self.outside("image.png", new_image(1))
        self.program("rsync", "--inplace", "--ignore-times", picture, self.folder + "/")
        self.assert_only_image_is(new_image(1))

    def test_rsync_in_place_with_deltas_patches_the_latent(self):
        values = np.load(self.latent)
        values.reshape(-1)[100:110] = 0.5
        content = io.BytesIO()
        np.save(content, values)
        latent = self.outside("latent.npy", content.getvalue())
        self.program(
            "rsync", "--inplace", "--ignore-times", "--no-whole-file", "-B", "700", latent,
            self.folder + "/",
        )
        np.testing.assert_array_equal(self.stored("a.gen5").latents["initial_noise"], values)
        self.assert_members()

    def test_rsync_of_the_archive_kind_finds_nothing_to_do_the_second_time(self):
        copy = self.outside_copy()
        with open(os.path.join(copy, "latent.npy"), "wb") as stream:
            np.save(stream, new_latent((1, 4, 32, 32), "<f2", 5))
        self.stamp(copy)
        # All members have the container's time, which rsync sets before it compares: the first run must
        # not go by times.
        self.program("rsync", "-aI", copy + "/", self.folder + "/")
        after = self.stored("a.gen5")
        np.testing.assert_array_equal(
            after.latents["initial_noise"], new_latent((1, 4, 32, 32), "<f2", 5)
        )
        self.assert_members()
        # The computed fields of metadata.json follow from the payloads, so its size may differ.
        again = self.program(
            "rsync", "-a", "--itemize-changes", "--exclude=metadata.json", copy + "/",
            self.folder + "/",
        )
        self.assertEqual(again.stdout.decode(), "")

    def test_rsync_makes_a_container_from_a_folder(self):
        copy = self.outside_copy()
        self.program("rsync", "-a", copy + "/", self.member("new.gen5") + "/")
        self.assert_same_payloads(self.stored("new.gen5"), self.before)
        self.assert_members(name="new.gen5")

    def test_rsync_with_delete_takes_the_scratch_away(self):
        with open(self.member("a.gen5", "notes.txt"), "w") as stream:
            stream.write("scratch")
        copy = self.outside_copy()
        os.unlink(os.path.join(copy, "notes.txt"))
        self.program("rsync", "-a", "--delete", copy + "/", self.folder + "/")
        self.assert_members()
        self.assert_same_payloads(self.stored("a.gen5"), self.before)

    def test_tar_puts_a_container_in_under_a_new_name(self):
        archive = os.path.join(self.work, "a.tar")
        self.program("tar", "-C", self.mount.path, "-cf", archive, "a.gen5")
        self.program(
            "tar", "-C", self.mount.path, "--transform", "s/^a.gen5/new.gen5/", "-xf", archive
        )
        after = self.stored("new.gen5")
        self.assert_same_payloads(after, self.before)
        self.assertEqual(after.model_info, self.before.model_info)
        self.assert_members(name="new.gen5")

    def test_tar_puts_a_container_in_over_an_existing_one(self):
        archive = os.path.join(self.work, "a.tar")
        self.program("tar", "-C", self.mount.path, "-cf", archive, "a.gen5")
        self.replace_everything()
        self.program("tar", "-C", self.mount.path, "-xf", archive)
        after = self.stored("a.gen5")
        self.assert_same_payloads(after, self.before)
        self.assertEqual(after.model_info, self.before.model_info)
        self.assert_members()

    def test_tar_with_attributes_puts_a_container_in_over_an_existing_one(self):
        # It makes each file empty, sets attributes by its name, and opens it again to write.
        archive = os.path.join(self.work, "a.tar")
        self.program("tar", "--xattrs", "-C", self.mount.path, "-cf", archive, "a.gen5")
        self.replace_everything()
        with open(self.metadata, "a") as stream:
            stream.write("\n" * 100)
        self.program("tar", "--xattrs", "-C", self.mount.path, "-xf", archive)
        after = self.stored("a.gen5")
        self.assert_same_payloads(after, self.before)
        self.assertEqual(after.user_text(), self.before.user_text())
        self.assert_members()

    def test_unzip_puts_a_container_in_under_a_new_name(self):
        archive = os.path.join(self.work, "new.zip")
        with zipfile.ZipFile(archive, "w") as target:
            for name in MEMBERS:
                target.writestr(f"new.gen5/{name}", self.read("a.gen5", name))
        self.program("unzip", "-q", archive, "-d", self.mount.path)
        after = self.stored("new.gen5")
        self.assert_same_payloads(after, self.before)
        self.assertEqual(after.model_info, self.before.model_info)
        self.assert_members(name="new.gen5")

    def test_unzip_puts_a_container_in_over_an_existing_one(self):
        archive = os.path.join(self.work, "a.zip")
        self.program("zip", "-q", "-r", archive, "a.gen5", cwd=self.mount.path)
        self.replace_everything()
        self.program("unzip", "-q", "-o", archive, "-d", self.mount.path)
        after = self.stored("a.gen5")
        self.assert_same_payloads(after, self.before)
        self.assertEqual(after.model_info, self.before.model_info)
        self.assert_members()

    def replace_everything(self):
        with open(self.image, "wb") as stream:
            stream.write(new_image(8))
        with open(self.latent, "wb") as stream:
            np.save(stream, new_latent((1, 4, 8, 8), "<f4", 8))
        self.program("sed", "-i", f"s/{PROMPT}/{NEW_PROMPT}/", self.metadata)


class VersionControl(ProgramCase):
    def git(self, *arguments):
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        return self.program("git", *identity, *self.git_folder, *arguments, cwd=self.mount.path)

    def track_and_edit(self):
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "library")
        self.assertEqual(self.git("status", "--porcelain").stdout.decode(), "")
        self.assertEqual(
            sorted(self.git("ls-files").stdout.decode().split()),
            [f"a.gen5/{name}" for name in MEMBERS],
        )
        self.program("sed", "-i", f"s/{PROMPT}/{NEW_PROMPT}/", self.metadata)
        shown = self.git("diff", "--", "a.gen5/metadata.json").stdout.decode()
        self.assertRegex(shown, rf'(?m)^-\s*"prompt": "{re.escape(PROMPT)}"')
        self.assertRegex(shown, rf'(?m)^\+\s*"prompt": "{re.escape(NEW_PROMPT)}"')
        with open(self.image, "wb") as stream:
            stream.write(new_image(2))
        self.git("commit", "-q", "-a", "-m", "edits")
        self.assertEqual(self.git("status", "--porcelain").stdout.decode(), "")
        self.git("fsck", "--strict")
        after = self.stored("a.gen5")
        self.assertEqual(after.prompt, NEW_PROMPT)
        self.assertEqual(sha256(after.image), sha256(new_image(2)))
        self.git("checkout", "-q", "HEAD~1", "--", "a.gen5")
        restored = self.stored("a.gen5")
        self.assert_same_payloads(restored, self.before)
        self.assertEqual(restored.prompt, PROMPT)
        self.git("gc", "-q")
        self.git("fsck", "--strict")
        self.assert_members()

    def test_git_tracks_the_library_with_its_folder_outside(self):
        self.git_folder = [
            f"--git-dir={os.path.join(self.work, 'library.git')}", f"--work-tree={self.mount.path}",
        ]
        self.track_and_edit()

    def test_git_tracks_the_library_with_its_folder_inside(self):
        self.git_folder = []
        self.track_and_edit()
        self.assertTrue(os.path.isdir(self.source(".git")))


class ImageTools(ProgramCase):
    def pixels(self, content):
        with Image.open(io.BytesIO(content)) as picture:
            return np.asarray(picture.convert("RGB")).copy()

    def saved_image(self, *left_aside):
        after = self.stored("a.gen5")
        self.assertEqual(sha256(self.read("a.gen5", "image.png")), sha256(after.image))
        self.assert_same_payloads(after, self.before, but="image")
        self.assertEqual(after.user_text(), self.before.user_text())
        self.assert_members(*left_aside)
        return after.image

    def test_exiftool_writes_a_tag(self):
        self.program("exiftool", "-q", "-overwrite_original", "-Comment=from gen5fs", self.image)
        content = self.saved_image()
        self.assertIn(b"from gen5fs", content)
        np.testing.assert_array_equal(self.pixels(content), self.pixels(self.before.image))

    def test_exiftool_writes_a_tag_in_place(self):
        self.program(
            "exiftool", "-q", "-overwrite_original_in_place", "-Comment=from gen5fs", self.image
        )
        self.assertIn(b"from gen5fs", self.saved_image())

    def test_exiftool_leaves_the_original_aside(self):
        self.program("exiftool", "-q", "-Comment=from gen5fs", self.image)
        self.assertIn(b"from gen5fs", self.saved_image("image.png_original"))
        self.assertEqual(
            sha256(self.read("a.gen5", "image.png_original")), sha256(self.before.image)
        )

    def test_mogrify_flips_the_image(self):
        self.program("mogrify", "-flip", self.image)
        np.testing.assert_array_equal(
            self.pixels(self.saved_image()), self.pixels(self.before.image)[::-1]
        )

    def test_optipng_shrinks_the_image(self):
        slope = Image.linear_gradient("L").convert("RGB")
        loose = io.BytesIO()
        slope.save(loose, "PNG", compress_level=0)
        with open(self.image, "wb") as stream:
            stream.write(loose.getvalue())
        self.program("optipng", "-quiet", "-o1", self.image)
        content = self.saved_image()
        self.assertLess(len(content), len(loose.getvalue()))
        np.testing.assert_array_equal(self.pixels(content), np.asarray(slope))

    def test_optipng_leaves_the_original_aside_when_it_is_told_to(self):
        self.program("optipng", "-quiet", "-keep", "-force", "-o1", self.image)
        content = self.saved_image("image.png.bak")
        np.testing.assert_array_equal(self.pixels(content), self.pixels(self.before.image))

    def test_pillow_saves_over_the_image_it_has_read(self):
        with Image.open(self.image) as picture:
            changed = picture.convert("L")
        changed.save(self.image)
        with Image.open(io.BytesIO(self.saved_image())) as picture:
            self.assertEqual(picture.mode, "L")


class PythonSaves(ProgramCase):
    def assert_latent(self, expected):
        after = self.stored("a.gen5")
        self.assertEqual(after.latents["initial_noise"].dtype, expected.dtype)
        np.testing.assert_array_equal(after.latents["initial_noise"], expected)
        self.assert_same_payloads(after, self.before, but="latents")
        self.assert_members()

    def test_numpy_save_replaces_the_latent(self):
        values = new_latent((2, 4, 8, 8), "<f4", 1)
        np.save(self.latent, values)
        self.assert_latent(values)

    def test_numpy_open_memmap_changes_the_latent(self):
        array = np.lib.format.open_memmap(self.latent, "r+")
        array[0, 1, 2, :] = 0.25
        expected = np.array(array)
        array.flush()
        del array
        self.eventually_stored(
            "a.gen5", lambda stored: np.array_equal(stored.latents["initial_noise"], expected)
        )
        self.assert_latent(expected)

    def test_numpy_maps_the_latent_read_only(self):
        values = np.load(self.latent, mmap_mode="r")
        np.testing.assert_array_equal(values, self.before.latents["initial_noise"])

    def test_numpy_keeps_the_mapped_version_while_the_latent_is_replaced(self):
        values = np.load(self.latent, mmap_mode="r")
        np.save(self.member("a.gen5", "next.npy"), new_latent((1, 4, 32, 32), "<f2", 1))
        os.replace(self.member("a.gen5", "next.npy"), self.latent)
        np.testing.assert_array_equal(values, self.before.latents["initial_noise"])

    def test_a_temporary_file_and_replace_save_the_prompt(self):
        content = self.before.manifest_text.replace(PROMPT.encode(), NEW_PROMPT.encode())
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as temporary:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
        os.replace(temporary.name, self.metadata)
        self.assert_prompt_changed()

    def test_a_temporary_file_left_open_across_replace_saves_the_prompt(self):
        content = self.before.manifest_text.replace(PROMPT.encode(), NEW_PROMPT.encode())
        temporary = tempfile.NamedTemporaryFile(dir=self.folder, delete=False)
        temporary.write(content)
        temporary.flush()
        os.replace(temporary.name, self.metadata)
        temporary.close()
        self.assert_prompt_changed()

    def test_the_old_member_renamed_away_first_is_replaced(self):
        aside = self.member("a.gen5", "metadata.old")
        os.rename(self.metadata, aside)
        with open(self.metadata, "wb") as stream:
            stream.write(self.before.manifest_text.replace(PROMPT.encode(), NEW_PROMPT.encode()))
        os.unlink(aside)
        self.assert_prompt_changed()


class DesktopAndReaders(ProgramCase):
    def test_gio_trash_takes_the_image_or_leaves_it_alone(self):
        done = self.program("gio", "trash", self.image, status=None)
        if done.returncode != 0:
            self.assert_only_image_is(self.before.image)
            return
        self.assertNotIn("image.png", os.listdir(self.folder))
        self.eventually_stored("a.gen5", lambda stored: stored.image is None)
        found = subprocess.run(
            ["find", self.mount.path, self.work, "-path", "*rash*", "-type", "f", "-name",
             "image*png"],
            stdout=subprocess.PIPE, check=True,
        ).stdout.split(b"\n")[:-1]
        contents = []
        for path in found:
            with open(path, "rb") as stream:
                contents.append(stream.read())
        self.assertIn(self.before.image, contents, "the trash has lost the image")

    def test_find_lists_exact_sizes(self):
        self.mount.add("three-latents.gen5")
        self.eventually_listed("three-latents.gen5")
        found = self.program("find", self.mount.path, "-type", "f", "-printf", "%s %p\\0").stdout
        for entry in found.decode().split("\0")[:-1]:
            size, path = entry.split(" ", 1)
            with open(path, "rb") as stream:
                self.assertEqual(len(stream.read()), int(size), path)

    def test_du_adds_up_what_the_members_take(self):
        total = int(self.program("du", "-sb", self.folder).stdout.split()[0])
        own = os.stat(self.folder).st_size
        sizes = sum(os.path.getsize(self.member("a.gen5", name)) for name in MEMBERS)
        self.assertIn(total, (sizes, sizes + own))
        blocks = int(self.program("du", "-s", "--block-size=1", self.folder).stdout.split()[0])
        self.assertGreaterEqual(blocks, sizes)
        self.assertLess(blocks, sizes + 4096 * (len(MEMBERS) + 2))

    def test_wc_and_sha256sum_agree_with_the_reference(self):
        expected = self.expected("extra-fields.gen5")
        latent = expected["latents"][0]
        rows = [("latent.npy", latent["npy_size"], latent["npy_sha256"])] + [
            (name, expected[entry]["size"], expected[entry]["sha256"])
            for name, entry in (
                ("image.png", "image"), ("metadata.json", "metadata.json"),
                ("env.json", "env.json"),
            )
        ]
        for name, size, digest in rows:
            path = self.member("a.gen5", name)
            self.assertEqual(int(self.program("wc", "-c", path).stdout.split()[0]), size, name)
            found = self.program("sha256sum", path).stdout.split()[0].decode()
            self.assertEqual(found, digest, name)

    def test_reading_changes_no_byte_of_the_container(self):
        with open(self.source("a.gen5"), "rb") as stream:
            old = stream.read()
        # tar complains of a folder whose times change: the library was filled a moment ago, which the
        # mount may take a second to see.
        self.assert_eventually(
            lambda: os.stat(self.mount.path).st_mtime_ns
            == os.stat(self.source()).st_mtime_ns,
            "the mount's root is not as old as the source",
        )
        self.program("tar", "-C", self.mount.path, "-cf", os.devnull, ".")
        self.shell('find "$1" -type f -exec cat {} + > /dev/null', self.mount.path)
        self.program("grep", "-r", "kitten", self.mount.path, status=None)
        with open(self.source("a.gen5"), "rb") as stream:
            self.assertEqual(stream.read(), old)


if __name__ == "__main__":
    unittest.main()
