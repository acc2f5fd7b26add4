"""Stop 7: real log files and made-up secrets go in, come back masked, and never lie in clear on the disk."""

import json
import mmap
import secrets
import time
from collections import Counter
from functools import partial
from typing import Any

from coldframe.cli.tour.guide import Guide
from coldframe.cli.tour.log_delivery import deliver
from coldframe.cli.tour.log_lines import batched_lines, events, identifiers, machine_lines, policy, put, query
from coldframe.cli.tour.secrets_lines import CONTROL, Planted, planted

_PLAIN = "fields @timestamp, @message | filter @logStream = 'application' | sort @timestamp desc | limit 20"
_UNMASKED = _PLAIN.replace("@message |", "@message, unmask(@message) |")


def walk(guide: Guide) -> None:
    """Tell the story of the post: policy, masking, who may look, a subscription, the audit, the disk."""
    logs = guide.client("logs")
    name = f"/coldframe/tour/{secrets.token_hex(3)}"
    audit = f"{name}-findings"
    with guide.step(
        "Two log groups, one of them for the findings, and a data protection policy with every identifier"
    ):
        for group in (name, audit):
            logs.create_log_group(logGroupName=group)
            guide.afterwards(partial(logs.delete_log_group, logGroupName=group))
        for stream in ("machine", "application", "live"):
            logs.create_log_stream(logGroupName=name, logStreamName=stream)
        kinds = identifiers()
        logs.put_data_protection_policy(logGroupIdentifier=name, policyDocument=policy(kinds, audit))
        guide.command(f"coldframe aws logs put-data-protection-policy --log-group-identifier {name} ...")
        guide.say(f"{len(kinds)} managed data identifiers: audited to {audit}, and masked")
    _machine_logs(guide, logs, name)
    sent = _secrets(guide, logs, name)
    reader, auditor = _people(guide, name)
    _masked(guide, reader, name, sent)
    _live(guide, logs, reader, name)
    _unmasked(guide, auditor, name, sent)
    _insights(guide, reader, auditor, name, sent)
    _patterns(guide, reader, name)
    delivered = planted()[:7]
    deliver(guide, logs, name, delivered)
    _audit(guide, logs, audit)
    _alarm(guide, logs, name)
    _disk(guide, [*sent, *delivered])
    if guide.keep:
        guide.say(f"\nLook around: coldframe aws logs filter-log-events --log-group-name {name}")


def _machine_logs(guide: Guide, logs: Any, group: str) -> None:
    with guide.step("The real log files of this machine go in"):
        lines = list(machine_lines())
        if not lines:
            guide.say("this machine has no log file that you may read; the story goes on with made-up lines")
            return
        put(logs, group, "machine", lines[:1])  # the first batch waits for the scanner to be loaded
        begun = time.perf_counter()
        for batch in batched_lines(lines[1:]):
            put(logs, group, "machine", batch)
        seconds = time.perf_counter() - begun
        size = sum(len(line.encode()) for line in lines)
        found = list(events(logs, group, "machine"))
        masked = sum("****" in text and text != line for text, line in zip(found, lines, strict=True))
        guide.expect(len(found) == len(lines), f"{len(lines)} lines stored, durable and masked, in order")
        guide.say(
            f"{len(lines) / seconds:,.0f} lines/s, {size / seconds / 1e6:.1f} MB/s; {masked} lines had something to hide"
        )


def _secrets(guide: Guide, logs: Any, group: str) -> list[Planted]:
    with guide.step("An application that logs what it should not"):
        sent = planted()
        for batch in batched_lines([line.text for line in sent]):
            put(logs, group, "application", batch)
        guide.say(f"{len(sent)} lines with secrets of {len({line.kind for line in sent})} kinds, such as:")
        for line in sent[:3]:
            guide.say(f"  {line.text}")
        return sent


def _people(guide: Guide, group: str) -> tuple[Any, Any]:
    with guide.step("Two people: one may read the logs, the other may also unmask them"):
        iam = guide.client("iam")
        made = []
        for role, actions in (
            ("reader", ["logs:Get*", "logs:FilterLogEvents", "logs:StartLiveTail", "logs:StartQuery"]),
            ("auditor", ["logs:*"]),
        ):
            user = f"tour-{role}-{secrets.token_hex(3)}"
            document = {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": actions,
                        "Resource": f"arn:aws:logs:*:*:log-group:{group}*",
                    },
                    {"Effect": "Allow", "Action": "logs:GetQueryResults", "Resource": "*"},
                ],
            }
            iam.create_user(UserName=user)
            guide.afterwards(partial(iam.delete_user, UserName=user))
            iam.put_user_policy(UserName=user, PolicyName="tour", PolicyDocument=json.dumps(document))
            guide.afterwards(partial(iam.delete_user_policy, UserName=user, PolicyName="tour"))
            key = iam.create_access_key(UserName=user)["AccessKey"]
            guide.afterwards(partial(iam.delete_access_key, UserName=user, AccessKeyId=key["AccessKeyId"]))
            guide.say(f"{user}: {', '.join(actions)}")
            made.append(guide.client("logs", (key["AccessKeyId"], key["SecretAccessKey"])))
        return made[0], made[1]


def _masked(guide: Guide, reader: Any, group: str, sent: list[Planted]) -> None:
    with guide.step("The reader sees asterisks"):
        guide.command(f"coldframe aws logs filter-log-events --log-group-name {group}")
        seen = list(events(reader, group, "application"))
        for text in seen[:3]:
            guide.say(f"  {text}")
        leaked = [line.kind for line, text in zip(sent, seen, strict=True) if line.secret in text]
        guide.expect(
            not leaked, f"{len(sent)} of {len(sent)} secrets masked" if not leaked else f"leaked: {leaked}"
        )
        found = reader.filter_log_events(logGroupName=group, filterPattern=f'"{sent[0].secret}"')["events"]
        guide.expect(not found, "a search for a secret itself finds nothing")
        message = guide.refused(
            reader.get_log_events, logGroupName=group, logStreamName="application", unmask=True
        )
        guide.expect("logs:Unmask" in message, "unmasking is denied:")
        guide.say(f"    {message}")


def _live(guide: Guide, logs: Any, reader: Any, group: str) -> None:
    with guide.step("A live tail: what is written shows up within a second or two, masked"):
        found = logs.describe_log_groups(logGroupNamePrefix=group, limit=1)["logGroups"][0]
        line = next(line for line in planted() if line.kind == "EmailAddress")
        session = reader.start_live_tail(logGroupIdentifiers=[found["logGroupArn"]])["responseStream"]
        begun = 0.0
        for event in session:
            if "sessionStart" in event:
                begun = time.perf_counter()
                put(logs, group, "live", [line.text])
            seen = event.get("sessionUpdate", {}).get("sessionResults")
            if seen:
                guide.say(f"  {seen[0]['message']}")
                guide.expect(
                    line.secret not in seen[0]["message"], f"seen after {time.perf_counter() - begun:.1f} s"
                )
                break
        session.close()


def _unmasked(guide: Guide, auditor: Any, group: str, sent: list[Planted]) -> None:
    with guide.step("The auditor, who may logs:Unmask, sees what was written"):
        guide.command(
            f"coldframe aws logs get-log-events --log-group-name {group} --log-stream-name application --unmask"
        )
        seen = list(events(auditor, group, "application", unmask=True))
        for text in seen[:3]:
            guide.say(f"  {text}")
        whole = sum(text == line.text for text, line in zip(seen, sent, strict=True))
        guide.expect(whole == len(sent), f"{whole} of {len(sent)} lines come back whole")


def _insights(guide: Guide, reader: Any, auditor: Any, group: str, sent: list[Planted]) -> None:
    with guide.step("Logs Insights: the post's own query, by both"):
        secrets_of = {line.text: line.secret for line in sent}
        guide.command(
            f"coldframe aws logs start-query --log-group-name {group} --query-string '{_PLAIN}' ..."
        )
        rows = query(guide, reader, group, _PLAIN)
        seen = [row["@message"] for row in rows]
        guide.say(f"  {seen[0]}")
        leaked = any(secret in text for secret in secrets_of.values() for text in seen)
        guide.expect(not leaked, f"{len(rows)} rows for the reader, masked")
        now = int(time.time())
        message = guide.refused(
            reader.start_query,
            logGroupName=group,
            startTime=now - 3600,
            endTime=now + 60,
            queryString=_UNMASKED,
        )
        guide.expect("logs:Unmask" in message, "the reader may not ask for unmask(@message)")
        guide.command(
            f"coldframe aws logs start-query --log-group-name {group} --query-string '{_UNMASKED}' ..."
        )
        rows = query(guide, auditor, group, _UNMASKED)
        whole = [row["unmask(@message)"] for row in rows]
        guide.say(f"  {whole[0]}")
        guide.expect(all(text in secrets_of for text in whole), f"{len(rows)} rows for the auditor, whole")


def _patterns(guide: Guide, reader: Any, group: str) -> None:
    with guide.step("What the lines have in common: pattern, over everything that went in"):
        text = "pattern @message | limit 3"
        guide.command(f"coldframe aws logs start-query --log-group-name {group} --query-string '{text}' ...")
        for row in query(guide, reader, group, text):
            guide.say(f"  {row['@sampleCount']:>6}  {row['@pattern'][:110]}")


def _alarm(guide: Guide, logs: Any, group: str) -> None:
    with guide.step("The metric LogEventsWithFindings, and an alarm on it"):
        cloudwatch = guide.client("cloudwatch")
        watched = {
            "Namespace": "AWS/Logs",
            "MetricName": "LogEventsWithFindings",
            "Dimensions": [{"Name": "LogGroupName", "Value": group}],
            "Period": 60,
        }
        now = int(time.time())
        points = cloudwatch.get_metric_statistics(
            **watched, StartTime=now - 3600, EndTime=now + 60, Statistics=["Sum"]
        )["Datapoints"]
        total = sum(point["Sum"] for point in points)
        guide.expect(total > 0, f"{total:.0f} events with findings")
        name = f"findings-in-{group.strip('/').replace('/', '-')}"
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            **watched,
            Statistic="Sum",
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        guide.afterwards(partial(cloudwatch.delete_alarms, AlarmNames=[name]))
        begun = time.perf_counter()
        put(logs, group, "application", [planted()[0].text])
        alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        while alarm["StateValue"] != "ALARM" and time.perf_counter() - begun < 90:
            guide.pause(0.1)
            alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        guide.expect(alarm["StateValue"] == "ALARM", f"ALARM after {time.perf_counter() - begun:.1f} s:")
        guide.say(f"    {alarm['StateReason']}")


def _audit(guide: Guide, logs: Any, audit: str) -> None:
    with guide.step("The findings: what was found and where, never the data itself"):
        counts: Counter[str] = Counter()
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=audit)
        reports = [json.loads(event["message"]) for page in pages for event in page["events"]]
        for report in reports:
            for found in report["dataIdentifiers"]:
                counts[found["name"]] += found["count"]
        guide.expect(bool(reports), f"{len(reports)} events with findings, {sum(counts.values())} findings")
        for kind, count in counts.most_common(8):
            guide.say(f"  {kind:<32} {count:>6}")


def _disk(guide: Guide, sent: list[Planted]) -> None:
    with guide.step("The disk: every file of the data directory is searched for every secret"):
        wanted = [line.secret.encode() for line in sent]
        files = size = 0
        leaks: list[str] = []
        control = False
        for path in guide.data_dir.rglob("*"):
            if not path.is_file() or path.stat().st_size == 0:
                continue
            files += 1
            size += path.stat().st_size
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                leaks += [path.name for secret in wanted if content.find(secret) >= 0]
                control = control or content.find(CONTROL.encode()) >= 0
        guide.expect(not leaks, f"none of {len(wanted)} secrets in {files} files ({size / 1e6:.1f} MB)")
        guide.expect(
            control, "the harmless text beside them is found, so the search does see what is written"
        )
