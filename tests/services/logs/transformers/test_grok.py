"""grok: every pattern by the documentation's example, and the limits on how they are used."""

import json

import pytest

from coldframe.services.logs.transformers import InvalidTransformer, Origin, compile_transformer

PATTERNS = [
    ("USERNAME", "user123.name-TEST"),
    ("INT", "-456"),
    ("BASE10NUM", "-0.67"),
    ("BASE16NUM", "+0xA1B2"),
    ("POSINT", "123"),
    ("NONNEGINT", "007"),
    ("WORD", "user_123"),
    ("NOTSPACE", "hello_world123"),
    ("SPACE", " "),
    ("GREEDYDATA_MULTILINE", "abc\ndef\nghi"),
    ("UUID", "550e8400-e29b-41d4-a716-446655440000"),
    ("URN", "urn:isbn:0451450523"),
    ("ARN", "arn:aws:iam:us-east-1:123456789012:user/johndoe"),
    ("CISCOMAC", "0123.4567.89AB"),
    ("WINDOWSMAC", "01-23-45-67-89-AB"),
    ("COMMONMAC", "01:23:45:67:89:AB"),
    ("MAC", "01:23:45:67:89:AB"),
    ("IPV6", "2001:db8:3333:4444:5555:6666:7777:8888"),
    ("IPV6", "::1"),
    ("IPV6", "fe80::1ff:fe23:4567:890a"),
    ("IPV6", "::ffff:192.0.2.128"),
    ("IPV4", "192.168.0.1"),
    ("IP", "192.168.0.1"),
    ("HOSTNAME", "server-01.internal-network.local"),
    ("HOST", "server-01.internal-network.local"),
    ("IPORHOST", "2001:db8:3333:4444:5555:6666:7777:8888"),
    ("UNIXPATH", "/search?q=regex"),
    ("WINPATH", "C:\\Users\\John\\Documents\\file.txt"),
    ("PATH", "/search?q=regex"),
    ("TTY", "/dev/tty1"),
    ("URIPROTO", "web+transformer"),
    ("URIPATH", "/category/sub-category/product_name"),
    ("URIPARAM", "?param1=value1&param2=value2"),
    ("URIPATHPARAM", "/category/sub-category/product?id=12345&color=red"),
    ("URI", "https://user:password@example.com/path/to/resource?param1=value1&param2=value2"),
    ("MONTH", "Jan"),
    ("MONTH", "January"),
    ("MONTHNUM", "5"),
    ("MONTHNUM", "05"),
    ("MONTHNUM2", "05"),
    ("MONTHDAY", "31"),
    ("YEAR", "2024"),
    ("YEAR", "24"),
    ("DAY", "Tuesday"),
    ("HOUR", "22"),
    ("MINUTE", "59"),
    ("SECOND", "3"),
    ("SECOND", "30.5"),
    ("SECOND", "30:5"),
    ("TIME", "09:45:32"),
    ("DATE_US", "11/23/2024"),
    ("DATE_US", "1-01-24"),
    ("DATE_EU", "23/11/2024"),
    ("DATE_EU", "1.01.24"),
    ("ISO8601_TIMEZONE", "+05:30"),
    ("ISO8601_TIMEZONE", "-530"),
    ("ISO8601_TIMEZONE", "Z"),
    ("ISO8601_SECOND", "60"),
    ("TIMESTAMP_ISO8601", "2023-05-15T14:30:00+05:30"),
    ("TIMESTAMP_ISO8601", "23-5-1T1:25+5:30"),
    ("TIMESTAMP_ISO8601", "23-5-1T1:25Z"),
    ("DATE", "11/29/2024"),
    ("DATE", "29.11.2024"),
    ("DATESTAMP", "29-11-2024 14:30:00"),
    ("TZ", "PDT"),
    ("DATESTAMP_RFC822", "Monday Jan 5 23 1:30:00 CDT"),
    ("DATESTAMP_RFC822", "Mon January 15 2023 14:30:00 PST"),
    ("DATESTAMP_RFC2822", "Mon, 15 May 2023 14:30:00 +0530"),
    ("DATESTAMP_RFC2822", "Monday, 15 Jan 23 14:30:00 Z"),
    ("DATESTAMP_OTHER", "Mon May 15 14:30:00 PST 2023"),
    ("DATESTAMP_EVENTLOG", "20230515143000"),
    ("LOGLEVEL", "INFO"),
    ("HTTPDATE", "23/Nov/2024:14:30:00 +0640"),
    ("SYSLOGTIMESTAMP", "Nov 29 14:30:00"),
    ("PROG", "user.profile/settings-page"),
    ("SYSLOGHOST", "2001:db8:3333:4444:5555:6666:7777:8888"),
]


def fields(match, text):
    done = compile_transformer([{"grok": {"match": match}}]).transform(text, Origin())
    return None if done.error else json.loads(done.text)


@pytest.mark.parametrize(("pattern", "text"), PATTERNS)
def test_the_documented_example(pattern, text):
    assert fields(f"%{{{pattern}:found}}", text) == {"found": text}


@pytest.mark.parametrize(
    ("match", "text", "found"),
    [
        ("%{DATA:x} %{DATA:y}", "abc def ghi", {"x": "abc", "y": "def ghi"}),
        ("%{GREEDYDATA:x} %{GREEDYDATA:y}", "abc def ghi", {"x": "abc def", "y": "ghi"}),
        ("%{QUOTEDSTRING:msg}", '"Hello, world!"', {"msg": "Hello, world!"}),
        ("%{HOSTPORT:ip}", "192.168.1.1:8080", {"ip": "192.168.1.1:8080", "PORT": "8080"}),
        (
            "%{URIHOST:host} %{URIHOST:ip}",
            "example.com:443 10.0.0.1",
            {"host": "example.com:443", "port": "443", "ip": "10.0.0.1"},
        ),
        (
            "%{SYSLOGPROG:programWithId}",
            "user.profile/settings-page[1234]",
            {
                "programWithId": "user.profile/settings-page[1234]",
                "program": "user.profile/settings-page",
                "pid": "1234",
            },
        ),
        (
            "%{SYSLOGFACILITY:syslog}",
            "<13.6>",
            {"syslog": "<13.6>", "facility": "13", "priority": "6"},
        ),
        ("%{WORD} %{WORD:second}", "one two", {"second": "two"}),
        (r"\[%{WORD:level}\] %{DATA:é}", "[a] grüße", {"level": "a", "é": "grüße"}),
        ("%{APACHE_ACCESS_LOG} %{GREEDYDATA:rest}", '::1 - bob [01/Jan/2024:00:00:00 +0100] "-" 408 - tail',
         {"remote_host": "::1", "auth_user": "bob", "timestamp": "2023-12-31T23:00:00Z", "status_code": 408, "rest": "tail"}),
        ("%{SYSLOG5424}%{DATA:logMsg}", "<1>1 - h a 7 - - hello", {"pri": 1, "version": 1, "hostname": "h", "app": "a",
         "proc_id": "7", "logMsg": " hello"}),
    ],
)  # fmt: skip
def test_fields(match, text, found):
    assert fields(match, text) == found


@pytest.mark.parametrize(
    ("match", "text"),
    [
        ("%{IPV4:x}", "256.1.1.1"),
        ("%{IPV6:x}", "1:2:3"),
        ("%{ARN:x}", "arn:aws:s3:::bucket"),
        ("%{POSINT:x}", "012"),
        ("%{MONTHNUM:x}", "13"),
        ("%{HOUR:x}", "24"),
        ("%{WORD:x}", "two words"),
        ("%{DATA:x}", "a\nb"),
        ("[%{WORD:x}]", "x"),
        ("%{WORD:x}", "trailing text"),
        ("%{APACHE_ACCESS_LOG}", '::1 - - [31/Feb/2024:00:00:00 +0100] "-" 408 -'),
    ],
)
def test_text_that_does_not_match(match, text):
    assert fields(match, text) is None


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        ("plain text", "1 to 20"),
        (" ".join(["%{INT}"] * 21), "1 to 20"),
        (" ".join(["%{NOTSPACE}"] * 6), "NOTSPACE"),
        ("%{GREEDYDATA_MULTILINE}%{GREEDYDATA_MULTILINE}", "GREEDYDATA_MULTILINE"),
        ("%{DATA} %{DATA} %{DATA} %{SPACE} %{URI} %{GREEDYDATA}", "together"),
        ("%{INT:n:int}", "type conversions"),
        ("%{MINE:x}", "MINE"),
        ("%{HEXTET:x}", "HEXTET"),
        ("%{int:x}", "int"),
        ("%{WORD:x} %{", "PATTERN_NAME"),
        ("%{WORD:a..b}", "a..b"),
        ("%{WORD:a.b.c.d}", "a.b.c.d"),
        ("%{APACHE_ACCESS_LOG} %{SYSLOG5424}", "first"),
        ("%{NGINX_ACCESS_LOG} %{NUMBER:num}", "first"),
        ("%{GREEDYDATA:logMsg} %{SYSLOG5424}", "first"),
        ("x %{SYSLOG5424}", "first"),
        ("%{SYSLOG5424} %{DATA:a} %{DATA:b}", "first"),
    ],
)
def test_patterns_that_are_refused(match, reason):
    with pytest.raises(InvalidTransformer, match=r"^grok: ") as caught:
        compile_transformer([{"grok": {"match": match}}])
    assert reason in caught.value.message


def test_the_longest_event_ends_soon():
    five = " ".join(["%{IPORHOST:h}"] * 5)
    assert fields(five, "a." * 500_000) is None
    assert fields("%{DATA:a},%{DATA:b},%{DATA:c},%{DATA:d},%{DATA:e}", "," * 3 + "x" * 1_000_000) is None
