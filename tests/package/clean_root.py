# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# The Debian packages, installed by dpkg into a root that has nothing but a small Debian and what they
# ask for, and used from there. scripts/package --try runs it, as root and in name spaces of its own.
# Environment: GEN5_PACKAGES is the folder of the packages, GEN5_CLEAN_ROOT the root as a tar file.

import glob
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "clients"))
from mounted import REFERENCE, ROOT, run  # noqa: E402
from test_install import WARNINGS, example  # noqa: E402

PACKAGES = sorted(glob.glob(os.path.join(os.environ["GEN5_PACKAGES"], "*.deb")))
NAMES = [os.path.basename(path).split("_")[0] for path in PACKAGES]
FIXTURE = "three-latents.gen5"
MEMBERS = ["env.json", "image.png", "latent.npy", "latents", "metadata.json"]


class CleanRoot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="gen5fs-root-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        run(["tar", "-C", cls.root, "-xf", os.environ["GEN5_CLEAN_ROOT"]])
        for kind, point in (("proc", "proc"), ("tmpfs", "tmp")):
            run(["mount", "-t", kind, kind, cls.at(point)])
            cls.addClassCleanup(run, ["umount", "-l", cls.at(point)])
        with open(cls.at("dev", "fuse"), "wb"):
            pass
        run(["mount", "--bind", "/dev/fuse", cls.at("dev", "fuse")])
        cls.addClassCleanup(run, ["umount", cls.at("dev", "fuse")])
        for package in PACKAGES:
            shutil.copy(package, cls.at("tmp"))
        cls.before = cls.files()
        cls.inside("sh", "-c", "dpkg -i /tmp/*.deb")

    @classmethod
    def at(cls, *names):
        return os.path.join(cls.root, *names)

    @classmethod
    def inside(cls, *command):
        """Runs a command of the root in it; what it prints."""
        done = run(["chroot", cls.root, *command],
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"})
        return done.stdout.decode()

    @classmethod
    def files(cls):
        return set(run(["find", cls.root, "-xdev", "(", "-not", "-type", "d", ")", "-printf",
                        "%P\\n"]).stdout.decode().splitlines())

    def library(self):
        """A folder with a container, in the root's /tmp; its path there."""
        folder = tempfile.mkdtemp(dir=self.at("tmp"))
        shutil.copy(os.path.join(REFERENCE, FIXTURE), folder)
        return "/" + os.path.relpath(folder, self.root)


class Installed(CleanRoot):
    def test_nothing_is_missing(self):
        self.assertEqual(self.inside("dpkg", "--audit"), "")
        for name in NAMES:
            status = self.inside("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", name)
            self.assertEqual(status, "ii ", name)
        for program in "/usr/bin/gen5fs", "/usr/sbin/mount.gen5fs":
            self.assertNotIn("not found", self.inside("ldd", program))

    def test_files_are_as_they_were_packed(self):
        # A small Debian leaves manual pages out, which is for it to say.
        missing = self.inside("dpkg", "--verify", "--verify-format", "rpm", *NAMES).splitlines()
        self.assertEqual([line for line in missing if "/usr/share/" not in line], [])

    def test_the_command_reads_checks_unpacks_and_packs(self):
        folder = self.library()
        path = f"{folder}/{FIXTURE}"
        told = json.loads(self.inside("gen5fs", "info", "--json", path))
        self.assertEqual([latent["key"] for latent in told["latents"]][0], "initial_noise")
        self.assertEqual(self.inside("gen5fs", "verify", folder), "")
        self.inside("gen5fs", "unpack", path, "-C", f"{folder}/out")
        self.inside("gen5fs", "pack", f"{folder}/out/{FIXTURE}", "-o", f"{folder}/new.gen5")
        self.inside("gen5fs", "diff", path, f"{folder}/new.gen5")
        self.inside("gen5fs", "preview", path, "-o", f"{folder}/look.png")

    def test_a_folder_is_mounted_by_the_command_by_mount_and_by_fstab(self):
        folder = self.library()
        point = f"{folder}-point"
        os.mkdir(self.at(point.strip("/")))
        with open(self.at("etc", "fstab"), "w", encoding="ascii") as table:
            table.write(f"{folder} {point} gen5fs _netdev,nofail,x-systemd.automount 0 0\n")
        for mount, umount in (
            (["gen5fs", "mount", folder, point], ["gen5fs", "umount", point]),
            (["mount", "-t", "gen5fs", folder, point], ["umount", point]),
            (["mount", "-t", "fuse.gen5fs", folder, point], ["umount", point]),
            (["mount", "-a"], ["umount", point]),
        ):
            with self.subTest(mount=mount):
                self.inside(*mount)
                shown = self.inside("ls", f"{point}/{FIXTURE}").split()
                self.assertEqual(shown, MEMBERS)
                self.inside("sh", "-c", f"echo kept > {point}/note.txt")
                self.inside(*umount)
                self.assertEqual(self.inside("cat", f"{folder}/note.txt"), "kept\n")
                self.assertEqual(self.inside("ls", point), "")

    def test_a_program_that_is_compiled_with_the_development_package_runs(self):
        source = os.path.join(self.at("tmp"), "prompts.c")
        with open(source, "w", encoding="utf-8") as stream:
            stream.write(example())
        modules, = glob.glob(self.at("usr/lib/*/pkgconfig"))
        flags = run(["pkg-config", "--cflags", "--libs", "gen5"], env={
            **os.environ, "PKG_CONFIG_LIBDIR": modules, "PKG_CONFIG_SYSROOT_DIR": self.root,
            "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1", "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1"})
        libraries = os.path.dirname(modules)
        run(["cc", "-std=c17", *WARNINGS, "-o", self.at("tmp/prompts"), source,
             f"-Wl,-rpath-link,{libraries}", *shlex.split(flags.stdout.decode())])
        path = f"{self.library()}/{FIXTURE}"
        self.assertEqual(self.inside("/tmp/prompts", path),
                         f"{path}: A puppy smiling, cinematic\n")

    def test_completion_and_units_are_where_they_are_looked_for(self):
        listed = self.inside("dpkg", "-L", *NAMES).splitlines()
        for path in ("/usr/share/bash-completion/completions/gen5fs", "/usr/share/man/man1/gen5fs.1.gz",
                     "/usr/lib/systemd/user/gen5fs@.service", "/usr/include/gen5/container.h"):
            self.assertIn(path, listed)


class Removed(CleanRoot):
    def test_nothing_is_left(self):
        self.inside("dpkg", "--purge", *NAMES)
        left = {path for path in self.files() - self.before
                if not re.match(r"var/(lib/dpkg|cache|log)/|etc/ld\.so\.cache", path)}
        self.assertEqual(left, set())


if __name__ == "__main__":
    unittest.main()
