# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# gen5fs env: the record of this machine as the reference writes it, and drift from it.

import hashlib
import json
import os
import platform
import shutil
import sys
import unittest

import numpy as np

import container
from command_case import HOSTILE_NAMES, CommandCase, strict_json
from mount_case import GEN5FS, new_image
from mounted import REFERENCE

PYTHON = sys.executable
KERNEL = f"name=os;version={platform.system()} {platform.release()}"

# As torch has it: a build behind a plus, and a type.
TORCH_VERSION = """from typing import Optional
__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']
__version__ = '2.4.0+cu121'
debug = False
cuda: Optional[str] = {cuda}
hip: Optional[str] = None
"""

# NVML as far as it is used.
NVML = r"""
#include <string.h>
int nvmlInit_v2(void) { return %d; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned size)
{ strncpy(version, "535.129.03", size); return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{ *device = (void *)(unsigned long)(index + 1); return 0; }
int nvmlDeviceGetName(void *device, char *name, unsigned size)
{ strncpy(name, device == (void *)1 ? "NVIDIA A100" : "NVIDIA H100", size); return 0; }
"""


class EnvCase(CommandCase):
    def setUp(self):
        super().setUp()
        self.packages = os.path.join(self.work, "packages")
        self.environment["PYTHONPATH"] = self.packages
        # Of this machine's own library nothing is wanted.
        self.libraries = os.path.join(self.work, "libraries")
        os.mkdir(self.libraries)
        self.environment["LD_LIBRARY_PATH"] = self.libraries

    def install_torch(self, cuda="'12.1'"):
        """A package that nobody may import."""
        folder = os.path.join(self.packages, "torch")
        os.makedirs(folder, exist_ok=True)
        for name, text in (("__init__.py", "raise SystemExit('imported')"),
                           ("version.py", TORCH_VERSION.format(cuda=cuda))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
                stream.write(text)

    def install_nvml(self, starts=0):
        compiler = shutil.which("cc")
        if compiler is None:
            self.skipTest("there is no compiler for an NVML of the test's own")
        source = os.path.join(self.work, "nvml.c")
        with open(source, "w", encoding="utf-8") as stream:
            stream.write(NVML % starts)
        self.program(compiler, "-shared", "-fPIC", "-w", "-o",
                     os.path.join(self.libraries, "libnvidia-ml.so.1"), source)

    def record(self):
        """The record that is printed: its text, and its canonical strings by id."""
        done = self.gen5fs("env", "--python", PYTHON)
        text = done.stdout.decode("ascii")
        components = strict_json(text)["components"]
        return text, [(c["component_id"], c["cononical_str"]) for c in components]

    def same_as_here(self):
        """The environment of this machine, as a payload."""
        return self.gen5fs("env", "--python", PYTHON).stdout.rstrip(b"\n")

    def check(self, *arguments, status=0):
        return self.gen5fs("env", "--python", PYTHON, "--check", *arguments, status=status)


class Records(EnvCase):
    def test_it_has_the_form_of_the_reference(self):
        self.install_torch()
        text, _ = self.record()
        document = json.loads(text)
        self.assertEqual(text, json.dumps(document, indent=2) + "\n")
        container.check_environment(text.encode())
        golden = json.loads(container.parse(os.path.join(REFERENCE, "two-gpus.gen5")).environment)
        self.assertEqual(list(document), list(golden))
        for mine, theirs in zip(document["components"], golden["components"]):
            self.assertEqual(list(mine), list(theirs))
            self.assertEqual(mine["component_id"], theirs["component_id"])
            self.assertEqual(hashlib.sha256(mine["cononical_str"].encode()).hexdigest(),
                             mine["component_sha256_digest"])

    def test_versions_are_those_of_the_interpreter_and_its_packages(self):
        self.install_torch()
        self.assertEqual(self.record()[1], [
            ("torch", "name=torch;version=2.4.0;cuda=12.1"),
            ("numpy", "name=numpy;version=" + np.__version__),
            ("python", "name=python;version=" + platform.python_version()),
            ("cuda", "name=cuda;version=12.1"),
            ("os", KERNEL),
        ])

    def test_a_torch_without_cuda_says_none(self):
        self.install_torch(cuda="None")
        components = dict(self.record()[1])
        self.assertEqual(components["torch"], "name=torch;version=2.4.0;cuda=None")
        self.assertEqual(components["cuda"], "name=cuda;version=none")

    def test_gpus_are_those_that_nvml_knows(self):
        self.install_nvml()
        gpus = [canonical for identity, canonical in self.record()[1] if identity == "gpu"]
        self.assertEqual(gpus, ["name=gpu;model=NVIDIA A100;driver=535.129.03",
                                "name=gpu;model=NVIDIA H100;driver=535.129.03"])

    def test_an_nvml_that_does_not_start_knows_none(self):
        self.install_nvml(starts=9)
        self.assertNotIn("gpu", dict(self.record()[1]))

    def test_packages_that_are_not_there_are_left_out_with_a_note(self):
        done = self.gen5fs("env", "--python", PYTHON)
        self.assert_complaint(done, PYTHON, "no torch")
        self.assertNotIn(b"torch", done.stdout)

    def test_nothing_is_taken_from_the_folder_where_it_runs(self):
        for name in ("re.py", "platform.py", "numpy.py", "torch.py"):
            self.outside(name, b"raise SystemExit('imported')")
        self.assertIn(("numpy", "name=numpy;version=" + np.__version__), self.record()[1])

    def test_another_interpreter_can_be_named(self):
        script = self.outside("my python", b"#!/bin/sh\necho python=9.9\necho numpy=8.8\n")
        os.chmod(script, 0o755)
        done = self.gen5fs("env", "-p", script)
        self.assertIn(b'"name=python;version=9.9"', done.stdout)
        self.assertIn(b'"name=numpy;version=8.8"', done.stdout)

    def test_an_interpreter_that_cannot_be_asked_is_told(self):
        for name, says in (("no-such-python", "cannot be run"), ("false", "failed"),
                           (self.work, "cannot be run")):
            with self.subTest(name):
                done = self.gen5fs("env", "--python", name, status=2)
                self.assertEqual(done.stdout, b"")
                self.assert_complaint(done, name, says)

    def test_pack_stores_the_same_record(self):
        self.install_torch()
        target = os.path.join(self.work, "new.gen5")
        self.gen5fs("pack", "--image", self.outside("x.png", new_image(1)), "--env", "auto",
                    "--python", PYTHON, "-o", target)
        container.strict_check(target)
        self.assertEqual(container.parse(target).environment, self.same_as_here())
        done = self.gen5fs("pack", "--image", self.outside("x.png", new_image(1)), "--env", "auto",
                           "--python", "no-such-python", "-o", target + "2", status=1)
        self.assert_complaint(done, "no-such-python")
        self.assertFalse(os.path.exists(target + "2"))


class Checks(EnvCase):
    def setUp(self):
        super().setUp()
        self.install_torch()

    def test_what_is_the_same_says_nothing(self):
        path = self.built("x.gen5", env=self.same_as_here())
        done = self.check(path)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_the_three_findings_of_the_reference(self):
        path = self.built("x.gen5", env=container.environment(
            ("torch", "name=torch;version=2.3.1;cuda=12.1"),
            ("numpy", "name=numpy;version=" + np.__version__),
            ("python", "name=python;version=" + platform.python_version()),
            ("os", KERNEL),
            ("gpu", "name=gpu;model=A;driver=1")))
        done = self.check(path, status=1)
        self.assertEqual(done.stderr, b"")
        self.assertEqual(done.stdout.decode().splitlines(), [
            f"{path}: torch differs: name=torch;version=2.3.1;cuda=12.1 in file, "
            "name=torch;version=2.4.0;cuda=12.1 in current system",
            f"{path}: gpu missing in current system: name=gpu;model=A;driver=1",
            f"{path}: cuda missing in file: name=cuda;version=12.1",
        ])

    def test_an_env_json_is_checked_as_well(self):
        path = self.outside("env.json", b" \n" + self.same_as_here())
        self.assertEqual(self.check(path).stdout, b"")

    def test_json_is_one_object_a_file(self):
        same = self.built("same.gen5", env=self.same_as_here())
        other = os.path.join(REFERENCE, "two-gpus.gen5")
        missing = os.path.join(self.work, "missing")
        done = self.check("--json", same, other, missing, status=2)
        first, second, third = map(strict_json, done.stdout.decode("ascii").splitlines())
        self.assertEqual(first, {"file": same, "drift": [], "error": None})
        self.assertEqual(second["file"], other)
        self.assertIn({"component_id": "gpu", "kind": "missing in current system",
                       "file": "name=gpu;model=NVIDIA A100-SXM4-80GB;driver=535.129.03",
                       "system": None}, second["drift"])
        self.assertEqual((third["file"], third["drift"]), (missing, []))
        self.assertIn("No such file", third["error"])

    def test_what_cannot_be_compared_is_told_and_the_others_are_compared(self):
        bare = self.built("bare.gen5")
        text = self.outside("text.gen5", b"text")
        same = self.built("same.gen5", env=self.same_as_here())
        harmed = self.built("harmed.gen5", env=b"{}" * 20, chunks=())
        for path, says in ((bare, "has no environment"), (text, "GEN5"), (harmed, "ENVC"),
                           (self.outside("e.json", b"{"), "line 1"), (self.work, "folder")):
            with self.subTest(path):
                done = self.check(path, same, status=2)
                self.assert_complaint(done, path, says)
                self.assertEqual(done.stdout, b"")

    def test_drift_does_not_hide_trouble(self):
        bare = self.built("bare.gen5")
        done = self.check(bare, os.path.join(REFERENCE, "two-gpus.gen5"), status=2)
        self.assert_complaint(done, bare)
        self.assertIn(b"gpu missing in current system", done.stdout)

    def test_hostile_names_and_strings_are_one_line_each(self):
        environment = container.environment(
            ("gpu\n\x1b[31m", "name=gpu\nmodel=\x1b]0;x\x07"))
        for name in HOSTILE_NAMES:
            path = os.path.join(os.fsencode(self.work), name)
            container.build(path, env=environment)
            done = self.program(GEN5FS, "env", "--python", PYTHON, "--check", "--", name,
                                status=1)
            lines = done.stdout.decode(errors="replace").splitlines()
            self.assertEqual(len([line for line in lines if "gpu??[31m" in line]), 1, lines)
            self.assertNotIn(b"\x1b", done.stdout)
            done = self.program(GEN5FS, "env", "-p", PYTHON, "-c", "-j", "--", name, status=1)
            self.assertEqual(os.fsencode(strict_json(done.stdout)["file"]), name)


class Output(EnvCase):
    def test_output_that_is_lost_is_no_success(self):
        done = self.to_full_disk("env", "--python", PYTHON)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)
        self.assertEqual(self.to_closed_pipe("env", "--python", PYTHON).returncode, -13)

    def test_help_and_usage(self):
        self.assert_help("env")
        self.assert_usage_error("env", "--check", says=["FILE", "gen5fs env --check FILE..."])
        self.assert_usage_error("env", "x.gen5", says=["gen5fs env --check FILE..."])
        self.assert_usage_error("env", "--chek", "x", says=["--chek", "--check"])


if __name__ == "__main__":
    unittest.main()
