"""The visible list of services this server offers."""

SERVICES: tuple[str, ...] = (
    "coldframe.services.logs",
    "coldframe.services.sts",
)
