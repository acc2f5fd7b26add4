"""Requests that mean something, of operations that random words seldom get past the door of."""

import json
import time
from typing import Any

from tests.hostile.documents import ANY, PROTECTIONS

_NOW = int(time.time() * 1000)
_GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:a"
_TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}'
_DESTINATION = "arn:aws:logs:us-east-1:123456789012:destination:d"

_QUERIES = [{"Id": "e", "Expression": "TIME_SERIES(1)", "Period": 60}]
_TOPIC = "arn:aws:sns:us-east-1:123456789012:a"

EXAMPLES: dict[str, dict[str, Any]] = {
    "CreateBucket": {"Bucket": "abc"},
    "PutObject": {"Bucket": "abc", "Key": "k", "Body": b"x"},
    "ListObjectsV2": {"Bucket": "abc"},
    "CreateTopic": {"Name": "a"},
    "Publish": {"TopicArn": _TOPIC, "Message": "m", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}}},
    "PublishBatch": {"TopicArn": _TOPIC, "PublishBatchRequestEntries": [{"Id": "a", "Message": "m"}]},
    "Subscribe": {"TopicArn": _TOPIC, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:123456789012:a", "Attributes": {"FilterPolicy": '{"a":["b"]}'}},
    "CreateLogGroup": {"logGroupName": "a"},
    "CreateLogStream": {"logGroupName": "a", "logStreamName": "b"},
    "PutLogEvents": {
        "logGroupName": "a", "logStreamName": "b",
        "logEvents": [{"timestamp": _NOW + step, "message": text} for step, text in enumerate(("x@example.com", '{"a":1}', "1 2 3", "é" * 300))],
    },
    "FilterLogEvents": {"logGroupName": "a", "logStreamNames": ["b"], "startTime": 0, "endTime": _NOW * 2, "filterPattern": "x", "limit": 10, "interleaved": True},
    "GetLogEvents": {"logGroupName": "a", "logStreamName": "b", "startFromHead": True, "limit": 2, "startTime": 0, "endTime": _NOW * 2},
    "GetLogRecord": {"logRecordPointer": "x"},
    "DescribeLogStreams": {"logGroupName": "a", "orderBy": "LastEventTime", "descending": True, "limit": 1},
    "PutDataProtectionPolicy": {"logGroupIdentifier": "a", "policyDocument": PROTECTIONS[0]},
    "PutAccountPolicy": {"policyName": "p", "policyDocument": PROTECTIONS[0], "policyType": "DATA_PROTECTION_POLICY", "scope": "ALL"},
    "DeleteAccountPolicy": {"policyName": "p", "policyType": "DATA_PROTECTION_POLICY"},
    "PutMetricFilter": {
        "logGroupName": "a", "filterName": "f", "filterPattern": "{ $.a = 1 }",
        "metricTransformations": [{"metricName": "m", "metricNamespace": "n", "metricValue": "$.a", "defaultValue": 0.0}],
    },
    "DeleteMetricFilter": {"logGroupName": "a", "filterName": "f"},
    "TestMetricFilter": {"filterPattern": "[a, b=1, ...]", "logEventMessages": ["1 2 3", "a 1", '{"a":1}']},
    "PutDestination": {"destinationName": "d", "targetArn": _GROUP, "roleArn": "arn:aws:iam::123456789012:role/a"},
    "PutDestinationPolicy": {"destinationName": "d", "accessPolicy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "logs:PutSubscriptionFilter", "Resource": _DESTINATION}],
    })},
    "PutSubscriptionFilter": {"logGroupName": "a", "filterName": "f", "filterPattern": "", "destinationArn": _DESTINATION},
    "DeleteSubscriptionFilter": {"logGroupName": "a", "filterName": "f"},
    "PutResourcePolicy": {"policyName": "r", "policyDocument": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "route53.amazonaws.com"}, "Action": "logs:PutLogEvents", "Resource": _GROUP + ":*"}],
    })},
    "DeleteResourcePolicy": {"policyName": "r"},
    "StartLiveTail": {"logGroupIdentifiers": [_GROUP], "logStreamNames": ["b"], "logEventFilterPattern": "x"},
    "TagResource": {"resourceArn": _GROUP, "tags": {"a": "b"}, "ResourceId": "r", "Tags": [{"Key": "a", "Value": "b"}]},
    "ListTagsForResource": {"resourceArn": _GROUP},
    "UntagResource": {"resourceArn": _GROUP, "tagKeys": ["a"]},
    "CreateRole": {"RoleName": "a", "AssumeRolePolicyDocument": _TRUST, "Tags": [{"Key": "a", "Value": "b"}]},
    "UpdateAssumeRolePolicy": {"RoleName": "a", "PolicyDocument": _TRUST},
    "AssumeRole": {"RoleArn": "arn:aws:iam::123456789012:role/a", "RoleSessionName": "session", "Policy": ANY, "Tags": [{"Key": "a", "Value": "b"}]},
    "GetFederationToken": {"Name": "name", "Policy": ANY},
    "CreateUser": {"UserName": "a"},
    "CreateLoginProfile": {"UserName": "a", "Password": "aA1!aA1!aA1!", "PasswordResetRequired": False},
    "CreateOpenIDConnectProvider": {"Url": "https://example.com/x", "ClientIDList": ["a"], "ThumbprintList": ["a" * 40]},
    "AddClientIDToOpenIDConnectProvider": {"OpenIDConnectProviderArn": "arn:aws:iam::123456789012:oidc-provider/example.com/x", "ClientID": "b"},
    "UpdateOpenIDConnectProviderThumbprint": {"OpenIDConnectProviderArn": "arn:aws:iam::123456789012:oidc-provider/example.com/x", "ThumbprintList": ["b" * 40]},
    "GetOpenIDConnectProvider": {"OpenIDConnectProviderArn": "arn:aws:iam::123456789012:oidc-provider/example.com/x"},
    "CreateServiceLinkedRole": {"AWSServiceName": "rds.amazonaws.com"},
    "DeleteServiceLinkedRole": {"RoleName": "AWSServiceRoleForRDS"},
    "PutUserPermissionsBoundary": {"UserName": "a", "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
    "PutRolePermissionsBoundary": {"RoleName": "a", "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
    "AttachUserPolicy": {"UserName": "a", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    "SimulateCustomPolicy": {"PolicyInputList": [ANY], "ActionNames": ["logs:PutLogEvents"], "ResourceArns": [_GROUP], "ContextEntries": [
        {"ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["1.2.3.4"], "ContextKeyType": "ip"}]},
    "SimulatePrincipalPolicy": {"PolicySourceArn": "arn:aws:iam::123456789012:user/a", "ActionNames": ["logs:PutLogEvents"], "ResourceArns": [_GROUP]},
    "EnableMFADevice": {"UserName": "a", "SerialNumber": "arn:aws:iam::123456789012:mfa/a", "AuthenticationCode1": "123456", "AuthenticationCode2": "654321"},
    "PutMetricData": {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.0}]},
    "GetMetricStatistics": {"Namespace": "n", "MetricName": "m", "StartTime": _NOW // 1000 - 600, "EndTime": _NOW // 1000, "Period": 60, "Statistics": ["Sum"]},
    "GetMetricData": {"MetricDataQueries": _QUERIES, "StartTime": _NOW // 1000 - 600, "EndTime": _NOW // 1000},
    "GetMetricWidgetImage": {"MetricWidget": json.dumps({"metrics": [["n", "m"]], "width": 60, "height": 40})},
    "PutMetricAlarm": {
        "AlarmName": "a", "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 2,
        "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"],
    },
    "PutCompositeAlarm": {"AlarmName": "b", "AlarmRule": "ALARM(a) OR NOT OK(a)"},
    "SetAlarmState": {"AlarmName": "a", "StateValue": "ALARM", "StateReason": "x", "StateReasonData": "{}"},
    "PutAlarmMuteRule": {"Name": "r", "Rule": {"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT1H"}}, "MuteTargets": {"AlarmNames": ["a"]}},
    "GetAlarmMuteRule": {"AlarmMuteRuleName": "r"},
    "PutDashboard": {"DashboardName": "d", "DashboardBody": json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "x"}}]})},
    "GetDashboard": {"DashboardName": "d"},
    "PutInsightRule": {"RuleName": "r", "RuleDefinition": json.dumps({
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1}, "LogGroupNames": ["a*"], "LogFormat": "JSON", "Contribution": {"Keys": ["$.a"]},
    })},
    "GetInsightRuleReport": {"RuleName": "r", "StartTime": _NOW // 1000 - 600, "EndTime": _NOW // 1000, "Period": 60},
    "PutAnomalyDetector": {"Namespace": "n", "MetricName": "m", "Stat": "Sum"},
    "DeleteAnomalyDetector": {"Namespace": "n", "MetricName": "m", "Stat": "Sum"},
    "CreateOrganization": {"FeatureSet": "ALL"},
    "CreateAccount": {"Email": "a@example.com", "AccountName": "a"},
    "CreateOrganizationalUnit": {"ParentId": "r-aaaa", "Name": "a"},
    "CreatePolicy": {"Content": ANY, "Description": "d", "Name": "n", "Type": "SERVICE_CONTROL_POLICY", "PolicyName": "n", "PolicyDocument": ANY},
}  # fmt: skip
