# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Completion in bash, zsh and fish: each shell itself is asked for what it offers behind a line.

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
import unittest

from command_tables import mount_options, spellings, sub_commands, switches_of
from mount_case import GEN5FS, PROGRAM_SECONDS, MountCase, read_file
from mounted import Mount

PROMPT = "<ready>"
SCRIPTS = os.path.join(os.path.dirname(GEN5FS), "completion")


class Terminal:
    """A shell on a terminal of its own, at which one types."""

    def __init__(self, case, words, environment):
        self.count = 0
        child, self.fd = pty.fork()
        if child == 0:
            try:
                os.chdir(case.here)
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 200, 0, 0))
                os.execvpe(words[0], words, environment)
            finally:
                os._exit(127)
        self.child = child
        case.addCleanup(self.end)
        self.read_until(PROMPT)

    def end(self):
        os.close(self.fd)
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)

    def type(self, text):
        os.write(self.fd, text.encode())

    def type_and_wait(self, text):
        """Types, and returns what is shown until the shell has run what was typed and asks for more.
        What were typed before it asks, the terminal would read as a line of its own."""
        self.count += 1
        # The quotes are not in what the command writes, and the prompt behind that is the next one.
        self.type(f"{text}\x05\x15echo do'ne' {self.count}.\n")
        return self.read_until(f"done {self.count}.", PROMPT)

    def read_until(self, *texts):
        shown, deadline, behind = b"", time.monotonic() + PROGRAM_SECONDS, 0
        for text in texts:
            while (found := shown.find(text.encode(), behind)) < 0:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                    raise AssertionError(f"the shell has not come to {text!r}: {shown!r}")
                shown += os.read(self.fd, 65536)
            behind = found + len(text)
        return shown.decode(errors="replace")


class Completion:
    """What each shell has to offer."""

    def setUp(self):
        super().setUp()
        self.answers = self.outside("answers", b"")
        self.environment = {
            "PATH": f"{os.path.dirname(GEN5FS)}:/usr/bin:/bin", "HOME": self.work, "TERM": "xterm",
            "LC_ALL": "C.UTF-8", "ANSWERS": self.answers, "HISTFILE": "",
            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")},
        }
        self.here = os.path.join(self.work, "here")
        os.makedirs(os.path.join(self.here, "folder"))
        for name in ("a b.gen5", "c.gen5", "picture.png"):
            open(os.path.join(self.here, name), "xb").close()
        self.start()

    def offers(self, line):
        return {word.rstrip("/=").replace("\\ ", " ") for word in self.ask(line)}

    def test_the_sub_commands(self):
        offered = self.offers("gen5fs ")
        self.assertLessEqual({*sub_commands(), "help"}, offered)
        self.assertEqual(self.offers("gen5fs help "), set(sub_commands()))
        self.assertEqual(self.offers("gen5fs u"), {"umount", "unpack"})

    def test_the_switches_of_each_sub_command_and_no_other(self):
        for command in sub_commands():
            with self.subTest(command):
                self.assertEqual(self.offers(f"gen5fs {command} -"),
                                 spellings(switches_of(command)))

    def test_the_options_of_a_mount_one_behind_the_other(self):
        for before in ("-o ", "--options "):
            self.assertEqual(self.offers(f"gen5fs mount {before}"),
                             {word.removesuffix("=MIB") for word in mount_options()})
        self.assertEqual({word.split(",")[-1] for word in self.offers("gen5fs mount -o ro,nov")},
                         {"noverify"})
        self.assertEqual({word.split("=")[-1] for word in self.offers("gen5fs mount --options=allow")},
                         {"allow_other"})

    def test_containers_and_folders(self):
        for line in ("gen5fs verify ", "gen5fs info --json ", "gen5fs unpack -- ", "gen5fs mount "):
            with self.subTest(line):
                self.assertEqual(self.offers(line), {"a b.gen5", "c.gen5", "folder"})

    def test_folders_alone_where_a_folder_is_wanted(self):
        self.assertEqual(self.offers("gen5fs unpack c.gen5 -C "), {"folder"})

    def test_a_file_or_a_word_where_either_is_wanted(self):
        offered = self.offers("gen5fs pack --env ")
        self.assertLessEqual({"auto", "none", "picture.png"}, offered)
        self.assertNotIn("FILE", offered)
        self.assertIn("picture.png", self.offers("gen5fs pack --image pic"))

    def test_nothing_where_no_file_is_wanted(self):
        for line in ("gen5fs preview c.gen5 --scale ", "gen5fs preview c.gen5 --latent "):
            self.assertEqual(self.offers(line), set())

    def test_what_is_mounted(self):
        with Mount() as mount:
            for command in ("umount", "status"):
                self.assertIn(mount.path, self.offers(f"gen5fs {command} /"))


class Bash(Completion, MountCase):
    def start(self):
        start = self.outside("bashrc", f"""
            PS1='{PROMPT}'
            source '{SCRIPTS}/gen5fs.bash'
            offer() {{ _gen5fs; printf '%s\\0' "${{COMPREPLY[@]}}" >"$ANSWERS"; }}
            complete -F offer gen5fs
        """.encode())
        self.terminal = Terminal(self, ["bash", "--rcfile", start, "-i"], self.environment)

    def ask(self, line):
        with open(self.answers, "wb"):
            pass
        self.terminal.type_and_wait(f"{line}\t")
        return [word for word in os.fsdecode(read_file(self.answers)).split("\0") if word]

    def test_what_is_completed_runs(self):
        shown = self.terminal.type_and_wait("gen5fs unp\t--he\t\n")
        self.assertIn("usage: gen5fs unpack", shown)
        shown = self.terminal.type_and_wait("echo gen5fs; gen5fs verify --js\ta\\ b\t\n")
        self.assertIn('"file":"a b.gen5"', shown.replace(": ", ":"))


class Zsh(Completion, MountCase):
    def start(self):
        # compadd is what every completion ends in; with -O, -A and -D it only asks.
        self.outside(".zshrc", f"""
            unsetopt prompt_sp zle_bracketed_paste
            PS1='{PROMPT}'
            LISTMAX=0
            fpath=('{SCRIPTS}' $fpath); autoload -Uz compinit; compinit -u -D
            compadd() {{
                if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)\\ * ]]; then
                    local -a hits
                    builtin compadd -A hits "$@"
                    print -rN -- $hits >>$ANSWERS
                fi
                builtin compadd "$@"
            }}
        """.encode())
        self.environment["ZDOTDIR"] = self.work
        self.terminal = Terminal(self, ["zsh", "-d", "-i"], self.environment)

    ask = Bash.ask
    test_what_is_completed_runs = Bash.test_what_is_completed_runs


class Fish(Completion, MountCase):
    def start(self):
        pass

    def ask(self, line):
        done = self.program(
            "fish", "--no-config", "-c",
            'source "$argv[1]/gen5fs.fish"; complete --do-complete "$argv[2]"', SCRIPTS, line,
            cwd=self.here,
        )
        return [entry.split("\t")[0] for entry in os.fsdecode(done.stdout).splitlines()]


if __name__ == "__main__":
    unittest.main()
