"""The AWS CLI, unmodified, against a server as a new user has it: `coldframe env`, `coldframe aws`, TLS, live tails."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import pytest

from tests.journeys.process import MAIN, SOURCES, ServerProcess, until

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
    }
)
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
)
IDENTIFIER = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
PROTECTION = json.dumps(
    {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {"Sid": "a", "DataIdentifier": [IDENTIFIER], "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "m", "DataIdentifier": [IDENTIFIER], "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
)


class Shell:
    """A user's shell: the variables of `coldframe env`, and the AWS CLI."""

    def __init__(self, server, *, tls=False):
        self.data = server.data
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        clean |= {
            "PYTHONPATH": str(SOURCES),
            "COLDFRAME_DATA": str(server.data),
            "AWS_CONFIG_FILE": os.devnull,
        }
        clean |= {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": "", "PYTHONWARNINGS": "ignore"}
        told = subprocess.run(
            [*MAIN, "env", *(["--tls"] if tls else [])], capture_output=True, text=True, check=True, env=clean
        )
        self.environment = {**clean}
        for line in told.stdout.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value.strip("'")
        self.driver = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("cli_driver.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment,
        )  # fmt: skip

    def run(self, *words):
        """Run one CLI command; gives its exit code, its output (parsed when JSON) and its complaints."""
        self.driver.stdin.write(json.dumps([*words]) + "\n")
        self.driver.stdin.flush()
        got = json.loads(self.driver.stdout.readline())
        return got["code"], got["out"], got["err"]

    def __call__(self, command, *more):
        """Run a command that must succeed."""
        code, out, err = self.run(*command.split(), *more)
        assert code == 0, (command, err)
        return json.loads(out) if out.startswith("{") else out

    def close(self):
        self.driver.stdin.close()
        self.driver.wait(20)
        self.driver.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        tls_port = str(probe.getsockname()[1])
    with ServerProcess(tmp_path_factory.mktemp("cli") / "data", "--tls-port", tls_port) as running:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.said()


@pytest.fixture(scope="module")
def aws(server):
    shell = Shell(server)
    yield shell
    shell.close()


def now():
    return int(time.time() * 1000)


def test_logs(aws):
    aws("logs create-log-group --log-group-name /app/web --tags team=a")
    aws("logs create-log-stream --log-group-name /app/web --log-stream-name one")
    aws("logs put-retention-policy --log-group-name /app/web --retention-in-days 30")
    aws("logs put-data-protection-policy --log-group-identifier /app/web --policy-document", PROTECTION)
    events = json.dumps(
        [{"timestamp": now() + n, "message": f"ERROR {n} mail a{n}@example.com"} for n in range(5)]
    )
    assert "rejectedLogEventsInfo" not in aws(
        "logs put-log-events --log-group-name /app/web --log-stream-name one --log-events", events
    )
    got = aws(
        "logs get-log-events --log-group-name /app/web --log-stream-name one --start-from-head --limit 2"
    )
    assert got["events"][0]["message"] == "ERROR 0 mail **************"
    got = aws(
        "logs get-log-events --log-group-name /app/web --log-stream-name one --start-from-head --unmask"
    )
    assert got["events"][0]["message"] == "ERROR 0 mail a0@example.com"
    got = aws("logs filter-log-events --log-group-name /app/web --filter-pattern ERROR --max-items 3")
    assert len(got["events"]) == 3
    assert aws("logs filter-log-events --log-group-name /app/web --starting-token", got["NextToken"])[
        "events"
    ]
    assert (
        aws("logs describe-log-groups --log-group-name-prefix /app")["logGroups"][0]["dataProtectionStatus"]
        == "ACTIVATED"
    )
    assert aws("logs describe-log-streams --log-group-name /app/web --order-by LastEventTime --descending")[
        "logStreams"
    ]
    assert aws("logs get-data-protection-policy --log-group-identifier /app/web")["policyDocument"]
    arn = aws("logs describe-log-groups")["logGroups"][0]["arn"].removesuffix(":*")
    aws("logs tag-resource --tags stage=test --resource-arn", arn)
    assert aws("logs list-tags-for-resource --resource-arn", arn)["tags"] == {"team": "a", "stage": "test"}
    aws("logs untag-resource --tag-keys team --resource-arn", arn)
    got = aws(
        "logs test-metric-filter --log-event-messages", "a 1", "b 2", "--filter-pattern", "[name, n > 1]"
    )
    assert [match["eventMessage"] for match in got["matches"]] == ["b 2"]
    aws(
        "logs put-metric-filter --log-group-name /app/web --filter-name f --filter-pattern ERROR --metric-transformations metricName=m,metricNamespace=n,metricValue=1"
    )
    assert aws("logs describe-metric-filters --log-group-name /app/web")["metricFilters"]
    aws("logs delete-metric-filter --log-group-name /app/web --filter-name f")
    aws(
        "logs put-log-group-deletion-protection --log-group-identifier /app/web --deletion-protection-enabled"
    )
    code, _, err = aws.run("logs", "delete-log-group", "--log-group-name", "/app/web")
    assert code in {254, 255}
    assert "An error occurred (" in err


def test_identity(aws, server):
    assert aws("sts get-caller-identity")["Arn"] == f"arn:aws:iam::{server.root.account}:root"
    aws("iam create-user --user-name ann --tags Key=a,Value=b")
    aws("iam create-group --group-name developers")
    aws("iam add-user-to-group --user-name ann --group-name developers")
    policy = aws("iam create-policy --policy-name writes --policy-document", ALLOW)["Policy"]["Arn"]
    aws("iam attach-group-policy --group-name developers --policy-arn", policy)
    assert aws("iam list-groups-for-user --user-name ann")["Groups"][0]["GroupName"] == "developers"
    key = aws("iam create-access-key --user-name ann")["AccessKey"]
    assert (
        aws("iam list-access-keys --user-name ann")["AccessKeyMetadata"][0]["AccessKeyId"]
        == key["AccessKeyId"]
    )
    aws("iam create-role --role-name r --assume-role-policy-document", TRUST)
    aws("iam put-role-policy --role-name r --policy-name p --policy-document", ALLOW)
    assert aws("iam get-role --role-name r")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    aws("iam wait role-exists --role-name r")
    assert aws("iam list-users --query Users[].UserName --output text").strip() == "ann"
    assert aws("iam get-account-authorization-details --filter User")["UserDetailList"]
    got = aws(
        "iam simulate-principal-policy --action-names logs:PutLogEvents --policy-source-arn",
        f"arn:aws:iam::{server.root.account}:user/ann",
    )
    assert got["EvaluationResults"][0]["EvalDecision"] == "allowed"
    role = f"arn:aws:iam::{server.root.account}:role/r"
    code, _, err = aws.run("sts", "assume-role", "--role-session-name", "session", "--role-arn", role)
    assert code in {254, 255}
    assert "Roles may not be assumed by root accounts" in err
    iam = aws(
        "iam create-policy --policy-name assumes --policy-document", ALLOW.replace("logs:*", "sts:AssumeRole")
    )
    aws("iam attach-user-policy --user-name ann --policy-arn", iam["Policy"]["Arn"])
    ann = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    got = server.client("sts", **ann).assume_role(RoleArn=role, RoleSessionName="session")
    assert got["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert aws("sts get-session-token --duration-seconds 900")["Credentials"]
    code, _, err = aws.run("iam", "delete-user", "--user-name", "ann")
    assert code in {254, 255}
    assert "DeleteConflict" in err


def test_an_organization(aws):
    got = aws("organizations create-organization --feature-set ALL")["Organization"]
    root = aws("organizations list-roots")["Roots"][0]["Id"]
    unit = aws("organizations create-organizational-unit --name unit --parent-id", root)[
        "OrganizationalUnit"
    ]["Id"]
    request = aws("organizations create-account --email a@example.com --account-name a")[
        "CreateAccountStatus"
    ]["Id"]

    def created():
        status = aws("organizations describe-create-account-status --create-account-request-id", request)[
            "CreateAccountStatus"
        ]
        return status if status["State"] == "SUCCEEDED" else None

    account = until(created)["AccountId"]
    aws(
        "organizations move-account --source-parent-id",
        root,
        "--destination-parent-id",
        unit,
        "--account-id",
        account,
    )
    assert aws("organizations list-accounts-for-parent --parent-id", unit)["Accounts"][0]["Id"] == account
    assert aws("organizations describe-organization")["Organization"]["Id"] == got["Id"]


def test_what_is_not_there_says_so(aws):
    code, _, err = aws.run("logs", "cancel-import-task", "--import-id", "x")
    assert code in {254, 255}
    assert "(NotImplemented)" in err
    code, _, err = aws.run("dynamodb", "list-tables")
    assert code != 0
    assert "An error occurred (" in err


@pytest.mark.parametrize("service", ["rds", "docdb"])
def test_coldframe_aws_reaches_this_server_for_services_whose_cli_ignores_the_variable(aws, service):
    done = subprocess.run(
        [*MAIN, "aws", service, "describe-db-instances"],
        capture_output=True,
        text=True,
        check=False,
        env=aws.environment,
    )
    # An answer from the server here, not from a name that does not resolve.
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"DBInstances": []}


def test_coldframe_aws_finds_the_server_of_another_data_directory(aws, short_folder):
    def run(*words):
        environment = {name: text for name, text in aws.environment.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [*MAIN, "aws", *words],
            capture_output=True,
            text=True,
            check=False,
            env={**environment, "COLDFRAME_DATA": str(short_folder)},
        )

    done = run("--data", str(aws.data), "sts", "get-caller-identity")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith(":root")
    elsewhere = run("sts", "get-caller-identity")
    assert (elsewhere.returncode, "no server has run" in elsewhere.stderr) == (1, True)
    assert run("--data").returncode == 2


def test_coldframe_aws_makes_queues_here(aws):
    done = subprocess.run(
        [*MAIN, "aws", "sqs", "create-queue", "--queue-name", "here"],
        capture_output=True,
        text=True,
        check=False,
        env=aws.environment,
    )
    assert done.returncode == 0, done.stderr
    assert "/here" in done.stdout


def test_the_tls_port(server):
    shell = Shell(server, tls=True)
    assert shell.environment["AWS_ENDPOINT_URL"].startswith("https://")
    assert shell("sts get-caller-identity")["Account"] == server.root.account
    shell.close()
    del shell.environment["AWS_CA_BUNDLE"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("aws")), "sts", "get-caller-identity"],
        capture_output=True, text=True, check=False, env={**shell.environment, "AWS_MAX_ATTEMPTS": "1"},
    )  # fmt: skip
    assert "SSL validation failed" in done.stderr


def test_a_live_tail_streams(aws, server):
    aws("logs create-log-group --log-group-name tailed")
    aws("logs create-log-stream --log-group-name tailed --log-stream-name s")
    arn = f"arn:aws:logs:us-east-1:{server.root.account}:log-group:tailed"
    process = subprocess.Popen(
        [*MAIN, "aws", "logs", "start-live-tail", "--log-group-identifiers", arn],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**aws.environment, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        logs = server.client("logs")

        def arrived():
            events = [{"timestamp": now(), "message": "a line for the tail"}]
            logs.put_log_events(logGroupName="tailed", logStreamName="s", logEvents=events)
            time.sleep(0.2)
            assert process.poll() is None, seen
            return any("a line for the tail" in line for line in seen)

        until(arrived)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the CLI is a child of `coldframe aws`
        process.wait(20)
        reader.join(20)
        process.stdout.close()


def test_paginators_and_waiters_of_boto3(server):
    iam = server.client("iam")
    for number in range(23):
        iam.create_role(RoleName=f"page-{number:02}", Path="/pages/", AssumeRolePolicyDocument=TRUST)
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 5})
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == [
        f"page-{n:02}" for n in range(23)
    ]
    iam.create_user(UserName="waited")
    iam.get_waiter("user_exists").wait(UserName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    logs = server.client("logs")
    logs.create_log_group(logGroupName="paged")
    for number in range(23):
        logs.create_log_stream(logGroupName="paged", logStreamName=f"{number:02}")
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName="paged", PaginationConfig={"PageSize": 7}
    )
    assert len([stream for page in pages for stream in page["logStreams"]]) == 23


def test_boto3_by_the_variables_alone(aws, monkeypatch):
    for name, value in aws.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    session = boto3.Session()
    assert session.client("sts").get_caller_identity()["Account"]
    stream = session.client("logs").start_live_tail(
        logGroupIdentifiers=[session.client("logs").describe_log_groups()["logGroups"][0]["logGroupArn"]]
    )["responseStream"]
    assert "sessionStart" in next(iter(stream))
    stream.close()
