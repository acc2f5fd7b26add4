"""Generates log events for the benchmarks: application JSON, nginx and Java lines, with decoys and with valid secrets."""

import random
from collections.abc import Callable, Iterator
from importlib import import_module

# Valid data of a kind with a keyword beside it. Values come from Faker and are kept only if python-stdnum accepts them.
Secret = Callable[[random.Random], str]

PATHS = ["/api/v1/orders", "/api/v1/items", "/healthz", "/static/app.js", "/v2/search", "/login", "/checkout"]
SERVICES = ["orders", "billing", "frontend", "inventory", "gateway", "worker"]
WORDS = [
    "request",
    "served",
    "from",
    "cache",
    "after",
    "retry",
    "queue",
    "drained",
    "batch",
    "written",
    "index",
    "rebuilt",
    "lease",
    "renewed",
    "shard",
    "moved",
]
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.4 Safari/605.1.15",
]
DECOYS = [
    "card component rendered",
    "location header set",
    "Electron 31.2.1 started",
    "credit balance page opened",
    "position 4 in queue",
    "contact form opened",
    "expiration of lease",
    "cell 12 updated",
    "discover service ok",
    "credentials refreshed",
]


def _hex(rng: random.Random, size: int) -> str:
    return f"{rng.getrandbits(size * 4):0{size}x}"


def _json(rng: random.Random, extra: str, number: int) -> str:
    text = " ".join(rng.choices(WORDS, k=8))
    return (
        f'{{"ts":"2026-11-23T07:{number // 60 % 60:02d}:{number % 60:02d}.{rng.randrange(1000):03d}Z","level":"INFO",'
        f'"service":"{rng.choice(SERVICES)}","host":"node-{rng.randrange(64)}","trace":"{_hex(rng, 16)}","ms":{rng.randrange(900)},'
        f'"msg":"{text} {extra}"}}'
    )


def _nginx(rng: random.Random, extra: str, number: int) -> str:
    query = extra.replace(" ", "+") if len(extra) < 20 else extra
    return (
        f"web-{rng.randrange(9)} - - [23/Nov/2026:07:{number // 60 % 60:02d}:{number % 60:02d} +0000] "
        f'"GET {rng.choice(PATHS)}?q={query} HTTP/1.1" 200 {rng.randrange(90000)} "-" "{rng.choice(BROWSERS)}"'
    )


def _java(rng: random.Random, extra: str, number: int) -> str:
    return (
        f"2026-11-23 07:{number // 60 % 60:02d}:{number % 60:02d},{rng.randrange(1000):03d} WARN  [pool-{rng.randrange(9)}"
        f"-thread-{rng.randrange(64)}] c.e.{rng.choice(SERVICES)}.Handler - {extra} {' '.join(rng.choices(WORDS, k=8))}\n"
        f"\tat com.example.Handler.run(Handler.java:{rng.randrange(400)})"
    )


def _valid(module: str) -> Callable[[str], bool]:
    return import_module(f"stdnum.{module}").is_valid


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _search(module: str, make: Secret) -> Secret:
    """Draw until python-stdnum accepts the value."""
    valid = _valid(module)

    def draw(rng: random.Random) -> str:
        while True:
            value = make(rng)
            if valid(value):
                return value

    return draw


def secrets(seed: int = 7) -> dict[str, tuple[str, Secret]]:
    """By kind: the keyword text before the value, and the generator of values."""
    from faker import Faker

    def faker(locale: str, provider: str, module: str | None = None) -> Secret:
        source = Faker(locale)
        source.seed_instance(seed)
        valid = _valid(module) if module else (lambda _value: True)

        def draw(_rng: random.Random) -> str:
            while True:
                value = str(getattr(source, provider)())
                if valid(value):
                    return value

        return draw

    def card(rng: random.Random) -> str:
        return "4" + _digits(rng, 15)

    return {
        "CreditCardNumber": ("card number=", _search("luhn", card)),
        "Ssn-US": ("ssn: ", faker("en_US", "ssn", "us.ssn")),
        "BankAccountNumber-DE": ("iban ", faker("de_DE", "iban", "iban")),
        "BankAccountNumber-GB": ("iban ", faker("en_GB", "iban", "iban")),
        "BankAccountNumber-FR": ("iban ", faker("fr_FR", "iban", "iban")),
        "BankAccountNumber-IT": ("iban ", faker("it_IT", "iban", "iban")),
        "BankAccountNumber-ES": ("iban ", faker("es_ES", "iban", "iban")),
        "CpfCode-BR": ("cpf ", faker("pt_BR", "cpf", "br.cpf")),
        "Cnpj-BR": ("cnpj ", faker("pt_BR", "cnpj", "br.cnpj")),
        "NhsNumber-GB": ("nhs number ", _search("gb.nhs", lambda rng: _digits(rng, 10))),
        "SocialInsuranceNumber-CA": ("social insurance number ", faker("en_CA", "ssn", "ca.sin")),
        "NationalIdentificationNumber-IT": ("codice fiscale ", faker("it_IT", "ssn", "it.codicefiscale")),
        "NationalIdentificationNumber-ES": ("dni ", faker("es_ES", "nif", "es.dni")),
        "NieNumber-ES": ("nie ", faker("es_ES", "nie", "es.nie")),
        "TaxId-ES": ("cif ", faker("es_ES", "cif", "es.cif")),
        "TaxId-GB": ("utr ", _search("gb.utr", lambda rng: _digits(rng, 10))),
        "InseeCode-FR": ("insee ", faker("fr_FR", "ssn", "fr.nir")),
        "EmailAddress": ("user ", faker("en_US", "email")),
        "IpAddress": ("peer ", faker("en_US", "ipv4")),
        "PhoneNumber-US": (
            "phone ",
            lambda rng: (
                f"+1 {rng.choice('2345')}0{rng.randrange(2, 9)} 55{_digits(rng, 1)} {_digits(rng, 4)}"
            ),
        ),
        "DateOfBirth": (
            "dob ",
            lambda rng: f"19{rng.randrange(40, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}",
        ),
        "VehicleIdentificationNumber": ("vin ", faker("en_US", "vin")),
        "AwsSecretKey": (
            "aws_secret_access_key=",
            lambda rng: "".join(
                rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+", k=40)
            ),
        ),
        "PassportNumber-US": ("passport number ", lambda rng: rng.choice("ACEX") + _digits(rng, 8)),
        "MedicareBeneficiaryNumber-US": (
            "mbi ",
            lambda rng: f"1EG{rng.randrange(10)}TE{rng.randrange(10)}MK{_digits(rng, 2)}",
        ),
    }


def events(
    count: int, *, hits: float, decoys: float, seed: int = 7
) -> Iterator[tuple[str, str | None, str | None]]:
    """Events: the message, and the kind and value of the secret in it (None in most).

    `hits` and `decoys` are shares of all events, between 0 and 1.
    """
    rng = random.Random(seed)
    kinds = list(secrets(seed).items()) if hits else []
    makers = [_json] * 5 + [_nginx] * 4 + [_java]
    for number in range(count):
        draw = rng.random()
        kind = value = None
        extra = f"id={_hex(rng, 12)}"
        if draw < hits:
            kind, (keyword, make) = rng.choice(kinds)
            value = make(rng)
            extra = keyword + value
        elif draw < hits + decoys:
            extra = rng.choice(DECOYS)
        maker = rng.choice(makers)
        if maker is _nginx and (value is not None or draw < hits + decoys):
            extra = f"{extra} "
        yield maker(rng, extra, number), kind, value
