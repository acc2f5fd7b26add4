"""Running scheduled queries: started when they are due, as their role, and their results brought to their destinations."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from coldframe.core import ids
from coldframe.core.client_errors import ClientError, status_of
from coldframe.core.installation import Installation
from coldframe.core.records import Records
from coldframe.jobs.job import job
from coldframe.jobs.run import Run
from coldframe.services.logs.bucket_access import taken_on
from coldframe.services.logs.limits import DAY
from coldframe.services.logs.records import InsightsQuery, ScheduledQuery, ScheduledRun
from coldframe.services.logs.scheduling import due_after, last_due, window

LOG = logging.getLogger("coldframe.logs")

KEPT = 30 * DAY
"""How long the history of runs is kept."""

_FIRST_LOOK, _LONGEST_LOOK = 0.02, 1.0
_LANGUAGE_FAULTS = {"MalformedQueryException"}

Key = tuple[str, int, str]


class ScheduledQueries:
    """What the steps of a run do; a step that is done again asks, or writes, once more."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.now = installation.clock.milliseconds

    def trigger(self) -> int:
        """Start what is due; returns how many queries that were."""
        now = self.now()
        with self._installation.store.read() as transaction:
            rows = transaction.records("", "").everywhere(ScheduledQuery, below=("due", now + 1))
        for account, region, row in rows:
            with self._installation.store.write() as transaction:
                self._begin(transaction.records(account, region), row.name, now)
        return len(rows)

    def _begin(self, records: Records, name: str, now: int) -> None:
        row = records.find(ScheduledQuery, name)
        if row is None or row.due > now:
            return
        triggered = last_due(row, now)
        start, end = window(row, triggered)
        run = ScheduledRun(name=name, triggered=triggered, id=ids.uuid(), made=now, start=start, end=end)
        records.add(run)
        records.change(row, due=due_after(row, triggered), triggered=triggered, status="Running")
        assert self._installation.start_job is not None, "the server has jobs before it has a schedule"
        self._installation.start_job(
            records, run_scheduled_query, [run.name, run.triggered, run.id], caller=row.role
        )

    def ask(self, place: tuple[str, str], key: Key, pause: Callable[[float], None]) -> dict[str, str]:
        """Run the query as its role and wait for its end; returns its status, its id and the reason of a failure.

        What is wrong with the server passes, and is raised.
        """
        row, run = self._rows(place, key)
        if row is None or run is None:
            return _outcome("Failed", error="the scheduled query was deleted")
        try:
            asked: dict[str, Any] = {"queryString": row.text, "startTime": run.start, "endTime": run.end}
            if row.groups:
                asked["logGroupIdentifiers"] = row.groups
            query = self._client("logs", place, row.name, row.role).start_query(**asked)["queryId"]
        except ClientError as error:
            said = error.response["Error"]
            if status_of(error) >= 500 or said["Code"] == "LimitExceededException":
                raise
            status = "InvalidQuery" if said["Code"] in _LANGUAGE_FAULTS else "Failed"
            return _outcome(status, error=f"{said['Code']}: {said['Message']}")
        self._note_query(place, key, query)
        ended = self._ended(place, query, pause)
        status = ended.status if ended.status in {"Complete", "Timeout"} else "Failed"
        reason = "" if status == "Complete" else ended.error or "the query was stopped"
        return _outcome(status, query, reason)

    def deliver(self, place: tuple[str, str], key: Key, query: str, kind: str) -> dict[str, str]:
        """Bring the results of a query to one destination; a refusal is the result, what passes is raised."""
        row, _ = self._rows(place, key)
        if row is None:
            return {"status": "FAILED", "errorMessage": "the scheduled query was deleted"}
        try:
            if kind == "S3":
                return self._to_bucket(place, row, key, query)
            return self._to_table(place, row, query)
        except ClientError as error:
            if status_of(error) >= 500:
                raise
            said = error.response["Error"]
            return {"status": "CLIENT_ERROR", "errorMessage": f"{said['Code']}: {said['Message']}"}

    def _to_bucket(self, place: tuple[str, str], row: ScheduledQuery, key: Key, query: str) -> dict[str, str]:
        """Write the results as one JSON object: what GetQueryResults says, with the query and the time it was due."""
        wanted = row.destinations["s3Configuration"]
        logs = self._client("logs", place, row.name, row.role)
        results: list[Any] = []
        token: dict[str, str] = {}
        while True:
            answer = logs.get_query_results(queryId=query, **token)
            results += answer["results"]
            if "nextToken" not in answer:
                break
            token = {"nextToken": answer["nextToken"]}
        bucket, _, prefix = wanted["destinationIdentifier"].removeprefix("s3://").partition("/")
        folder = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        name = f"{folder}{row.name}/{key[1]}-{key[2]}.json"
        body = {
            "scheduledQueryName": row.name,
            "queryId": query,
            "triggeredTimestamp": key[1],
            "status": answer["status"],
            "statistics": answer["statistics"],
            "results": results,
        }
        more = {"ExpectedBucketOwner": wanted["ownerAccountId"]} if "ownerAccountId" in wanted else {}
        self._client("s3", place, row.name, wanted["roleArn"]).put_object(
            Bucket=bucket, Key=name, Body=msgspec.json.encode(body), ContentType="application/json", **more
        )
        return {"status": "COMPLETE", "processedIdentifier": f"s3://{bucket}/{name}"}

    def _to_table(self, place: tuple[str, str], row: ScheduledQuery, query: str) -> dict[str, str]:
        """Make the lookup table of the results, or replace what it has."""
        wanted = row.destinations["lookupTableConfiguration"]
        account, region = place
        logs = self._client("logs", place, row.name, wanted["roleArn"])
        arn = f"arn:aws:logs:{region}:{account}:lookup-table:{wanted['tableName']}"
        more = {name: wanted[name] for name in ("description",) if name in wanted}
        try:
            logs.update_lookup_table(lookupTableArn=arn, queryId=query, **more)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            if "tags" in wanted:
                more["tags"] = wanted["tags"]
            logs.create_lookup_table(lookupTableName=wanted["tableName"], queryId=query, **more)
        return {"status": "COMPLETE", "processedIdentifier": arn}

    def _rows(self, place: tuple[str, str], key: Key) -> tuple[ScheduledQuery | None, ScheduledRun | None]:
        with self._installation.store.read() as transaction:
            records = transaction.records(*place)
            return records.find(ScheduledQuery, key[0]), records.find(ScheduledRun, *key)

    def _note_query(self, place: tuple[str, str], key: Key, query: str) -> None:
        with self._installation.store.write() as transaction:
            records = transaction.records(*place)
            run = records.find(ScheduledRun, *key)
            if run is not None:
                records.change(run, query=query)

    def _ended(self, place: tuple[str, str], query: str, pause: Callable[[float], None]) -> InsightsQuery:
        """Wait for a query to end; raises RuntimeError when the process that ran it is no more."""
        from coldframe.services.logs.insights.running import QueryRunner

        runner, wait = self._installation.parts.get(QueryRunner), _FIRST_LOOK
        while True:
            state = runner.state(query)
            with self._installation.store.read() as transaction:
                row = transaction.records(*place).get(InsightsQuery, query)
            if row.status != "Scheduled":
                return row
            if state is None:
                raise RuntimeError(f"query {query} was not run to its end")
            pause(wait)
            wait = min(wait * 2, _LONGEST_LOOK)

    def _client(self, service: str, place: tuple[str, str], name: str, role: str) -> Any:
        assert self._installation.clients is not None, "the server has clients before it has a schedule"
        account, region = place
        source = f"arn:aws:logs:{region}:{account}:scheduled-query:{name}"
        principal = taken_on(self._installation, role, source, region)
        return self._installation.clients(service, principal=principal, region=region)


@job("logs.run-scheduled-query")
def run_scheduled_query(run: Run, identity: list[Any]) -> None:
    """Run a scheduled query once. Its record in the history says how it went."""
    # Nothing is taken back: results that were delivered stay, as at AWS.
    run.commit_point()
    queries, place = run.part(ScheduledQueries), (run.account, run.region)
    key: Key = (identity[0], identity[1], identity[2])
    outcome = run.step("run the query", queries.ask, place, key, run.pause)
    for kind in run.write("note how it ended", _note_outcome, key, outcome):
        done = run.step(f"deliver to {kind}", queries.deliver, place, key, outcome["query"], kind)
        run.write(f"note the delivery to {kind}", _note_delivery, key, kind, done)


def forget_runs(installation: Installation) -> int:
    """Remove the runs of more than thirty days ago from the history; returns how many."""
    before = installation.clock.milliseconds() - KEPT
    with installation.store.write() as transaction:
        old = transaction.records("", "").everywhere(ScheduledRun, below=("made", before))
        for account, region, row in old:
            transaction.records(account, region).remove(row)
    return len(old)


def destinations_of(row: ScheduledQuery) -> list[dict[str, str]]:
    """Return where results of a scheduled query go, as the history names it."""
    found = []
    if "s3Configuration" in row.destinations:
        identifier = row.destinations["s3Configuration"]["destinationIdentifier"]
        found.append({"destinationType": "S3", "destinationIdentifier": identifier})
    if "lookupTableConfiguration" in row.destinations:
        name = row.destinations["lookupTableConfiguration"]["tableName"]
        found.append({"destinationType": "LOOKUP_TABLE", "destinationIdentifier": name})
    return found


def _outcome(status: str, query: str = "", error: str = "") -> dict[str, str]:
    return {"status": status, "query": query, "error": error}


def _note_outcome(records: Records, key: Key, outcome: dict[str, str]) -> list[str]:
    """Write down how the query ended; returns the kinds of destinations that its results go to."""
    row, run = records.find(ScheduledQuery, key[0]), records.find(ScheduledRun, *key)
    if run is None:
        return []
    waiting = []
    if row is not None:
        if row.triggered == run.triggered:
            records.change(row, status=outcome["status"])
        if outcome["status"] == "Complete":
            waiting = [each | {"status": "IN_PROGRESS"} for each in destinations_of(row)]
    records.change(
        run,
        status=outcome["status"],
        query=outcome["query"],
        error=outcome["error"],
        destinations=waiting,
    )
    return [each["destinationType"] for each in waiting]


def _note_delivery(records: Records, key: Key, kind: str, done: dict[str, str]) -> None:
    run = records.find(ScheduledRun, *key)
    if run is not None:
        destinations = [each | done if each["destinationType"] == kind else each for each in run.destinations]
        records.change(run, destinations=destinations)
