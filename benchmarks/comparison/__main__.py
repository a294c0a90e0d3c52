"""Asks ten tools the same questions of one Debian 12, and keeps what they said; see README.md beside this file."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "tests")]

from comparison import nights, rooms, table  # noqa: E402 - they lie beside this folder
from comparison.tools import ALWAYS, TOOLS  # noqa: E402

RESULTS = HERE / "results.json"
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LINES, WIDTH = 4, 240
"""How much of an answer is kept: so many lines, of so many characters."""


def main() -> int:
    """Ask, or publish what was said; 1 if some tool could not be set up."""
    asked = arguments()
    if asked.what in {"ask", "all"}:
        ask(asked.work.resolve(), asked.only)
    if asked.what in {"publish", "all"}:
        table.publish(json.loads(RESULTS.read_text("utf-8")), HERE.parent.parent / "docs/explanation/comparison.md")
    return 0


def ask(work: Path, only: str) -> None:
    """Ask every tool all that it is for, each in a room of its own, and keep what it said."""
    origin = rooms.first(work, tuple(dict.fromkeys((*ALWAYS, *(package for tool in TOOLS for package in tool.packages)))))
    hider(origin.admin)
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    origin = prepared(origin.copy("origin"), nights.ORIGIN)
    for tool in TOOLS:
        situations = dict.fromkeys(each.situation for each in nights.QUESTIONS if tool.name in each.tools)
        wanted = [situation for situation in situations if only.lower() in f"{situation}: {tool.name}".lower()]
        ready = prepared(origin.copy("ready"), tool.set_up) if wanted else origin
        for situation in wanted:
            room = prepared(ready.copy("asked"), nights.DEEDS[situation], online=situation == nights.UPGRADE)
            if situation == nights.FORGED:
                room.run(tool.forge)
            said = room.run(tool.ask)
            if "Traceback (most recent call last)" in said.said:
                sys.exit(f"{situation}: {tool.name} broke, which is no answer:\n{said.said[-2000:]}")
            kept[f"{situation}: {tool.name}"] = answer(situation, tool.name, tool.ask, said)
            (work / "said").mkdir(exist_ok=True)
            (work / "said" / f"{situation}-{tool.name}.txt").write_text(said.said, "utf-8")
            print(f"{situation}: {tool.name}: exit status {said.status}, {len(said.said.splitlines())} lines", flush=True)
            RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    kept["versions"] = versions(origin)
    RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")


def answer(situation: str, tool: str, command: str, done: rooms.Done) -> dict[str, object]:
    """What is kept of what a tool said: how it ended, how much there was to read, and the lines that answer each question."""
    lines = [line.strip()[:WIDTH] for line in ESCAPES.sub("", done.said).splitlines() if line.strip()]
    answers = {
        question.asks: [line for line in lines if re.search(question.names, line)][:LINES]
        for question in nights.QUESTIONS
        if question.situation == situation and tool in question.tools and question.names
    }
    return {"command": command, "status": done.status, "lines": len(lines), "answers": answers}


def prepared(room: rooms.Room, script: str, *, online: bool = False) -> rooms.Room:
    """A room once a script was run in it; what it said is shown if it failed."""
    done = room.run(script, online=online)
    if done.status:
        print(f"exit status {done.status} of: {script}\n{done.said[-3000:]}", flush=True)
    return room


def hider(admin: Path) -> None:
    """Build the library that hides."""
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", admin / "hide.so", HERE / "hide.c", "-ldl"], check=True)


def versions(room: rooms.Room) -> dict[str, str]:
    """The version of each package of a tool."""
    names = " ".join(package for tool in TOOLS for package in tool.packages)
    told = room.run(f"dpkg-query -W {names}").said
    return dict(line.split("\t") for line in told.splitlines() if "\t" in line)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/comparison", description=__doc__)
    parser.add_argument("what", choices=("ask", "publish", "all"))
    parser.add_argument("--work", type=Path, default=HERE.parent / ".work", help="where systems are kept (3 GB)")
    parser.add_argument("--only", default="", help="situations and tools with this in their name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
