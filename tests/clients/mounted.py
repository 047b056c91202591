# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A gen5fs mount for one test: a source folder, a mount point and a daemon in the foreground, of
# which nothing is left afterwards. Environment: GEN5FS is the command, GEN5_TEST_DATA the folder of
# golden data; both default to this source tree.

import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GEN5FS = os.path.abspath(os.environ.get("GEN5FS", os.path.join(ROOT, "build", "dev", "gen5fs")))
DATA = os.path.abspath(os.environ.get("GEN5_TEST_DATA", os.path.join(ROOT, "tests", "data")))
REFERENCE = os.path.join(DATA, "reference")

# A command, with its arguments, that starts the daemon of every mount that has no other.
WRAPPER = tuple(shlex.split(os.environ.get("GEN5_WRAPPER", "")))
READY_SECONDS = 20 * float(os.environ.get("GEN5_SLOWNESS", "1"))
END_SECONDS = 60
SANITIZER_LINES = (
    "ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "LeakSanitizer",
)


def run(command, **options):
    """subprocess.run that never reads the terminal, ends within two minutes and tells what failed."""
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("timeout", 120)
    options.setdefault("check", True)
    try:
        return subprocess.run(command, **options)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        error.add_note(f"stdout: {error.stdout!r}\nstderr: {error.stderr!r}")
        raise


def eventually(predicate, seconds=10):
    """Polls until the predicate returns something true, which is returned; AssertionError if it
    never does. An OSError or an AssertionError of the predicate counts as "not yet"."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while True:
        failure = None
        try:
            result = predicate()
            if result:
                return result
        except (OSError, AssertionError) as error:
            failure = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s") from failure
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def is_mount_point(path):
    """Whether something is mounted there, asked of the kernel: works for a dead daemon too."""
    wanted = os.fsencode(os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path))
    with open("/proc/self/mountinfo", "rb") as table:
        points = [line.split(b" ")[4] for line in table]
    # Spaces, tabs, newlines and backslashes are there as three digits behind a backslash.
    return wanted in [re.sub(rb"\\(\d{3})", lambda digits: bytes([int(digits[1], 8)]), point)
                      for point in points]


class Mount:
    """A mounted source folder, as a context manager.

    options   what -o is given
    fixtures  names of golden containers to put into the source before mounting
    prepare   called with the source's path before mounting
    source    a folder of the caller's to mount, which is left alone afterwards
    wrapper   a command that starts the daemon, with its arguments
    daemon    what the daemon's environment has more

    `source` and `path` (the mount point) are strings; both stay until the context ends, also
    after unmount() or kill(), and mount() mounts again.
    """

    def __init__(self, options="", fixtures=(), prepare=None, source=None, wrapper=(),
                 daemon=None):
        self.options = options
        self.daemon = daemon or {}
        self.wrapper = wrapper or WRAPPER
        self.process = None
        self._folder = tempfile.mkdtemp(prefix="gen5fs-test-")
        self._logs = []
        self.path = os.path.join(self._folder, "mount")
        os.mkdir(self.path)
        self.source = source or os.path.join(self._folder, "source")
        if source is None:
            os.mkdir(self.source)
        try:
            for name in fixtures:
                self.add(name)
            if prepare is not None:
                prepare(self.source)
        except BaseException:
            self._clean()
            raise

    def __enter__(self):
        try:
            self.mount()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind, error, trace):
        good = False
        try:
            if kind is None and self.process is not None:
                self._end()
            good = kind is None
        finally:
            if not good:
                sys.stderr.write(f"--- log of the mount ---\n{self.log()[-20000:]}\n")
                sys.stderr.write(f"--- its threads wait in ---\n{self._threads()}\n")
            self._clean()

    @property
    def pid(self):
        return self.process.pid

    def mount(self):
        """Starts the daemon and returns when the mount is live."""
        assert self.process is None, "mounted already"
        command = [*self.wrapper, GEN5FS, "mount", self.source, self.path, "-f"]
        if self.options:
            command += ["-o", self.options]
        self._logs.append(os.path.join(self._folder, f"log.{len(self._logs)}"))
        with open(self._logs[-1], "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env={**os.environ, **self.daemon},
            )
        deadline = time.monotonic() + READY_SECONDS
        while not os.path.ismount(self.path):
            status = self.process.poll()
            if status is not None:
                self.process = None
                raise AssertionError(f"{command} ended with status {status}: {self.log()}")
            if time.monotonic() >= deadline:
                raise AssertionError(f"{command} is not live after {READY_SECONDS} s: {self.log()}")
            time.sleep(0.002)

    def log(self):
        """What the daemon, or each daemon so far, has written to stderr."""
        text = ""
        for path in self._logs:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text += stream.read()
        return text

    def unmount(self):
        """Unmounts with the project's own command; the daemon must end well and leave nothing."""
        process, self.process = self.process, None
        try:
            run([GEN5FS, "umount", self.path], timeout=END_SECONDS)
            status = process.wait(END_SECONDS)
        except BaseException:
            self.process = process
            raise
        self._check_end(status)

    def kill(self):
        """Ends the daemon as a crash would. The dead mount is taken away."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGKILL)
        process.wait(END_SECONDS)
        self._detach()

    def add(self, fixture_name, as_name=None):
        """Puts a golden container into the source, whole at once; returns its path there."""
        target = os.path.join(self.source, as_name or fixture_name)
        part = os.path.join(self._folder, "part")
        shutil.copyfile(os.path.join(REFERENCE, fixture_name), part)
        try:
            os.rename(part, target)
        except OSError:
            shutil.copyfile(part, target)
        return target

    def _threads(self):
        """Name and kernel function of every thread of the daemon: nothing once it has ended."""
        found = []
        for path in sorted(glob.glob(f"/proc/{self.process.pid if self.process else 0}/task/*")):
            try:
                with open(f"{path}/comm") as name, open(f"{path}/wchan") as function:
                    found.append(f"{name.read().strip()}: {function.read()}")
            except OSError:
                continue
        return "\n".join(found)

    def _end(self):
        """The end of a context whose body passed: the test may have ended the daemon itself."""
        status = self.process.poll()
        if status is None and not is_mount_point(self.path):
            status = self.process.wait(END_SECONDS)
        if status is None:
            self.unmount()
        else:
            self.process = None
            self._check_end(status)

    def _check_end(self, status):
        log = self.log()
        for line in SANITIZER_LINES:
            assert line not in log, f"the daemon's log: {log}"
        assert status == 0, f"the daemon ended with status {status}: {log}"
        assert not is_mount_point(self.path), f"{self.path} is still mounted"

    def _detach(self):
        while is_mount_point(self.path):
            run(["umount", "-l", self.path])

    def _clean(self):
        """Leaves nothing behind, whatever has happened."""
        if self.process is not None:
            self.process.kill()
            # A thread that the kernel holds up would keep the process and the mount alive.
            subprocess.run(["umount", "-f", self.path], stderr=subprocess.DEVNULL, check=False)
            self.process.wait(END_SECONDS)
            self.process = None
        self._detach()
        # Only an unmounted and therefore empty folder can be removed this way, so that nothing
        # below ever descends into a mount.
        os.rmdir(self.path)
        shutil.rmtree(self._folder, ignore_errors=True)
