# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# A machine that a test may set up as it likes: a mount table of its own, in which devices, programs
# and configuration files are replaced, while the machine itself stays as it is.

import os
import stat
import sys
import tempfile

from mounted import run

_ENTERED = "GEN5_PRIVATE_MOUNT_TABLE"
PLAIN_USER = 65534


def enter():
    """Starts the test program once more, with a mount table that ends with it."""
    if _ENTERED not in os.environ:
        os.environ[_ENTERED] = "1"
        # Mounts of others, which are in the copy of the table too, would not end before this does.
        os.execvp("unshare", [
            "unshare", "--mount", "--", "sh", "-c", 'umount -a -l -t fuse.gen5fs; exec "$@"', "sh",
            sys.executable, *sys.argv])
    os.environ.pop(_ENTERED)


def as_plain_user(*command):
    """The command line that runs a command as a user who is not root."""
    return (
        "setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups", "--",
        *command,
    )


def without_capability(name, *command):
    """The command line that runs a command as a root who lacks a capability, as in a container."""
    return ("setpriv", f"--bounding-set=-{name}", f"--inh-caps=-{name}", "--", *command)


def bind(case, what, path):
    """Until the test ends, `path` shows what is at `what`."""
    run(["mount", "--bind", what, path])
    case.addCleanup(run, ["umount", "-l", path])


def replace_file(case, path, content):
    bind(case, case.outside(os.path.basename(path), content), path)


def set_device_mode(case, mode):
    """Gives /dev/fuse a mode, with which everybody (0o666) or root alone (0o600) opens it."""
    replace_device(case, mode, os.stat("/dev/fuse").st_rdev)


def replace_device(case, mode, number):
    """Puts another device in the place of /dev/fuse."""
    folder = tempfile.mkdtemp(prefix="devices-", dir=case.work)
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder])
    case.addCleanup(run, ["umount", "-l", folder])
    device = os.path.join(folder, "fuse")
    os.mknod(device, stat.S_IFCHR | mode, number)
    os.chmod(device, mode)
    bind(case, device, "/dev/fuse")


def _cover(case, folder, fill):
    """Lays what `fill` puts into a folder over one of the system's."""
    top = os.path.join(case.work, f"over{folder.replace('/', '-')}")
    os.mkdir(top)
    os.chmod(top, 0o755)
    fill(top)
    run(["mount", "-t", "overlay", "-o", f"lowerdir={top}:{folder}", "overlay", folder])
    case.addCleanup(run, ["umount", "-l", folder])


def hide_file(case, path):
    """As if the file were not installed."""
    def whiteout(top):
        os.mknod(os.path.join(top, os.path.basename(path)), stat.S_IFCHR, os.makedev(0, 0))
    _cover(case, os.path.realpath(os.path.dirname(path)), whiteout)


def add_program(case, path, target):
    """As if an installation had put a link to `target` there."""
    def link(top):
        os.symlink(target, os.path.join(top, os.path.basename(path)))
    _cover(case, os.path.realpath(os.path.dirname(path)), link)
