"""Access control lists with grants: put by headers and documents, answered, refused, and what they let others do."""

import json

import pytest

from coldframe.identity.accounts import create_access_key, create_account
from tests.services.s3.test_objects import refused
from tests.services.s3.test_words import HTTP, error_of

LOGS = "http://acs.amazonaws.com/groups/s3/LogDelivery"
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
WRITER = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}


@pytest.fixture
def open_bucket(s3, bucket):
    """A bucket whose ACLs count, and may be public."""
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=WRITER)
    s3.delete_public_access_block(Bucket=bucket)
    return bucket


@pytest.fixture(scope="module")
def other(s3_server):
    """A client of another account, and its canonical user id."""
    installation, account = s3_server.installation, "222222222222"
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        create_account(records, account_id=account, name="two", email="two@example.com", now=0)
        key, secret = create_access_key(records, installation.seal, account=account, user="", now=0)
    client = s3_server.client("s3", aws_access_key_id=key.id, aws_secret_access_key=secret)
    return client, client.list_buckets()["Owner"]["ID"]


def me(s3):
    return s3.list_buckets()["Owner"]


def test_grants_of_headers_and_documents_are_answered_as_they_were_put(s3, open_bucket):
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"")
    full = {"Grantee": {"ID": me(s3)["ID"], "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    logs = {"Grantee": {"URI": LOGS, "Type": "Group"}, "Permission": "WRITE"}
    of_key = {"Bucket": open_bucket, "Key": "k"}
    for put, get, named in (
        (s3.put_bucket_acl, s3.get_bucket_acl, {"Bucket": open_bucket}),
        (s3.put_object_acl, s3.get_object_acl, of_key),
    ):
        put(**named, GrantRead=f'uri="{LOGS}"')
        assert get(**named)["Grants"] == [logs | {"Permission": "READ"}]
        put(**named, AccessControlPolicy={"Owner": me(s3), "Grants": [full, logs]})
        assert get(**named)["Grants"] == [full, logs]
        put(**named, GrantFullControl=f"id={me(s3)['ID']}", GrantReadACP=f"uri={EVERYBODY}, uri={LOGS}")
        assert [each["Permission"] for each in get(**named)["Grants"]] == [
            "FULL_CONTROL",
            "READ_ACP",
            "READ_ACP",
        ]
        put(**named, ACL="private")
        assert get(**named)["Grants"] == [full]


def test_what_is_no_grant_is_refused_in_amazons_words(s3, bucket):
    """Also where the bucket has no ACLs: what the request says is looked at first."""

    def said(**arguments):
        return error_of(s3.put_bucket_acl, Bucket=bucket, **arguments)

    group = "http://acs.amazonaws.com/groups/s3/FakeGroup"
    wrong = said(GrantWrite=f'uri="{group}"')
    assert wrong == {"Code": "InvalidArgument", "ArgumentName": "uri", "ArgumentValue": group}
    wrong = said(GrantWrite='fakekey="1234"')
    assert (wrong["ArgumentName"], wrong["ArgumentValue"]) == ("x-amz-grant-write", 'fakekey="1234"')
    assert said(GrantWrite='id="wrong"')["ArgumentName"] == "id"
    grant = {"Grantee": {"URI": LOGS, "Type": "Group"}, "Permission": "WRITE"}
    assert said(AccessControlPolicy={"Grants": [grant]})["Code"] == "MalformedACLError"
    assert said(AccessControlPolicy={})["Code"] == "MalformedACLError"
    whole = {"Owner": me(s3), "Grants": [grant | {"Permission": "WRONG"}]}
    assert said(AccessControlPolicy=whole)["Code"] == "MalformedACLError"
    wrong = said(AccessControlPolicy={"Owner": {"ID": "wrong"}, "Grants": [grant]})
    assert wrong["ArgumentName"] == "CanonicalUser/ID"
    assert said(AccessControlPolicy={"Owner": {"ID": "0" * 64}, "Grants": [grant]})["Code"] == "AccessDenied"
    assert said()["Code"] == "MissingSecurityHeader"
    assert said(ACL="private", GrantRead=f'uri="{LOGS}"')["Code"] == "InvalidRequest"
    whole = {"Owner": me(s3), "Grants": [grant]}
    assert said(ACL="private", AccessControlPolicy=whole)["Code"] == "UnexpectedContent"
    assert said(AccessControlPolicy=whole)["Code"] == "AccessControlListNotSupported"
    assert said(ACL="fake")["ArgumentName"] == "x-amz-acl"
    full = {"Grantee": {"ID": me(s3)["ID"], "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": me(s3), "Grants": [full]})


def test_public_grants_are_blocked(s3, open_bucket):
    s3.put_public_access_block(
        Bucket=open_bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True}
    )
    said = refused(s3.put_bucket_acl, Bucket=open_bucket, GrantRead=f'uri="{EVERYBODY}"')
    assert said == ("AccessDenied", 403)
    s3.put_bucket_acl(Bucket=open_bucket, GrantRead=f'uri="{LOGS}"')


def test_a_grant_lets_one_account_do_what_it_says(s3, open_bucket, other):
    client, identifier = other
    s3.put_object(Bucket=open_bucket, Key="granted", Body=b"seen", GrantRead=f'id="{identifier}"')
    s3.put_object(Bucket=open_bucket, Key="kept", Body=b"unseen")
    assert client.get_object(Bucket=open_bucket, Key="granted")["Body"].read() == b"seen"
    assert refused(client.get_object_acl, Bucket=open_bucket, Key="granted") == ("AccessDenied", 403)
    assert refused(client.get_object, Bucket=open_bucket, Key="kept") == ("AccessDenied", 403)
    assert refused(client.put_object, Bucket=open_bucket, Key="new", Body=b"") == ("AccessDenied", 403)
    s3.put_bucket_acl(Bucket=open_bucket, GrantWrite=f'id="{identifier}"')
    client.put_object(Bucket=open_bucket, Key="new", Body=b"theirs")
    assert refused(client.list_objects_v2, Bucket=open_bucket) == ("AccessDenied", 403)
    # The grants are still there, and count for nothing, once the owner enforces ownership.
    s3.put_bucket_acl(Bucket=open_bucket, ACL="private")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=open_bucket, OwnershipControls=enforced)
    assert refused(client.get_object, Bucket=open_bucket, Key="granted") == ("AccessDenied", 403)


def test_who_may_not_put_acls_may_not_put_grants_beside_an_object(s3_server, open_bucket):
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{open_bucket}/*"}
    _, key = s3_server.add_user("writes-only", allowed)
    client = s3_server.client("s3", **key)
    client.put_object(Bucket=open_bucket, Key="k", Body=b"")
    grant = {"GrantRead": f'uri="{EVERYBODY}"'}
    assert refused(client.put_object, Bucket=open_bucket, Key="k", Body=b"", **grant) == ("AccessDenied", 403)


def test_locations_name_the_whole_address(s3, s3_server, bucket):
    named = {"Bucket": bucket, "Key": "folder/a b"}
    upload = s3.create_multipart_upload(**named)["UploadId"]
    etag = s3.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    done = s3.complete_multipart_upload(**named, UploadId=upload, MultipartUpload=parts)
    assert done["Location"] == f"{s3_server.endpoint}/{bucket}/folder%2Fa%20b"
    there = {"LocationConstraint": "eu-west-1"}
    made = s3.create_bucket(Bucket="bucket-elsewhere", CreateBucketConfiguration=there)
    assert made["Location"].endswith("/bucket-elsewhere/") and made["Location"].startswith("http")
    far = s3_server.client("s3", region="eu-west-1")
    for constraint in ("us-west-2", "made-up", "us-east-1"):
        wanted = {"LocationConstraint": constraint}
        said = error_of(far.create_bucket, Bucket="bucket-nowhere", CreateBucketConfiguration=wanted)
        assert said["Code"] == "IllegalLocationConstraintException"
    for constraint in ("made-up", "us-east-1"):
        wanted = {"LocationConstraint": constraint}
        said = error_of(s3.create_bucket, Bucket="bucket-nowhere", CreateBucketConfiguration=wanted)
        assert said == {"Code": "InvalidLocationConstraint", "LocationConstraint": constraint}
    # Access logs stay in their region.
    logged = {"LoggingEnabled": {"TargetBucket": "bucket-elsewhere", "TargetPrefix": ""}}
    said = error_of(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=logged)
    assert said == {"Code": "CrossLocationLoggingProhibitted", "TargetBucketLocation": "eu-west-1"}
    logged["LoggingEnabled"]["TargetBucket"] = "bucket-nowhere"
    said = error_of(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=logged)
    assert said == {"Code": "InvalidTargetBucketForLogging", "TargetBucket": "bucket-nowhere"}


@pytest.mark.parametrize(
    ("configuration", "code", "name"),
    [
        ({"IndexDocument": {"Suffix": "/index.html"}}, "InvalidArgument", "IndexDocument"),
        (
            {"RedirectAllRequestsTo": {"HostName": "h"}, "IndexDocument": {"Suffix": "i"}},
            "InvalidArgument",
            "RedirectAllRequestsTo",
        ),
        ({"ErrorDocument": {"Key": "e"}}, "InvalidArgument", "IndexDocument"),
        (
            {"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {"Protocol": "ftp"}}]},
            "InvalidRequest",
            None,
        ),
        (
            {
                "IndexDocument": {"Suffix": "i"},
                "RoutingRules": [{"Redirect": {"ReplaceKeyPrefixWith": "p", "ReplaceKeyWith": "k"}}],
            },
            "InvalidRequest",
            None,
        ),
        (
            {"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {}, "Condition": {}}]},
            "InvalidRequest",
            None,
        ),
        ({"IndexDocument": {"Suffix": "i"}, "RoutingRules": []}, "MalformedXML", None),
    ],
)
def test_websites_that_cannot_be(s3, bucket, configuration, code, name):
    said = error_of(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)
    assert (said["Code"], said.get("ArgumentName")) == (code, name), json.dumps(said)


def test_what_an_account_put_into_the_bucket_of_another_is_its_own(s3, open_bucket, other):
    client, _ = other
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    client.put_object(Bucket=open_bucket, Key="theirs", Body=b"x")
    assert client.get_object(Bucket=open_bucket, Key="theirs")["Body"].read() == b"x"
    client.put_object_acl(Bucket=open_bucket, Key="theirs", ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="ours", Body=b"x")
    assert refused(client.get_object, Bucket=open_bucket, Key="ours")[1] == 403


def test_who_may_write_may_say_the_acl_of_what_it_writes_alone(s3, s3_server, open_bucket):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    s3.put_object(Bucket=open_bucket, Key="ours", Body=b"x")
    at, acl = f"{s3_server.endpoint}/{open_bucket}", {"x-amz-acl": "public-read"}
    assert HTTP.request("PUT", f"{at}/new", body=b"x", headers=acl).status == 200
    assert HTTP.request("GET", f"{at}/new").status == 200
    assert HTTP.request("PUT", f"{at}/ours?acl", headers=acl).status == 403


def test_who_may_list_learns_that_an_object_is_not_there(s3, s3_server, open_bucket):
    at = f"{s3_server.endpoint}/{open_bucket}"
    assert HTTP.request("GET", f"{at}/none").status == 403
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="there")
    assert [HTTP.request("GET", f"{at}/{key}").status for key in ("none", "there")] == [404, 403]
