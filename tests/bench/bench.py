# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Runs gen5fs and its peers alternately over the same files. scripts/bench starts this and says what
# the options are; the rows P1 to P12 and verify are the targets that the project has set itself.

import argparse
import os
import platform
import shutil
import tempfile
import time

import corpus
import peers
import report
import works

LARGE_COUNT = 5
METADATA, IMAGE, LATENT = "metadata.json", "image.png", "latent.npy"


class Bench:
    def __init__(self, arguments):
        self.rounds = arguments.rounds or (3 if arguments.quick else 7)
        self.count = 200 if arguments.quick else 2000
        self.crowd = 10_000 if arguments.quick else 100_000
        self.program = os.path.join(arguments.build, "gen5fs")
        self.read_files = os.path.join(arguments.build, "tests", "read_files")
        self.passthrough = os.path.join(arguments.home, "passthrough_ll")
        large = 2 if arguments.quick else LARGE_COUNT
        self.corpus = corpus.Corpus(arguments.home, arguments.build, self.count, large)
        with self.gen5fs(self.corpus.path("containers")) as mount:
            self.corpus.complete(mount.path)
        self.report = report.Report({
            "machine": f"{os.cpu_count()} processors, {platform.release()}",
            "containers": f"{self.count} of 1.5 MB, {2 * large} with a latent of 100 MB",
            "rounds": self.rounds,
        })

    # --- Contenders ------------------------------------------------------------------------------

    def gen5fs(self, source, options=""):
        return peers.Gen5fs(self.program, source, options)

    def contenders(self, kind):
        containers, plain = self.corpus.path("containers", kind), self.corpus.path("plain", kind)
        return {
            "plain": lambda: peers.Plain(plain),
            "gen5fs": lambda: self.gen5fs(containers),
            "gen5fs -o ro": lambda: self.gen5fs(containers, "ro"),
            "squashfuse_ll": lambda: peers.squashfuse(self.corpus.path(kind + ".squashfs")),
            "passthrough_ll": lambda: peers.passthrough(self.passthrough, plain),
        }

    def reader(self, kind, member, folder):
        return works.Reader(self.read_files, self.corpus.names(kind, member, folder))

    # --- Rounds ----------------------------------------------------------------------------------

    def timed(self, work, name, contender, function):
        before = contender.cpu_seconds() if contender.pid else None
        seconds = function(contender.path)
        used = contender.cpu_seconds() - before if contender.pid else None
        self.report.add(work, name, seconds, used)

    def fresh_and_warm(self, work, kind, function, among):
        """A pass right after mounting, then three warm ones; every contender in each round."""
        contenders = self.contenders(kind)
        for _ in range(self.rounds):
            for name in among:
                with contenders[name]() as contender:
                    self.timed(f"{work}, fresh", name, contender, function)
                    for _ in range(3):
                        self.timed(f"{work}, warm", name, contender, function)

    def speed(self, work, beside, contender="gen5fs"):
        return self.report.speed(work, contender, beside)

    def count_requests(self, work, mount, function):
        own = mount.requests()
        again = mount.requests()
        asking = {kind: again[kind] - own.get(kind, 0) for kind in again}
        function(mount.path)
        after = mount.requests()
        counts = {kind: after[kind] - again.get(kind, 0) - asking.get(kind, 0) for kind in after}
        self.report.requests[work] = {kind: count for kind, count in counts.items() if count > 0}

    # --- Rows ------------------------------------------------------------------------------------

    def walks(self):
        among = ["plain", "gen5fs", "gen5fs -o ro", "squashfuse_ll", "passthrough_ll"]
        self.fresh_and_warm("find -size", "small", works.find, among)
        self.fresh_and_warm("ls -lR", "small", works.ls, among)
        for work in ("find -size", "ls -lR"):
            self.report.target(
                "P1", f"{work}, warm, beside a plain folder", self.speed(f"{work}, warm", "plain"), 0.8
            )
        fresh = "find -size, fresh"
        self.report.target("P2", f"{fresh}, x squashfuse_ll", self.speed(fresh, "squashfuse_ll"), 1.2)
        self.report.target("P2", f"{fresh}, x passthrough_ll", self.speed(fresh, "passthrough_ll"), 2.5)

    def small_files(self):
        def read(member):
            return lambda folder: self.reader("small", member, folder).read("whole", 1)

        among = ["plain", "gen5fs", "gen5fs -o ro", "squashfuse_ll", "passthrough_ll"]
        work = "read metadata.json"
        self.fresh_and_warm(work, "small", read(METADATA), among)
        fresh, warm = f"{work}, fresh", f"{work}, warm"
        self.report.target("P3", f"{fresh}, x passthrough_ll", self.speed(fresh, "passthrough_ll"), 2)
        self.report.target("P3", f"{warm}, x squashfuse_ll", self.speed(warm, "squashfuse_ll"), 2)
        self.report.target(
            "P3", f"{warm}, -o ro beside a plain folder", self.speed(warm, "plain", "gen5fs -o ro"), 0.6
        )

    def images(self):
        def read(folder):
            return self.reader("small", IMAGE, folder).read("whole", 1)

        self.fresh_and_warm("read image.png", "small", read, ["plain", "gen5fs", "squashfuse_ll"])
        fresh, warm = "read image.png, fresh", "read image.png, warm"
        self.report.target("P4", f"{fresh}, x squashfuse_ll", self.speed(fresh, "squashfuse_ll"), 1)
        self.report.target("P4", f"{warm}, x squashfuse_ll", self.speed(warm, "squashfuse_ll"), 0.9)
        self.report.target("P4", f"{warm}, beside a plain folder", self.speed(warm, "plain"), 0.75)

    def large_files(self):
        def read(folder):
            return self.reader("raw", LATENT, folder).read("whole", 1)

        def read_at_random(folder):
            return self.reader("raw", LATENT, folder).read("random", 20_000)

        among = ["plain", "gen5fs", "squashfuse_ll"]
        self.fresh_and_warm("read 100 MB latents", "raw", read, among)
        fresh = "read 100 MB latents, fresh"
        self.report.target("P5", f"{fresh}, x squashfuse_ll", self.speed(fresh, "squashfuse_ll"), 1.5)
        for kind in ("raw", "compressed"):
            for _ in range(self.rounds):
                with self.contenders(kind)["gen5fs"]() as mount:
                    self.timed("first 4 KiB of 100 MB", kind, mount, lambda folder, kind=kind:
                               self.reader(kind, LATENT, folder).read("head", 4096))
        self.report.target(
            "P5", "first 4 KiB, compressed, x the time of raw",
            1 / self.speed("first 4 KiB of 100 MB", "raw", "compressed"), 2, least=False,
        )
        contenders = self.contenders("raw")
        for name in among:
            with contenders[name]() as contender:
                read(contender.path)
                for _ in range(self.rounds):
                    self.timed("random 4 KiB, warm", name, contender, read_at_random)
        self.report.target(
            "P5", "random 4 KiB, warm, beside a plain folder",
            self.speed("random 4 KiB, warm", "plain"), 0.9,
        )

    def edits(self):
        with tempfile.TemporaryDirectory(dir=self.corpus.folder) as source:
            name = sorted(os.listdir(self.corpus.path("containers", "small")))[0]
            container = shutil.copy(self.corpus.path("containers", "small", name), source)
            with open(container, "rb") as file:
                content = file.read()
            work = "edit a prompt"
            with self.gen5fs(source) as mount:
                path = os.path.join(mount.path, name, METADATA)
                for number in range(10 * self.rounds):
                    word = b"windmill%03d" % number
                    self.report.add(work, "gen5fs", works.edit_prompt(path, word))
                    copy = os.path.join(self.corpus.folder, "copy.gen5")
                    self.report.add(work, "write + rename", works.write_and_rename(content, copy))
            os.unlink(copy)
            for _ in range(self.rounds):
                archive = shutil.copy(self.corpus.path("hundred.zip"), source)
                with peers.fuse_zip(archive) as mount:
                    begin = time.monotonic()
                    works.edit_prompt(os.path.join(mount.path, name, METADATA), b"windmill")
                self.report.add(work, "fuse-zip", time.monotonic() - begin)
        self.report.target("P6", "edit, beside write and rename", self.speed(work, "write + rename"), 0.5)
        self.report.target("P6", "edit, x fuse-zip's edit and unmount", self.speed(work, "fuse-zip"), 20)

    def huge_edit(self):
        work = "edit a prompt in 1 GiB"
        with tempfile.TemporaryDirectory(dir=self.corpus.folder) as source:
            container = shutil.copy(self.corpus.path("containers", "huge", "0000.gen5"), source)
            copy = shutil.copy(container, os.path.join(self.corpus.folder, "copy.gen5"))
            with self.gen5fs(source) as mount:
                path = os.path.join(mount.path, "0000.gen5", METADATA)
                for number in range(self.rounds):
                    os.sync()
                    self.report.add(work, "cp + rename", works.clone_and_rename(copy))
                    os.sync()
                    self.report.add(work, "gen5fs", works.edit_prompt(path, b"windmill%d" % number))
            os.unlink(copy)
        self.report.target(
            "P7", "edit in 1 GiB, x the time of cp --reflink=auto and rename",
            1 / self.speed(work, "cp + rename"), 1.3, least=False,
        )

    def latents(self):
        self.fresh_and_warm("np.load latents", "small", works.load_latents, ["plain", "gen5fs"])
        self.report.target(
            "P8", "np.load, warm, beside a plain folder", self.speed("np.load latents, warm", "plain"), 0.5
        )

    def mounts(self):
        """Mounting a few and a great many containers, and the memory for listing the latter."""
        with tempfile.TemporaryDirectory(dir=self.corpus.folder) as folder:
            few, crowd = os.path.join(folder, "few"), os.path.join(folder, "crowd")
            first = self.corpus.path("containers", "small", "0000.gen5")
            for source, count in ((few, 10), (crowd, self.crowd)):
                os.mkdir(source)
                for number in range(count):
                    os.link(first, os.path.join(source, f"{number}.gen5"))
            for _ in range(self.rounds):
                for source, work in ((few, "10"), (crowd, str(self.crowd))):
                    begin = time.monotonic()
                    with self.gen5fs(source):
                        self.report.add(f"mount {work}", "gen5fs", time.monotonic() - begin)
            with self.gen5fs(crowd) as mount:
                os.listdir(mount.path)
                works.find(mount.path)
                memory = mount.anonymous_memory() / 2**20
        for work in ("10", str(self.crowd)):
            milliseconds = 1000 * self.report.median(f"mount {work}", "gen5fs")
            self.report.target("P9", f"mount of {work} until live", milliseconds, 20, False, " ms")
        self.report.target("P10", f"memory after a walk of {self.crowd}", memory, 64, False, " MiB")

    def memory(self):
        with self.gen5fs(self.corpus.path("containers")) as mount:
            works.ls(mount.path)
            for kind, member in (("small", METADATA), ("small", IMAGE), ("raw", LATENT)):
                self.reader(kind, member, os.path.join(mount.path, kind)).read("whole", 1)
            used = mount.anonymous_memory() / 2**20
        self.report.target("P10", "memory after walking and reading all", used, 48, False, " MiB")

    def many_readers(self):
        """In the folder's order, images are hashed ahead of a single reader already, by another
        core. By chance they are not: there it shows whether readers hold each other up."""
        work = "read image.png by threads, by chance"
        for _ in range(self.rounds):
            for threads in (1, 2, 8):
                for order in (work, "read image.png by threads, in order"):
                    with self.gen5fs(self.corpus.path("containers", "small")) as mount:
                        reader = self.reader("small", IMAGE, mount.path)
                        if order == work:
                            reader.shuffle()
                        self.timed(order, f"gen5fs, {threads}", mount,
                                   lambda _, threads=threads, reader=reader: reader.read("whole", threads))
        for threads, bound in ((2, 1.5), (8, 1.6)):
            self.report.target(
                "P11", f"{threads} readers, by chance, x one reader",
                self.speed(work, "gen5fs, 1", f"gen5fs, {threads}"), bound,
            )

    def copies(self):
        contenders = self.contenders("small")
        plain = self.corpus.path("plain", "small")
        for _ in range(self.rounds):
            for name in ("plain", "gen5fs", "squashfuse_ll"):
                with contenders[name]() as contender:
                    self.timed("cp -r 200 out", name, contender,
                               lambda folder: works.copy_out(folder, 200))
            with tempfile.TemporaryDirectory(dir=self.corpus.folder) as target:
                self.report.add("cp -r 200 in", "plain", works.copy_in(plain, 200, target))
            with tempfile.TemporaryDirectory(dir=self.corpus.folder) as target:
                with self.gen5fs(target) as mount:
                    self.timed("cp -r 200 in", "gen5fs", mount,
                               lambda folder: works.copy_in(plain, 200, folder))
        self.report.target("P12", "cp -r out, x squashfuse_ll", self.speed("cp -r 200 out", "squashfuse_ll"), 0.9)
        self.report.target("P12", "cp -r in, beside a plain folder", self.speed("cp -r 200 in", "plain"), 0.25)

    def checks(self):
        """verify beside sha256sum over two processes, on at most 1 GB of containers of a kind."""
        for kind, words in (("small", "images of 1.5 MB"), ("compressed", "compressed latents of 100 MB")):
            folder = self.corpus.path("containers", kind)
            paths, size = [], 0
            for name in sorted(os.listdir(folder)):
                size += os.path.getsize(os.path.join(folder, name))
                if size <= 1e9:
                    paths.append(os.path.join(folder, name))
            work = f"check {words}"
            for _ in range(self.rounds):
                self.report.add(work, "gen5fs verify", works.verify(self.program, paths))
                self.report.add(work, "sha256sum x 2", works.sha256sum(paths, 2))
            self.report.target(
                "verify", f"{words}, beside sha256sum over two processes",
                self.speed(work, "sha256sum x 2", "gen5fs verify"), 0.8,
            )

    def round_trips(self):
        def read(folder):
            self.reader("small", METADATA, folder).read("whole", 1)

        for options in ("", "ro"):
            mark = f", -o {options}" if options else ""
            with self.gen5fs(self.corpus.path("containers", "small"), options) as mount:
                self.count_requests(f"find -size, fresh{mark}", mount, works.find)
                works.ls(mount.path)
                self.count_requests(f"find -size, warm{mark}", mount, works.find)
                self.count_requests(f"ls -lR, warm{mark}", mount, works.ls)
                read(mount.path)
                self.count_requests(f"read metadata.json, warm{mark}", mount, read)


ROWS = {
    "P1": Bench.walks, "P2": Bench.walks, "P3": Bench.small_files, "P4": Bench.images,
    "P5": Bench.large_files, "P6": Bench.edits, "P7": Bench.huge_edit, "P8": Bench.latents,
    "P9": Bench.mounts, "P10": Bench.memory, "P11": Bench.many_readers, "P12": Bench.copies,
    "verify": Bench.checks, "requests": Bench.round_trips,
}


def main():
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--json")
    parser.add_argument("--picture")
    parser.add_argument("--build", required=True)
    parser.add_argument("--home", required=True)
    arguments = parser.parse_args()
    rows = [row for row in arguments.rows.split(",") if row]
    for row in rows:
        if row not in ROWS:
            parser.error(f"there is no row {row}; there are {', '.join(ROWS)}")
    bench = Bench(arguments)
    bench.corpus.warm()
    for function in dict.fromkeys(ROWS[row] for row in rows):
        function(bench)
    bench.report.print()
    if arguments.json:
        bench.report.write_json(arguments.json)
    if arguments.picture:
        bench.report.draw(arguments.picture)


if __name__ == "__main__":
    main()
