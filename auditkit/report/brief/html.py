"""A brief as one HTML file that needs nothing else and prints on one page of A4."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from auditkit.printable import said
from auditkit.report.brief.sentence import entries, left_out
from auditkit.response.brief.nouns import Brief


def pieces(brief: Brief) -> Iterator[str]:
    """Yield the page; it may run nothing and load nothing, and its one style is named by its hash (CSP, W3C)."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only where HTML is asked for

    templates = Environment(loader=PackageLoader("auditkit.report.brief"), autoescape=True, undefined=StrictUndefined)
    templates.filters |= {"entries": entries, "left_out": left_out, "said": said}
    style = templates.get_template("brief.css").render()
    digest = b64encode(sha256(style.encode()).digest()).decode("ascii")
    yield templates.get_template("brief.html").render(brief=brief, style=style, digest=digest)
