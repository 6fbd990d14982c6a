"""Hand a mail over: to an SMTP server, or to the console where none is configured."""

import ipaddress
import sys
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPNotSupported, SMTPRecipientsRefused

TIMEOUT_SECONDS = 10
"""For each step of the talk with the server."""


class Undeliverable(Exception):
    """The server refused this mail for good; the text is its reason. Everything else is worth another try."""


async def send(mail: EmailMessage, *, smtp_url: str) -> None:
    """Send it, or print it if there is no server. Raises `Undeliverable`, or whatever else went wrong for now."""
    if smtp_url:
        await _send_by_smtp(mail, urlsplit(smtp_url))
    else:
        _print(mail)


async def _send_by_smtp(mail: EmailMessage, url: SplitResult) -> None:
    has_tls = url.scheme == "smtps"
    username = unquote(url.username) if url.username else None
    host = url.hostname or "localhost"
    try:
        await aiosmtplib.send(
            mail,
            hostname=host,
            port=url.port or (465 if has_tls else 587 if username else 25),
            username=username,
            password=unquote(url.password) if url.password else None,
            use_tls=has_tls,
            # A password never crosses the network in the clear; without one, TLS is used if it is offered.
            start_tls=True if username and not has_tls and not _is_this_machine(host) else None,
            timeout=TIMEOUT_SECONDS,
        )
    except SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        if _is_final(refusal.code):
            raise Undeliverable(f"{refusal.code} {refusal.message}") from None
        raise
    except SMTPDataError as error:
        if _is_final(error.code):
            raise Undeliverable(f"{error.code} {error.message}") from None
        raise
    except SMTPNotSupported as error:
        raise Undeliverable(str(error)) from None


def _is_final(code: int) -> bool:
    """5yz is a permanent refusal (RFC 5321, 4.2.1)."""
    return 500 <= code <= 599


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _print(mail: EmailMessage) -> None:
    """This is the delivery, not a log: what stands in the mail is shown whole."""
    body = mail.get_body(("plain",))
    text = body.get_content().rstrip() if body is not None else ""
    head = "\n".join(f"{name}: {mail[name]}" for name in ("From", "To", "Subject"))
    sys.stdout.write(f"\n──── mail {'─' * 60}\n{head}\n\n{text}\n{'─' * 70}\n")
    sys.stdout.flush()
