# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Mounting and unmounting on machines of every kind: dead mounts, mounts that are shown twice, users who
# are not root, /etc/fstab, programs and permissions that are missing.

import ctypes
import errno
import os
import shlex
import shutil
import signal
import subprocess
import unittest

import private_system
from mount_case import (
    GEN5FS, PROGRAM_SECONDS, LibraryCase, Stored, daemon_of, new_image, process_lives, take_down,
    write_file,
)
from mounted import is_mount_point

MEMBERS = ["env.json", "image.png", "latent.npy", "metadata.json"]
NOT_MOUNTED, REFUSED, STILL_RUNS = 20, 21, 22
BAD_SOURCE, BAD_POINT, NO_FUSE, NO_HELPER, SYSTEM_REFUSED = 10, 11, 12, 13, 14


class MountingCase(LibraryCase):
    """What a plain user may read, too."""

    def setUp(self):
        super().setUp()
        os.chmod(self.work, 0o755)
        os.chmod(self.container, 0o644)

    def copy_of_command(self):
        """The build may be in a folder that is closed to others."""
        return shutil.copy(GEN5FS, os.path.join(self.work, "gen5fs"))

    def assert_refused(self, *arguments, status, says=()):
        """The command fails with this status, in one line that says enough."""
        done = self.gen5fs(*arguments, status=status)
        return self.assert_one_line(done, says)

    def assert_live(self, point=None):
        self.assertEqual(sorted(os.listdir(os.path.join(point or self.point, "a.gen5"))), MEMBERS)

    def mount_and_kill(self, point=None):
        """A mount whose daemon has died."""
        point = point or self.point
        self.gen5fs("mount", self.library, point)
        daemon = daemon_of(point)
        os.kill(daemon, signal.SIGKILL)
        self.assert_process_ends(daemon)
        self.assertTrue(is_mount_point(point))

    def be_in(self, folder, as_whom=lambda *command: command, seconds=1000):
        """Until the test ends, or so long, a program has its working directory there."""
        process = subprocess.Popen(
            as_whom("sh", "-c", 'cd "$1" && echo there && exec sleep "$2"', "sh", folder,
                    str(seconds)),
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"there\n")


class DeadMounts(MountingCase):
    def test_umount_takes_a_dead_mount_away_though_a_program_is_in_it(self):
        self.gen5fs("mount", self.library, self.point)
        self.be_in(os.path.join(self.point, "a.gen5"))
        daemon = daemon_of(self.point)
        os.kill(daemon, signal.SIGKILL)
        self.assert_process_ends(daemon)
        self.gen5fs("umount", self.point)
        self.assertFalse(is_mount_point(self.point))
        self.gen5fs("mount", self.library, self.point)
        self.assert_live()

    def test_a_mount_over_a_dead_mount_is_refused_with_the_cure(self):
        self.mount_and_kill()
        self.assert_refused("mount", self.library, self.point, status=BAD_POINT,
                            says=[self.point, f"gen5fs umount {self.point}"])

    def test_the_cure_of_a_dead_mount_can_be_typed_as_it_is_shown(self):
        for name in ("a point", "it's", "-point", "$HOME", "plain"):
            with self.subTest(name):
                point = os.path.join(self.work, name)
                os.mkdir(point)
                self.addCleanup(take_down, point)
                self.mount_and_kill(point)
                # As a user gives it, from the folder above.
                done = self.program(GEN5FS, "mount", "library", "--", name, status=BAD_POINT)
                cure = done.stderr.decode().strip().rpartition("clear it with ")[2]
                self.assertTrue(cure.startswith("gen5fs umount "), done.stderr)
                self.shell(cure.replace("gen5fs", shlex.quote(GEN5FS), 1))
                self.assertFalse(is_mount_point(point))

    def test_a_mount_point_inside_a_dead_mount_is_explained_by_the_dead_mount(self):
        self.mount_and_kill()
        inside = os.path.join(self.point, "folder", "deeper")
        self.assert_refused("mount", self.library, inside, status=BAD_POINT,
                            says=[inside, f"gen5fs umount {self.point}\n"])

    def test_a_dead_mount_of_another_file_system_is_explained_with_its_own_cure(self):
        # The connection ends with the shell that holds its descriptor.
        self.shell(
            "exec 3<>/dev/fuse; mount -i -t fuse.other"
            ' -o fd=3,rootmode=40000,user_id=0,group_id=0 other "$1"', self.point,
        )
        message = self.assert_refused("mount", self.library, self.point, status=BAD_POINT,
                                      says=[self.point, f"umount -l {self.point}"])
        self.assertNotIn("gen5fs umount", message)


class Unmounting(MountingCase):
    def in_foreground(self):
        process = subprocess.Popen(
            [GEN5FS, "mount", "-f", self.library, self.point], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
        )
        self.addCleanup(process.kill)
        self.assert_eventually(lambda: os.path.ismount(self.point), "the mount is not live")
        return process

    def bound(self, name, folder=None):
        """The mount, or a folder of it, is shown at a second place."""
        place = os.path.join(self.work, name)
        os.mkdir(place)
        self.program("mount", "--bind", folder or self.point, place)
        self.addCleanup(take_down, place)
        return place

    def test_umount_of_a_mount_that_is_also_shown_elsewhere_says_where_and_does_not_wait(self):
        self.gen5fs("mount", self.library, self.point)
        place = self.bound("second place")
        daemon = daemon_of(self.point)
        self.assert_refused("umount", self.point, status=STILL_RUNS,
                            says=[self.point, f"gen5fs umount '{place}'"])
        self.assertFalse(is_mount_point(self.point))
        self.assert_live(place)
        self.gen5fs("umount", place)
        self.assertFalse(process_lives(daemon))

    def test_umount_of_the_last_place_waits_though_it_shows_only_a_folder(self):
        os.mkdir(os.path.join(self.library, "folder"))
        self.gen5fs("mount", self.library, self.point)
        daemon = daemon_of(self.point)
        place = self.bound("second place", os.path.join(self.point, "folder"))
        self.gen5fs("umount", self.point, status=STILL_RUNS)
        self.gen5fs("umount", place)
        self.assertFalse(process_lives(daemon))

    def test_a_daemon_whose_mount_was_detached_finishes_open_files_first(self):
        process = self.in_foreground()
        image = os.path.join(self.point, "a.gen5", "image.png")
        content = new_image(1)
        descriptor = os.open(image, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, content[:100])
        self.gen5fs("umount", "--lazy", self.point)
        self.assertFalse(is_mount_point(self.point))
        os.write(descriptor, content[100:])
        os.close(descriptor)
        _, errors = process.communicate(timeout=PROGRAM_SECONDS)
        self.assertEqual(process.returncode, 0, errors)
        self.assert_sound(self.container)
        self.assertEqual(Stored(self.container).image, content)

    def test_a_daemon_that_does_not_answer_is_not_waited_for_without_end(self):
        self.gen5fs("mount", self.library, self.point)
        daemon = daemon_of(self.point)
        os.kill(daemon, signal.SIGSTOP)
        self.addCleanup(os.kill, daemon, signal.SIGCONT)
        self.assert_refused("umount", self.point, status=REFUSED, says=["umount --lazy"])
        self.gen5fs("umount", "--lazy", self.point)


def forbid_process_descriptors():
    """What older kernels, and the rules of some containers, do to pidfd_open."""
    class Instruction(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("then", ctypes.c_ubyte),
                    ("otherwise", ctypes.c_ubyte), ("k", ctypes.c_uint)]

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction))]

    load_number, is_equal, give = 0x20, 0x15, 0x06
    pidfd_open, allow, refuse = 434, 0x7FFF0000, 0x00050000 | errno.EPERM
    instructions = (Instruction * 4)(
        (load_number, 0, 0, 0), (is_equal, 0, 1, pidfd_open), (give, 0, 0, refuse),
        (give, 0, 0, allow),
    )
    set_seccomp, by_filter = 22, 2
    filter_ = Filter(len(instructions), instructions)
    if ctypes.CDLL(None).prctl(set_seccomp, by_filter, ctypes.byref(filter_), 0, 0) != 0:
        raise OSError("seccomp")


class PlainUser(MountingCase):
    """A user who is not root, and has fusermount3 and a /dev/fuse that everybody may open."""

    def setUp(self):
        super().setUp()
        private_system.set_device_mode(self, 0o666)
        self.command = self.copy_of_command()
        for path in (self.library, self.point, self.container):
            os.chown(path, private_system.PLAIN_USER, private_system.PLAIN_USER)

    def as_user(self, *command, status=0):
        return self.program(*private_system.as_plain_user(*command), status=status, cwd="/")

    def mount_as_user(self, *options):
        self.as_user(self.command, "mount", *options, self.library, self.point)
        return daemon_of(self.point)

    def slow_daemon(self, daemon):
        """Puts a fusermount3 first in PATH that stops the daemon for a second when it unmounts."""
        folder = os.path.join(self.work, "bin")
        os.mkdir(folder)
        script = os.path.join(folder, "fusermount3")
        write_file(script, b"""#!/bin/sh
kill -STOP %d
(sleep 1; kill -CONT %d) </dev/null >/dev/null 2>&1 &
exec /usr/bin/fusermount3 "$@"
""" % (daemon, daemon))
        os.chmod(script, 0o755)
        self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"

    def test_umount_waits_for_the_daemon(self):
        daemon = self.mount_as_user()
        self.slow_daemon(daemon)
        self.as_user(self.command, "umount", self.point)
        self.assertFalse(process_lives(daemon))

    def test_umount_waits_for_the_daemon_where_there_are_no_process_descriptors(self):
        daemon = self.mount_as_user()
        self.slow_daemon(daemon)
        done = subprocess.run(
            private_system.as_plain_user(self.command, "umount", self.point), check=False,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=forbid_process_descriptors, timeout=PROGRAM_SECONDS,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertFalse(process_lives(daemon))

    def test_a_signal_to_the_daemon_takes_the_mount_away(self):
        daemon = self.mount_as_user()
        os.kill(daemon, signal.SIGTERM)
        self.assert_process_ends(daemon)
        self.assertFalse(is_mount_point(self.point))

    def test_a_mount_that_is_in_use_for_a_moment_is_unmounted_after_it(self):
        for mount, umount in ((self.mount_as_user, self.as_user), (self.mount_as_root, self.program)):
            with self.subTest(mount.__name__):
                mount()
                self.be_in(os.path.join(self.point, "a.gen5"), private_system.as_plain_user
                           if mount == self.mount_as_user else lambda *command: command, 0.2)
                umount(self.command, "umount", self.point)
                self.assertFalse(is_mount_point(self.point))

    def mount_as_root(self):
        self.gen5fs("mount", self.library, self.point)

    def test_root_waits_for_the_daemon_of_a_user(self):
        for _ in range(5):
            daemon = self.mount_as_user()
            self.gen5fs("umount", self.point)
            self.assertFalse(process_lives(daemon))

    def test_root_is_told_whose_mount_is_in_the_way(self):
        self.mount_as_user()
        self.assert_refused("mount", self.library, self.point, status=BAD_POINT,
                            says=["mounted here already", f"gen5fs umount {self.point}"])
        self.assertIn(f"{self.point} shows {self.library} (process {daemon_of(self.point)})",
                      self.gen5fs("status").stdout.decode())

    def test_root_takes_the_dead_mount_of_a_user_away(self):
        daemon = self.mount_as_user()
        os.kill(daemon, signal.SIGKILL)
        self.assert_process_ends(daemon)
        self.assert_refused("mount", self.library, self.point, status=BAD_POINT,
                            says=["has ended", f"gen5fs umount {self.point}"])
        self.gen5fs("umount", self.point)
        self.assertFalse(is_mount_point(self.point))

    def test_a_user_takes_a_dead_mount_away_though_a_program_is_in_it(self):
        daemon = self.mount_as_user()
        self.be_in(self.point, private_system.as_plain_user)
        os.kill(daemon, signal.SIGKILL)
        self.assert_process_ends(daemon)
        self.as_user(self.command, "umount", self.point)
        self.assertFalse(is_mount_point(self.point))


class Refusals(MountingCase):
    """Whatever is in the way is said before the command goes to the background: in one line that
    names cause and cure, with a status of its own, and with no daemon left."""

    def setUp(self):
        super().setUp()
        private_system.set_device_mode(self, 0o666)
        self.command = self.copy_of_command()
        for path in (self.library, self.point, self.container):
            os.chown(path, private_system.PLAIN_USER, private_system.PLAIN_USER)
        self.others = os.path.join(self.work, "others")
        os.mkdir(self.others)
        os.mkdir(os.path.join(self.others, "folder"))

    def assert_says(self, status, cause, cure, *arguments, as_whom=lambda *command: command,
                    named=None):
        command = as_whom(self.command, "mount", *(arguments or (self.library, self.point)))
        done = self.program(*command, cwd="/", status=status)
        self.assert_one_line(done, (cause, cure, named or ""))
        self.assertEqual(done.stdout, b"")
        self.assertFalse(is_mount_point(self.point))
        self.assertIsNone(daemon_of(self.point))

    def test_the_source(self):
        missing = os.path.join(self.work, "missing")
        text = self.outside("file.txt", b"")
        pipe = os.path.join(self.work, "pipe")
        os.mkfifo(pipe)
        dangling = os.path.join(self.work, "dangling")
        os.symlink(missing, dangling)
        folder = os.path.join(self.others, "folder")
        private = os.path.join(self.others, "private.gen5")
        shutil.copyfile(self.container, private)
        os.chmod(private, 0o600)
        user = private_system.as_plain_user
        for source, cause in (
            (missing, "no such folder"), (dangling, "no such folder"),
            (os.path.join(text, "below"), "no such folder"), (text, "neither a folder nor a .gen5"),
            (pipe, "neither a folder nor a file"),
        ):
            with self.subTest(source):
                self.assert_says(BAD_SOURCE, cause, "give the folder that holds the containers",
                                 source, self.point, named=source)
        with self.subTest("one container, unreadable"):
            self.assert_says(BAD_SOURCE, "may not read this file", f"ls -ld {private}", private,
                             self.point, as_whom=user, named=private)
        os.chmod(folder, 0o311)
        with self.subTest("unreadable"):
            self.assert_says(BAD_SOURCE, "may not read this folder", f"ls -ld {folder}", folder,
                             self.point, as_whom=user, named=folder)
        os.chmod(self.others, 0o700)
        with self.subTest("unreachable"):
            self.assert_says(BAD_SOURCE, "may not pass", f"ls -ld {self.others}", folder,
                             self.point, as_whom=user, named=folder)

    def test_the_mount_point(self):
        missing = os.path.join(self.work, "missing point")
        text = self.outside("file.txt", b"")
        folder = os.path.join(self.others, "folder")
        user = private_system.as_plain_user
        with self.subTest("missing"):
            self.assert_says(BAD_POINT, "no such folder", f"mkdir -p '{missing}'", self.library,
                             missing, named=missing)
        for point in (text, os.path.join(text, "below")):
            with self.subTest(point):
                self.assert_says(BAD_POINT, "not a folder", "give a folder", self.library, point,
                                 named=point)
        with self.subTest("of another user"):
            self.assert_says(BAD_POINT, "not yours to mount on", "belongs to you", self.library,
                             folder, as_whom=user, named=folder)
        os.chmod(self.point, 0o555)
        with self.subTest("of the user, who may not write in it"):
            self.assert_says(BAD_POINT, "not yours to mount on", "you may write in", self.library,
                             self.point, as_whom=user, named=self.point)
        os.chmod(self.others, 0o700)
        with self.subTest("unreachable"):
            self.assert_says(BAD_POINT, "may not pass", f"ls -ld {self.others}", self.library,
                             folder, as_whom=user, named=folder)

    def test_the_device_is_absent(self):
        self.assert_says(NO_FUSE, "/dev/fuse is absent", "modprobe fuse", as_whom=lambda *command: (
            "unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /dev && exec "$@"', "sh", *command,
        ))

    def test_the_device_may_not_be_opened(self):
        private_system.set_device_mode(self, 0o600)
        self.assert_says(NO_FUSE, "/dev/fuse may not be opened", "chmod 666 /dev/fuse",
                         as_whom=private_system.as_plain_user)

    def test_the_device_has_no_driver(self):
        private_system.replace_device(self, 0o666, os.makedev(10, 254))
        self.assert_says(NO_FUSE, "/dev/fuse cannot be opened", "modprobe fuse")

    def test_the_helper_is_missing(self):
        private_system.hide_file(self, "/usr/bin/fusermount3")
        self.assert_says(NO_HELPER, "fusermount3 is missing", "package fuse3",
                         as_whom=private_system.as_plain_user)
        self.gen5fs("mount", self.library, self.point)
        self.assert_live()
        self.gen5fs("umount", self.point)

    def test_the_helper_has_lost_its_privilege(self):
        helper = os.path.join(self.work, "fusermount3")
        shutil.copyfile("/usr/bin/fusermount3", helper)
        os.chmod(helper, 0o755)
        private_system.bind(self, helper, "/usr/bin/fusermount3")
        self.assert_says(SYSTEM_REFUSED, "not permitted", "chmod u+s",
                         as_whom=private_system.as_plain_user, named=self.point)

    def test_root_may_not_mount(self):
        self.assert_says(
            SYSTEM_REFUSED, "not permitted", "--cap-add SYS_ADMIN", named=self.point,
            as_whom=lambda *command: private_system.without_capability("sys_admin", *command),
        )

    def test_other_users_may_not_be_let_in(self):
        private_system.replace_file(self, "/etc/fuse.conf", b"#user_allow_other\n")
        self.assert_says(SYSTEM_REFUSED, "only root may let other users in",
                         "add the line user_allow_other to /etc/fuse.conf", "-o", "allow_other",
                         self.library, self.point, as_whom=private_system.as_plain_user)

    def test_too_many_file_systems_are_mounted(self):
        private_system.replace_file(self, "/etc/fuse.conf", b"mount_max = 0\n")
        self.assert_says(SYSTEM_REFUSED, "too many FUSE filesystems", "/etc/fuse.conf",
                         as_whom=private_system.as_plain_user, named=self.point)

    def test_the_same_folder_and_mounts_of_the_same_source_within_are_no_problem(self):
        inner = os.path.join(self.library, "inner")
        os.mkdir(inner)
        self.addCleanup(take_down, self.library)
        self.addCleanup(take_down, inner)
        self.gen5fs("mount", self.library, self.point)
        self.gen5fs("mount", self.library, inner)
        self.gen5fs("mount", self.library, self.library)
        for point in (self.point, self.library):
            self.assert_live(point)
        self.gen5fs("mount", self.library, self.library, status=BAD_POINT)
        self.gen5fs("umount", self.library)
        self.assert_live(inner)
        self.gen5fs("umount", inner)
        self.gen5fs("umount", self.point)


class SystemMounts(MountingCase):
    """gen5fs installed by CMake, and used by mount(8) and /etc/fstab."""

    def setUp(self):
        super().setUp()
        private_system.set_device_mode(self, 0o666)
        prefix = os.path.join(self.work, "usr")
        self.program("cmake", "--install", os.path.dirname(GEN5FS), "--prefix", prefix)
        helper = os.path.join(prefix, "sbin", "mount.gen5fs")
        self.assertEqual(os.path.realpath(helper), os.path.join(prefix, "bin", "gen5fs"))
        private_system.add_program(self, "/sbin/mount.gen5fs", helper)
        # mount.fuse3, which fuse.gen5fs goes through, looks in the system's own folders alone.
        private_system.add_program(self, "/usr/bin/gen5fs", os.path.join(prefix, "bin", "gen5fs"))
        self.user_point = os.path.join(self.work, "user's point")
        os.mkdir(self.user_point)
        self.addCleanup(take_down, self.user_point)

    def type_of(self, point):
        return self.program("findmnt", "-n", "-o", "FSTYPE", point).stdout.decode().strip()

    def test_both_names_of_the_type_mount(self):
        for name in ("gen5fs", "fuse.gen5fs"):
            with self.subTest(name):
                self.program("mount", "-t", name, "-o", "noatime,_netdev,nofail", self.library,
                             self.point)
                self.assert_live()
                self.assertEqual(self.type_of(self.point), "fuse.gen5fs")
                self.program("umount", self.point)

    def test_devices_and_set_id_bits_count_where_root_says_so(self):
        command = self.copy_of_command()
        for options, counts in (("rw", False), ("dev,suid", True), ("suid,dev,nosuid,nodev", False),
                                ("nodev,nosuid,dev,suid", True)):
            with self.subTest(options):
                self.gen5fs("mount", "-o", options, self.library, self.point)
                shown = self.program("findmnt", "-n", "-o", "OPTIONS", self.point).stdout.decode()
                for name in ("nodev", "nosuid"):
                    self.assertEqual(name not in shown.split(","), counts, shown)
                self.gen5fs("umount", self.point)
        for path in (self.library, self.point):
            os.chown(path, private_system.PLAIN_USER, private_system.PLAIN_USER)
        done = self.program(*private_system.as_plain_user(
            command, "mount", "-o", "dev,suid", self.library, self.point), cwd="/")
        self.assertEqual(done.stderr, b"")
        shown = self.program("findmnt", "-n", "-o", "OPTIONS", self.point).stdout.decode()
        self.assertIn("nosuid,nodev", shown)

    def test_what_fstab_names_is_mounted_once(self):
        library = os.path.join(self.work, "the library")
        os.rename(self.library, library)
        for name in ("gen5fs", "fuse.gen5fs"):
            for options in (
                "defaults", "rw,dev,suid,exec,auto,nouser,async", "user,noauto,x-systemd.automount",
                "_netdev,nofail,x-systemd.automount,x-systemd.idle-timeout=60,noatime,nonempty",
                "ro,allow_other,comment=x-gvfs-show,users,group,owner,relatime,nodiratime,noexec",
            ):
                with self.subTest(type=name, options=options):
                    table = self.outside("fstab", os.fsencode(
                        f"{library} {self.point} {name} {options} 0 0\n".replace(
                            "the library", "the\\040library"
                        )
                    ))
                    for _ in range(2):
                        if "noauto" in options:
                            if not is_mount_point(self.point):
                                self.program("mount", "-T", table, self.point)
                        else:
                            self.program("mount", "-a", "-T", table)
                    self.assert_live()
                    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
                        self.assertEqual(mounts.read().count(f" {self.point} "), 1)
                    self.gen5fs("umount", self.point)

    def test_a_user_mounts_what_fstab_lets_users_mount(self):
        os.chown(self.user_point, private_system.PLAIN_USER, private_system.PLAIN_USER)
        point = self.user_point.replace(" ", "\\040")
        for name in ("gen5fs", "fuse.gen5fs"):
            with self.subTest(name):
                table = self.outside(
                    "fstab", os.fsencode(f"{self.library} {point} {name} user,noauto,ro 0 0\n")
                )
                self.program("mount", "--bind", table, "/etc/fstab")
                self.addCleanup(self.program, "umount", "-l", "/etc/fstab")
                for command in (["umount"], ["gen5fs", "umount"]):
                    self.program(*private_system.as_plain_user("mount", self.user_point), cwd="/")
                    self.program(*private_system.as_plain_user(
                        "ls", os.path.join(self.user_point, "a.gen5")), cwd="/")
                    self.program(*private_system.as_plain_user(*command, self.user_point), cwd="/")
                    self.assertFalse(is_mount_point(self.user_point))

    def test_a_failure_is_told_with_the_status_of_mount(self):
        mount_failure = 32
        done = self.program("mount", "-t", "gen5fs", os.path.join(self.work, "missing"),
                            self.point, status=mount_failure)
        self.assertIn("no such folder", done.stderr.decode())
        done = self.program("mount", "-t", "gen5fs", "-o", "alow_other", self.library, self.point,
                            status=1)
        self.assertIn("did you mean -o allow_other?", done.stderr.decode())
        self.assertFalse(is_mount_point(self.point))

    def test_the_switches_of_mount_are_understood(self):
        self.program("mount", "-f", "-t", "gen5fs", self.library, self.point)
        self.assertFalse(is_mount_point(self.point))
        self.program("mount", "-n", "-v", "-s", "-t", "gen5fs", "-o", "sparkling", self.library,
                     self.point)
        self.assert_live()


if __name__ == "__main__":
    private_system.enter()
    unittest.main()
