"""A mail server that delivers nothing: it keeps each mail as a file. ``python -m examples.checkout.mailsink``.

It answers 550 to mail for ``nobody@...`` and 451 to mail for ``later@...``, as servers do for a mailbox that doesn't
exist and for one that is busy.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import itertools
import os
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailSink:
    """Keeps mail in ``directory``."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._numbers = itertools.count(len(mails_in(directory)) + 1)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        match address.partition("@")[0]:
            case "nobody":
                return "550 there is no such mailbox"
            case "later":
                return "451 the mailbox is busy, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        # Written whole, then named: a reader never sees half a mail.
        path = self._directory / f"{next(self._numbers):06d}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(envelope.original_content or b"")
        os.replace(unfinished, path)
        return "250 kept"


def mails_in(directory: Path) -> list[EmailMessage]:
    """The mails in the sink's directory, in the order in which they came."""
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(directory.glob("*.eml"))
    ]


async def serve(port: int, directory: Path) -> None:
    """Take mail on ``127.0.0.1:port`` until cancelled."""
    sink = MailSink(directory)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, hostname="mailsink", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    async with server:
        print(f"mailsink listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.checkout.mailsink", description="A mail sink.")
    parser.add_argument("--port", type=int, default=8625, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--directory", type=Path, default=Path("mails"), help="(default: %(default)s)")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.port, arguments.directory))
    except OSError as error:
        parser.error(f"can't listen on port {arguments.port}: {error.strerror}; choose another one with --port")
    except KeyboardInterrupt:
        print("mailsink stopped")


if __name__ == "__main__":
    main()
