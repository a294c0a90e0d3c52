"""Debian's Chromium without a window, asked over its own pipe (Chrome DevTools Protocol): what it shows, says and prints."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 90
"""Seconds after which it counts as hanging."""
LINES = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
"""What it says where something of a page is wrong: words of scripts, their failures, and what its policy forbids."""
ASKS = ("Network.requestWillBeSent", "Page.javascriptDialogOpening", "Page.frameRequestedNavigation", "Page.windowOpen")
"""What a page does that reads nothing but itself only once."""

AXE = """axe.run(document, {resultTypes: ["violations"]}).then((told) => JSON.stringify(
  told.violations.map((one) => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 200), one.nodes[0].failureSummary])))"""
"""What axe-core has against the page that is open."""


class Chromium:
    """One Chromium with one page in it; each page that is opened begins with nothing said."""

    def __init__(self) -> None:
        program = shutil.which("chromium")
        if not program:
            pytest.skip("needs chromium, of Debian")
        self._home = tempfile.mkdtemp(prefix="auditkit-chromium-")
        theirs, self._to = os.pipe()
        self._from, answers = os.pipe()
        words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
        # it reads from 3 and writes to 4, whichever numbers our pipes have
        shell = 'exec 3<&"$0" 4>&"$1"; shift; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, str(theirs), str(answers), *words, f"--user-data-dir={self._home}", "about:blank"],
            pass_fds=(theirs, answers), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        os.close(answers)
        self._rest, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{part}.enable")

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """What it answers to a command; what it tells meanwhile stands in `events`."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": given}
        if self._session:
            asked["sessionId"] = self._session
        left = memoryview(json.dumps(asked).encode() + b"\0")
        while left:
            left = left[os.write(self._to, left) :]
        while (told := self._next()).get("id") != self._number:
            self.events.append(told)
        assert "error" not in told, told
        return dict(told["result"])

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(end - time.monotonic(), 0))
            data = os.read(self._from, 1 << 20) if ready else b""
            assert data, "chromium says nothing more"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True) -> None:
        """Show a page, and wait until all of it is there."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.look(dark=dark)
        self.ask("Emulation.setScriptExecutionDisabled", value=not script)
        self.load("about:blank")
        self.load(page.resolve().as_uri())

    def load(self, url: str) -> None:
        """Go to an address, and wait until all of it is there."""
        self.events.clear()
        assert "errorText" not in self.ask("Page.navigate", url=url), url
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def look(self, *, dark: bool = False, paper: bool = False) -> None:
        """How the reader wants to see it."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media="print" if paper else "", features=features)

    def run(self, script: str) -> Any:
        """What an expression comes to in the page; a promise is waited for."""
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def breaches(self) -> list[Any]:
        """What axe-core has against the page as it is: names, roles, order of headings, tables, contrast."""
        self.run(resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + "; 0")
        return list(json.loads(self.run(AXE)))

    def said(self) -> list[dict[str, Any]]:
        """What it complained of since the page was opened."""
        self.run("new Promise((done) => setTimeout(done, 50))")
        return [event["params"] for event in self.events if event["method"] in LINES]

    def asked(self) -> list[str]:
        """Which addresses it asked for since the page was opened, and what else a page does that does more than to be read."""
        events = [event for event in self.events if event["method"] in ASKS]
        return [event["params"].get("request", {}).get("url", event["method"]) for event in events]

    def press(self, key: str, code: str, number: int) -> None:
        """Press a key and let it go."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number, **text)

    def picture(self, *, whole: bool = False) -> bytes:
        """What it shows, as PNG; `whole`: beyond the window too."""
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def end(self) -> None:
        """End it, with all of its processes."""
        os.close(self._to)
        os.close(self._from)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
