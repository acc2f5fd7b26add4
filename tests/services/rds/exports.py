"""What the tests of exports of snapshots share: where to, how to ask for one, and what is in its files."""

import io
import json

from pyarrow import parquet

from tests.journeys.process import until

BUCKET = "exports"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def place_for_exports(server):
    """A bucket, a key, and roles that may write to it, that may not, and that trust somebody else."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    iam = server.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    found = {"key": key}
    for name, principal in (("writer", "export"), ("idle", "export"), ("other", "monitoring")):
        service = {"Principal": {"Service": f"{principal}.rds.amazonaws.com"}}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust | service))
        found[name] = role["Role"]["Arn"]
    allowed = policy({"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"})
    iam.put_role_policy(RoleName="writer", PolicyName="write", PolicyDocument=allowed)
    return found


def asked(place, arn, name, **more):
    return {
        "ExportTaskIdentifier": name,
        "SourceArn": arn,
        "S3BucketName": BUCKET,
        "IamRoleArn": place["writer"],
        "KmsKeyId": place["key"],
        **more,
    }


def ended(rds, name):
    def there():
        found = rds.describe_export_tasks(ExportTaskIdentifier=name)["ExportTasks"][0]
        return found if found["Status"] in {"COMPLETE", "FAILED", "CANCELED"} else None

    return until(there, 90)


def keys_below(server, prefix):
    found = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [each["Key"] for each in found]


def content(server, key):
    return server.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def table(server, prefix):
    """Everything in the files of a table."""
    names = [key for key in keys_below(server, prefix) if key.endswith(".gz.parquet")]
    return [row for key in names for row in parquet.read_table(io.BytesIO(content(server, key))).to_pylist()]
