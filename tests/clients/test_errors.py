# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What goes wrong: the command's messages and exit statuses, a full disk, a second user.

import errno
import os
import pwd
import shutil
import signal
import stat
import subprocess
import unittest

from mount_case import (
    GEN5FS, PROGRAM_SECONDS, REFERENCE, LibraryCase, MountCase, Stored, daemon_of, new_image,
    read_file, sha256, take_down, write_file,
)

MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]


class CommandCase(LibraryCase):
    def assert_fails(self, *arguments, says=()):
        """The command fails before it goes to the background, in one line that says enough."""
        done = self.gen5fs(*arguments, status=None)
        self.assertGreater(done.returncode, 0, done)
        self.assert_one_line(done, says)
        self.assertFalse(os.path.ismount(self.point))
        return done.returncode

    def assert_live(self):
        self.assertEqual(sorted(os.listdir(os.path.join(self.point, "a.gen5"))), MEMBERS)


class Messages(CommandCase):
    def test_a_source_that_is_not_there_is_named(self):
        missing = os.path.join(self.work, "missing")
        self.assert_fails("mount", missing, self.point, says=[missing])

    def test_a_mount_point_that_is_not_there_is_named(self):
        missing = os.path.join(self.work, "missing")
        self.assert_fails("mount", self.library, missing, says=[missing])

    def test_a_mount_point_that_is_no_folder_is_named(self):
        file = self.outside("file", b"")
        self.assert_fails("mount", self.library, file, says=[file])

    def test_a_source_that_is_no_container_is_named(self):
        file = self.outside("file.txt", b"text")
        self.assert_fails("mount", file, self.point, says=[file])

    def test_mount_problems_have_an_exit_status_of_their_own(self):
        missing = os.path.join(self.work, "missing")
        usage = self.gen5fs("mount", status=None).returncode
        source = self.assert_fails("mount", missing, self.point)
        point = self.assert_fails("mount", self.library, missing)
        self.assertNotIn(usage, (source, point))

    def test_an_unknown_mount_option_is_named(self):
        self.assert_fails("mount", "-o", "sparkling", self.library, self.point, says=["sparkling"])

    def test_an_unknown_switch_is_named(self):
        done = self.gen5fs("mount", "--sparkling", self.library, self.point, status=None)
        self.assertGreater(done.returncode, 0)
        self.assertIn("sparkling", done.stderr.decode())

    def test_an_unknown_sub_command_is_named(self):
        done = self.gen5fs("sparkle", status=None)
        self.assertGreater(done.returncode, 0)
        self.assertIn("sparkle", done.stderr.decode())

    def test_no_arguments_fail_with_the_usage(self):
        done = self.gen5fs(status=None)
        self.assertGreater(done.returncode, 0)
        self.assertIn("gen5fs mount", done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def test_help_and_version_are_printed(self):
        self.assertIn("gen5fs mount", self.gen5fs("--help").stdout.decode())
        self.assertRegex(self.gen5fs("--version").stdout.decode(), r"\d+\.\d+")

    def test_every_sub_command_has_help(self):
        for command in (
            "mount", "umount", "status", "info", "verify", "unpack",
        ):
            with self.subTest(command):
                done = self.gen5fs(command, "--help")
                self.assertIn(f"gen5fs {command}", done.stdout.decode())
                self.assertEqual(done.stderr, b"")

    def test_umount_of_something_that_is_not_mounted_fails(self):
        self.assert_fails("umount", self.point, says=[self.point])

    def test_umount_of_something_that_is_not_there_fails(self):
        missing = os.path.join(self.work, "missing")
        self.assert_fails("umount", missing, says=[missing])

    def test_umount_leaves_the_mounts_of_others_alone(self):
        self.program("mount", "-t", "tmpfs", "tmpfs", self.point)
        done = self.gen5fs("umount", self.point, status=None)
        self.assertGreater(done.returncode, 0)
        self.assertIn(self.point, done.stderr.decode())
        self.assertTrue(os.path.ismount(self.point))

    def test_a_missing_fuse_device_is_explained(self):
        # A private mount table, in which there are no devices.
        done = self.program(
            "unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /dev && exec "$@"', "sh",
            GEN5FS, "mount", self.library, self.point, status=None,
        )
        self.assertGreater(done.returncode, 0)
        message = done.stderr.decode()
        self.assertIn("/dev/fuse", message)
        self.assertEqual(len(message.strip().splitlines()), 1, message)


class Starting(CommandCase):
    def test_the_background_is_entered_when_the_mount_is_live(self):
        self.gen5fs("mount", self.library, self.point)
        self.assertTrue(os.path.ismount(self.point))
        self.assert_live()
        self.gen5fs("umount", self.point)
        self.assertFalse(os.path.ismount(self.point))

    def test_the_daemon_holds_neither_terminal_nor_pipe_of_its_caller(self):
        # subprocess waits for the end of the pipes, so a daemon that kept them would hang this.
        done = subprocess.run(
            [GEN5FS, "mount", self.library, self.point], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PROGRAM_SECONDS, check=False,
            env=self.environment,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout, b"")
        self.assert_live()

    def test_relative_paths_are_understood(self):
        self.program(GEN5FS, "mount", "library", "point", cwd=self.work)
        self.assert_live()
        self.program(GEN5FS, "umount", "point", cwd=self.work)

    def test_paths_with_spaces_commas_and_dashes_are_understood(self):
        library, point = os.path.join(self.work, "my, library"), os.path.join(self.work, "-p,o i")
        os.rename(self.library, library)
        os.mkdir(point)
        self.addCleanup(take_down, point)
        self.gen5fs("mount", library, point)
        self.assertEqual(os.listdir(point), ["a.gen5"])
        self.gen5fs("umount", point)

    def test_a_mount_point_with_files_in_it_is_mounted_over(self):
        write_file(os.path.join(self.point, "below"), b"")
        self.gen5fs("mount", self.library, self.point)
        self.assertEqual(os.listdir(self.point), ["a.gen5"])
        self.gen5fs("umount", self.point)
        self.assertEqual(os.listdir(self.point), ["below"])

    def test_the_form_of_fstab_mounts(self):
        self.gen5fs(self.library, self.point, "-o", "rw")
        self.assert_live()
        self.gen5fs("umount", self.point)

    def test_the_mount_tool_of_the_system_mounts(self):
        # The helper mount.fuse finds a program by its path before the "#".
        self.program(
            "mount", "-t", "fuse", "-o", "_netdev,noatime", f"{GEN5FS}#{self.library}", self.point
        )
        self.assert_live()
        self.program("umount", self.point)

    def test_options_that_the_system_adds_are_swallowed(self):
        for options in (
            "_netdev", "nofail", "x-systemd.automount", "x-systemd.idle-timeout=60", "rw",
            "noatime", "nonempty", "defaults", "auto", "noauto", "user", "nodev", "nosuid",
            "noexec",
            "relatime", "nodiratime", "x-gvfs-show", "dev,suid,exec",
            "rw,_netdev,nofail,x-systemd.automount,noatime",
        ):
            with self.subTest(options):
                self.gen5fs(self.library, self.point, "-o", options)
                self.assert_live()
                self.gen5fs("umount", self.point)

    def test_read_only_refuses_to_write_and_changes_nothing(self):
        self.gen5fs(self.library, self.point, "-o", "ro,nosuid,nodev")
        self.assert_live()
        old = read_file(self.container)
        image = os.path.join(self.point, "a.gen5", "image.png")
        self.assert_os_error(errno.EROFS, os.open, image, os.O_WRONLY)
        self.assert_os_error(errno.EROFS, os.unlink, image)
        self.assert_os_error(errno.EROFS, os.mkdir, os.path.join(self.point, "b.gen5"))
        self.assert_os_error(errno.EROFS, os.chmod, image, 0o600)
        self.gen5fs("umount", self.point)
        self.assertEqual(read_file(self.container), old)
        self.assertEqual(os.listdir(self.library), ["a.gen5"])

    def test_the_mount_is_shown_as_gen5fs(self):
        self.gen5fs("mount", self.library, self.point)
        line = self.program("findmnt", "-n", "-o", "FSTYPE", self.point).stdout.decode()
        self.assertEqual(line.strip(), "fuse.gen5fs")


class Ending(CommandCase):
    def in_foreground(self, *options):
        process = subprocess.Popen(
            [GEN5FS, "mount", "-f", self.library, self.point, *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
        )
        self.addCleanup(process.kill)
        self.assert_eventually(lambda: os.path.ismount(self.point), "the mount is not live")
        return process

    def test_signals_end_the_daemon_with_status_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process = self.in_foreground()
                self.assert_live()
                process.send_signal(number)
                _, errors = process.communicate(timeout=PROGRAM_SECONDS)
                self.assertEqual(process.returncode, 0, errors)
                self.assertFalse(os.path.ismount(self.point))

    def test_a_signal_ends_the_daemon_in_the_background(self):
        self.gen5fs("mount", self.library, self.point)
        daemon = daemon_of(self.point)
        os.kill(daemon, signal.SIGTERM)
        self.assert_process_ends(daemon)
        self.assertFalse(os.path.ismount(self.point))

    def test_the_tools_of_the_system_unmount_too(self):
        for command in (["umount"], ["fusermount3", "-u"]):
            with self.subTest(command):
                process = self.in_foreground()
                self.program(*command, self.point)
                _, errors = process.communicate(timeout=PROGRAM_SECONDS)
                self.assertEqual(process.returncode, 0, errors)

    def test_umount_takes_a_dead_mount_away(self):
        process = self.in_foreground()
        process.kill()
        process.communicate(timeout=PROGRAM_SECONDS)
        self.assert_os_error(errno.ENOTCONN, os.listdir, self.point)
        self.gen5fs("umount", self.point)
        self.assertEqual(os.listdir(self.point), [])

    def test_a_dead_mount_point_is_explained(self):
        process = self.in_foreground()
        process.kill()
        process.communicate(timeout=PROGRAM_SECONDS)
        done = self.gen5fs("mount", self.library, self.point, status=None)
        if done.returncode != 0:
            message = done.stderr.decode()
            self.assertEqual(len(message.strip().splitlines()), 1, message)
            self.assertIn("umount", message)

    def test_a_killed_daemon_leaves_a_sound_source(self):
        process = self.in_foreground()
        image = os.path.join(self.point, "a.gen5", "image.png")
        write_file(image, new_image(1))
        descriptor = os.open(image, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, new_image(2))
        process.kill()
        process.communicate(timeout=PROGRAM_SECONDS)
        try:
            os.close(descriptor)
        except OSError as error:
            self.assertIn(error.errno, (errno.ENOTCONN, errno.ECONNABORTED))
        self.assert_sound(self.container)
        self.assertEqual(Stored(self.container).image, new_image(1))


class FullDisk(MountCase):
    """The source is a small file system of its own."""

    def setUp(self):
        super().setUp()
        self.disk = os.path.join(self.work, "disk")
        os.mkdir(self.disk)
        self.program("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.disk)
        self.addCleanup(take_down, self.disk)
        library = os.path.join(self.disk, "library")
        os.mkdir(library)
        self.mounted_with_container(source=library)
        self.bytes = read_file(self.source("a.gen5"))
        self.filler = os.path.join(self.disk, "filler")

    def fill_but(self, free):
        """Leaves about `free` bytes."""
        room = os.statvfs(self.disk)
        write_file(self.filler, bytes(max(0, room.f_bavail * room.f_frsize - free)))

    def save(self, content):
        """The error number of a save, 0 when it was acknowledged."""
        try:
            write_file(self.member("a.gen5", "image.png"), content)
        except OSError as error:
            return error.errno
        return 0

    def test_a_save_on_a_full_disk_fails_and_the_old_container_stays(self):
        large = new_image(1, size=(200, 200))
        self.fill_but(0)
        self.assertEqual(self.save(large), errno.ENOSPC)
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)
        self.assert_eventually(
            lambda: self.read("a.gen5", "image.png") == self.before.image, "the old image is gone"
        )
        os.unlink(self.filler)
        self.assertEqual(self.save(large), 0)
        self.assertEqual(self.stored("a.gen5").image, large)
        self.assertEqual(self.read("a.gen5", "image.png"), large)

    def test_a_save_with_any_space_left_is_whole_or_refused(self):
        large = new_image(1, size=(150, 150))
        results = set()
        # A page at a time by scripts/torture.
        step = 4096 if "GEN5_TORTURE" in os.environ else 16384
        amounts = range(0, 4 * len(large), step)
        for free in amounts:
            self.fill_but(free)
            result = self.save(large)
            results.add(result)
            self.assertIn(result, (0, errno.ENOSPC), f"with {free} bytes free")
            if result == 0:
                self.assertEqual(self.stored("a.gen5").image, large, f"with {free} bytes free")
                self.mount.add("extra-fields.gen5", "a.gen5")
                self.assert_eventually(
                    lambda: self.read("a.gen5", "image.png") == self.before.image,
                    "the old version is not back",
                )
            else:
                self.assertEqual(read_file(self.source("a.gen5")), self.bytes, f"{free} bytes free")
            os.unlink(self.filler)
        self.assertEqual(results, {0, errno.ENOSPC})
        print(f"errors: {len(amounts)} saves with {step} bytes more of space each were stored whole or "
              "refused", flush=True)

    def test_a_full_disk_leaves_no_temporary_behind(self):
        self.fill_but(32768)
        self.save(new_image(1, size=(200, 200)))
        os.unlink(self.filler)
        self.mount.unmount()
        left = [name for name in os.listdir(self.mount.source) if name != ".gen5fs"]
        self.assertEqual(left, ["a.gen5"])
        large = [
            os.path.join(folder, file)
            for folder, _, files in os.walk(self.source(".gen5fs")) if "/rescued" not in folder
            for file in files if os.path.getsize(os.path.join(folder, file)) > 4096
        ]
        self.assertEqual(large, [])

    def test_making_a_container_on_a_full_disk_fails_cleanly(self):
        self.fill_but(0)
        with self.assertRaises(OSError) as raised:
            os.mkdir(self.member("new.gen5"))
        self.assertEqual(raised.exception.errno, errno.ENOSPC)
        self.assertEqual(os.listdir(self.mount.path), ["a.gen5"])
        os.unlink(self.filler)
        os.mkdir(self.member("new.gen5"))
        self.stored("new.gen5")

    def test_scratch_on_a_full_disk_fails_and_the_mount_goes_on(self):
        self.fill_but(0)
        self.assert_os_error(
            errno.ENOSPC, write_file, self.member("a.gen5", "notes.txt"), bytes(1_000_000)
        )
        self.assertEqual(sha256(self.read("a.gen5", "image.png")), sha256(self.before.image))
        self.assertEqual(read_file(self.source("a.gen5")), self.bytes)


class ReadOnlySource(MountCase):
    def test_a_read_only_source_is_read_and_refuses_writers(self):
        library = os.path.join(self.work, "library")
        os.mkdir(library)
        self.program("mount", "-t", "tmpfs", "tmpfs", library)
        self.addCleanup(take_down, library)
        shutil.copyfile(
            os.path.join(REFERENCE, "extra-fields.gen5"), os.path.join(library, "a.gen5")
        )
        self.program("mount", "-o", "remount,ro", library)
        self.mounted(source=library)
        self.assertEqual(sorted(os.listdir(self.member("a.gen5"))), MEMBERS)
        self.assertEqual(
            sha256(self.read("a.gen5", "image.png")),
            self.expected("extra-fields.gen5")["image"]["sha256"],
        )
        self.assert_os_error(
            errno.EROFS, write_file, self.member("a.gen5", "image.png"), new_image(1)
        )
        self.assert_os_error(errno.EROFS, os.mkdir, self.member("b.gen5"))
        self.assert_os_error(errno.EROFS, write_file, self.member("plain.txt"), b"x")
        self.assert_os_error(errno.EROFS, os.unlink, self.member("a.gen5", "image.png"))
        self.assertIn("image.png", os.listdir(self.member("a.gen5")))


class SecondUser(MountCase):
    """A mount by root that others may use."""

    def setUp(self):
        super().setUp()
        self.user = pwd.getpwnam("nobody")
        self.mounted(options="allow_other")
        # The test's own folders are closed to others.
        os.chmod(os.path.dirname(self.mount.path), 0o755)
        os.chmod(self.work, 0o755)
        self.mount.add("extra-fields.gen5", "private.gen5")
        os.chmod(self.source("private.gen5"), 0o600)
        self.mount.add("extra-fields.gen5", "public.gen5")
        os.chmod(self.source("public.gen5"), 0o644)
        os.chmod(self.mount.source, 0o777)
        self.assert_eventually(
            lambda: self.mode("private.gen5") == 0o700 and self.mode("public.gen5") == 0o755
            and stat.S_IMODE(os.stat(self.mount.path).st_mode) == 0o777,
            "the modes are not seen",
        )

    def mode(self, *parts):
        return stat.S_IMODE(os.stat(self.member(*parts)).st_mode)

    def as_nobody(self, script, *arguments, status=None):
        return self.program(
            "setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}",
            "--clear-groups", "sh", "-c", script, "sh", *arguments, status=status, cwd="/",
        )

    def test_a_private_container_is_refused_to_another_user(self):
        for member in ("image.png", "metadata.json", "latent.npy", "latents/initial_noise.npy"):
            # Root has it in every cache there is.
            self.read("private.gen5", member)
            done = self.as_nobody('cat "$1"', self.member("private.gen5", member))
            self.assertNotEqual(done.returncode, 0, member)
            self.assertEqual(done.stdout, b"", member)
            self.assertIn(b"ermission denied", done.stderr, member)
        self.assertNotEqual(self.as_nobody('ls "$1"', self.member("private.gen5")).returncode, 0)
        raw = self.as_nobody('cat "$1"', self.member(".gen5fs", "raw", "private.gen5"))
        self.assertNotEqual(raw.returncode, 0)
        self.assertEqual(raw.stdout, b"")

    def test_a_public_container_is_read_and_not_written_by_another_user(self):
        done = self.as_nobody('cat "$1"', self.member("public.gen5", "image.png"), status=0)
        self.assertEqual(
            sha256(done.stdout), self.expected("extra-fields.gen5")["image"]["sha256"]
        )
        old = read_file(self.source("public.gen5"))
        for script in (
            'echo x > "$1/image.png"', 'rm -f "$1/image.png"', 'echo x > "$1/scratch"',
            'mv "$1/image.png" "$1/other"', 'chmod 666 "$1/image.png"',
            'touch -d @1 "$1/image.png"',
        ):
            with self.subTest(script):
                self.assertNotEqual(
                    self.as_nobody(script, self.member("public.gen5")).returncode, 0
                )
        self.assertEqual(read_file(self.source("public.gen5")), old)
        self.assertEqual(sorted(os.listdir(self.member("public.gen5"))), MEMBERS)

    def test_what_another_user_makes_belongs_to_that_user(self):
        picture = self.outside("new.png", new_image(1))
        self.as_nobody(
            'umask 027; echo text > "$1/plain.txt"; mkdir "$1/folder" "$1/x.gen5";'
            ' cp "$2" "$1/x.gen5/image.png"; cp "$3" "$1/whole.gen5"; ln -s plain.txt "$1/link"',
            self.mount.path, picture, self.open_copy(), status=0,
        )
        for name, mode in (
            ("plain.txt", 0o640), ("folder", 0o750), ("x.gen5", 0o640), ("whole.gen5", 0o640),
            ("link", None),
        ):
            with self.subTest(name):
                status = os.lstat(self.source(name))
                self.assertEqual((status.st_uid, status.st_gid),
                                 (self.user.pw_uid, self.user.pw_gid))
                if mode is not None:
                    self.assertEqual(stat.S_IMODE(status.st_mode), mode)
        self.assertEqual(self.stored("x.gen5").image, new_image(1))

    def open_copy(self):
        path = os.path.join(self.work, "whole.gen5")
        shutil.copyfile(os.path.join(REFERENCE, "one-pixel.gen5"), path)
        os.chmod(path, 0o644)
        return path

    def test_a_save_keeps_the_owner_and_mode_of_the_container(self):
        os.chown(self.source("public.gen5"), self.user.pw_uid, self.user.pw_gid)
        os.chmod(self.source("public.gen5"), 0o604)
        self.assert_eventually(lambda: self.mode("public.gen5") == 0o705, "the mode is not seen")
        write_file(self.member("public.gen5", "image.png"), new_image(1))
        status = os.stat(self.source("public.gen5"))
        self.assertEqual(
            (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)),
            (self.user.pw_uid, self.user.pw_gid, 0o604),
        )
        self.assertEqual(self.stored("public.gen5").image, new_image(1))

    def test_the_owner_saves_through_the_mount_of_root(self):
        os.chown(self.source("private.gen5"), self.user.pw_uid, self.user.pw_gid)
        self.assert_eventually(
            lambda: os.stat(self.member("private.gen5")).st_uid == self.user.pw_uid,
            "the owner is not seen",
        )
        self.as_nobody(
            'sed "s/puppy smiling/fish swimming/" "$1/metadata.json" > "$1/next" &&'
            ' mv "$1/next" "$1/metadata.json"',
            self.member("private.gen5"), status=0,
        )
        self.assertIn("fish swimming", self.stored("private.gen5").prompt)
        status = os.stat(self.source("private.gen5"))
        self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (self.user.pw_uid, 0o600))

    def test_without_allow_other_another_user_sees_nothing(self):
        closed = os.path.join(self.work, "closed")
        os.mkdir(closed)
        self.mount_in_background(self.mount.source, closed)
        done = self.as_nobody('ls "$1"', closed)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    unittest.main()
