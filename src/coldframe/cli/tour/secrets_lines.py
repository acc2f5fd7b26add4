"""Log lines with made-up secrets of many kinds, new ones on every walk, all with right checksums."""

import secrets
import string
from typing import NamedTuple

CONTROL = "coldframe-tour-harmless-text"


class Planted(NamedTuple):
    """One line, the secret in it, and its kind."""

    kind: str
    secret: str
    text: str


def planted() -> list[Planted]:
    """Return lines as applications write them: key=value, JSON, prose, a stack trace's message."""
    lines = []
    for number in range(12):
        for kind, secret, text in _one_of_each():
            lines.append(Planted(kind, secret, f"{text} [{CONTROL} {number}]"))
    return lines


def _one_of_each() -> list[tuple[str, str, str]]:
    email = f"{_letters(7)}.{_letters(6)}@{_letters(8)}.example.org"
    card = _card()
    ssn = f"{secrets.randbelow(600) + 100:03}-{secrets.randbelow(98) + 1:02}-{secrets.randbelow(9000) + 1000}"
    ssn = ssn.replace("666-", "667-")
    key = "".join(secrets.choice(string.ascii_letters + string.digits + "/+") for _ in range(40))
    iban = _iban()
    address = f"{secrets.randbelow(100) + 100}.{secrets.randbelow(200) + 20}.{secrets.randbelow(200) + 20}.{secrets.randbelow(200) + 20}"
    phone = f"+1 202 555 {secrets.randbelow(9000) + 1000}"
    return [
        ("EmailAddress", email, f"INFO login ok user={email} ip=10.0.0.7"),
        ("CreditCardNumber", card, f'{{"level":"WARN","msg":"payment declined","card":"{card}"}}'),
        ("Ssn-US", ssn, f"DEBUG KYC lookup, ssn {ssn}, score 612"),
        ("AwsSecretKey", key, f"ERROR boot: aws_secret_access_key = {key}"),
        ("BankAccountNumber-DE", iban, f'{{"event":"payout","iban":"{iban}","amount":"12.50"}}'),
        ("IpAddress", address, f"connection from {address} closed"),
        ("PhoneNumber-US", phone, f"sms queued, phone: {phone}"),
    ]


def _letters(length: int) -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(length))


def _card() -> str:
    digits = [4, 5, 3, 2, *(secrets.randbelow(10) for _ in range(11))]
    total = sum(digit if index % 2 else sum(divmod(digit * 2, 10)) for index, digit in enumerate(digits))
    return "".join(map(str, [*digits, -total % 10]))


def _iban() -> str:
    account = "".join(str(secrets.randbelow(10)) for _ in range(18))
    check = 98 - int(f"{account}131400") % 97
    return f"DE{check:02}{account}"
