# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Access-control lists of ordinary files and folders behave in the mount as they do in the source.

import os
import stat
import unittest

from beside_source import (
    GROUP, OTHER_GROUP, STRANGER, USER, BesideSource, as_user, attempt, compared, getfacl,
    mode_of, needs_root, setfacl,
)


class AccessControlLists(BesideSource):
    @compared
    def test_a_list_is_kept_and_shown(self, at):
        at.file()
        at.folder()
        return [
            setfacl("-m", f"u:{USER}:rw,g:{OTHER_GROUP}:r", at("file")), getfacl(at("file")),
            mode_of(at("file")), setfacl("-m", f"d:u:{USER}:rwx", at("folder")),
            getfacl(at("folder")), setfacl("-m", f"d:u:{USER}:rwx", at("file")),
            os.chmod(at("file"), 0o600), getfacl(at("file")), os.chmod(at("file"), 0o666),
            getfacl(at("file")), setfacl("-b", at("file")), getfacl(at("file")), mode_of(at("file")),
            setfacl("-k", at("folder")), getfacl(at("folder")),
            sorted(os.listxattr(at("folder"))),
        ]

    @compared
    def test_a_default_list_is_inherited_and_replaces_the_umask(self, at):
        at.folder()
        setfacl("-m", f"d:u:{USER}:rwx,d:g::rwx,d:o::---,d:m::rwx", at("folder"))
        before = os.umask(0o077)
        try:
            os.close(os.open(at("folder", "file"), os.O_CREAT | os.O_WRONLY, 0o666))
            os.mkdir(at("folder", "inner"), 0o777)
            os.mkdir(at("folder", "inner", "deep"), 0o755)
            os.mknod(at("folder", "node"), stat.S_IFREG | 0o644)
            os.mkfifo(at("folder", "fifo"), 0o666)
            os.symlink("x", at("folder", "link"))
        finally:
            os.umask(before)
        os.chmod(at(), 0o755)
        return {path: (getfacl(at("folder", path)), mode_of(at("folder", path)))
                for path in ("file", "inner", "inner/deep", "node", "fifo", "link")}

    @needs_root
    @compared
    def test_a_list_decides_who_may_do_what(self, at):
        entries = {
            "allowed": f"u:{USER}:rw,g::-,o::-", "masked": f"u:{USER}:rw,m::r",
            "denied": f"u:{USER}:-,o::rw", "by group": f"g:{OTHER_GROUP}:rw,o::-",
            "group denied": f"g:{OTHER_GROUP}:-,o::rw", "owning group": "g::-,u:1234:rw,m::rw",
        }
        seen = {}
        for name, entry in entries.items():
            path = at.file(name, mode=0o600)
            os.chown(path, 0, GROUP if name == "owning group" else 0)
            setfacl("-m", entry, path)
            folder = at.folder(name + " folder", 0o700)
            setfacl("-m", entry.replace("rw", "rwx"), folder)

            def use():
                def opened(flags):
                    os.close(os.open(path, flags))
                return (attempt(opened, os.O_RDONLY), attempt(opened, os.O_WRONLY),
                        attempt(os.access, path, os.R_OK), attempt(os.access, path, os.W_OK),
                        attempt(os.listdir, folder), attempt(os.mkdir, os.path.join(folder, "x")))
            seen[name] = as_user(use, groups=[OTHER_GROUP])
        return seen

    @needs_root
    @compared
    def test_a_list_that_changes_takes_effect_at_once(self, at):
        path = at.file(mode=0o600)

        def readable():
            return as_user(lambda: attempt(os.access, path, os.R_OK))
        seen = [readable()]
        for entry in (f"u:{USER}:r", f"u:{USER}:-", f"u:{USER}:rw"):
            setfacl("-m", entry, path)
            seen.append(readable())
        os.chmod(path, 0o600)
        seen.append(readable())
        os.chmod(path, 0o660)
        seen.append(readable())
        setfacl("-b", path)
        return seen + [readable()]

    @needs_root
    @compared
    def test_the_owner_alone_sets_it(self, at):
        os.chown(at.file("own"), USER, GROUP)
        at.file("root", mode=0o666)
        return as_user(lambda: [setfacl("-m", f"u:{STRANGER}:r", at(name)) for name in ("own", "root")])

    @needs_root
    @compared
    def test_set_group_id_goes_with_a_list_set_by_who_is_not_in_the_group(self, at):
        seen = {}
        for group in (GROUP, OTHER_GROUP, STRANGER):
            for mode in (0o2755, 0o2745, 0o6777):
                path = at.file(f"{group}-{mode:o}")
                os.chown(path, USER, group)
                os.chmod(path, mode)
                folder = at.folder(f"{group}-{mode:o}-folder")
                os.chown(folder, USER, group)
                os.chmod(folder, mode)
                result = as_user(lambda: [setfacl("-m", f"u:{STRANGER}:rx", path),
                                          setfacl("-m", f"u:{STRANGER}:rx", folder)],
                                 groups=[OTHER_GROUP])
                seen[group, mode] = result, mode_of(path), mode_of(folder)
        return seen


if __name__ == "__main__":
    unittest.main()
