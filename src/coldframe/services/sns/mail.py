"""Mail to subscribers: what SNS writes to them, handed to the relay that the operator named."""

import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

_PATIENCE = 15.0
_SENDER = "no-reply@sns.amazonaws.com"


class MailRefused(Exception):
    """The relay did not take a mail; `lasting` tells a refusal from a failure that may pass."""

    def __init__(self, status: int, text: str, *, lasting: bool) -> None:
        super().__init__(text)
        self.status = status
        self.lasting = lasting


def compose(to: str, subject: str, text: str, *, name: str, identifier: str, at: int) -> EmailMessage:
    """Write a mail; `name` is the topic's display name, `at` milliseconds since 1970."""
    mail = EmailMessage()
    shown = "".join(letter for letter in name or "AWS Notifications" if letter.isprintable())
    mail["From"] = f'"{shown.replace(chr(34), "").replace(chr(92), "")}" <{_SENDER}>'
    mail["To"] = to
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = format_datetime(datetime.fromtimestamp(at / 1000, UTC))
    mail["Message-ID"] = f"<{identifier}@sns.amazonaws.com>"
    mail.set_content(text, charset="utf-8")
    return mail


def send(relay: str, mail: EmailMessage) -> str:
    """Hand a mail to the relay (`host:port`); returns what it answered, raises MailRefused."""
    host, _, port = relay.rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=_PATIENCE) as connection:
            connection.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, said),) = error.recipients.values()
        raise MailRefused(code, _text(said), lasting=code >= 500) from error
    except smtplib.SMTPResponseException as error:
        raise MailRefused(error.smtp_code, _text(error.smtp_error), lasting=error.smtp_code >= 500) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailRefused(0, f"the mail relay {relay} does not answer: {error}", lasting=False) from error
    return "250 OK"


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode(errors="replace")
