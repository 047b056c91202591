# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Names of ordinary files and folders behave in the mount as they do in the source: making, linking,
# moving and removing them, with the errors, owners, link counts and times that POSIX and the manual
# pages of Linux promise.

import os
import socket
import stat
import unittest

from beside_source import (
    GROUP, OTHER_GROUP, STRANGER, USER, BesideSource, as_user, attempt, compared, in_child, look,
    needs_root,
)
from system_calls import (
    AT_EMPTY_PATH, AT_FDCWD, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, linkat, renameat2,
)


def one_of_each(at):
    """A thing of every kind; their names."""
    at.file("file")
    at.folder("folder")
    at.folder("full")
    at.file("full/inside")
    os.symlink("file", at("link"))
    os.symlink("nowhere", at("dangling"))
    os.symlink("folder", at("folder-link"))
    os.symlink("loop", at("loop"))
    os.mkfifo(at("fifo"))
    with socket.socket(socket.AF_UNIX) as bound:
        # The path of a socket may be 107 bytes long.
        descriptor = os.open(at.path, os.O_PATH)
        bound.bind(f"/proc/self/fd/{descriptor}/socket")
        os.close(descriptor)
    return ["file", "folder", "full", "link", "dangling", "folder-link", "loop", "fifo", "socket"]


MAKERS = {
    "open": lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)),
    "mkdir": lambda path: os.mkdir(path, 0o777),
    "mkfifo": lambda path: os.mkfifo(path, 0o666),
    "mknod": lambda path: os.mknod(path, stat.S_IFREG | 0o666),
    "symlink": lambda path: os.symlink("target", path),
}


class Making(BesideSource):
    @compared
    def test_what_is_there_is_not_made_again(self, at):
        names = one_of_each(at)
        return {(maker, name): attempt(make, at(name))
                for maker, make in MAKERS.items() for name in names}

    @compared
    def test_the_way_to_a_name_must_be_there(self, at):
        one_of_each(at)
        paths = ["missing/name", "file/name", "dangling/name", "loop/name", "fifo/name",
                 "folder-link/name", "folder/./../folder/again", "name/", "other/."]
        return {(maker, path): attempt(make, at(path)) for path in paths
                for maker, make in MAKERS.items() if attempt(os.unlink, at(path)) or True}

    @compared
    def test_names_have_255_bytes_at_most(self, at):
        seen = {}
        for length in (1, 254, 255, 256, 1023, 1024, 1025, 4000):
            for maker, make in MAKERS.items():
                name = at("n" * length)
                seen[maker, length] = attempt(make, name)
                attempt(os.rmdir if maker == "mkdir" else os.unlink, name)
            seen["stat", length] = attempt(os.stat, at("m" * length))
            seen["unlink", length] = attempt(os.unlink, at("m" * length))
            seen["rename", length] = attempt(os.rename, at("m" * length), at("x"))
        return seen

    @compared
    def test_names_may_hold_any_bytes(self, at):
        names = [b"\xff\xfe", b" ", b"\n", b"-", b"a\\b", b"\xc3\xa9", b"e\xcc\x81", b"*", b"...",
                 b".hidden", b"~", b"#", "é".encode("latin-1")]
        for name in names:
            os.close(os.open(os.path.join(os.fsencode(at.path), name), os.O_CREAT | os.O_WRONLY))
        return sorted(os.listdir(os.fsencode(at.path)))

    @compared
    def test_the_umask_is_taken_from_the_mode(self, at):
        seen = {}
        for mask in (0, 0o022, 0o077, 0o777, 0o027):
            def make():
                for maker, make in MAKERS.items():
                    path = at(f"{maker}-{mask:03o}")
                    make(path)
                    seen[maker, mask] = look(path)
                return dict(seen)
            seen = in_child(make, umask=mask)
        # So that whoever runs this may look at the tree.
        for name in os.listdir(at.path):
            if not name.startswith("symlink"):
                os.chmod(at(name), 0o700)
        return seen

    @compared
    def test_all_mode_bits_can_be_asked_for(self, at):
        def make():
            seen = []
            for mode in (0o4755, 0o2755, 0o1777, 0o7777, 0o2644):
                os.close(os.open(at(f"file-{mode:o}"), os.O_CREAT | os.O_WRONLY, mode))
                os.mkdir(at(f"folder-{mode:o}"), mode)
                os.mknod(at(f"node-{mode:o}"), stat.S_IFREG | mode)
                seen += [look(at(f"{kind}-{mode:o}")) for kind in ("file", "folder", "node")]
            return seen
        return in_child(make, umask=0)

    @compared
    def test_a_folder_s_times_tell_of_what_is_made_in_it(self, at):
        at.folder()
        seen = {}
        for maker, make in MAKERS.items():
            seen[maker] = at.times_moved([at("folder")], make, at("folder", maker))
            seen[maker, "again"] = at.times_moved([at("folder")], make, at("folder", maker))
        return seen

    @compared
    def test_a_folder_has_a_link_more_for_each_folder_in_it(self, at):
        at.folder()
        seen = []
        for name in ("a", "b", "c"):
            os.mkdir(at("folder", name))
            seen.append(os.stat(at("folder")).st_nlink)
        os.rename(at("folder", "a"), at("a"))
        seen.append((os.stat(at("folder")).st_nlink, os.stat(at()).st_nlink))
        os.rename(at("folder", "b"), at("folder", "c"))
        seen.append(os.stat(at("folder")).st_nlink)
        os.rmdir(at("folder", "c"))
        seen.append(os.stat(at("folder")).st_nlink)
        return seen

    @needs_root
    @compared
    def test_what_is_made_belongs_to_who_made_it(self, at):
        def make():
            seen = {}
            for maker, make in MAKERS.items():
                make(at(maker))
                seen[maker] = look(at(maker))
            with socket.socket(socket.AF_UNIX) as bound:
                descriptor = os.open(at.path, os.O_PATH)
                bound.bind(f"/proc/self/fd/{descriptor}/socket")
            seen["socket"] = look(at("socket"))
            return seen
        return as_user(make, umask=0o027)

    @needs_root
    @compared
    def test_a_set_group_id_folder_hands_its_group_on(self, at):
        seen = {}
        for group in (GROUP, OTHER_GROUP, STRANGER):
            os.chown(at.folder(f"{group}"), USER, group)
            os.chmod(at(f"{group}"), 0o2777)

            def make():
                made = {}
                for maker, make in MAKERS.items():
                    make(at(f"{group}", maker))
                    made[maker] = look(at(f"{group}", maker))
                for mode in (0o2755, 0o2745, 0o6777):
                    path = at(f"{group}", f"{mode:o}")
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, mode))
                    made[mode] = look(path)
                    os.mkdir(path + "d", mode)
                    made[mode, "folder"] = look(path + "d")
                    os.mknod(path + "n", stat.S_IFREG | mode)
                    made[mode, "node"] = look(path + "n")
                return made
            seen[group] = as_user(make, groups=[OTHER_GROUP], umask=0)
        return seen

    @needs_root
    @compared
    def test_to_make_something_one_must_be_allowed_to_write_the_folder_and_go_through_it(self, at):
        seen = {}
        for mode in (0o777, 0o755, 0o733, 0o766, 0o700, 0o711, 0o722):
            at.folder(f"{mode:o}", mode)

            def make():
                return {maker: attempt(make, at(f"{mode:o}", maker))
                        for maker, make in MAKERS.items()}
            seen[mode] = as_user(make)
        return seen

    @needs_root
    @compared
    def test_only_root_makes_devices(self, at):
        device = os.makedev(1, 3)

        def make(name):
            return [attempt(os.mknod, at(f"{name}-{kind}"), kind | 0o666, device)
                    for kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)]
        return make("root"), as_user(lambda: make("user")), look(at(f"root-{stat.S_IFCHR}"))

    @compared
    def test_symlinks_keep_what_they_are_given(self, at):
        seen = {}
        for number, target in enumerate(["x", "x" * 255, "x" * 4095, "x" * 4096, "a/" * 1000, "",
                                         "/absolute", "..", "\n", "é"]):
            path = at(f"{number}")
            seen[number] = (attempt(os.symlink, target, path), attempt(os.readlink, path),
                            attempt(look, path))
        for name in ("file", "folder", "missing"):
            if name != "missing":
                getattr(at, name)()
            seen[name] = attempt(os.readlink, at(name))
        return seen

    @compared
    def test_symlinks_are_followed_40_times(self, at):
        at.file("0")
        for number in range(45):
            os.symlink(f"{number}", at(f"{number + 1}"))
        return [attempt(os.stat, at(f"{number}")) and attempt(os.access, at(f"{number}"), 0)
                for number in (39, 40, 41, 45)]

    @compared
    def test_nothing_is_made_in_a_removed_folder(self, at):
        at.folder()
        descriptor = at.open(at("folder"), os.O_RDONLY)
        os.rmdir(at("folder"))
        return (attempt(os.mkdir, "x", dir_fd=descriptor),
                attempt(os.open, "x", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor),
                attempt(os.symlink, "x", "y", dir_fd=descriptor),
                attempt(os.mknod, "n", dir_fd=descriptor),
                attempt(os.listdir, descriptor), attempt(os.stat, "..", dir_fd=descriptor) and 0,
                os.fstat(descriptor).st_nlink)

    @compared
    def test_a_socket_is_connected_to_by_its_name(self, at):
        def path(descriptor):
            return f"/proc/self/fd/{descriptor}/socket"
        folder = at.open(at.path, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(path(folder))
            server.listen(1)
            client.connect(path(folder))
            client.send(b"hello")
            accepted, _ = server.accept()
            with accepted:
                received = accepted.recv(5)
        with socket.socket(socket.AF_UNIX) as late:
            return received, attempt(late.connect, path(folder)), look(at("socket"))


class Linking(BesideSource):
    @compared
    def test_every_kind_but_folders_gets_another_name(self, at):
        seen = {}
        for name in one_of_each(at):
            seen[name] = attempt(os.link, at(name), at(f"{name}-2"), follow_symlinks=False)
            if seen[name] is None:
                seen[name, "same"] = os.path.samestat(os.lstat(at(name)), os.lstat(at(f"{name}-2")))
                seen[name, "look"] = look(at(name)), look(at(f"{name}-2"))
        return seen

    @compared
    def test_links_to_what_symlinks_lead_to(self, at):
        one_of_each(at)
        return {name: attempt(os.link, at(name), at(f"{name}-2"), follow_symlinks=True)
                for name in ("link", "dangling", "folder-link", "loop")}

    @compared
    def test_the_errors_of_link(self, at):
        names = one_of_each(at)
        seen = {name: attempt(os.link, at("file"), at(name)) for name in names}
        for old, new in (("missing", "x"), ("file", "missing/x"), ("file", "file/x"),
                         ("file/x", "x"), ("file", "n" * 256), ("n" * 256, "x"), ("loop/x", "y"),
                         ("file", "x/"), ("file", "file")):
            seen[old, new] = attempt(os.link, at(old), at(new))
        seen["another file system"] = attempt(os.link, at("file"), "/proc/x")
        return seen

    @compared
    def test_a_link_counts_and_sets_the_change_times(self, at):
        at.folder()
        at.file()
        both = [at("file"), at("folder")]
        return (at.times_moved(both, os.link, at("file"), at("folder", "two")),
                os.stat(at("file")).st_nlink, os.stat(at("folder", "two")).st_nlink,
                at.times_moved(both, os.link, at("file"), at("folder", "two")),
                at.times_moved(both, os.unlink, at("folder", "two")), os.stat(at("file")).st_nlink,
                at.times_moved(both, os.unlink, at("folder", "two")))

    @compared
    def test_all_names_of_a_file_show_its_changes_at_once(self, at):
        at.file("one")
        os.link(at("one"), at("two"))
        seen = [os.stat(at(name)).st_size for name in ("one", "two")]
        with open(at("two"), "ab") as stream:
            stream.write(b"more")
        seen += [os.stat(at(name)).st_size for name in ("one", "two")]
        os.chmod(at("one"), 0o600)
        seen += [look(at(name)) for name in ("one", "two")]
        os.truncate(at("two"), 3)
        seen += [look(at(name)) for name in ("one", "two")]
        os.unlink(at("one"))
        return seen + [look(at("two"))]

    @compared
    def test_an_open_file_is_linked_by_its_descriptor(self, at):
        at.file()
        descriptor = at.open(at("file"), os.O_RDWR)
        path = f"/proc/self/fd/{descriptor}"
        seen = [attempt(linkat, AT_FDCWD, path, at("two"), 0x400), os.fstat(descriptor).st_nlink]
        if self.is_root:
            seen.append(attempt(linkat, descriptor, "", at("three"), AT_EMPTY_PATH))
        for name in ("file", "two", "three"):
            attempt(os.unlink, at(name))
        seen += [os.fstat(descriptor).st_nlink, attempt(linkat, AT_FDCWD, path, at("late"), 0x400)]
        return seen

    @needs_root
    @compared
    def test_others_link_only_as_they_are_allowed_to(self, at):
        at.file("root", mode=0o600)
        at.file("readable", mode=0o644)
        at.file("writable", mode=0o666)
        at.folder("closed", 0o755)
        os.chown(at.file("own"), USER, GROUP)

        def link():
            return [attempt(os.link, at(name), at(f"{name}-2"))
                    for name in ("root", "readable", "writable", "own")] + [
                        attempt(os.link, at("own"), at("closed", "own"))]
        return as_user(link)


class Removing(BesideSource):
    @compared
    def test_unlink_and_rmdir_know_what_they_remove(self, at):
        names = one_of_each(at)
        seen = {name: (attempt(os.rmdir, at(name)), attempt(os.unlink, at(name))) for name in names}
        for path in ("missing", "file/x", "missing/x", "full/inside/", "full/.", "full/..", "loop/x",
                     "n" * 256, "full/"):
            seen[path] = attempt(os.unlink, at(path)), attempt(os.rmdir, at(path))
        return seen

    @compared
    def test_a_removed_file_lives_as_long_as_it_is_open(self, at):
        at.file(content=b"0123456789")
        descriptor = at.open(at("file"), os.O_RDWR)
        os.unlink(at("file"))
        seen = [os.fstat(descriptor).st_nlink, os.pread(descriptor, 4, 2),
                os.pwrite(descriptor, b"abc", 8), os.pread(descriptor, 20, 0),
                attempt(os.ftruncate, descriptor, 5), os.fstat(descriptor).st_size,
                attempt(os.fchmod, descriptor, 0o600), stat.S_IMODE(os.fstat(descriptor).st_mode),
                attempt(os.utime, descriptor, (1, 2)), os.fstat(descriptor).st_mtime,
                attempt(os.setxattr, descriptor, "user.x", b"y"),
                attempt(os.getxattr, descriptor, "user.x"),
                attempt(os.fsync, descriptor), attempt(os.stat, at("file"))]
        again = at.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
        seen.append(os.read(again, 20))
        at.file(content=b"another")
        return seen + [os.pread(descriptor, 20, 0), os.fstat(descriptor).st_nlink]

    @compared
    def test_removing_sets_times(self, at):
        at.folder()
        at.file("folder/file")
        at.folder("folder/inner")
        os.link(at("folder/file"), at("other"))
        return (at.times_moved([at("folder"), at("other")], os.unlink, at("folder/file")),
                at.times_moved([at("folder")], os.rmdir, at("folder/inner")),
                at.times_moved([at("folder")], os.rmdir, at("folder/inner")))

    @needs_root
    @compared
    def test_in_a_sticky_folder_one_removes_what_is_one_s_own(self, at):
        seen = {}
        for owner in (0, USER, STRANGER):
            folder = at.folder(f"{owner}")
            os.chown(folder, owner, 0)
            os.chmod(folder, 0o1777)
            for name, user in (("root", 0), ("user", USER), ("stranger", STRANGER)):
                for kind in ("file", "move", "target"):
                    os.chown(at.file(os.path.join(folder, f"{name}-{kind}")), user, 0)
                os.chown(at.folder(os.path.join(folder, f"{name}-folder")), user, 0)

            def act():
                done = []
                for name in ("root", "user", "stranger"):
                    path = os.path.join(folder, name)
                    at.file(os.path.join(folder, "new"))
                    done += [attempt(os.unlink, path + "-file"), attempt(os.rmdir, path + "-folder"),
                             attempt(os.rename, path + "-move", path + "-moved"),
                             attempt(os.rename, os.path.join(folder, "new"), path + "-target")]
                return done
            seen[owner] = as_user(act)
        return seen

    @needs_root
    @compared
    def test_others_remove_only_from_folders_that_they_may_write(self, at):
        seen = {}
        for mode in (0o777, 0o755, 0o733, 0o766, 0o711):
            folder = at.folder(f"{mode:o}", mode)
            at.file(os.path.join(folder, "file"))
            at.folder(os.path.join(folder, "folder"))
            seen[mode] = as_user(lambda: (attempt(os.unlink, os.path.join(folder, "file")),
                                          attempt(os.rmdir, os.path.join(folder, "folder"))))
        return seen


class Moving(BesideSource):
    @compared
    def test_what_is_renamed_over_what(self, at):
        seen = {}
        names = one_of_each(at)
        folder = at.folder("pairs")
        for old in names:
            for new in [*names, "none"]:
                place = at.folder(os.path.join(folder, f"{old}-{new}"))
                pair = type(at)(place)
                for side, name in (("old", old), ("new", new)):
                    make_kind(pair, side, name)
                seen[old, new] = (attempt(os.rename, pair("old"), pair("new")),
                                  sorted(os.listdir(place)))
        return seen

    @compared
    def test_the_errors_of_rename(self, at):
        one_of_each(at)
        at.folder("folder/inner")
        seen = {}
        for old, new in (("missing", "x"), ("file", "missing/x"), ("file", "file/x"), ("file/x", "y"),
                         ("folder", "folder/inner/x"), ("folder", "folder/inner"),
                         ("folder/inner", "folder"), ("full", "folder"), ("file", "n" * 256),
                         ("loop/x", "y"), ("folder/.", "x"), ("folder/..", "x"), ("folder", "full/."),
                         ("folder/", "moved/"), ("file", "new/"), ("file/", "x"), ("moved", "moved"),
                         ("file", "file"), ("folder-link/", "x"), ("link", "link2")):
            seen[old, new] = attempt(os.rename, at(old), at(new))
        seen["another file system"] = attempt(os.rename, at("file"), "/proc/x")
        return seen

    @compared
    def test_renaming_sets_times_and_counts(self, at):
        for name in ("one", "two"):
            at.folder(name)
            at.file(f"{name}/file")
            at.folder(f"{name}/{name}")
        every = [at("one"), at("two"), at("one/file"), at("two/moved"), at("two/file"), at("one/one"),
                 at("two/one")]
        held = at.open(at("two/file"), os.O_RDONLY)
        return (at.times_moved(every, os.rename, at("one/file"), at("two/moved")),
                at.times_moved(every, os.rename, at("two/moved"), at("two/file")),
                os.fstat(held).st_nlink,
                at.times_moved(every, os.rename, at("one/one"), at("two/one")),
                [os.stat(at(name)).st_nlink for name in ("one", "two", "two/one")],
                at.times_moved(every, os.rename, at("two/missing"), at("two/x")))

    @compared
    def test_renaming_one_name_of_a_file_over_another_does_nothing(self, at):
        at.file("one")
        os.link(at("one"), at("two"))
        return attempt(os.rename, at("one"), at("two")), sorted(os.listdir(at())), look(at("one"))

    @compared
    def test_a_folder_is_moved_with_all_that_is_in_it(self, at):
        at.folder("one")
        at.folder("one/deep")
        at.file("one/deep/file")
        at.folder("two")
        inside = at.open(at("one/deep"), os.O_RDONLY)
        os.rename(at("one/deep"), at("two/deep"))
        seen = [os.listdir(at("two/deep")), os.listdir(at("one")), os.listdir(inside),
                os.path.samestat(os.stat("..", dir_fd=inside), os.stat(at("two"))),
                os.path.samestat(os.stat(at("two/deep/..")), os.stat(at("two")))]
        return seen

    @compared
    def test_the_flags_of_renameat2(self, at):
        seen = {}
        for flags in (RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE | RENAME_NOREPLACE, 8):
            for old in ("file", "folder", "full", "link", "missing"):
                for new in ("file", "full", "missing"):
                    place = type(at)(at.folder(f"{flags}-{old}-{new}"))
                    make_kind(place, "old", old)
                    make_kind(place, "new", new)
                    seen[flags, old, new] = (attempt(renameat2, place("old"), place("new"), flags),
                                             {name: look(place(name)) for name in
                                              sorted(os.listdir(place()))})
        return seen

    @needs_root
    @compared
    def test_a_whiteout_is_left_behind(self, at):
        at.file("one")
        at.folder("two")
        at.file("replaced")
        return (attempt(renameat2, at("one"), at("replaced"), RENAME_WHITEOUT),
                attempt(renameat2, at("two"), at("three"), RENAME_WHITEOUT),
                {name: look(at(name)) for name in sorted(os.listdir(at()))})

    @compared
    def test_exchanging_sets_times_and_counts(self, at):
        at.folder("one")
        at.folder("two")
        at.file("one/file")
        at.folder("two/folder")
        # What was exchanged is held by its descriptor, since its name leads to the other now.
        held = [f"/proc/self/fd/{at.open(at(name), os.O_RDONLY)}/."
                for name in ("one", "two", "two/folder")]
        seen = at.times_moved(held, renameat2, at("one/file"), at("two/folder"), RENAME_EXCHANGE)
        return seen[0], list(seen[1].values()), look(at("one")), look(at("two")), look(at("one/file")), look(at("two/folder"))

    @needs_root
    @compared
    def test_others_move_only_between_folders_that_they_may_write(self, at):
        seen = {}
        for old in (0o777, 0o755, 0o733):
            for new in (0o777, 0o755, 0o766):
                place = type(at)(at.folder(f"{old:o}-{new:o}"))
                place.folder("old", old)
                place.folder("new", new)
                place.file("old/file")
                os.chown(place.folder("old/own"), USER, GROUP)
                place.folder("old/foreign")
                seen[old, new] = as_user(lambda: [
                    attempt(os.rename, place("old", name), place("new", name))
                    for name in ("file", "own", "foreign")
                ])
        return seen


def make_kind(at, name, kind):
    """Something of one of the kinds of one_of_each, or nothing for the others."""
    if kind == "file":
        at.file(name)
    elif kind in ("folder", "full"):
        at.folder(name)
        if kind == "full":
            at.file(os.path.join(name, "inside"))
    elif kind in ("link", "dangling", "folder-link", "loop"):
        os.symlink(kind, at(name))
    elif kind == "fifo":
        os.mkfifo(at(name))
    elif kind == "socket":
        os.mknod(at(name), stat.S_IFSOCK | 0o666)


class Listing(BesideSource):
    @compared
    def test_every_entry_is_listed_once_with_its_kind(self, at):
        one_of_each(at)
        for number in range(3000):
            os.mknod(at(f"entry-{number}"))
        with os.scandir(at()) as entries:
            seen = sorted((entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink(),
                           entry.is_file(follow_symlinks=False),
                           entry.inode() == entry.stat(follow_symlinks=False).st_ino)
                          for entry in entries)
        return seen

    @compared
    def test_a_listing_of_an_open_folder_starts_again(self, at):
        at.folder()
        descriptor = at.open(at("folder"), os.O_RDONLY)
        seen = [sorted(os.listdir(descriptor))]
        for name in ("a", "b"):
            os.mknod(at("folder", name))
            seen.append(sorted(os.listdir(descriptor)))
        os.unlink(at("folder", "a"))
        seen.append(sorted(os.listdir(descriptor)))
        os.rename(at("folder", "b"), at("folder", "c"))
        return seen + [sorted(os.listdir(descriptor))]

    @compared
    def test_a_folder_can_be_emptied_while_it_is_listed(self, at):
        for number in range(2000):
            os.mknod(at(f"{number}"))
        count = 0
        with os.scandir(at()) as entries:
            for entry in entries:
                os.unlink(entry.path)
                count += 1
        return count, os.listdir(at())

    @compared
    def test_what_stays_is_listed_whatever_comes_and_goes_meanwhile(self, at):
        for number in range(2000):
            os.mknod(at(f"stays-{number}"))
            os.mknod(at(f"goes-{number}"))
        seen = []
        with os.scandir(at()) as entries:
            for count, entry in enumerate(entries):
                seen.append(entry.name)
                if count % 2 == 0 and count < 2000:
                    attempt(os.unlink, at(f"goes-{count}"))
                    os.mknod(at(f"comes-{count}"))
        stays = [name for name in seen if name.startswith("stays")]
        names = len(seen), len(set(seen))
        return len(stays), len(set(stays)), names[0] == names[1]

    @compared
    def test_dot_and_dot_dot_lead_where_they_should(self, at):
        at.folder()
        at.folder("folder/inner")
        return [os.path.samestat(os.stat(at(path)), os.stat(at(same))) for path, same in (
            ("folder/.", "folder"), ("folder/inner/..", "folder"), ("folder/inner/../..", "."),
        )]

    @compared
    def test_a_folder_is_not_read_or_written_as_a_file(self, at):
        at.folder()
        descriptor = at.open(at("folder"), os.O_RDONLY)
        return (attempt(os.read, descriptor, 10), attempt(os.write, descriptor, b"x"),
                attempt(os.ftruncate, descriptor, 0), attempt(os.fsync, descriptor),
                attempt(os.fdatasync, descriptor))

    @needs_root
    @compared
    def test_others_list_and_enter_only_what_they_may(self, at):
        seen = {}
        for mode in (0o755, 0o744, 0o711, 0o700, 0o750, 0o705):
            folder = at.folder(f"{mode:o}", mode)
            at.file(os.path.join(folder, "file"))
            os.chown(folder, 0, OTHER_GROUP)
            for groups in ((), (OTHER_GROUP,)):
                seen[mode, groups] = as_user(lambda: (
                    attempt(os.listdir, folder), attempt(os.chdir, folder),
                    attempt(look, os.path.join(folder, "file")),
                    attempt(os.access, folder, os.R_OK), attempt(os.access, folder, os.X_OK),
                ), groups=groups)
        return seen


if __name__ == "__main__":
    unittest.main()
