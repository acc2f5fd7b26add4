"""POST Object: what boto3's generate_presigned_post makes, sent as a browser sends a form."""

import base64
import hashlib
import hmac
import html
import json

import boto3
import pytest
import urllib3
from botocore.config import Config

HTTP = urllib3.PoolManager(retries=False)


def send(url, fields, content=b"hello", filename="hello.txt", content_type="text/plain"):
    form = [*fields.items(), ("file", (filename, content, content_type))]
    return HTTP.request("POST", url, fields=form, redirect=False)


def code_of(answer):
    return answer.status, answer.data.decode().partition("<Code>")[2].partition("</Code>")[0]


def message_of(answer):
    return html.unescape(answer.data.decode().partition("<Message>")[2].partition("</Message>")[0])


@pytest.fixture
def signer(s3_server):
    """A client that signs forms with version 4; boto3 does it with version 2 unless told otherwise."""
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
        config=Config(signature_version="s3v4"),
    )


def presigned(signer, bucket, key="a/b c.txt", fields=None, conditions=None, expires=600):
    made = signer.generate_presigned_post(
        bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=expires
    )
    return made["url"], made["fields"]


def test_a_form_puts_an_object(s3, signer, bucket):
    url, fields = presigned(signer, bucket)
    answer = send(url, fields)
    assert answer.status == 204
    assert answer.data == b""
    assert answer.headers["etag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert answer.headers["location"].endswith(f"/{bucket}/a%2Fb%20c.txt")
    got = s3.get_object(Bucket=bucket, Key="a/b c.txt")
    assert got["Body"].read() == b"hello"
    assert got["ContentType"] == "binary/octet-stream"


def test_a_large_file_is_streamed(s3, signer, bucket):
    url, fields = presigned(signer, bucket, conditions=[["content-length-range", 1, 20_000_000]])
    content = b"--boundary\r\n" * 1_500_000
    assert send(url, fields, content).status == 204
    assert s3.get_object(Bucket=bucket, Key="a/b c.txt")["Body"].read() == content


def test_fields_become_headers(s3, signer, bucket):
    extra = {
        "Content-Type": "image/png",
        "Cache-Control": "no-cache",
        "x-amz-meta-one": "1",
        "acl": "private",
        "x-amz-storage-class": "STANDARD_IA",
        "tagging": "<Tagging><TagSet><Tag><Key>k</Key><Value>v w</Value></Tag></TagSet></Tagging>",
        "x-ignore-me": "anything",
    }
    conditions = [{name: value} for name, value in extra.items() if name != "x-ignore-me"]
    url, fields = presigned(signer, bucket, "up/${filename}", extra, conditions)
    assert send(url, fields, filename="my file.png").status == 204
    got = s3.head_object(Bucket=bucket, Key="up/my file.png")
    assert got["ContentType"] == "image/png"
    assert got["CacheControl"] == "no-cache"
    assert got["Metadata"] == {"one": "1"}
    assert got["StorageClass"] == "STANDARD_IA"
    tags = s3.get_object_tagging(Bucket=bucket, Key="up/my file.png")["TagSet"]
    assert tags == [{"Key": "k", "Value": "v w"}]


def test_how_success_is_answered(s3, signer, bucket):
    for status, expected in (("200", 200), ("201", 201), ("204", 204), ("999", 204)):
        extra = {"success_action_status": status}
        url, fields = presigned(signer, bucket, "k&k", extra, [extra])
        answer = send(url, fields)
        assert answer.status == expected
        if expected == 201:
            assert "<Key>k&amp;k</Key>" in answer.data.decode()
            assert f"<Bucket>{bucket}</Bucket>" in answer.data.decode()
        else:
            assert answer.data == b""
    extra = {"success_action_redirect": "http://example.com/done?a=b"}
    url, fields = presigned(signer, bucket, "k", extra, [extra])
    answer = send(url, fields)
    assert answer.status == 303
    assert answer.headers["location"].startswith(
        f"http://example.com/done?a=b&bucket={bucket}&key=k&etag=%22"
    )


@pytest.mark.parametrize("content, code", [(b"x" * 11, "EntityTooLarge"), (b"x" * 2, "EntityTooSmall")])
def test_the_length_of_the_file_is_bounded(s3, signer, bucket, content, code):
    url, fields = presigned(signer, bucket, "k", conditions=[["content-length-range", 3, 10]])
    assert code_of(send(url, fields, content)) == (400, code)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert send(url, fields, b"x" * 10).status == 204


def test_what_the_policy_does_not_allow(s3, signer, bucket):
    url, fields = presigned(
        s3, bucket, "pre/${filename}", conditions=[["starts-with", "$Content-Type", "image/"]]
    )
    answer = send(url, {**fields, "Content-Type": "text/html"})
    assert code_of(answer) == (403, "AccessDenied")
    assert (
        message_of(answer)
        == 'Invalid according to Policy: Policy Condition failed: ["starts-with", "$content-type", "image/"]'
    )
    assert send(url, {**fields, "Content-Type": "image/png"}).status == 204
    answer = send(url, {**fields, "key": "other/x", "Content-Type": "image/png"})
    assert message_of(answer).endswith('["starts-with", "$key", "pre/"]')
    answer = send(url, {**fields, "Content-Type": "image/png", "acl": "public-read"})
    assert message_of(answer) == "Invalid according to Policy: Extra input fields: acl"
    url, fields = presigned(signer, bucket, "k", expires=-60)
    answer = send(url, fields)
    assert code_of(answer) == (403, "AccessDenied")
    assert message_of(answer) == "Invalid according to Policy: Policy expired."


def test_a_policy_is_only_as_good_as_its_signature(s3, signer, bucket):
    url, fields = presigned(signer, bucket, "k")
    forged = json.loads(base64.b64decode(fields["policy"]))
    forged["conditions"] = [each for each in forged["conditions"] if "key" not in each]
    forged["conditions"].append(["starts-with", "$key", ""])
    fields["policy"] = base64.b64encode(json.dumps(forged).encode()).decode()
    assert code_of(send(url, fields)) == (403, "SignatureDoesNotMatch")
    url, fields = presigned(signer, bucket, "k")
    fields["x-amz-credential"] = "AKIAUNKNOWNUNKNOWN00" + fields["x-amz-credential"][20:]
    forged = json.loads(base64.b64decode(fields["policy"]))
    forged["conditions"] = [each for each in forged["conditions"] if "x-amz-credential" not in each]
    forged["conditions"].append(["starts-with", "$x-amz-credential", ""])
    fields["policy"] = base64.b64encode(json.dumps(forged).encode()).decode()
    assert code_of(send(url, fields)) == (403, "InvalidAccessKeyId")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_signature_version_2(s3, bucket, s3_server):
    policy = {
        "expiration": "2999-01-01T00:00:00Z",
        "conditions": [{"bucket": bucket}, {"key": "old"}],
    }
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    secret = s3_server.secret_access_key.encode()
    signature = base64.b64encode(hmac.digest(secret, encoded.encode(), "sha1")).decode()
    fields = {
        "key": "old",
        "AWSAccessKeyId": s3_server.access_key_id,
        "policy": encoded,
        "signature": signature,
    }
    assert send(f"{s3_server.endpoint}/{bucket}", fields).status == 204
    broken = {**fields, "signature": signature.swapcase()}
    assert code_of(send(f"{s3_server.endpoint}/{bucket}", broken)) == (403, "SignatureDoesNotMatch")


def test_a_form_without_a_policy_is_anonymous(s3, bucket, s3_server):
    url = f"{s3_server.endpoint}/{bucket}/"
    assert code_of(send(url, {"key": "k"})) == (403, "AccessDenied")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket}/k",
                },
            }
        ),
    )
    assert send(url, {"key": "k"}).status == 204
    assert code_of(send(url, {"key": "other"})) == (403, "AccessDenied")


def test_forms_that_are_none(s3, bucket, s3_server):
    url = f"{s3_server.endpoint}/{bucket}"
    answer = HTTP.request(
        "POST", url, body=b"abc", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert code_of(answer) == (400, "MalformedPOSTRequest")
    answer = HTTP.request("POST", url, body=b"abc", headers={"Content-Type": "multipart/form-data"})
    assert code_of(answer) == (400, "MalformedPOSTRequest")
    answer = HTTP.request("POST", url, fields={"key": "k"})
    assert code_of(answer) == (400, "InvalidArgument")
    assert message_of(answer) == "POST requires exactly one file upload per request."
    assert message_of(send(url, {"a": "b"})).startswith("Bucket POST must contain a field named 'key'.")
    assert code_of(send(url, {"key": "k", "x": "y" * 30_000})) == (400, "MaxPostPreDataLengthExceeded")
    bad = {"key": "k", "policy": base64.b64encode(b"{]").decode()}
    assert code_of(send(url, bad)) == (403, "AccessDenied")
    assert code_of(send(f"{s3_server.endpoint}/no-such-bucket-here", {"key": "k"})) in {
        (403, "AccessDenied"),
        (404, "NoSuchBucket"),
    }


def test_metadata_beyond_ascii_is_told_in_the_words_of_mail(s3, bucket):
    fields = {"x-amz-meta-name": "caf\u00e9 \u2014", "Cache-Control": "\u2014 no-cache"}
    conditions = [{name: value} for name, value in fields.items()]
    post = s3.generate_presigned_post(bucket, "k", Fields=fields, Conditions=conditions)
    assert send(post["url"], post["fields"]).status == 204
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"] == {"name": "=?UTF-8?Q?caf=C3=A9_=E2=80=94?="}
    assert head["CacheControl"].strip() == "no-cache"
