"""What alarms do when their state changes: a durable job per action, whose outcome goes into the alarm's history."""

from typing import Any

from coldframe.core import arns, ids
from coldframe.core.client_errors import ClientError
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.identity.caller import Caller
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.cloudwatch import alarm_history
from coldframe.services.cloudwatch.alarms.actions import kind_of

PRINCIPAL = "cloudwatch.amazonaws.com"
_PASSING = frozenset({"ServiceUnavailableException", "InternalFailure", "InternalError", "Throttling"})


class AlarmActions:
    """Carries actions out as CloudWatch's service principal, so that the target's own policy has to allow it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def carry_out(self, alarm: str, action: str, subject: str, message: str) -> dict[str, Any]:
        """Do what an action ARN says for an alarm (its ARN); returns `at` (milliseconds) and `error`, None if it succeeded.

        Raises what may pass by itself, so that the job repeats it.
        """
        kind = kind_of(action)
        error: str | None = f"Actions of {kind or action} are not built here"
        if kind == "sns":
            error = self._publish(alarm, action, subject, message)
        return {"at": self._installation.clock.milliseconds(), "error": error}

    def _publish(self, alarm: str, topic: str, subject: str, message: str) -> str | None:
        clients = self._installation.clients
        account = arns.parse(alarm).account
        principal = Caller(kind="service", arn=PRINCIPAL, account=account, source_arn=alarm)
        try:
            if clients is None:
                return "Amazon SNS is not built here"
            sns = clients("sns", principal=principal, region=arns.parse(topic).region)
        except KeyError:
            return "Amazon SNS is not built here"
        try:
            sns.publish(TopicArn=topic, Subject=subject, Message=message)
        except ClientError as error:
            if error.response["Error"]["Code"] in _PASSING:
                raise
            return str(error.response["Error"].get("Message") or error)
        return None


@job("cloudwatch.alarm-action")
def act(run: Run, alarm: list[str], action: str, subject: str, message: str) -> None:
    """Carry out one action of an alarm (its name and kind), until it succeeds or cannot, and write that down."""
    run.commit_point()
    outcome = run.step(
        "carry out the action", run.part(AlarmActions).carry_out, run.caller, action, subject, message
    )
    run.write("write the history", _remember, alarm, action, message, outcome)


def _remember(records: Records, alarm: list[str], action: str, message: str, outcome: dict[str, Any]) -> None:
    alarm_history.acted(
        records,
        (alarm[0], alarm[1]),
        action,
        at=outcome["at"],
        id_=f"2{ids.uuid()}",
        error=outcome["error"],
        said=message,
    )
