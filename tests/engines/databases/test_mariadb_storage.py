"""Where MariaDB keeps temporary tables, how much of them, and whether it writes pages twice."""

import pymysql
import pytest

from tests.engines.databases.kits import MASTER, mariadb

pytestmark = pytest.mark.xdist_group("databases")
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="session")
def kit():
    return mariadb()


@pytest.mark.parametrize("version", [0, -1])
def test_temporary_tables_lie_on_scratch_and_stop_at_the_quota(kit, instances, version, socket_of):
    scratch = instances.folder / f"scratch-{version}"
    spec = instances.running(
        f"scratchy{version}",
        version=kit.versions[version],
        scratch=scratch,
        scratch_quota=32 * MEGABYTE,
        untorn_writes=True,
    )
    with kit.session(socket_of(spec), MASTER) as session, session.cursor() as cursor:
        cursor.execute("SELECT @@tmpdir, @@innodb_doublewrite")
        place, twice = cursor.fetchone()
        assert place == str(scratch / spec.name)
        assert twice in {0, "OFF"}
        # One that the user makes, and one that the server makes for a query.
        cursor.execute("CREATE TEMPORARY TABLE mine (word VARCHAR(1000)) ENGINE=InnoDB")
        with pytest.raises(pymysql.MySQLError):
            cursor.execute("INSERT INTO mine SELECT REPEAT(MD5(seq), 30) FROM seq_1_to_100000")
        cursor.execute("DROP TEMPORARY TABLE mine")
        cursor.execute("SET SESSION tmp_memory_table_size = 1024, max_heap_table_size = 16384")
        with pytest.raises(pymysql.MySQLError):
            cursor.execute(
                "SELECT COUNT(*) FROM (SELECT DISTINCT CONCAT(REPEAT(MD5(seq), 15), seq) FROM seq_1_to_200000) AS big"
            )
        cursor.execute("SELECT COUNT(*) FROM (SELECT DISTINCT MD5(seq) FROM seq_1_to_2000) AS small")
        assert cursor.fetchone() == (2000,)
    assert kit.engine.figures(spec)["FreeLocalStorage"] <= 32 * MEGABYTE
    kit.engine.stop(spec)
    kit.engine.destroy(spec)
    assert list(scratch.iterdir()) == []


def test_pages_are_written_twice_unless_the_storage_never_tears_them(kit, instances, socket_of):
    spec = instances.running("ordinary")
    assert kit.rows(socket_of(spec), "SELECT @@innodb_doublewrite")[0][0] in {1, "ON"}
