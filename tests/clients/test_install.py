# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# What `cmake --install` puts into a prefix, used from there: the library by pkg-config and by CMake,
# with the example of README.md.

import os
import re
import shlex
import unittest

from installed import BUILD, Installed
from mount_case import REFERENCE, read_file
from mounted import ROOT

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
STRICT = ("-std=c17", *WARNINGS)


def example():
    """The C program in README.md."""
    return re.search(r"^```c\n(.*?)^```$", read_file(os.path.join(ROOT, "README.md")).decode(),
                     re.DOTALL | re.MULTILINE)[1]


def example_line():
    """How README.md compiles it."""
    return re.search(r"^cc .*pkg-config.*$", read_file(os.path.join(ROOT, "README.md")).decode(),
                     re.MULTILINE)[0]


class Library(Installed):
    def modules(self):
        """The folder of gen5.pc."""
        return os.path.dirname(self.the_only("gen5.pc"))

    def assert_prints_prompts(self, program):
        path = os.path.join(REFERENCE, "three-latents.gen5")
        libraries = os.path.dirname(self.modules())
        done = self.program(program, path, LD_LIBRARY_PATH=libraries)
        self.assertEqual(done.stdout.decode(), f"{path}: A puppy smiling, cinematic\n")
        done = self.program(program, os.path.join(self.work, "missing"), self.write("no", "no"),
                            status=1, LD_LIBRARY_PATH=libraries)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)

    def test_the_example_is_compiled_as_the_readme_says(self):
        self.write("prompts.c", example())
        # Only eval keeps a space of the prefix in one word.
        self.program("bash", "-c", f"eval \"{example_line()}\"",
                     PKG_CONFIG_PATH=self.modules())
        self.assert_prints_prompts(os.path.join(self.work, "prompts"))

    def test_the_example_compiles_without_a_warning_and_without_extensions(self):
        source = self.write("prompts.c", example())
        flags = self.program("pkg-config", "--cflags", "gen5",
                             PKG_CONFIG_PATH=self.modules())
        self.program("cc", *STRICT, "-fsyntax-only", source, *shlex.split(flags.stdout.decode()))

    def test_the_example_is_a_program_in_cplusplus_too_with_all_headers(self):
        headers = os.listdir(self.installed("include", "gen5"))
        includes = "".join(f"#include <gen5/{name}>\n" for name in sorted(headers))
        source = self.write("prompts.cc", includes + example())
        program = os.path.join(self.work, "prompts")
        flags = self.program("pkg-config", "--cflags", "--libs", "gen5",
                             PKG_CONFIG_PATH=self.modules())
        self.program("c++", "-std=c++11", *WARNINGS, "-o", program, source,
                     *shlex.split(flags.stdout.decode()))
        self.assert_prints_prompts(program)

    def test_each_header_can_be_included_alone(self):
        folder = self.installed("include", "gen5")
        headers = sorted(os.listdir(folder))
        self.assertEqual(headers, sorted(
            {name.removesuffix(".in") for name in os.listdir(os.path.join(ROOT, "include", "gen5"))}
        ))
        for compiler, standard, source in ("cc", "c17", "nothing.c"), ("c++", "c++11", "nothing.cc"):
            text = self.write(source, "extern int nothing;\n")
            for name in headers:
                with self.subTest(name, compiler=compiler):
                    self.program(compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only", "-I",
                                 self.installed("include"), "-include", f"gen5/{name}", text)

    def test_cmake_finds_it(self):
        self.write("prompts.c", example())
        self.write("CMakeLists.txt", """
            cmake_minimum_required(VERSION 3.25)
            project(prompts LANGUAGES C)
            find_package(gen5 REQUIRED)
            add_executable(prompts prompts.c)
            target_link_libraries(prompts PRIVATE gen5::gen5)
        """)
        build = os.path.join(self.work, "the build")
        self.program("cmake", "-S", ".", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.program("cmake", "--build", build)
        self.assert_prints_prompts(os.path.join(build, "prompts"))


class Files(Installed):
    def test_each_shell_finds_completion_where_it_looks(self):
        for name in ("bash-completion/completions/gen5fs", "zsh/site-functions/_gen5fs",
                     "fish/vendor_completions.d/gen5fs.fish"):
            self.assertIn(b"completion for gen5fs",
                          read_file(self.installed("share", *name.split("/"))))

    def test_man_finds_the_pages(self):
        for section, title in ("1", "gen5fs"), ("3", "libgen5"), ("5", "gen5"), ("8", "mount.gen5fs"):
            found = self.program("man", "-w", "-M", self.installed("share", "man"), section, title)
            self.assertEqual(os.path.basename(found.stdout.decode().strip()), f"{title}.{section}")

    def test_no_installed_text_names_the_build_or_the_source(self):
        for folder, _, names in os.walk(self.prefix):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and b"\0" not in (text := read_file(path)):
                    for unwanted in (BUILD, ROOT):
                        self.assertNotIn(os.fsencode(f"{unwanted}/"), text, path)


if __name__ == "__main__":
    unittest.main()
