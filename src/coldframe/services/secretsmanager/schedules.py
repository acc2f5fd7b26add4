"""When secrets are rotated by themselves: windows of the days or the expression in their rotation rules, in UTC."""

import re
from typing import Any

from msgspec.structs import replace

from coldframe.jobs import cron
from coldframe.services.secretsmanager.lookup import invalid_parameter
from coldframe.services.secretsmanager.records import NEVER, Rotation, Secret

_DAY, _HOUR = 86_400_000, 3_600_000
_RATE = re.compile(r"rate\(\s*(\d+)\s+(hour|day)s?\s*\)")
_FEWEST_HOURS, _MOST_DAYS = 4, 1000
# How often those rotate that a service manages and nobody has said otherwise of. Source: Secrets Manager User Guide.
_MANAGED = {"rds": 7}


def is_managed(owner: str) -> bool:
    """Tell whether secrets that this service owns are rotated by it."""
    return owner in _MANAGED


def of_new(owner: str, created: int) -> dict[str, Any]:
    """Return the fields of a new secret that say when it rotates: those of a service that manages it do by themselves."""
    return scheduled(Rotation(days=_MANAGED[owner]), created) if is_managed(owner) else {}


def with_rules(rotation: Rotation | None, rules: dict[str, Any], since: int) -> dict[str, Any]:
    """Return the fields of a secret with RotationRules of a request; raises InvalidParameterException."""
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression") or ""
    duration = rules.get("Duration") or ""
    if (days is None) == (not expression):
        raise invalid_parameter(
            "You must specify either AutomaticallyAfterDays or ScheduleExpression in RotationRules, and not both."
        )
    found = Rotation(days or 0, expression, duration, rotation.last if rotation is not None else 0)
    _check(found)
    return scheduled(found, since)


def rotated(secret: Secret, now: int) -> dict[str, Any]:
    """Return the fields of a secret whose current value is another one from now on; nothing where it does not rotate."""
    rotation = secret.rotation
    if rotation is None and is_managed(secret.owner):
        rotation = Rotation(days=_MANAGED[secret.owner])
    return scheduled(replace(rotation, last=now), now) if rotation is not None else {}


def again(now: int) -> dict[str, Any]:
    """Return the fields of a secret whose rotation was begun by itself: if it does not end well it is begun anew in an hour."""
    return {"rotates": now + _HOUR}


def scheduled(rotation: Rotation, since: int) -> dict[str, Any]:
    """Return the fields of a secret that was rotated, or made, at a time (milliseconds since 1970)."""
    opens, closes = _window(rotation, since)
    return {"rotation": replace(rotation, closes=closes), "rotates": opens}


def described(secret: Secret) -> dict[str, Any]:
    """Return what answers say of the rotation of a secret; nothing where it was never said when it rotates."""
    rotation = secret.rotation
    if rotation is None:
        return {}
    rules: dict[str, Any] = (
        {"ScheduleExpression": rotation.expression}
        if rotation.expression
        else {"AutomaticallyAfterDays": rotation.days}
    )
    if rotation.duration:
        rules["Duration"] = rotation.duration
    answer: dict[str, Any] = {"RotationEnabled": True, "RotationRules": rules}
    if rotation.last:
        answer["LastRotatedDate"] = rotation.last / 1000
    if rotation.closes:
        answer["NextRotationDate"] = rotation.closes / 1000
    return answer


def _check(rotation: Rotation) -> None:
    window = int(rotation.duration.removesuffix("h")) if rotation.duration else 1
    if not 1 <= window <= 24:
        raise invalid_parameter(f"Duration {rotation.duration} must be from 1h to 24h.")
    if not rotation.expression:
        return
    rate = _RATE.fullmatch(rotation.expression)
    try:
        _parsed(rotation.expression, 0)
    except ValueError as error:
        raise invalid_parameter(f"Invalid ScheduleExpression: {error}") from None
    if rate is None:
        fields = rotation.expression.removeprefix("cron(").removesuffix(")").split()
        if len(fields) != 6 or fields[0] != "0":
            raise invalid_parameter(
                f"Invalid ScheduleExpression: {rotation.expression} must be rate() of hours or days, or cron() with six"
                " fields, of which the minutes are 0."
            )
        return
    number = int(rate[1])
    if rate[2] == "hour" and number < _FEWEST_HOURS:
        raise invalid_parameter(f"A secret is rotated every {_FEWEST_HOURS} hours at most.")
    if rate[2] == "hour" and window > number:
        raise invalid_parameter("The rotation window must not extend into the next rotation window.")
    if rate[2] == "day" and number > _MOST_DAYS:
        raise invalid_parameter(f"A secret is rotated every {_MOST_DAYS} days at least.")


def _parsed(expression: str, anchor: float) -> cron.Schedule:
    """Read an expression; hours may begin with a stroke here, as in cron(0 /8 * * ? *)."""
    return cron.parse(re.sub(r"^cron\(\s*0\s+/", "cron(0 0/", expression), "UTC", anchor)


def _window(rotation: Rotation, since: int) -> tuple[int, int]:
    """Return when the next window after a time opens, and the last second of it; NEVER and 0 where there is none."""
    midnight = since - since % _DAY
    rate = _RATE.fullmatch(rotation.expression) if rotation.expression else None
    length = int(rotation.duration.removesuffix("h")) * _HOUR if rotation.duration else 0
    if not rotation.expression or (rate is not None and rate[2] == "day"):
        opens = midnight + (int(rate[1]) if rate is not None else rotation.days) * _DAY
        return opens, opens + (length or _DAY) - 1000
    found = _parsed(rotation.expression, midnight / 1000).after(since / 1000)
    if found is None:
        return NEVER, 0
    opens = round(found * 1000)
    hourly = rate is not None or not rotation.expression.removeprefix("cron(").split()[1].isdigit()
    rest = _HOUR if hourly else _DAY - opens % _DAY
    return opens, opens + (length or rest) - 1000
