"""Every function and operator: an expression and what the documentation says it gives."""

import pytest

from coldframe.services.logs.insights.errors import QueryError
from coldframe.services.logs.insights.functions.table import FUNCTIONS

EVENT = (
    '{"n": 7, "s": "seven", "neg": -2.5, "list": [1, "two", 3], "object": {"a.b": 1, "c": {"d": "deep"}}, "yes": true,'
    ' "no": false, "nothing": null, "ip": "192.0.2.10", "ip6": "2001:db8::10", "padded": "  x ", "empty": "",'
    ' "when": "2024-03-01 12:30:45", "doc": "{\\"k\\": [10, 20]}", "hex": "ff", "dotted.key": "whole"}'
)
TABLE = [
    # Arithmetic; 2 ^ 3 and 10 % 3 are the documentation's examples.
    ("1 + 2", "3"), ("5 - 7", "-2"), ("2 * 3.5", "7"), ("7 / 2", "3.5"), ("2 ^ 3", "8"), ("10 % 3", "1"),
    ("n + 1", "8"), ("-n", "-7"), ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("1 / 0", None), ("n % 0", None),
    ("s + 1", None), ("'12' * 2", "24"),
    # Comparisons: numbers where both sides read as numbers, texts else; unknown with a missing field.
    ("n = 7", "1"), ("n = '7.0'", "1"), ("n != 7", "0"), ("n < 10", "1"), ("n > 10", "0"), ("'10' > '9'", "1"),
    ("'abc' > 'abb'", "1"), ("s = 'seven'", "1"), ("s = 'SEVEN'", "0"), ("missing = 1", None), ("missing != 1", None),
    ("s = 7", "0"), ("s != 7", "1"), ("n >= 7 and n <= 7", "1"), ("n = 1 or s = 'seven'", "1"), ("not n = 7", "0"),
    ("n in [1, 7]", "1"), ("s in ['six', 'seven']", "1"), ("n not in [1, 7]", "0"), ("n in []", "0"), ("n in ['7.0', 'x']", "1"), ("s in [7, 'seven']", "1"), ("missing in [1, 'a']", None), ("n in [s, n]", "1"),
    ("queryTimeRange() in ['x', 3599999]", "1"), ("@timestamp in ['2023-11-14 22:13:20.000']", "1"),
    ("s like 'eve'", "1"), ("s like /^sev/", "1"), ("s =~ /EVEN/", "0"), ("s =~ /(?i)EVEN/", "1"), ("s not like 'x'", "1"),
    ("s like 'E%'", "0"), ("yes = 1", "1"), ("yes = true", "1"), ("no = 0", "1"), ("no = false", "1"),
    # Numbers.
    ("abs(neg)", "2.5"), ("ceil(2.1)", "3"), ("floor(neg)", "-3"), ("greatest(1, n, 3)", "7"), ("least(4, n)", "4"),
    ("log(1)", "0"), ("log(0)", None), ("sqrt(16)", "4"), ("sqrt(neg)", None), ("round(2.567)", "3"),
    ("round(2.567, 1)", "2.6"), ("floor(haversine(0, 0, 0, 180))", "20015"), ("toNumber('12.5')", "12.5"),
    ("toInt(2.9)", "2"), ("toLong('-2.9')", "-2"), ("toDouble('1e3')", "1000"), ("toNumber(s)", None),
    ("hexToDec(hex)", "255"), ("hexToDec('0x1F')", "31"), ("decToHex(255)", "0xff"), ("decToHex(-255.9)", "-0xff"), ("decToHex(0)", "0x0"), ("toInt(3000000000)", None), ("hexToDec('zz')", None),
    # General.
    ("ispresent(n)", "1"), ("ispresent(missing)", "0"), ("ispresent(nothing)", "0"), ("coalesce(missing, s)", "seven"),
    ("coalesce(missing, nothing)", None), ("case(n > 10, 'big', n > 5, 'middle', 'small')", "middle"),
    ("case(n > 10, 'big')", None), ("if(n > 5, 1, 0)", "1"), ("if(missing > 5, 1, 0)", "0"), ("isNumeric(n)", "1"),
    ("isNumeric(s)", "0"), ("isNumeric('nan')", "0"), ("messageSize()", str(len(EVENT))),
    ("queryStartTime()", "1700000000000"), ("queryEndTime()", "1700003599999"), ("messageSize(s)", "5"), ("messageSize('é')", "2"),
    ("queryTimeRange()", "3599999"),
    # Texts; the substr examples are the documentation's.
    ("isempty(empty)", "1"), ("isempty(missing)", "1"), ("isempty(s)", "0"), ("isblank('  ')", "1"), ("isblank(s)", "0"),
    ("concat('a', n, 'b')", "a7b"), ("ltrim(padded)", "x "), ("rtrim(padded)", "  x"), ("trim(padded)", "x"),
    ("trim('xyabyx', 'xy')", "ab"), ("ltrim('xxab', 'x')", "ab"), ("rtrim('abxx', 'x')", "ab"), ("strlen(s)", "5"),
    ("strlen('é')", "1"), ("toupper(s)", "SEVEN"), ("tolower('ABC')", "abc"), ("substr('xyZfooxyZ', 3)", "fooxyZ"),
    ("substr('xyZfooxyZ', 3, 3)", "foo"), ("substr(s, 99)", ""), ("replace('foo.baz.baz', 'baz', 'bar')", "foo.bar.bar"),
    ("regexReplace('a1b22', /[0-9]+/, '#')", "a#b#"), ("regexReplace('k=v', '(\\w)=(\\w)', '$2=$1')", "v=k"),
    ("strcontains(s, 'eve')", "1"), ("strcontains(s, 'x')", "0"), ("strcontains(s, 'EVE')", "0"), ("strcontains(s, 'EVE', true)", "1"), ("strcontains(s, 'EVE', false)", "0"),
    ("md5(s)", "bb3aec0fdcdbc2974890f805c585d432"), ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), ("startsWith(s, 'sev')", "1"), ("endsWith(s, 'en')", "1"),
    ("split('a,b', ',')", '["a","b"]'), ("urlencode('a b&c')", "a%20b%26c"), ("urldecode('a%20b')", "a b"),
    ("base64encode('hi')", "aGk="), ("base64decode('aGk=')", "hi"), ("base64decode('!')", None),
    ("hexToAscii('6869')", "hi"), ("hexToAscii('zz')", None),
    # JSON: fields by dots and indices, documents parsed.
    ("list.1", "two"), ("list[2]", "3"), ("object.c.d", "deep"), ("object.`a.b`", "1"), ("`dotted.key`", "whole"),
    ("jsonParse(doc)", '{"k": [10, 20]}'), ("jsonStringify(jsonParse(doc))", '{"k": [10, 20]}'),
    ("jsonStringify(s)", '"seven"'), ("jsonStringify(object.c)", '{"d":"deep"}'), ("jsonStringify(list)", '[1,"two",3]'), ("jsonArraySize('[1,2,3]')", "3"), ("jsonArraySize(s)", None),
    ("jsonArraySize(jsonParse('{}'))", None), ("jsonArrayContains('[\"a\",\"b\"]', 'b')", "1"),
    ("jsonArrayContains('[1,2]', 3)", "0"), ("jsonParse(s)", None),
    # Times.
    ("bin(5m)", "2023-11-14 22:10:00.000"), ("bin(1h)", "2023-11-14 22:00:00.000"), ("bin(30s)", "2023-11-14 22:13:00.000"),
    ("bin(1d)", "2023-11-14 00:00:00.000"), ("bin(1w)", "2023-11-13 00:00:00.000"), ("bin(1mo)", "2023-11-01 00:00:00.000"),
    ("bin(1q)", "2023-10-01 00:00:00.000"), ("bin(1y)", "2023-01-01 00:00:00.000"), ("bin(10 minutes)", "2023-11-14 22:10:00.000"),
    ("datefloor(@timestamp, 1h)", "2023-11-14 22:00:00.000"), ("dateceil(@timestamp, 1h)", "2023-11-14 23:00:00.000"),
    ("dateceil(bin(1h), 1h)", "2023-11-14 22:00:00.000"), ("fromMillis(0)", "1970-01-01 00:00:00.000"),
    ("toMillis(@timestamp)", "1700000000000"), ("now()", "1700000005"), ("@timestamp - 1", "1699999999999"),
    ("parseDate(when, 'yyyy-MM-dd HH:mm:ss')", "1709296245000"),
    ("parseDate(when, '%Y-%m-%d %H:%M:%S')", "1709296245000"),
    ("parseDate(when, 'yyyy-MM-dd HH:mm:ss', 'Europe/Berlin')", "1709292645000"), ("parseDate(s, 'yyyy')", None),
    ("formatDate(@timestamp, 'yyyy/MM/dd')", "2023/11/14"), ("strftime(@timestamp, '%H:%M')", "22:13"),
    ("formatDate(@timestamp, 'HH', 'Asia/Tokyo')", "07"), ("fromMillis(1e300)", None),
    # Addresses; the subnets are the documentation's.
    ("isValidIp(ip)", "1"), ("isValidIp(ip6)", "1"), ("isValidIp(s)", "0"), ("isValidIpV4(ip)", "1"), ("isValidIpV4(ip6)", "0"),
    ("isValidIpV4('256.1.1.1')", "0"), ("isValidIpV6(ip6)", "1"), ("isValidIpV6('1::2::3')", "0"), ("isValidIpV6('::')", "1"),
    ("isValidIpV6('1:2:3:4:5:6:7')", "0"), ("isValidIpV6('::ffff:10.0.0.1')", "1"), ("isIpInSubnet(ip, '192.0.2.0/24')", "1"),
    ("isIpInSubnet(ip6, '2001:db8::/32')", "1"), ("isIpInSubnet(ip, '2001:db8::/32')", "0"),
    ("isIpv4InSubnet('192.0.3.1', '192.0.2.0/24')", "0"), ("isIpv6InSubnet('2001:db9::1', '2001:db8::/32')", "0"),
    ("isIpv6InSubnet('::ffff:10.1.2.3', '::ffff:0:0/96')", "1"), ("isIpv4InSubnet(missing, '10.0.0.0/8')", "0"),
    ("ipv4ToNumber('1.2.3.4')", "16909060"), ("ipv4ToNumber('1.2.3.400')", None), ("isPrivateIP('10.1.1.1')", "1"),
    ("isPrivateIP('fd00::1')", "1"), ("isPrivateIP('8.8.8.8')", "0"), ("isPublicIP('8.8.8.8')", "1"), ("isPublicIP(ip)", "0"),
    ("isReservedIP('127.0.0.1')", "1"), ("isReservedIP('::1')", "1"), ("isReservedIP('8.8.8.8')", "0"),
    ("unmask(s)", "seven"),
    # A bin has 60 seconds, 60 minutes or 24 hours at most; a map is no text.
    ("bin(300s)", "2023-11-14 22:13:00.000"), ("bin(90m)", "2023-11-14 22:00:00.000"), ("datefloor(1700000000000, 48h)", "2023-11-14 00:00:00.000"),
    ("toupper(jsonParse('{\"a\": 1}'))", None), ("toupper(jsonParse('{\"a\": \"b\"}'))", None),
]  # fmt: skip


def test_every_expression_gives_what_the_documentation_says(run):
    wrong = []
    for written, expected in TABLE:
        rows = run(f"fields {written} as found", [EVENT])
        if rows[0].get("found") != expected:
            wrong.append((written, expected, rows[0].get("found")))
    assert wrong == []


def test_every_function_is_in_the_table():
    written = " ".join(expression.lower() for expression, _ in TABLE)
    assert [name for name in FUNCTIONS if f"{name}(" not in written] == []


@pytest.mark.parametrize(
    ("written", "part", "message"),
    [
        ("abs(1, 2)", "abs(1, 2)", "abs takes 1 argument"),
        ("abs()", "abs()", "abs takes 1 argument"),
        ("nosuch(n)", "nosuch(n)", "unknown function nosuch"),
        ("isIpInSubnet(ip, 'x')", "'x'", "'x' is not a subnet in CIDR notation"),
        ("isIpv4InSubnet(ip, '::/0')", "'::/0'", "isIpv4InSubnet does not take an IPv6 subnet"),
        ("bin(5)", "5", "a period must be a number and a unit, such as 5m"),
        ("s like /(/", "/(/", "invalid regular expression: missing ): ("),
        ("formatDate(@timestamp, 'QQQQ')", "'QQQQ'", "unknown date format 'QQQQ'"),
        ("formatDate(@timestamp, '%Q')", "'%Q'", "unknown date format '%Q'"),
        ("formatDate(@timestamp, '%Y', 'Nowhere')", "'Nowhere'", "unknown time zone 'Nowhere'"),
        ("regexReplace(s, n, 'x')", "n", "a regular expression must be a string"),
        ("5m", "5m", "this cannot stand here"),
    ],
)
def test_a_wrong_argument_is_pointed_at(run, written, part, message):
    query = f"fields {written}"
    with pytest.raises(QueryError) as refused:
        run(query, [EVENT])
    assert refused.value.message == message
    start = query.rindex(part)
    assert refused.value.span == (start, start + len(part))
