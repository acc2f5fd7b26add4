"""Stop 13: a database is upgraded and gets a column in a green copy, and takes over from blue while eight writers write."""

import secrets
from functools import partial
from typing import Any

from coldframe.cli.tour.database_writers import ClientMissing, Writers
from coldframe.cli.tour.guide import Guide, StoryBroken

_WRITERS = 8
_PATIENCE = 600


def walk(guide: Guide) -> None:
    """Tell the story of the post: create, change green, switch over, count."""
    rds = guide.client("rds")
    name, password = f"tour-{secrets.token_hex(3)}", secrets.token_urlsafe(16)
    blue = make(guide, rds, name, password, BackupRetentionPeriod=1)
    try:
        writers = Writers(blue, password, _WRITERS)
    except ClientMissing as problem:
        raise StoryBroken(str(problem)) from problem
    with writers:
        writers.wait(guide.pause, 100)
        deployment, version = _green(guide, rds, blue, writers)
        _column(guide, rds, deployment, password)
        # Green is copied from blue, which makes its writers wait, too: what the switchover does is measured by itself.
        before = writers.measure_anew()
        _switch(guide, rds, deployment, writers)
        _count(guide, rds, name, version, writers, before)


def make(guide: Guide, rds: Any, name: str, password: str, **more: Any) -> dict[str, Any]:
    """Make a MariaDB instance and return its description; it is deleted when the stop ends."""
    with guide.step("A MariaDB database, on a loopback address of its own"):
        guide.command(
            f"coldframe aws rds create-db-instance --db-instance-identifier {name} --engine mariadb ..."
        )
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            Engine="mariadb",
            EngineVersion="10.11",
            MasterUsername="tour",
            MasterUserPassword=password,
            DBName="app",
            AllocatedStorage=20,
            **{"DBInstanceClass": "db.t3.micro", **more},
        )
        guide.afterwards(partial(_delete_all, guide, rds, name))
        found = wait(guide, lambda: _described(rds, name), lambda row: row["DBInstanceStatus"] == "available")
        where = found["Endpoint"]
        guide.expect(True, f"MariaDB {found['EngineVersion']} answers on {where['Address']}:{where['Port']}")
        return found


def wait(guide: Guide, look: Any, done: Any) -> dict[str, Any]:
    """Look until something is done, and return it; raises StoryBroken when it fails or takes too long."""
    for _ in range(_PATIENCE * 10):
        found: dict[str, Any] = look()
        if done(found):
            return found
        status = found.get("DBInstanceStatus") or found.get("Status")
        if status in {"failed", "INVALID_CONFIGURATION", "SWITCHOVER_FAILED"}:
            raise StoryBroken(f"the status is {status}: {found.get('StatusDetails', 'see describe-events')}")
        guide.pause(0.1)
    raise StoryBroken(f"nothing came of it within {_PATIENCE} s")


def _green(guide: Guide, rds: Any, blue: dict[str, Any], writers: Writers) -> tuple[dict[str, Any], str]:
    versions = [
        row["EngineVersion"] for row in rds.describe_db_engine_versions(Engine="mariadb")["DBEngineVersions"]
    ]
    target = versions[-1]
    upgraded = target != blue["EngineVersion"]
    family = f"mariadb{'.'.join(target.split('.')[:2])}"
    group = f"{blue['DBInstanceIdentifier']}-green"
    with guide.step(f"Green: a copy that follows, MariaDB {target}" + (", upgraded" if upgraded else "")):
        if not upgraded:
            guide.say("only one version is installed; another: coldframe engines install mariadb-11.8")
        rds.create_db_parameter_group(
            DBParameterGroupName=group,
            DBParameterGroupFamily=family,
            Description="lets the tour change green",
        )
        rds.modify_db_parameter_group(
            DBParameterGroupName=group,
            Parameters=[{"ParameterName": "read_only", "ParameterValue": "0", "ApplyMethod": "immediate"}],
        )
        guide.command(
            f"coldframe aws rds create-blue-green-deployment --blue-green-deployment-name {blue['DBInstanceIdentifier']}"
            f" --source {blue['DBInstanceArn']} --target-engine-version {target} --target-db-parameter-group-name {group}"
        )
        made = rds.create_blue_green_deployment(
            BlueGreenDeploymentName=blue["DBInstanceIdentifier"],
            Source=blue["DBInstanceArn"],
            TargetEngineVersion=target,
            TargetDBParameterGroupName=group,
        )["BlueGreenDeployment"]
        identifier = made["BlueGreenDeploymentIdentifier"]
        guide.afterwards(partial(rds.delete_blue_green_deployment, BlueGreenDeploymentIdentifier=identifier))
        before = writers.written
        found = wait(guide, lambda: _deployment(rds, identifier), lambda row: row["Status"] == "AVAILABLE")
        for task in found["Tasks"]:
            guide.say(f"  {task['Name']:<34} {task['Status']}")
        guide.expect(not writers.errors, f"{writers.written - before} rows were written to blue meanwhile")
        return found, target


def _column(guide: Guide, rds: Any, deployment: dict[str, Any], password: str) -> None:
    with guide.step("A column is added in green, while blue is written to"):
        green = _described(rds, deployment["Target"])
        change = "ALTER TABLE written ADD COLUMN note VARCHAR(20) DEFAULT 'green'"
        guide.command(f'mariadb -h {green["Endpoint"]["Address"]} ... -e "{change}"')
        side = Writers(green, password, 0)
        side.client.ask(change)
        columns = [line.split("\t")[0] for line in side.client.ask("SHOW COLUMNS FROM written")]
        guide.expect("note" in columns, f"green has {', '.join(columns)}")


def _switch(guide: Guide, rds: Any, deployment: dict[str, Any], writers: Writers) -> None:
    identifier = deployment["BlueGreenDeploymentIdentifier"]
    with guide.step("Switch over, with the writers writing"):
        writers.wait(guide.pause, 200)
        guide.command(
            f"coldframe aws rds switchover-blue-green-deployment --blue-green-deployment-identifier {identifier}"
        )
        rds.switchover_blue_green_deployment(BlueGreenDeploymentIdentifier=identifier)
        found = wait(
            guide,
            lambda: _deployment(rds, identifier),
            lambda row: row["Status"] in {"SWITCHOVER_COMPLETED", "AVAILABLE"},
        )
        guide.expect(
            found["Status"] == "SWITCHOVER_COMPLETED", found.get("StatusDetails") or "SWITCHOVER_COMPLETED"
        )
        for member in found["SwitchoverDetails"]:
            names = (member["SourceMember"].rpartition(":")[2], member["TargetMember"].rpartition(":")[2])
            guide.say(f"  blue is {names[0]} now, green is {names[1]}")
        writers.wait(guide.pause, 200)


def _count(guide: Guide, rds: Any, name: str, version: str, writers: Writers, before: float) -> None:
    with guide.step("What the writers saw"):
        writers.stop()
        now = _described(rds, name)
        found = int(writers.client.ask("SELECT COUNT(*) FROM written")[0])
        after = int(writers.client.ask("SELECT COUNT(*) FROM written WHERE note = 'green'")[0])
        guide.say(f"longest pause of a writer  {writers.longest * 1000:.0f} ms by the switchover")
        guide.say(f"                           {before * 1000:.0f} ms while green was made and changed")
        guide.say(f"errors                     {len(writers.errors)}")
        guide.say(f"rows acknowledged          {writers.written}")
        guide.say(f"rows found                 {found}")
        guide.expect(
            not writers.errors, "no writer saw an error" if not writers.errors else writers.errors[0]
        )
        guide.expect(found == writers.written, "every acknowledged row is there, once")
        guide.expect(now["EngineVersion"] == version, f"{name} is MariaDB {now['EngineVersion']}")
        guide.expect(after > 0, "and its rows have the column that was added in green")


def _deployment(rds: Any, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = rds.describe_blue_green_deployments(BlueGreenDeploymentIdentifier=identifier)
    row: dict[str, Any] = found["BlueGreenDeployments"][0]
    return row


def _described(rds: Any, name: str) -> dict[str, Any]:
    row: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return row


def _delete_all(guide: Guide, rds: Any, name: str) -> None:
    """Delete the database, what it was before, its green copy and group, and wait until they are gone."""
    for _ in range(_PATIENCE * 10):
        left = [
            row
            for row in rds.describe_db_instances()["DBInstances"]
            if row["DBInstanceIdentifier"] == name or row["DBInstanceIdentifier"].startswith(f"{name}-")
        ]
        if not left:
            for group in rds.describe_db_parameter_groups()["DBParameterGroups"]:
                if group["DBParameterGroupName"] == f"{name}-green":
                    rds.delete_db_parameter_group(DBParameterGroupName=group["DBParameterGroupName"])
            return
        for row in left:
            if row["DBInstanceStatus"] in {"available", "failed", "stopped"}:
                rds.delete_db_instance(
                    DBInstanceIdentifier=row["DBInstanceIdentifier"], SkipFinalSnapshot=True
                )
        guide.pause(0.1)
