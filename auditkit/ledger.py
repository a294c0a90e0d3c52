"""What each host of a run has shown of its paths, and which package says that it has them: kept until all are in.

One SQLite file, in which the same fact of the same path is held once however many hosts show it, and so is the list of paths of
a package: what a host adds is a few bytes a path, on the disk and not in memory. Judging is for peers.py.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

from blake3 import blake3

from auditkit import entries
from auditkit.facts import fact
from auditkit.peers import Judge, Peer, Release, Sight, Told
from auditkit.printable import unescape

MOST_PATHS = 400_000
"""Paths of one host that are held, and as many that its packages say they have; a desktop has 200,000 of either."""
ELSEWHERE = ("/home", "/root", "/srv", "/run", "/proc", "/sys", "/dev", "/mnt", "/media", "/usr/local")
"""Where packages put nothing but directories, and people very much: it is not held."""
MOST_KNOWN = 100_000
"""Facts that are remembered as held: those of the first host spare the others half the work."""
MOST_PACKAGES = 20_000
MOST_STOCKS = 16
"""Lists of packages that are remembered by their names: the hosts of a fleet have few kinds of them."""
MOST_MEANT = 10_000
"""Diversions, overrides and configuration files of one host."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS host(id INTEGER PRIMARY KEY, word BLOB UNIQUE, told TEXT);
CREATE TABLE IF NOT EXISTS fact(id BLOB PRIMARY KEY, path BLOB, fact BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen(host INTEGER, id BLOB);
CREATE TABLE IF NOT EXISTS list(id INTEGER PRIMARY KEY, package TEXT, digest BLOB, UNIQUE(package, digest));
CREATE TABLE IF NOT EXISTS claim(list INTEGER, path BLOB);
CREATE TABLE IF NOT EXISTS holds(host INTEGER, list INTEGER);
CREATE TABLE IF NOT EXISTS meant(host INTEGER, path BLOB, what TEXT, words TEXT);
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8192;
"""
_SIGHTS = """
SELECT fact.path, fact.fact, shown.hosts FROM
(SELECT seen.id AS id, group_concat(seen.host) AS hosts FROM seen JOIN host ON host.id = seen.host AND host.told IS NOT NULL
GROUP BY seen.id) AS shown JOIN fact ON fact.id = shown.id ORDER BY fact.path
"""
_CLAIMS = "SELECT path, group_concat(list) FROM claim GROUP BY path"


class Ledger:
    """The book of a run; several threads may write pages of it at once.

    Where it cannot be written, as on a full disk, it says why in `broken`, and everything goes on without it.
    """

    def __init__(self, path: str) -> None:
        self.broken = ""
        self.known = set[bytes]()
        """Facts that are held already, as far as it is worth to know that."""
        self._path = path
        self.reading = threading.Lock()
        """For who reads the package database of a host, which takes much room: one at a time."""
        self.stocks = dict[bytes, tuple[tuple[int, ...], int]]()
        """By a name, the lists of a host that has them all, and how many paths they have."""
        self._lock = threading.Lock()
        self._db = sqlite3.Connection(":memory:", check_same_thread=False)
        with self._unbroken():
            self._db = sqlite3.Connection(path, check_same_thread=False)
            self._db.executescript(_SCHEMA)

    @contextmanager
    def _unbroken(self) -> Iterator[None]:
        """For what one thread does at a time; once the book is broken, nothing of it comes to anything."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                self.broken = self.broken or str(error)

    def page(self, word: str) -> "Page":
        """An empty page for a host; what was kept of it before is forgotten."""
        name, number = _bytes(word), 0
        with self._unbroken():
            is_new = self._db.execute("INSERT OR IGNORE INTO host(word) VALUES (?)", (name,)).rowcount > 0
            (number,) = self._db.execute("SELECT id FROM host WHERE word = ?", (name,)).fetchone()
            if not is_new:
                self._db.execute("UPDATE host SET told = NULL WHERE id = ?", (number,))
                for table in ("seen", "holds", "meant"):
                    self._db.execute(f"DELETE FROM {table} WHERE host = ?", (number,))  # noqa: S608 - a name from above
        return Page(self, number)

    def write(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Add rows."""
        with self._unbroken():
            self._db.executemany(statement, rows)

    def enter(self, number: int, package: str, places: Sequence[bytes]) -> int:
        """Say that a host has a package with these paths; the same list is held once, and its number is given."""
        digest = blake3(b"\0".join(places)).digest(16)
        known = 0
        with self._unbroken():
            new = self._db.execute("INSERT OR IGNORE INTO list(package, digest) VALUES (?, ?)", (package, digest)).rowcount > 0
            query = "SELECT id FROM list WHERE package = ? AND digest = ?"
            known = int(self._db.execute(query, (package, digest)).fetchone()[0])
            if new:
                self._db.executemany("INSERT INTO claim VALUES (?, ?)", ((known, place) for place in places))
            self._db.execute("INSERT INTO holds VALUES (?, ?)", (number, known))
        return known

    def finish(self, number: int, told: str) -> None:
        """Let a host's page count from now on."""
        with self._unbroken():
            self._db.execute("UPDATE host SET told = ? WHERE id = ?", (told, number))
            self._db.commit()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def remove(self) -> None:
        """Leave nothing of it once it is closed: all is said."""
        with suppress(OSError):
            os.unlink(self._path)

    def judged(self, words: Collection[str], disbelieved: Collection[str]) -> dict[str, Told]:
        """What is to be said of these hosts by their words, as far as there are pages of them; others are forgotten.

        Those that are `disbelieved` have no vote. Where the book is broken, nothing is to be said.
        """
        told, words_of = dict[int, Told](), dict[int, str]()
        with self._unbroken():
            peers = self._peers(words)
            words_of.update((number, peer.word) for number, peer in peers.items())
            voting = {number: replace(peer, believed=peer.word not in disbelieved) for number, peer in peers.items()}
            told.update(Judge(voting, self._releases(), self._meant()).judge(self._sights()))
        return {words_of[number]: one for number, one in told.items()}

    def _peers(self, words: Collection[str]) -> dict[int, Peer]:
        found = {}
        rows = self._db.execute("SELECT id, word, told FROM host WHERE told IS NOT NULL").fetchall()
        for number, name, told in rows:
            word = name.decode("utf-8", "surrogateescape")
            if word in words:
                found[number] = _peer(word, json.loads(told))
            else:
                self._db.execute("UPDATE host SET told = NULL WHERE id = ?", (number,))
        return found

    def _releases(self) -> dict[int, Release]:
        """Each list of paths by its number: of which package it is, and which hosts have it so."""
        query = """SELECT list.id, list.package, group_concat(holds.host) FROM list JOIN holds ON holds.list = list.id
        JOIN host ON host.id = holds.host AND host.told IS NOT NULL GROUP BY list.id"""
        return {
            number: Release(tuple(json.loads(package)), _numbers(hosts)) for number, package, hosts in self._db.execute(query)
        }

    def _meant(self) -> dict[tuple[int, bytes], dict[str, str]]:
        """What hosts themselves say shall be otherwise than packages have it, by host and path."""
        found: dict[tuple[int, bytes], dict[str, str]] = {}
        for host, path, what, words in self._db.execute("SELECT host, path, what, words FROM meant"):
            found.setdefault((host, path), {})[what] = words
        return found

    def _sights(self) -> Iterator[Sight]:
        """Yield each path that was seen, in the order of their bytes: what hosts show of it, and the lists it stands in."""
        claims = iter(self._db.execute(_CLAIMS))
        claim = next(claims, None)
        for path, rows in groupby(self._db.execute(_SIGHTS), key=lambda row: row[0]):
            while claim and claim[0] < path:
                claim = next(claims, None)
            lists = str(claim[1]) if claim and claim[0] == path else ""
            if lists:
                yield Sight(path, tuple((fact, _numbers(hosts)) for _path, fact, hosts in rows), _numbers(lists))


def _numbers(told: object) -> tuple[int, ...]:
    return tuple(map(int, str(told).split(",")))


def _peer(word: str, told: Mapping[str, Any]) -> Peer:
    return Peer(word=word, **{**told, "gaps": frozenset(told["gaps"]), "machines": frozenset(told["machines"])})


class Page:
    """What one host has shown, being written."""

    def __init__(self, ledger: Ledger, number: int) -> None:
        self._ledger = ledger
        self._number = number
        self._lists = list[int]()
        self.paths = self.claims = self.packages = self.meant = 0
        self.cut = False
        """Whether there was more than is held."""
        self.reading = ledger.reading

    def add(self, blocks: Iterable[bytes]) -> None:
        """Keep what blocks of a scan say of what packages may have."""
        facts, seen, known = [], [], self._ledger.known
        for path, told in self._facts(blocks):
            number = blake3(path + b"\0" + told).digest(16)
            seen.append((self._number, number))
            if number not in known:
                facts.append((number, path, told))
        if seen:
            self._ledger.write("INSERT OR IGNORE INTO fact VALUES (?, ?, ?)", facts)
            self._ledger.write("INSERT INTO seen VALUES (?, ?)", seen)
        if len(known) < MOST_KNOWN:
            known.update(number for number, _path, _told in facts)

    def _facts(self, blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for block in blocks:
            directory = entries.path_of(block)
            if _is_below(directory, _ELSEWHERE):
                continue
            above = _merged(directory) + b"/"
            for line in block.split(b"\n")[1:-1]:
                fields = line.split(b" ", entries.FIELDS)
                if line[:1] == b"=" or len(fields) <= entries.FIELDS:
                    continue
                if self.paths >= MOST_PATHS:
                    self.cut = True
                    return
                self.paths += 1
                name = fields[-1]
                if name == b"." and fields[0] == b"d":
                    yield _canonical(directory), fact(fields)
                elif b"\\" not in name:
                    yield above + name, fact(fields)
                else:
                    with suppress(ValueError):  # no name: who compares the block refuses it
                        yield above + unescape(name), fact(fields)

    def hold(self, package: Sequence[str], places: Iterable[str]) -> None:
        """Keep that a host has a package, and where its paths are: system, distribution, name, version, architecture."""
        found = sorted({_canonical(_bytes(place)) for place in places} - {b"/"})
        self.claims += len(found)
        self.packages += 1
        if self.claims > MOST_PATHS or self.packages > MOST_PACKAGES:
            self.cut = True
        else:
            self._lists.append(self._ledger.enter(self._number, json.dumps(list(package)), found))

    def name(self, stock: bytes) -> None:
        """Let other hosts have the packages of this one by a name, which nothing else may have."""
        if not self.cut and len(self._ledger.stocks) < MOST_STOCKS:
            self._ledger.stocks[stock] = tuple(self._lists), self.claims

    def hold_named(self, stock: bytes) -> int:
        """Keep that a host has all packages of that name, and give how many; 0 where nothing has it."""
        lists, claims = self._ledger.stocks.get(stock, ((), 0))
        self._ledger.write("INSERT INTO holds VALUES (?, ?)", [(self._number, each) for each in lists])
        self.claims += claims
        self.packages += len(lists)
        return len(lists)

    def mean(self, told: Iterable[tuple[str, str, str]]) -> None:
        """Keep what the host says shall be otherwise than its packages have it: path, in which way, and in what words."""
        left = MOST_MEANT - self.meant
        rows = [(self._number, _canonical(_bytes(path)), what, words) for path, what, words in islice(told, left)]
        self.meant += len(rows)
        self._ledger.write("INSERT INTO meant VALUES (?, ?, ?, ?)", rows)

    def finish(self, told: Mapping[str, object]) -> None:
        """Let it count; `told` is what a Peer has but its word."""
        self._ledger.finish(self._number, json.dumps(dict(told)))


_ALIASES = frozenset((b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"libo32"))
_ELSEWHERE = tuple(place.encode() for place in ELSEWHERE)


def _canonical(path: bytes) -> bytes:
    """A path as it is on a merged /usr, for other hosts may have one; the directories and links at the root stay."""
    directory, _, name = path.rpartition(b"/")
    return _merged(directory) + b"/" + name


@lru_cache(4096)  # the paths of a package lie side by side
def _merged(directory: bytes) -> bytes:
    head = directory.split(b"/", 2)[1:2]
    return (b"/usr" + directory if head and head[0] in _ALIASES else directory).rstrip(b"/")


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _is_below(path: bytes, places: tuple[bytes, ...]) -> bool:
    return path.startswith(places) and any(path == place or path.startswith(place + b"/") for place in places)
