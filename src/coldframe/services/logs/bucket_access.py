"""How CloudWatch Logs reaches other services: as which principal or role, and what it checks beforehand."""

from dataclasses import replace
from typing import Any

from coldframe.core.call import Call
from coldframe.core.client_errors import ClientError, ParamValidationError, status_of
from coldframe.core.faults import ServiceFault
from coldframe.core.installation import Installation
from coldframe.identity.caller import Caller
from coldframe.identity.service_roles import assume
from coldframe.services.logs.bucket_grants import let_deliveries_in
from coldframe.services.logs.lookup import invalid

# What an object is written with: also the policies of buckets in other accounts ask for it.
ACL = "bucket-owner-full-control"
_TEST = "aws-logs-write-test"


def exporter(installation: Installation, region: str, group_arn: str) -> Any:
    """Return an S3 client that acts as logs.REGION.amazonaws.com for a group, as export tasks do."""
    principal = Caller(kind="service", arn=f"logs.{region}.amazonaws.com", source_arn=f"{group_arn}:*")
    return _client(installation, principal, region)


def deliverer(installation: Installation, account: str, region: str) -> Any:
    """Return an S3 client that acts as delivery.logs.amazonaws.com for an account, as deliveries of findings do."""
    source = f"arn:aws:logs:{region}:{account}:*"
    return _client(
        installation, Caller(kind="service", arn="delivery.logs.amazonaws.com", source_arn=source), region
    )


def streamer(installation: Installation, account: str, region: str) -> Any:
    """Return a Firehose client for deliveries of findings.

    AWS takes on the service-linked role AWSServiceRoleForLogDelivery of the account, which no policy limits; here are
    no service-linked roles, so that it is the account itself, as free of service control policies as they are.
    """
    assert installation.clients is not None, "the server has clients before services act"
    arn = f"arn:aws:iam::{account}:root"
    principal = Caller(kind="root", arn=arn, account=account, user_id=account, service_linked=True)
    return installation.clients("firehose", principal=principal, region=region)


def taken_on(installation: Installation, role: str, source: str, region: str) -> Caller:
    """Return the principal that CloudWatch Logs is once it has taken on a role, on behalf of the resource `source` (ARN).

    Roles may trust logs.amazonaws.com or, as older ones do, logs.REGION.amazonaws.com. Raises the client's error of
    AssumeRole where the role is not there or trusts neither.
    """
    service = Caller(kind="service", arn="logs.amazonaws.com", source_arn=source)
    try:
        return assume(installation, role, service, region)
    except ClientError as error:
        if status_of(error) != 403:
            raise
    return assume(installation, role, replace(service, arn=f"logs.{region}.amazonaws.com"), region)


def check_stream(call: Call, name: str) -> None:
    """Raise ResourceNotFoundException unless findings can go to a delivery stream. No transaction may be open."""
    try:
        streamer(call.installation, call.account, call.region).describe_delivery_stream(
            DeliveryStreamName=name
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        text = f"The findings destination, delivery stream {name}, does not exist."
        raise ServiceFault("ResourceNotFoundException", text) from error


def check_export(call: Call, group_arn: str, bucket: str, prefix: str) -> None:
    """Write `prefix/aws-logs-write-test`, as the caller and as the service.

    Raises InvalidParameterException for a bucket that is not there or whose policy does not let the service in, and
    AccessDeniedException for a caller who may not write there. No transaction may be open.
    """
    client = exporter(call.installation, call.region, group_arn)
    _try(bucket, "GetBucketAcl", client.get_bucket_acl, Bucket=bucket)
    test = {"Bucket": bucket, "Key": f"{prefix}/{_TEST}", "Body": b"Permission Check Successful", "ACL": ACL}
    _try(bucket, "PutObject", client.put_object, **test)
    try:
        call.client("s3").put_object(**test)
    except ClientError as error:
        if status_of(error) != 403:
            raise
        raise ServiceFault("AccessDeniedException", error.response["Error"]["Message"]) from error


def check_findings(call: Call, bucket: str, stream: str) -> None:
    """Check where findings will go: the delivery stream is there, and a test object can be written to the bucket.

    Either may be empty. A bucket that refuses is first given the policy that deliveries need, if the caller may do that.
    Raises InvalidParameterException when it still refuses. No transaction may be open.
    """
    if stream:
        check_stream(call, stream)
    if not bucket:
        return
    client = deliverer(call.installation, call.account, call.region)
    test = {"Bucket": bucket, "Key": f"AWSLogs/{call.account}/{_TEST}", "ACL": ACL}

    def put(**parameters: Any) -> None:
        try:
            client.put_object(**parameters)
        except ClientError as error:
            if status_of(error) != 403 or not let_deliveries_in(call, bucket):
                raise
            client.put_object(**parameters)

    _try(bucket, "PutObject", put, Body=b"Permission Check Successful", **test)


def _client(installation: Installation, principal: Caller, region: str) -> Any:
    assert installation.clients is not None, "the server has clients before services act"
    return installation.clients("s3", principal=principal, region=region)


def _try(bucket: str, operation: str, act: Any, **parameters: Any) -> None:
    try:
        act(**parameters)
    except ParamValidationError as error:
        # The client itself refuses names that no bucket can have.
        raise invalid(f"The given bucket name is invalid: {bucket}.") from error
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            text = f"The given bucket does not exist: {bucket}. Please make sure the bucket name is valid."
            raise invalid(text) from error
        if status_of(error) >= 500:
            reason = error.response["Error"]["Message"]
            raise ServiceFault("ServiceUnavailableException", reason, status=503) from error
        raise invalid(
            f"{operation} call on the given bucket failed. Please check if CloudWatch Logs has been granted"
            " permission to perform this operation."
        ) from error
