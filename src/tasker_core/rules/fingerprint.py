"""Fingerprints of errors: the same fault in a thousand tasks is one group, whatever numbers and names it mentions."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

LONGEST_LOOKED_AT = 2_000
LONGEST_TITLE = 300

_PARTS = re.compile(
    r"""
    (?P<kept>(?i:\b(?:http|status|code|errno|exit|signal)(?:\ code|\ status)?\s?[:=\#]?\s?)\d{1,5}\b)
  | (?P<url>\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s'"`<>()\[\]]{1,500})
  | (?P<quoted>(?<!\w)(?P<mark>['"`])(?:\\.|(?!(?P=mark))[^\\\n]|(?<=\w)(?P=mark)(?=\w)){0,300}?(?P=mark)(?!\w))
  | (?P<email>\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+)
  | (?P<time>\b\d{4}-\d\d-\d\d(?:[T\ ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\ ?Z|\ ?[+-]\d\d:?\d\d)?)?(?!\w))
  | (?P<id>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b0[xX][0-9a-fA-F]+\b|\b[0-9a-fA-F]{16,}\b)
  | (?P<path>(?<![\w>])(?:[A-Za-z]:\\|/|\.{1,2}/|~/)(?:[\w.@+%-]+[/\\])*[\w.@+%-]+(?:[/\\](?!\w))?)
  | (?P<number>(?<![\w.])[-+]?\d+(?:[.,:_]\d+)*(?:[eE][-+]?\d+)?
      (?:\ ?(?:ns|us|µs|ms|s|sec|seconds?|min|minutes?|h|hours?|days?|[kKMGT]i?B|bytes|B|%))?(?![\w]))
  | (?P<word>\b(?=[\w-]{0,80}\d)\w[\w-]*)
    """,
    re.X,
)
_WHAT = {"url": "<url>", "quoted": "<text>", "email": "<email>", "time": "<time>", "id": "<id>", "path": "<path>",
         "number": "<n>", "word": "<id>"}  # fmt: skip


def normalised(message: str) -> str:
    """``message`` without what differs from one task to the next: numbers, ids, times, quoted values, paths, addresses.

    A status or exit code stays: 404 and 502 are different faults.

    >>> normalised("order 4711 of 'ann@shop.example' not found in /var/orders/2024-05-01.csv after 3.2 s")
    'order <n> of <text> not found in <path> after <n>'
    >>> normalised("gateway answered HTTP 502 for charge ch_1A2b3C")
    'gateway answered HTTP 502 for charge <id>'
    """
    text = " ".join(message[:LONGEST_LOOKED_AT].split())
    return _PARTS.sub(_plain, text)[:LONGEST_TITLE]


def _plain(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if found["quoted"] is not None:
        return _WHAT["quoted"]
    return _WHAT.get(kind, found[0])


class Fault(NamedTuple):
    """What went wrong, where: the template and its step, not the task; the reason of the dead letter, the error."""

    namespace: str
    template: str
    step: str
    reason: str
    error_type: str = ""
    error_code: str = ""
    message: str = ""

    @property
    def title(self) -> str:
        """The fault in a line."""
        kind = f"{self.error_type} {self.error_code}".strip() or self.reason
        said = normalised(self.message)
        place = f"{self.namespace}/{self.template}" + (f" {self.step}" if self.step else "")
        return f"{place}: {kind}: {said}" if said else f"{place}: {kind}"

    @property
    def fingerprint(self) -> str:
        """The same for faults that differ in nothing but what ``normalised`` leaves out: 16 hexadecimal digits."""
        parts = [*self[:6], normalised(self.message)]
        # Lengths keep ("a", "bc") from ("ab", "c").
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
