"""JUnit's XML, as Jenkins and GitLab read it: a suite for each host; what was found fails, what was not seen is an error."""

from collections.abc import Iterator
from html import escape

from auditkit.printable import printable, said
from auditkit.report.document import CLEAN, Document, state, status
from auditkit.report.items import Dict, Item, Sort, hosts, iso, items
from auditkit.report.lasting import held
from auditkit.report.look import Options, mark
from auditkit.report.verdict import of_host

ERROR, FAILURE, SKIPPED, PASSED = "error", "failure", "skipped", ""
"""What a case comes to, by the element in it."""
COUNTED = {ERROR: "errors", FAILURE: "failures", SKIPPED: "skipped"}


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the document case by case; text went through printable(), which leaves no character that XML 1.0 has not."""
    total: dict[str, int] = dict.fromkeys(("tests", *COUNTED.values()), 0)
    numbers = [_numbers(host, options) for host in hosts(document)]
    for name in total:
        total[name] = sum(one[name] for one in numbers)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    del total[
        "skipped"
    ]  # Jenkins' schema of the xUnit plugin, junit-10.xsd, has it at suites alone, and refuses what it has not
    yield f"<testsuites{_attributes(name='auditkit ' + printable(document['command']), **total)}>\n"
    for host, number in zip(hosts(document), numbers, strict=True):
        yield from _suite(host, number, document, options)
    yield "</testsuites>\n"


def outcome(item: Item) -> str:
    """What an item comes to as a case: a gap is never a pass, and what is accepted is shown as such."""
    if item.sort is Sort.UNTRUSTED or item.unseen:
        return ERROR
    if item.against:
        return FAILURE
    excused = item.excuse or item.sort is Sort.FINDING
    return SKIPPED if excused else PASSED


def _numbers(host: Dict, options: Options) -> dict[str, int]:
    """How many cases a host has, and what they come to."""
    counts = dict.fromkeys(("tests", *COUNTED.values()), 0)
    for result in (*(outcome(item) for item in items(host, options)), *([PASSED] if status(host) == CLEAN else [])):
        counts["tests"] += 1
        if result:
            counts[COUNTED[result]] += 1
    return counts


def _suite(host: Dict, counts: dict[str, int], document: Document, options: Options) -> Iterator[str]:
    """Yield a host; one that is clean has a case that says so, and passes."""
    name, began = printable(host["host"]), (iso(document["started"]) or "").removesuffix("Z")
    took = host["facts"].get("seconds", 0)
    yield f" <testsuite{_attributes(name=name, timestamp=began, time=round(took, 3), **counts)}>\n  <properties>\n"
    since = [("since", held(host))] if held(host) else []
    for key, value in (("status", status(host)), ("state", state(host)), ("verdict", of_host(host)), *since):
        yield f"   <property{_attributes(name=key, value=value)}/>\n"
    yield "  </properties>\n"
    if status(host) == CLEAN:
        yield f"  <testcase{_attributes(classname=name, name='clean')}/>\n"
    for item in items(host, options):
        yield _case(name, item)
    yield " </testsuite>\n"


def _case(host: str, item: Item) -> str:
    name = f"{printable(item.rule)}: {printable(item.subject)}"
    opened = f"  <testcase{_attributes(classname=host, name=name)}>"
    result = outcome(item)
    if result == PASSED:
        return f"{opened}<system-out>{escape(item.message)}</system-out></testcase>\n"
    if result == SKIPPED:
        why = item.excuse or "a remark"
        return f"{opened}<skipped{_attributes(message=f'{why}: {item.message}')}/></testcase>\n"
    inside = escape("\n".join(_words(item)))
    return f"{opened}<{result}{_attributes(type=item.severity.word, message=item.message)}>{inside}</{result}></testcase>\n"


def _words(item: Item) -> Iterator[str]:
    """Yield what was found, since when, the words that it rests on, and what to do."""
    yield item.message
    if item.of.get("first_seen"):
        yield f"first seen {printable(item.of['first_seen'])}{mark(item.of)}"
    for quote in item.of.get("quotes", ()):
        line = f":{quote['line']}" if quote["line"] else ""
        yield f"{printable(quote['source'])}{line}: {printable(quote['text'])}"
    if item.of.get("remedy"):
        yield f"do: {said(item.of['remedy'])}"


def _attributes(**values: object) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in values.items())
