-- What every instance has before anybody uses it: the roles, the administrator's database, the temporary tablespace.
-- Membership in these lets a role act on files and programs of the machine. A role with CREATEROLE may give away every
-- membership but that in a superuser's role (until 16, which asks for ADMIN OPTION), so they are made that.
UPDATE pg_catalog.pg_authid SET rolsuper = true
    WHERE rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program');

-- Copies read every database, also those that its owner has closed to everybody.
CREATE ROLE rdsrepladmin LOGIN REPLICATION SUPERUSER;
CREATE ROLE rdsendpoint LOGIN;
CREATE ROLE rds_password NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_superuser NOLOGIN;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint, pg_read_all_data, pg_write_all_data,
    rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION;

GRANT SET ON PARAMETER session_replication_role, log_statement, log_min_duration_statement, log_duration,
    log_min_messages, log_min_error_statement, log_lock_waits, track_activities, track_counts, track_functions,
    track_io_timing, temp_file_limit, lc_messages TO rds_superuser;

CREATE TABLESPACE rds_temp_tablespace LOCATION '';
GRANT CREATE ON TABLESPACE rds_temp_tablespace TO PUBLIC;

-- All that the endpoint may know: the verifier of who wants to sign in, and whether it has to come with a token.
-- Where logical replication is switched on, members of rds_replication get what the server asks of who decodes: an
-- attribute of a role. Nobody else has it, since it lets in whatever library is named as an output plugin.
CREATE FUNCTION coldframe_verifier(wanted name, OUT verifier text, OUT token boolean) RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
    AS 'DECLARE decodes boolean := current_setting(''rds.logical_replication'', true) IS NOT DISTINCT FROM ''on''; BEGIN
        IF NOT current_setting(''transaction_read_only'')::boolean AND EXISTS (SELECT FROM pg_authid WHERE rolname = wanted
            AND NOT rolsuper AND rolreplication <> (decodes AND pg_has_role(oid, ''rds_replication'', ''MEMBER'')))
        THEN UPDATE pg_authid SET rolreplication = decodes AND pg_has_role(oid, ''rds_replication'', ''MEMBER'')
            WHERE rolname = wanted AND NOT rolsuper; END IF;
        RETURN QUERY SELECT rolpassword, NOT rolsuper AND pg_has_role(oid, ''rds_iam'', ''TOKEN_RIGHT'') FROM pg_authid
            WHERE rolname = wanted AND rolcanlogin; END';
REVOKE ALL ON FUNCTION coldframe_verifier(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coldframe_verifier(name) TO rdsendpoint;

-- How far replication is behind is counted in the transactions of the write-ahead log.
CREATE EXTENSION pg_walinspect;
