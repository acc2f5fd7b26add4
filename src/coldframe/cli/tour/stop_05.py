"""Stop 5: what a database gets of Optimized Reads and Optimized Writes here, shown in the API and in the engine itself."""

import secrets
from typing import Any

from coldframe.cli.tour.database_writers import ClientMissing, Writers
from coldframe.cli.tour.guide import Guide, StoryBroken
from coldframe.cli.tour.stop_13 import make, wait

_ROWS = 200_000


def walk(guide: Guide) -> None:
    """Tell the story of the post: temporary tables on local storage, pages written once, and why not."""
    rds = guide.client("rds")
    name, password = f"tour-{secrets.token_hex(3)}", secrets.token_urlsafe(16)
    database = make(guide, rds, name, password, DBInstanceClass="db.m5d.large", BackupRetentionPeriod=0)
    try:
        client = Writers(database, password, 0).client
    except ClientMissing as problem:
        raise StoryBroken(str(problem)) from problem
    said = {info["StatusType"]: info for info in database["StatusInfos"]}
    with guide.step("Optimized Reads: temporary tables on the local storage of db.m5d.large"):
        guide.command(f"coldframe aws rds describe-db-instances --db-instance-identifier {name}")
        _show(guide, said["optimized reads"])
        folder = client.ask("SELECT @@tmpdir")[0]
        guide.say(f"temporary tables lie in {folder}")
        client.ask("CREATE TABLE numbers AS SELECT seq AS n, MD5(seq) AS word FROM seq_1_to_200000")
        counted = client.ask(
            "SET tmp_memory_table_size = 1048576; SELECT SQL_NO_CACHE COUNT(*) FROM (SELECT word, COUNT(*) FROM numbers GROUP BY word ORDER BY 2, 1) found;"
            " SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Created_tmp_disk_tables'"
        )
        guide.expect(
            int(counted[0]) == _ROWS,
            f"a query over {_ROWS} rows made {counted[1]} temporary table(s) on the disk",
        )
    with guide.step("Optimized Writes: pages written once, where the storage never tears them"):
        _show(guide, said["optimized writes"])
        twice = client.ask("SELECT @@innodb_doublewrite")[0] in {"1", "ON"}
        enabled = said["optimized writes"]["Status"] == "enabled"
        guide.expect(
            twice != enabled, f"the engine writes its pages {'twice, as it must' if twice else 'once'}"
        )
        pages, bytes_ = _written(client)
        guide.say(
            f"so far {pages} pages went through the doublewrite buffer, {bytes_ / 1e6:.1f} MB were written in all"
        )
    with guide.step("Scaling to a class without local storage takes the placement away"):
        guide.command(
            f"coldframe aws rds modify-db-instance --db-instance-identifier {name} --db-instance-class db.m5.large ..."
        )
        rds.modify_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.m5.large", ApplyImmediately=True
        )
        found = wait(
            guide,
            lambda: rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0],
            lambda row: row["DBInstanceStatus"] == "available" and row["DBInstanceClass"] == "db.m5.large",
        )
        kinds = {info["StatusType"] for info in found["StatusInfos"]}
        guide.expect("optimized reads" not in kinds, "no Optimized Reads any more")
        guide.say(f"temporary tables lie in {client.ask('SELECT @@tmpdir')[0]}")


def _show(guide: Guide, info: dict[str, Any]) -> None:
    guide.say(
        f"{info['StatusType']}: {info['Status']}" + (f" ({info['Message']})" if info.get("Message") else "")
    )


def _written(client: Any) -> tuple[int, int]:
    """Return the pages that went through the doublewrite buffer, and the bytes that were written to data files."""
    lines = client.ask(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_dblwr_pages_written', 'Innodb_data_written')"
    )
    found = {line.split("\t")[0]: int(line.split("\t")[1]) for line in lines}
    return found["Innodb_dblwr_pages_written"], found["Innodb_data_written"]
