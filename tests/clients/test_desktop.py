# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What a desktop does with what is installed: it knows containers by their type, opens them by a mount,
# and mounts folders while a user is logged in.

import os
import shutil
import signal
import subprocess
import unittest

import private_system
from installed import Installed
from mount_case import PROGRAM_SECONDS, REFERENCE, read_file, take_down
from mounted import eventually, is_mount_point, run

FIXTURE = os.path.join(REFERENCE, "three-latents.gen5")


def remove_folders(top):
    """Control groups hold files that are no files: only rmdir takes them away."""
    for path, _, _ in os.walk(top, topdown=False):
        os.rmdir(path)
    return not os.path.exists(top)


class DesktopCase(Installed):
    def setUp(self):
        super().setUp()
        self.session = os.path.join(self.work, "session")
        os.mkdir(self.session, 0o700)
        self.environment = {
            "XDG_RUNTIME_DIR": self.session, "XDG_DATA_DIRS": f"{self.installed('share')}:/usr/share",
            "XDG_DATA_HOME": os.path.join(self.work, "data"), "HOME": self.work,
            "XDG_CONFIG_HOME": os.path.join(self.work, "settings"),
            "MANPATH": self.installed("share", "man"),
        }

    def program(self, *command, status=0, **environment):
        return super().program(*command, status=status, **{**self.environment, **environment})

    def container(self, *names):
        path = os.path.join(self.work, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copyfile(FIXTURE, path)
        return path


class FileType(DesktopCase):
    def setUp(self):
        super().setUp()
        self.program("update-mime-database", self.installed("share", "mime"))

    def type_of(self, path):
        told = self.program("gio", "info", "-a", "standard::content-type", path).stdout.decode()
        return told.split("standard::content-type:")[1].strip()

    def test_a_container_is_known_by_its_name(self):
        self.assertEqual(self.type_of(self.write("any.gen5", "anything")), "application/x-gen5")

    def test_a_container_is_known_by_its_first_bytes(self):
        self.assertEqual(self.type_of(self.container("of no known name")), "application/x-gen5")
        self.assertNotEqual(self.type_of(self.write("other", "gen5")), "application/x-gen5")


class Opening(DesktopCase):
    """What a double click on a container starts."""

    def setUp(self):
        super().setUp()
        self.entry = self.installed("share", "applications", "gen5fs-open.desktop")
        # Stands for the file manager, and for the bubble with a message.
        self.shown = self.write("shown", "")
        programs = os.path.join(self.work, "programs")
        os.mkdir(programs)
        for name in ("xdg-open", "notify-send"):
            path = os.path.join(programs, name)
            with open(path, "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\nprintf '{name} %s\\n' \"$@\" >>'{self.shown}'\n")
            os.chmod(path, 0o755)
        self.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        self.addCleanup(self.unmount_all)

    def mounts(self):
        folder = os.path.join(self.session, "gen5fs")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return [os.path.join(folder, name) for name in names
                if is_mount_point(os.path.join(folder, name))]

    def unmount_all(self):
        for point in self.mounts():
            take_down(point)

    def open(self, *paths):
        """What the entry starts, by GLib, which all of GNOME uses; what was shown in the end."""
        with open(self.shown, "wb"):
            pass
        self.program("gio", "launch", self.entry, *paths)
        return eventually(lambda: self.shown_lines(len(paths)), PROGRAM_SECONDS)

    def shown_lines(self, count):
        lines = read_file(self.shown).decode().splitlines()
        return len(lines) >= count and lines

    def test_the_entry_is_valid(self):
        self.program("desktop-file-validate", self.entry)

    def test_it_is_what_opens_containers(self):
        self.program("update-mime-database", self.installed("share", "mime"))
        self.program("update-desktop-database", self.installed("share", "applications"))
        told = self.program("gio", "mime", "application/x-gen5").stdout.decode()
        self.assertIn("gen5fs-open.desktop", told)

    def test_a_container_is_shown_as_a_folder_and_mounted_once(self):
        path = self.container("two words", "it's one.gen5")
        for _ in range(2):
            lines = self.open(path)
            self.assertRegex(lines[0], "^xdg-open .*/it's one.gen5$")
            self.assertIn("metadata.json", os.listdir(lines[0].removeprefix("xdg-open ")))
            self.assertEqual(len(self.mounts()), 1)

    def test_containers_of_one_name_are_told_apart(self):
        self.open(self.container("one", "a.gen5"), self.container("other", "a.gen5"))
        self.assertEqual(len(self.mounts()), 2)

    def test_what_has_died_is_mounted_anew(self):
        path = self.container("a.gen5")
        self.open(path)
        told = self.program(self.installed("bin", "gen5fs"), "status").stdout.decode()
        process = next(line for line in told.splitlines() if self.mounts()[0] in line)
        os.kill(int(process.split("(process ")[1].rstrip(")")), signal.SIGKILL)
        folder = self.open(path)[0].removeprefix("xdg-open ")
        self.assertIn("metadata.json", os.listdir(folder))

    def test_a_failure_is_told_where_a_person_sees_it(self):
        lines = self.open(os.path.join(self.work, "missing.gen5"))
        self.assertTrue(all(line.startswith("notify-send ") for line in lines), lines)
        self.assertIn("missing.gen5", "\n".join(lines))


class UserService(DesktopCase):
    """The unit gen5fs@.service."""

    def test_the_unit_has_no_fault(self):
        done = self.program("systemd-analyze", "--user", "verify",
                            self.installed("lib", "systemd", "user", "gen5fs@.service"))
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def start_manager(self):
        """A user's service manager, as of a machine that runs systemd, with control groups of its own."""
        run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
        self.addCleanup(run, ["umount", "-l", "/run"])
        os.makedirs("/run/systemd/system")
        units = os.path.join(self.work, "settings", "systemd", "user")
        os.makedirs(units)
        shutil.copy(self.installed("lib", "systemd", "user", "gen5fs@.service"), units)
        tree = "/sys/fs/cgroup/systemd" if os.path.isdir("/sys/fs/cgroup/systemd") else "/sys/fs/cgroup"
        group = os.path.join(tree, f"gen5fs-test-{os.getpid()}")
        try:
            os.mkdir(group)
        except OSError as error:
            self.skipTest(f"control groups cannot be made: {error}")
        self.addCleanup(eventually, lambda: remove_folders(group))
        log = open(os.path.join(self.work, "log"), "w+b")
        self.addCleanup(log.close)
        manager = subprocess.Popen(
            ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec /lib/systemd/systemd --user', group],
            env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        self.addCleanup(self.end, manager)
        try:
            eventually(lambda: os.path.exists(os.path.join(self.session, "systemd", "private"))
                       or manager.poll() is not None)
        finally:
            if manager.poll() is not None:
                self.skipTest(f"no service manager of a user runs here: {read_file(log.name)}")

    def end(self, manager):
        if manager.poll() is None:
            manager.send_signal(signal.SIGTERM)
        manager.wait(PROGRAM_SECONDS)

    def main_process(self, unit):
        return int(self.program("systemctl", "--user", "show", "-P", "MainPID", unit).stdout)

    def test_a_folder_is_mounted_and_again_when_the_process_dies_and_unmounted(self):
        self.start_manager()
        folder = os.path.dirname(self.container("the renders", "a.gen5"))
        self.addCleanup(take_down, folder)
        inside = os.path.join(folder, "a.gen5", "metadata.json")
        escaped = self.program("systemd-escape", "--path", folder).stdout.decode().strip()
        unit = f"gen5fs@{escaped}.service"

        self.program("systemctl", "--user", "start", unit)
        self.assertTrue(os.path.exists(inside))

        killed = self.main_process(unit)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: self.main_process(unit) not in (0, killed), PROGRAM_SECONDS)
        self.assertTrue(os.path.exists(inside))

        self.program("systemctl", "--user", "stop", unit)
        self.assertFalse(is_mount_point(folder))
        self.assertTrue(os.path.isfile(os.path.join(folder, "a.gen5")))


if __name__ == "__main__":
    private_system.enter()
    unittest.main()
