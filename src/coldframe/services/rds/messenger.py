"""Telling topics of events, as the service principal events.rds.amazonaws.com on behalf of the resource."""

import json

from coldframe.core import arns
from coldframe.core.client_errors import ClientError
from coldframe.core.faults import InternalFailure
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.identity.caller import Caller
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.rds.records import Event
from coldframe.services.rds.times import moment

_PRINCIPAL = "events.rds.amazonaws.com"
_SUBJECT = "RDS Notification Message"
_PASSING = frozenset({"ServiceUnavailable", "InternalFailure", "InternalError", "Throttled"})


class Messenger:
    """Gives the time to events, and has them sent by the API of this server's own SNS."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        return self._installation.clock.milliseconds()

    def announce(self, records: Records, topic: str, event: Event, number: str) -> None:
        """Have an event sent to a topic, by a job in the transaction that records it."""
        told = {
            "Event Source": event.kind,
            "Event Time": moment(event.at).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            "Identifier Link": event.arn,
            "Source ID": event.source,
            "Source ARN": event.arn,
            "Event ID": f"https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html#{number}",
            "Event Message": event.message,
        }
        if self._installation.start_job is None:
            raise InternalFailure("this server runs no jobs")
        self._installation.start_job(records, announce, topic, json.dumps(told), event.arn, caller=event.arn)

    def publish(self, topic: str, message: str, resource: str) -> str:
        """Publish a message; returns what the topic refused it with, empty when it took it, and raises what may pass."""
        if self._installation.clients is None:
            raise InternalFailure("this server has no way to call services")
        account = arns.parse(resource).account
        principal = Caller(kind="service", arn=_PRINCIPAL, account=account, source_arn=resource)
        try:
            sns = self._installation.clients("sns", principal=principal, region=arns.parse(topic).region)
            sns.publish(TopicArn=topic, Subject=_SUBJECT, Message=message)
        except ClientError as error:
            if error.response["Error"]["Code"] in _PASSING:
                raise
            return str(error.response["Error"].get("Message") or error)
        return ""


@job("rds.announce")
def announce(run: Run, topic: str, message: str, resource: str) -> None:
    """Send one event to one topic, until it is taken or refused for good."""
    run.commit_point()
    run.step("publish", run.part(Messenger).publish, topic, message, resource)
