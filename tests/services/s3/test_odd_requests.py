"""Requests that are odd or wrong in more than one way: what S3 takes all the same, what it says first, how it spells."""

import email.utils
import hashlib
import hmac
import html
import json
import time
from base64 import b64encode

import boto3
import pytest
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.services.s3.test_forms import code_of, message_of, send
from tests.services.s3.test_objects import refused
from tests.services.s3.test_words import error_of

HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture
def signed(s3_server):
    """Sends a request that is signed with version 4 as it is written."""

    def ask(method, path, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method, s3_server.endpoint + path, headers=headers, data=b"")
        keys = Credentials(s3_server.access_key_id, s3_server.secret_access_key)
        S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
        return HTTP.request(method, request.url, headers=dict(request.headers.items()))

    return ask


@pytest.fixture
def unchecked(s3_server):
    """A client that sends what its model does not allow, too."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
        config=config,
    )


def test_numbers_of_the_query(signed, bucket):
    empty = signed("GET", f"/{bucket}?max-keys=")
    assert (empty.status, b"<MaxKeys>1000</MaxKeys>" in empty.data) == (200, True)
    for wrong in ("x", "99999999999"):
        answer = signed("GET", f"/{bucket}?max-keys={wrong}")
        assert code_of(answer) == (400, "InvalidArgument")
        assert message_of(answer) == "Provided max-keys not an integer or within integer range"
        assert f"<ArgumentValue>{wrong}</ArgumentValue>".encode() in answer.data


def test_the_bucket_is_looked_for_before_its_document_is_read(s3):
    rules = {"Bucket": "no-such-bucket-of-rules", "ServerSideEncryptionConfiguration": {"Rules": []}}
    assert error_of(s3.put_bucket_encryption, **rules)["BucketName"] == "no-such-bucket-of-rules"
    payer = {"Bucket": "no-such-bucket-of-rules", "RequestPaymentConfiguration": {"Payer": "Random"}}
    assert refused(s3.put_bucket_request_payment, **payer) == ("NoSuchBucket", 404)


def test_a_document_without_tags_takes_them_off(s3, unchecked, bucket):
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    unchecked.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": None})
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    s3.put_object(Bucket=bucket, Key="k", Tagging="a=b")
    unchecked.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": None})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_a_bucket_with_periods_is_not_accelerated_in_whatever_state(s3, bucket):
    s3.create_bucket(Bucket="odd.requests.bucket")
    put = s3.put_bucket_accelerate_configuration
    odd = {"Status": "random"}
    assert refused(put, Bucket="odd.requests.bucket", AccelerateConfiguration=odd) == ("InvalidRequest", 400)
    assert refused(put, Bucket=bucket, AccelerateConfiguration=odd) == ("MalformedXML", 400)


def test_sources_of_copies(s3, s3_server, signed, bucket):
    s3.put_object(Bucket=bucket, Key="a key.txt", Body=b"copied")
    for number, source in enumerate((f"{bucket}%2Fa+key.txt", f"{s3_server.endpoint}/{bucket}/a%20key.txt")):
        headers = {"x_amz_copy_source": source, "x_amz_content_sha256": "UNSIGNED-PAYLOAD"}
        assert signed("PUT", f"/{bucket}/copy-{number}", **headers).status == 200
        assert s3.get_object(Bucket=bucket, Key=f"copy-{number}")["Body"].read() == b"copied"
    assert error_of(s3.copy_object, Bucket=bucket, Key="k", CopySource="wrongformat") == {
        "Code": "InvalidArgument",
        "ArgumentName": "x-amz-copy-source",
        "ArgumentValue": "x-amz-copy-source",
    }


def test_headers_are_spelled_as_aws_does(s3, signed, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    names = set(signed("GET", f"/{bucket}/k").headers)
    assert {"ETag", "Content-Type", "Content-Length", "Last-Modified", "Server", "Date"} <= names
    assert {"x-amz-request-id", "x-amz-id-2"} <= names


def test_documents_say_what_a_list_belongs_to_before_it(s3, signed, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    listed = signed("GET", f"/{bucket}?list-type=2")
    assert listed.headers["x-amz-bucket-region"] == "us-east-1"
    assert (
        0 < listed.data.index(b"<Name>") < listed.data.index(b"<KeyCount>") < listed.data.index(b"<Contents>")
    )
    buckets = signed("GET", "/").data
    assert buckets.index(b"<Owner>") < buckets.index(b"<Buckets>")


def test_encodings_but_for_that_of_the_upload_stay_as_written(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", ContentEncoding="deflate, gzip,aws-chunked")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentEncoding"] == "deflate, gzip"


def test_a_key_that_was_deleted_since_the_upload_began_is_in_conflict(s3, bucket):
    def completed(**condition):
        return s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [part]}, **condition)

    s3.put_object(Bucket=bucket, Key="k")
    for deleted, expected in ((True, ("ConditionalRequestConflict", 409)), (False, None)):
        upload = s3.create_multipart_upload(Bucket=bucket, Key="k")
        begun = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
        part = {"ETag": s3.upload_part(**begun, PartNumber=1, Body=b"p")["ETag"], "PartNumber": 1}
        if deleted:
            s3.delete_object(Bucket=bucket, Key="k")
            assert refused(completed, IfNoneMatch="*") == expected
        else:
            assert completed(IfNoneMatch="*")["Key"] == "k"


def test_object_lock_headers_are_held_together_first(s3, new_bucket):
    locked = new_bucket(ObjectLockEnabledForBucket=True)
    alone = error_of(s3.put_object, Bucket=locked, Key="k", ObjectLockMode="BAD")
    assert alone == {"Code": "InvalidArgument", "ArgumentName": "x-amz-object-lock-retain-until-date"}
    until = {"ObjectLockRetainUntilDate": "2999-01-01T00:00:00Z"}
    both = error_of(s3.put_object, Bucket=locked, Key="k", ObjectLockMode="BAD", **until)
    assert (both["ArgumentName"], both["ArgumentValue"]) == ("x-amz-object-lock-mode", "BAD")


def test_another_mode_of_retention_needs_the_bypass(s3, new_bucket):
    locked = new_bucket(ObjectLockEnabledForBucket=True)
    until = "2999-01-01T00:00:00Z"
    s3.put_object(Bucket=locked, Key="k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)
    stricter = {"Bucket": locked, "Key": "k", "Retention": {"Mode": "COMPLIANCE", "RetainUntilDate": until}}
    assert refused(s3.put_object_retention, **stricter) == ("AccessDenied", 403)
    s3.put_object_retention(**stricter, BypassGovernanceRetention=True)
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"]["Mode"] == "COMPLIANCE"


def test_transitions_of_lifecycle_rules(s3, bucket):
    def put(transition, **rule):
        rules = [{"ID": "r", "Status": "Enabled", "Filter": {}, "Transitions": [transition], **rule}]
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    with pytest.raises(ClientError, match="greater than or equal to 30 for storageClass 'STANDARD_IA'"):
        put({"Days": 29, "StorageClass": "STANDARD_IA"})
    with pytest.raises(ClientError, match="must be greater than 'Days' in the Transition action"):
        put({"Days": 30, "StorageClass": "GLACIER"}, Expiration={"Days": 30})
    with pytest.raises(ClientError, match="'Date' must be at midnight GMT"):
        put({"Date": "2030-01-01T01:00:00Z", "StorageClass": "GLACIER"})
    assert refused(put, {"StorageClass": "GLACIER"}) == ("MalformedXML", 400)
    put({"Days": 30, "StorageClass": "STANDARD_IA"}, Expiration={"Days": 31})


def test_a_wrong_signature_is_answered_with_what_was_signed(s3, s3_server, bucket):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    wrong = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key="wrong",
        config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}),
    )
    said = error_of(wrong.head_bucket, Bucket=bucket)
    assert said["Code"] == "403"
    said = error_of(wrong.list_objects_v2, Bucket=bucket)
    assert said["CanonicalRequest"].startswith(f"GET\n/{bucket}\n")
    assert (
        said["StringToSign"].splitlines()[-1] == hashlib.sha256(said["CanonicalRequest"].encode()).hexdigest()
    )
    assert bytes.fromhex(said["StringToSignBytes"]).decode() == said["StringToSign"]
    assert (said["AWSAccessKeyId"], len(said["SignatureProvided"])) == (s3_server.access_key_id, 64)
    assert "wrong" not in json.dumps(said)
    assert HTTP.request("GET", url).status == 404


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_an_expired_url_says_when(s3_server, bucket, version):
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
        config=Config(signature_version=version),
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=5)
    s3_server.clock.advance(60)
    answer = HTTP.request("GET", url)
    assert (code_of(answer), message_of(answer)) == ((403, "AccessDenied"), "Request has expired")
    assert b"<Expires>20" in answer.data
    assert b"<ServerTime>20" in answer.data
    assert (b"<X-Amz-Expires>5<" in answer.data) == (version == "s3v4")


def test_version_2_in_the_header(s3_server, bucket):
    secret = s3_server.secret_access_key.encode()
    date = email.utils.formatdate(s3_server.clock.seconds(), usegmt=True)

    def ask(text, said=date, key=s3_server.access_key_id):
        signature = b64encode(hmac.digest(secret, text.encode(), "sha1")).decode()
        headers = {"Authorization": f"AWS {key}:{signature}", "Date": said, "x-amz-meta-a": "b"}
        return HTTP.request("PUT", f"{s3_server.endpoint}/{bucket}/old", body=b"", headers=headers)

    right = f"PUT\n\n\n{date}\nx-amz-meta-a:b\n/{bucket}/old"
    assert ask(right).status == 200
    wrong = ask(f"PUT\n\n\n{date}\nx-amz-meta-a:c\n/{bucket}/old")
    assert code_of(wrong) == (403, "SignatureDoesNotMatch")
    assert html.escape(right).replace("\n", "&#xA;").encode() in wrong.data
    assert code_of(ask(right, key="AKIANOBODY")) == (403, "InvalidAccessKeyId")
    past = email.utils.formatdate(time.time() - 7200, usegmt=True)
    assert code_of(ask(right.replace(date, past), past)) == (403, "RequestTimeTooSkewed")


def test_reading_takes_no_word_on_encryption(s3, signed, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    said = {"x_amz_server_side_encryption": "AES256"}
    assert code_of(signed("GET", f"/{bucket}/k", **said)) == (400, "InvalidArgument")
    assert signed("HEAD", f"/{bucket}/k", **said).status == 400
    assert signed("GET", f"/{bucket}/k").status == 200


def test_overrides_beyond_latin(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    said = error_of(s3.get_object, Bucket=bucket, Key="k", ResponseCacheControl="\u2014")
    assert said["ArgumentName"] == "response-cache-control"


def form(s3_server, conditions, expiration="2999-01-01T00:00:00Z", **fields):
    policy = b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()
    signature = b64encode(hmac.digest(s3_server.secret_access_key.encode(), policy.encode(), "sha1")).decode()
    return {**fields, "AWSAccessKeyId": s3_server.access_key_id, "policy": policy, "signature": signature}


def test_the_signature_of_a_form_counts_before_its_policy(s3_server, bucket):
    url = f"{s3_server.endpoint}/{bucket}"
    whole = form(s3_server, [{"bucket": bucket}, {"key": "k"}], key="k")
    cut = {**whole, "policy": whole["policy"][:-2]}
    answer = send(url, cut)
    assert code_of(answer) == (403, "SignatureDoesNotMatch")
    assert f"<StringToSign>{cut['policy']}</StringToSign>".encode() in answer.data
    for gone, said in (("signature", "Signature"), ("AWSAccessKeyId", "AWSAccessKeyId")):
        answer = send(url, {name: value for name, value in whole.items() if name != gone})
        assert code_of(answer) == (400, "InvalidArgument")
        assert f"a field named '{said}'" in message_of(answer)
    unsigned = {name: whole[name] for name in ("key", "policy")}
    assert code_of(send(url, unsigned)) == (403, "AccessDenied")
    assert send(url, whole).status == 204


def test_policies_of_forms(s3, s3_server, bucket):
    url = f"{s3_server.endpoint}/{bucket}"
    named = [{"bucket": bucket}, ["starts-with", "$key", "hello"]]
    assert send(url, form(s3_server, named, key="${filename}")).status == 204
    assert s3.get_object(Bucket=bucket, Key="hello.txt")["Body"].read() == b"hello"
    other = send(url, form(s3_server, named, key="${filename}"), filename="other.txt")
    assert code_of(other) == (403, "AccessDenied")
    written = form(s3_server, named, "2999-01-01 00:00:00+00:00", key="hello")
    assert code_of(send(url, written)) == (400, "InvalidPolicyDocument")
    below = form(s3_server, [*named, ["content-length-range", -1, 5]], key="hello")
    assert code_of(send(url, below)) == (400, "InvalidPolicyDocument")
    plain = HTTP.request(
        "POST", url, body=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert code_of(plain) == (412, "PreconditionFailed")
    assert plain.data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>')


def test_encoded_words_of_forms_stay(s3, s3_server, bucket):
    word = {"x-amz-meta-word": "=?UTF-8?B?YWJj?="}
    fields = form(s3_server, [{"bucket": bucket}, {"key": "k"}, word], key="k", **word)
    assert send(f"{s3_server.endpoint}/{bucket}", fields).status == 204
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"word": "=?UTF-8?B?YWJj?="}


def test_a_request_that_names_headers_is_held_to_them(s3, signed, bucket):
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://a.example"], "AllowedHeaders": ["x-one"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    s3.put_object(Bucket=bucket, Key="k")
    named = {"Origin": "http://a.example", "Access_Control_Request_Headers": "x-two"}
    assert "Access-Control-Allow-Origin" not in signed("GET", f"/{bucket}/k", **named).headers
    named["Access_Control_Request_Headers"] = "x-one"
    assert "Access-Control-Allow-Origin" in signed("GET", f"/{bucket}/k", **named).headers
    named["Access_Control_Request_Method"] = "PUT"
    assert "Access-Control-Allow-Origin" not in signed("GET", f"/{bucket}/k", **named).headers


def test_headers_of_forms_are_answered_in_the_character_set_of_headers(s3, s3_server, bucket):
    said = "attachment; filename=é—ü.txt"
    fields = form(
        s3_server,
        [{"bucket": bucket}, {"key": "k"}, {"content-disposition": said}],
        key="k",
        **{"content-disposition": said},
    )
    assert send(f"{s3_server.endpoint}/{bucket}", fields).status == 204
    # Clients read headers as ISO-8859-1; the dash is not in it.
    assert s3.head_object(Bucket=bucket, Key="k")["ContentDisposition"] == "attachment; filename=é ü.txt"
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert s3.get_object(Bucket=bucket, Key="copy")["ContentDisposition"] == "attachment; filename=é ü.txt"
    got = s3.get_object(Bucket=bucket, Key="k", ResponseCacheControl="é")
    assert got["CacheControl"] == "é"
