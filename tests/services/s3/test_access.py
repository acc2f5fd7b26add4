"""Who may: IAM policies, bucket policies, other accounts, nobody, Block Public Access, ACLs, presigned URLs."""

import hashlib
import json
import subprocess
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from coldframe.identity.accounts import create_access_key, create_account
from tests.services.s3.test_objects import refused
from tests.services.s3.test_words import HTTP

OPEN = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
)


def policy(bucket, action, *, principal="*", effect="Allow", path="/*", **more):
    arn = f"arn:aws:s3:::{bucket}{path}"
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": arn, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def open_bucket(s3, bucket):
    """A bucket that a policy may make public."""
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    s3.put_object(Bucket=bucket, Key="k", Body=b"public")
    return bucket


@pytest.fixture
def nobody(s3_server):
    """A client that signs nothing."""
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        config=Config(signature_version=UNSIGNED),
    )


@pytest.fixture
def user(s3_server, request):
    """Makes an IAM user with a policy and gives its client."""
    iam = s3_server.client("iam")

    def make(*actions, resource="*"):
        name = f"user-{abs(hash((request.node.name, actions, resource)))}"
        iam.create_user(UserName=name)
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}],
        }
        if actions:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        client = s3_server.client(
            "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )
        return client, f"arn:aws:iam::{s3_server.account}:user/{name}"

    return make


def test_nobody_may_without_a_policy(s3, nobody, open_bucket):
    assert refused(nobody.get_object, Bucket=open_bucket, Key="k") == ("AccessDenied", 403)
    assert refused(nobody.list_objects_v2, Bucket=open_bucket) == ("AccessDenied", 403)
    assert refused(nobody.put_object, Bucket=open_bucket, Key="k", Body=b"mine") == ("AccessDenied", 403)
    assert refused(nobody.list_buckets) == ("AccessDenied", 403)
    assert refused(nobody.get_object, Bucket="not-there-at-all", Key="k") == ("NoSuchBucket", 404)


def test_a_public_policy(s3, nobody, open_bucket):
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy(open_bucket, "s3:GetObject"))
    assert s3.get_bucket_policy_status(Bucket=open_bucket)["PolicyStatus"]["IsPublic"]
    assert nobody.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"public"
    assert refused(nobody.get_object, Bucket=open_bucket, Key="none") == ("AccessDenied", 403)
    assert refused(nobody.delete_object, Bucket=open_bucket, Key="k") == ("AccessDenied", 403)
    assert s3.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"public"
    block = OPEN | {"RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration=block)
    assert refused(nobody.get_object, Bucket=open_bucket, Key="k") == ("AccessDenied", 403)


def test_nobody_deletes_by_the_batch(s3, nobody, open_bucket):
    answer = nobody.delete_objects(Bucket=open_bucket, Delete={"Objects": [{"Key": "k"}]})
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert s3.head_object(Bucket=open_bucket, Key="k")["ContentLength"] == 6


def test_block_public_policy(s3, bucket):
    public = policy(bucket, "s3:GetObject")
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=public) == ("AccessDenied", 403)
    bounded = policy(bucket, "s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    s3.put_bucket_policy(Bucket=bucket, Policy=bounded)
    assert not s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]


def test_policies_that_are_none(s3, bucket):
    for text in ("no", "[]", '{"Version":"2012-10-17"}', policy("another-bucket", "s3:GetObject")):
        with pytest.raises(Exception, match="MalformedPolicy"):
            s3.put_bucket_policy(Bucket=bucket, Policy=text)


def test_iam_users(s3, user, open_bucket):
    reader, _ = user("s3:GetObject", resource=f"arn:aws:s3:::{open_bucket}/k*")
    assert reader.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"public"
    assert refused(reader.get_object, Bucket=open_bucket, Key="other") == ("AccessDenied", 403)
    assert refused(reader.put_object, Bucket=open_bucket, Key="k", Body=b"") == ("AccessDenied", 403)
    assert refused(reader.get_object, Bucket=open_bucket, Key="knot") == ("AccessDenied", 403)
    lister, _ = user("s3:ListBucket", "s3:GetObject")
    assert refused(lister.get_object, Bucket=open_bucket, Key="knot") == ("NoSuchKey", 404)


def test_a_bucket_policy_speaks_for_and_against_users(s3, user, open_bucket):
    client, arn = user()
    s3.put_bucket_policy(
        Bucket=open_bucket, Policy=policy(open_bucket, "s3:GetObject", principal={"AWS": arn})
    )
    assert client.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"public"
    denied = policy(open_bucket, "s3:GetObject", principal={"AWS": arn}, effect="Deny")
    s3.put_bucket_policy(Bucket=open_bucket, Policy=denied)
    able, _ = user("s3:*")
    assert able.get_object(Bucket=open_bucket, Key="k")
    assert refused(client.get_object, Bucket=open_bucket, Key="k") == ("AccessDenied", 403)


def test_copying_needs_the_source_too(s3, user, open_bucket):
    writer, _ = user("s3:PutObject")
    source = {"Bucket": open_bucket, "Key": "k"}
    assert refused(writer.copy_object, Bucket=open_bucket, Key="new", CopySource=source) == (
        "AccessDenied",
        403,
    )


def test_versions_have_actions_of_their_own(s3, user, new_bucket):
    bucket = new_bucket(versioned=True)
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    client, _ = user("s3:GetObject", "s3:DeleteObject")
    assert client.get_object(Bucket=bucket, Key="k")
    assert refused(client.get_object, Bucket=bucket, Key="k", VersionId=version) == ("AccessDenied", 403)
    assert refused(client.delete_object, Bucket=bucket, Key="k", VersionId=version) == ("AccessDenied", 403)


def test_acls(s3, nobody, open_bucket):
    assert refused(s3.put_object_acl, Bucket=open_bucket, Key="k", ACL="public-read") == (
        "AccessControlListNotSupported", 400,
    )  # fmt: skip
    s3.put_bucket_ownership_controls(
        Bucket=open_bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    for key in ("star*", "a${b}?"):
        s3.put_object(Bucket=open_bucket, Key=key, Body=b"acl", ACL="public-read")
        assert nobody.get_object(Bucket=open_bucket, Key=key)["Body"].read() == b"acl"
    assert refused(nobody.get_object, Bucket=open_bucket, Key="k") == ("AccessDenied", 403)
    grants = s3.get_object_acl(Bucket=open_bucket, Key="star*")["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL", "READ"]
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    assert nobody.list_objects_v2(Bucket=open_bucket)["KeyCount"] == 3
    s3.put_public_access_block(
        Bucket=open_bucket, PublicAccessBlockConfiguration=OPEN | {"IgnorePublicAcls": True}
    )
    assert refused(nobody.get_object, Bucket=open_bucket, Key="star*") == ("AccessDenied", 403)


def fetched(url, method="GET", body=None, **headers):
    try:
        # urllib would name a content type of its own, which an old signature covers.
        with urlopen(Request(url, body, method=method, headers={"Content-Type": "", **headers})) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls(s3, s3_server, bucket, version):
    client = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=s3_server.endpoint, config=Config(signature_version=version),
        aws_access_key_id=s3_server.access_key_id, aws_secret_access_key=s3_server.secret_access_key,
    )  # fmt: skip
    key = "a b/ü+%.txt"
    put = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
    assert fetched(put, "PUT", b"presigned")[0] == 200
    get = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key, "ResponseContentType": "text/css"}, ExpiresIn=60
    )
    assert fetched(get) == (200, b"presigned")
    assert fetched(get.replace("text%2Fcss", "text%2Fxss"))[0] == 403
    assert fetched(get, "DELETE")[0] == 403
    shown = subprocess.run(["curl", "-sS", "-r", "3-5", get], capture_output=True, check=True)
    assert shown.stdout == b"sig"
    s3_server.clock.advance(120)
    status, text = fetched(get)
    s3_server.clock.advance(-120)
    assert status == 403
    assert b"Request has expired" in text


def test_a_checksum_in_a_url_says_nothing_of_what_is_sent(s3, bucket):
    """The SDK for JavaScript signs the checksum of an empty body into each URL for an upload."""
    said = {"ChecksumCRC32": "AAAAAA==", "ChecksumAlgorithm": "CRC32", "StorageClass": "STANDARD_IA"}
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "later", **said})
    if "x-amz-checksum-crc32=" not in url:
        pytest.fail("the checksum is not in the URL's query, which is what this is about")
    assert fetched(url, "PUT", b"chosen later")[0] == 200
    got = s3.get_object(Bucket=bucket, Key="later")
    assert (got["Body"].read(), got["StorageClass"]) == (b"chosen later", "STANDARD_IA")


def test_a_large_upload_by_curl(s3, bucket, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 4096 * 6)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "large"})
    subprocess.run(["curl", "-sS", "--fail", "-T", path, url], check=True, capture_output=True)
    got = s3.get_object(Bucket=bucket, Key="large")
    assert hashlib.sha256(got["Body"].read()).digest() == hashlib.sha256(path.read_bytes()).digest()
    broken = url.replace("Signature=", "Signature=x")
    shown = subprocess.run(["curl", "-sS", "-T", path, broken], check=True, capture_output=True)
    assert b"<Code>SignatureDoesNotMatch</Code>" in shown.stdout


def test_virtual_hosts(s3, s3_server, nobody, open_bucket):
    s3.put_bucket_policy(Bucket=open_bucket, Policy=policy(open_bucket, "s3:GetObject"))
    host = f"{open_bucket}.s3.us-east-1.amazonaws.com"
    assert fetched(f"{s3_server.endpoint}/k", Host=host) == (200, b"public")


def test_errors_are_documents_of_s3(s3, bucket):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "gone"})
    status, text = fetched(url)
    assert status == 404
    for part in (b"<Error><Code>NoSuchKey</Code>", b"<Key>gone</Key>", b"<RequestId>", b"<HostId>"):
        assert part in text
    listing = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
    assert b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in fetched(listing)[1]


def test_another_account_needs_both_policies(s3, s3_server, open_bucket):
    installation = s3_server.installation
    with installation.store.write() as transaction:
        records = transaction.records("", "")
        create_account(records, account_id="222222222222", name="two", email="two@example.com", now=0)
        key, secret = create_access_key(records, installation.seal, account="222222222222", user="", now=0)
    other = s3_server.client("s3", aws_access_key_id=key.id, aws_secret_access_key=secret)
    assert refused(other.get_object, Bucket=open_bucket, Key="k") == ("AccessDenied", 403)
    assert refused(other.list_objects_v2, Bucket=open_bucket) == ("AccessDenied", 403)
    assert refused(other.create_bucket, Bucket=open_bucket) == ("BucketAlreadyExists", 409)
    assert refused(other.delete_bucket, Bucket=open_bucket) == ("AccessDenied", 403)
    assert open_bucket not in [each["Name"] for each in other.list_buckets().get("Buckets", [])]
    allowed = policy(open_bucket, ["s3:GetObject", "s3:PutObject"], principal={"AWS": "222222222222"})
    s3.put_bucket_policy(Bucket=open_bucket, Policy=allowed)
    assert other.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"public"
    other.put_object(Bucket=open_bucket, Key="theirs", Body=b"x")
    assert s3.get_object(Bucket=open_bucket, Key="theirs")["Body"].read() == b"x"
    other.create_bucket(Bucket="of-another-account")
    disguised = "x:::of-another-account/k"
    s3.put_object(Bucket=open_bucket, Key=disguised, Body=b"not theirs")
    s3.delete_bucket_policy(Bucket=open_bucket)
    assert refused(other.get_object, Bucket=open_bucket, Key=disguised) == ("AccessDenied", 403)
    expected = {"Bucket": open_bucket, "Key": "k", "ExpectedBucketOwner": "222222222222"}
    assert refused(s3.get_object, **expected) == ("AccessDenied", 403)


def test_saying_more_in_a_put_needs_more(s3, user, open_bucket):
    writer, _ = user("s3:PutObject")
    writer.put_object(Bucket=open_bucket, Key="new", Body=b"")
    assert refused(writer.put_object, Bucket=open_bucket, Key="new", Tagging="a=1") == ("AccessDenied", 403)
    assert refused(writer.put_object, Bucket=open_bucket, Key="new", ACL="private") == ("AccessDenied", 403)


def test_conditions_on_tags_headers_and_where_one_comes_from(s3, s3_server, bucket):
    def allow(action, **condition):
        statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Condition": condition}
        statement["Resource"] = f"arn:aws:s3:::{bucket}/*"
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement})
        )

    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="open", Tagging="shown=yes")
    s3.put_object(Bucket=bucket, Key="shut", Tagging="shown=no")
    at = f"{s3_server.endpoint}/{bucket}"
    allow("s3:GetObject", StringEquals={"s3:ExistingObjectTag/shown": "yes"})
    assert [HTTP.request("GET", f"{at}/{key}").status for key in ("open", "shut", "none")] == [200, 403, 403]
    allow("s3:GetObject", StringLike={"aws:Referer": "http://a.example/*"})
    came = [{"Referer": "http://a.example/x"}, {"Referer": "http://b.example/"}, {}]
    assert [HTTP.request("GET", f"{at}/open", headers=each).status for each in came] == [200, 403, 403]
    allow(["s3:PutObject", "s3:PutObjectTagging"], StringEquals={"s3:RequestObjectTag/by": "me"})
    tagged = [{"x-amz-tagging": "by=me"}, {"x-amz-tagging": "by=you"}, {}]
    assert [HTTP.request("PUT", f"{at}/new", headers=each).status for each in tagged] == [200, 403, 403]


def test_resources_of_policies_may_have_wildcards_that_the_bucket_fits(s3, bucket):
    def put(*resources):
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": list(resources),
        }
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement})
        )

    put("arn:aws:s3:::*", "arn:aws:s3:::*/*", f"arn:aws:s3:::{bucket[:-1]}?/k")
    for resource in ("arn:aws:s3:::other", "arn:aws:s3:::other*/k", f"arn:aws:s3:::{bucket}x/k"):
        assert refused(put, resource) == ("MalformedPolicy", 400)


def test_what_is_not_there_is_told_by_prefix(s3, nobody, open_bucket):
    prefix = {"Condition": {"StringLike": {"s3:prefix": "public/*"}}}
    statement = policy(open_bucket, "s3:ListBucket", path="", **prefix)
    both = json.loads(statement)["Statement"] + json.loads(policy(open_bucket, "s3:GetObject"))["Statement"]
    s3.put_bucket_policy(Bucket=open_bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": both}))
    assert refused(nobody.head_object, Bucket=open_bucket, Key="public/gone") == ("404", 404)
    assert refused(nobody.head_object, Bucket=open_bucket, Key="private/gone") == ("403", 403)
    assert refused(nobody.get_object, Bucket=open_bucket, Key="public/gone") == ("NoSuchKey", 404)
