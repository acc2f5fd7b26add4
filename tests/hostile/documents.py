"""Texts that parsers meet: strange ones, policy documents good and bad, filter patterns, and numbers at every edge."""

STRANGE = (
    "", " ", "\t", "0", "-1", "*", "?", "%", "%00", "\\", "/", "//", ".", "..", "../../etc/passwd", ":", "::::::", "null", "None", "true",
    "NaN", "1e400", "a\nb", "a\rb", "\x00", "\x7f", "\ufeff", "\ufffd", "\uffff", "\u202e", "e\u0301", "ß", "İ", "日本語", "🜃" * 3,
    "\U0010ffff", "' OR 1=1 --", '"', "<!DOCTYPE a>", "]]>", "&amp;", "${aws:username}", "{}", "[]", '{"a":', "(", "(?<", "[a-", "a{9999999}",
    "AAAA", "=", "a=b", "a" * 129, "b" * 513, "c" * 5000, "2026-01-01T00:00:00Z", "1700000000000", "9" * 40, "us-east-1", "123456789012",
    "000000000000", "root", "ALL", "AKIAIOSFODNN7EXAMPLE", "https://example.com/", "arn:", "arn:aws", "arn:aws:iam::123456789012:root", "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::aws:policy/x", "arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:role/", "arn:aws:iam:::", "arn:aws:sts::1:assumed-role/a",
    "arn:aws:logs:us-east-1:123456789012:log-group:", "arn:aws:logs:us-east-1:123456789012:log-group:a:*", "arn:aws:logs:us-east-1:123456789012:log-group:a:log-stream:b",
    "arn:aws:logs:eu-west-1:210987654321:log-group:a", "arn:aws:logs:::log-group:a", "arn:aws:logs:us-east-1:123456789012:destination:d", "arn:aws:s3:::bucket", "arn:aws-cn:iam::1:x",
    "arn:aws:logs:us-east-1:123456789012:*", "arn:aws:kinesis:us-east-1:123456789012:stream/s", "arn::::::::::", "arn:aws:iam::123456789012:mfa/m",
)  # fmt: skip

ANY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_PROTECTION = (
    '{"Name":"n","Version":"2021-06-01","Statement":[%s{"Sid":"r","DataIdentifier":["%s"],'
    '"Operation":{"Deidentify":{"MaskConfig":{}}}}]}'
)
_AUDIT = '{"Sid":"a","DataIdentifier":["%s"],"Operation":{"Audit":{"FindingsDestination":{%s}}}},'
_EMAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
DOCUMENTS = (
    ANY,
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Principal":"*","Condition":{"StringLike":{"a":["b",null]}}}]}',
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":[],"NotResource":"arn:aws:s3:::${aws:username}"}}',
    '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"logs:Put*","Resource":"*","Condition":{"NumericLessThan":{"aws:EpochTime":"x"},"IpAddress":{"aws:SourceIp":"::/0"}}}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"}]}',
    '{"Version":"2012-10-17","Statement":[]}', '{"Version":1,"Statement":1}', '{"Statement":[{"Effect":1}]}', '{"Statement":{"Effect":{"a":"b"},"Action":{},"Resource":[[]]}}',
    "[" * 5000, "{", "[]", "null", "1", '"x"', '{"a":' * 3000, ANY.replace('"*"', '["' + "a" * 7000 + '"]'), ANY + " ", "\ufeff" + ANY, ANY.replace("Allow", "\\ud800"),
    _PROTECTION % (_AUDIT % (_EMAIL, ""), _EMAIL),
    _PROTECTION % (_AUDIT % (_EMAIL, '"CloudWatchLogs":{"LogGroup":"a"}'), _EMAIL),
    _PROTECTION % (_AUDIT % (_EMAIL, '"S3":{"Bucket":1}'), _EMAIL),
    _PROTECTION % ("", _EMAIL), _PROTECTION % (_AUDIT % ("x", ""), "x"), _PROTECTION % ("null,", _EMAIL), _PROTECTION % ("{},", _EMAIL),
    '{"Name":[],"Version":{},"Statement":{"Sid":1}}', '{"Name":"n","Version":"2021-06-01","Statement":[[],{}]}',
    '{"Name":"n","Version":"2021-06-01","Configuration":{"CustomDataIdentifier":[{"Name":"e","Regex":"(a+)+$"}]},"Statement":[]}',
    '{"DestinationArn":"arn:aws:logs:us-east-1:123456789012:log-group:a","FilterPattern":"","Distribution":"Random"}', '{"Fields":["a"]}',
)  # fmt: skip
PROTECTIONS = (
    _PROTECTION % (_AUDIT % (_EMAIL, ""), _EMAIL),
    _PROTECTION % (_AUDIT % (_EMAIL, '"CloudWatchLogs":{"LogGroup":"a"}'), _EMAIL),
)
# Members that want what others are called.
ALIASES = {
    "loggroupidentifier": "loggroupname", "loggrouparn": "arn", "resourcearn": "arn", "resourceidentifier": "loggroupname",
    "logstreamnameprefix": "logstreamname", "destinationarn": "destinationarn", "targetarn": "destinationarn", "entityid": "accountid",
    "policysourcearn": "arn", "policyid": "id", "targetid": "accountid", "parentid": "rootid", "sourceparentid": "rootid", "destinationparentid": "id",
    "childid": "id", "handshakeid": "id", "createaccountrequestid": "id", "serialnumber": "serialnumber", "organizationalunitid": "id",
}  # fmt: skip
PATTERNS = (
    "ERROR", "?a ?b -c", '"a b"', "{ $.a = 1 }", '{ ($.a = 1) || ($.b[0].c != "x*") }', "{ $.a IS NULL }", "{ $.", "{ $.a = ", "[ip, user, ...]",
    "[..., status = 4*, bytes > 1]", "[a, b", "%a+%", "%(%", "%[a-%", "{ $.a = %x% }", "{ $.a = %(% }", "[", "]", "{}", "[]", "-", "?", "{ $.a > 1e999 }",
    "{ " + "(" * 400 + "$.a=1" + ")" * 400 + " }", "((" * 2000, "{ $.a NOT EXISTS }", "[a=1 && b=2]", '"', "\\", "%", "%%", "{ $.a = 1 && }",
)  # fmt: skip
NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    30,
    100,
    10_000,
    2**31 - 1,
    2**31,
    -(2**31),
    2**53,
    2**63 - 1,
    -(2**63),
    1_700_000_000_000,
)
BEYOND = (2**63, 2**64, 10**30, -(10**30))
