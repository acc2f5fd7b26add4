"""The website endpoint as browsers see it, by what AWS documents of its differences from the REST endpoint."""

import http.client
import json
import re
from typing import NamedTuple

import pytest

from tests.services.s3.test_access import OPEN, policy
from tests.services.s3.test_objects import refused

INDEX, ERROR = {"IndexDocument": {"Suffix": "index.html"}}, {"ErrorDocument": {"Key": "oops/error.html"}}
IDS = re.compile(r"(RequestId|HostId): [\w+/=-]{20,}</li>")


class Page(NamedTuple):
    """What a visitor got."""

    status: int
    headers: http.client.HTTPMessage
    text: str


@pytest.fixture
def visit(s3_server):
    """Asks for a path of a bucket's site as a browser does."""

    def ask(bucket, path="/", method="GET", *, place="s3-website-us-east-1.localhost", body=None, **headers):
        port = s3_server.endpoint.rpartition(":")[2]
        connection = http.client.HTTPConnection("127.0.0.1", int(port))
        host = {"Host": f"{bucket}.{place}:{port}".removeprefix(".")}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=host | named)
        answer = connection.getresponse()
        page = Page(answer.status, answer.headers, answer.read().decode())
        connection.close()
        return page

    return ask


@pytest.fixture
def site(s3, bucket):
    """A site with a document of each kind, all of which everybody may read; nobody may list it."""
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "s3:GetObject"))
    for key in (
        "index.html",
        "docs/index.html",
        "docs/page",
        "oops/error.html",
        "a b/ü.html",
        "both",
        "both/index.html",
    ):
        s3.put_object(Bucket=bucket, Key=key, Body=f"this is {key}".encode(), ContentType="text/html")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=INDEX)
    return bucket


@pytest.fixture
def listed(s3, site):
    """The site, of which everybody may learn what there is not."""
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{site}/*"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{site}"},
    ]
    s3.put_bucket_policy(Bucket=site, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return site


def page(title, *items, rest=""):
    """The page of an error, word for word as AWS was recorded to answer it."""
    listed = "\n".join(f"<li>{item}</li>" for item in (*items, "RequestId: ...", "HostId: ..."))
    return (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n{listed}\n</ul>\n{rest}"
        "<hr/>\n</body>\n</html>\n"
    )


def blanked(text):
    return IDS.sub(r"\1: ...</li>", text)


def with_site(s3, bucket, *parts, rules=()):
    whole = {name: value for part in parts for name, value in part.items()}
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration=whole | ({"RoutingRules": list(rules)} if rules else {})
    )


@pytest.mark.parametrize(
    "place",
    [
        "s3-website-us-east-1.localhost",
        "s3-website.us-east-1.localhost",
        "s3-website.localhost",
        "s3-website-us-east-1.amazonaws.com",
        "s3-website.localhost.localstack.cloud",
    ],
)
def test_index_document_at_every_name_of_the_endpoint(visit, site, place):
    found = visit(site, place=place)
    assert (found.status, found.text, found.headers["content-type"]) == (
        200,
        "this is index.html",
        "text/html",
    )


def test_index_documents_of_folders(visit, site):
    assert visit(site, "/docs/").text == "this is docs/index.html"
    assert visit(site, "/docs/page?versionId=null&acl").text == "this is docs/page"
    assert visit(site, "/a%20b/%C3%BC.html").text == "this is a b/ü.html"
    found = visit(site, "/docs")
    assert (found.status, found.headers["location"]) == (302, "/docs/")
    assert found.headers["x-amz-error-code"] == "Found"
    assert blanked(found.text) == page("302 Found", "Code: Found", "Message: Resource Found")
    # An object of the name itself comes before the folder.
    assert visit(site, "/both").text == "this is both"
    assert visit(site, "/a%20b").status == 403


def test_what_is_not_there(visit, s3, site, listed):
    found = visit(listed, "/not/there?x=1")
    assert found.status == 404
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["x-amz-error-code"] == "NoSuchKey"
    assert found.headers["x-amz-error-detail-Key"] == "not/there"
    wanted = ("Code: NoSuchKey", "Message: The specified key does not exist.", "Key: not/there")
    assert blanked(found.text) == page("404 Not Found", *wanted)
    assert "Key: empty/index.html" in visit(listed, "/empty/").text
    assert "&lt;script&gt;" in visit(listed, "/%3Cscript%3E").text
    # Who may not list is not told what there is not.
    s3.put_bucket_policy(Bucket=site, Policy=policy(site, "s3:GetObject"))
    found = visit(site, "/not/there")
    assert found.status == 403
    assert blanked(found.text) == page("403 Forbidden", "Code: AccessDenied", "Message: Access Denied")


def test_no_site(visit, s3, bucket):
    name = f"BucketName: {bucket}"
    text = "Message: The specified bucket does not have a website configuration"
    wanted = page("404 Not Found", "Code: NoSuchWebsiteConfiguration", text, name)
    assert blanked(visit(bucket, "/any/key").text) == wanted
    gone = ("Code: NoSuchBucket", "Message: The specified bucket does not exist", "BucketName: not-a-bucket")
    assert blanked(visit("not-a-bucket").text) == page("404 Not Found", *gone)
    nowhere = visit("")
    assert (nowhere.status, nowhere.headers["location"]) == (301, "https://aws.amazon.com/s3/")


def test_another_region(visit, s3, bucket):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=INDEX)
    found = visit(bucket, place="s3-website-eu-west-1.localhost")
    assert (found.status, found.headers["x-amz-error-code"]) == (400, "IncorrectEndpoint")
    assert f"Endpoint: {bucket}.s3-website-us-east-1.localhost" in found.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get_and_head(visit, s3, site, method):
    with_site(s3, site, INDEX, ERROR)
    found = visit(site, "/docs/page", method, body=b"x" * 300_000)
    assert found.status == 405
    text = "Message: The specified method is not allowed against this resource."
    wanted = ("Code: MethodNotAllowed", text, f"Method: {method}", "ResourceType: OBJECT")
    assert blanked(found.text) == page("405 Method Not Allowed", *wanted)
    assert visit(site, "/docs/page").text == "this is docs/page"


def test_head(visit, site):
    found = visit(site, "/docs/", "HEAD")
    assert (found.status, found.headers["content-length"], found.text) == (200, "23", "")
    missing = visit(site, "/missing", "HEAD")
    assert (missing.status, missing.headers["x-amz-error-code"], missing.text) == (403, "AccessDenied", "")


def test_ranges_conditions_and_headers_of_the_object(visit, s3, site):
    s3.put_object(
        Bucket=site, Key="large", Body=b"0123456789" * 30_000, CacheControl="max-age=60", Metadata={"a": "b"}
    )
    found = visit(site, "/large")
    assert found.text == "0123456789" * 30_000
    headers = found.headers
    assert (headers["cache-control"], headers["x-amz-meta-a"]) == ("max-age=60", "b")
    part = visit(site, "/large", Range="bytes=5-7")
    assert (part.status, part.text, part.headers["content-range"]) == (206, "567", "bytes 5-7/300000")
    same = visit(site, "/large", If_None_Match=headers["etag"])
    assert (same.status, same.text, same.headers["etag"]) == (304, "", headers["etag"])
    assert visit(site, "/large", If_Modified_Since=headers["last-modified"]).status == 304
    assert visit(site, "/large", If_Match='"other"').headers["x-amz-error-code"] == "PreconditionFailed"
    beyond = visit(site, "/large", Range="bytes=300000-")
    assert (beyond.status, beyond.headers["x-amz-error-code"]) == (416, "InvalidRange")


def test_error_documents(visit, s3, site, listed):
    with_site(s3, listed, INDEX, ERROR)
    found = visit(listed, "/missing", Range="bytes=0-1", If_None_Match="*")
    assert (found.status, found.text) == (404, "this is oops/error.html")
    assert found.headers["content-type"] == "text/html"
    assert found.headers["x-amz-error-code"] == "NoSuchKey"
    s3.put_bucket_policy(Bucket=site, Policy=policy(site, "s3:GetObject"))
    found = visit(site, "/missing")
    assert (found.status, found.text) == (403, "this is oops/error.html")


def test_an_error_document_that_cannot_be_shown(visit, s3, listed):
    with_site(s3, listed, INDEX, {"ErrorDocument": {"Key": "none.html"}})
    failed = "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n"
    failed += "<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n<li>Key: none.html</li>\n</ul>\n"
    wanted = ("Code: NoSuchKey", "Message: The specified key does not exist.", "Key: missing")
    assert blanked(visit(listed, "/missing").text) == page("404 Not Found", *wanted, rest=failed)


def test_only_what_everybody_may_read(visit, s3, site):
    s3.delete_bucket_policy(Bucket=site)
    assert visit(site).status == 403
    s3.put_bucket_ownership_controls(
        Bucket=site, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    s3.put_object_acl(Bucket=site, Key="index.html", ACL="public-read")
    assert visit(site).text == "this is index.html"
    assert visit(site, "/docs/").status == 403
    s3.put_public_access_block(Bucket=site, PublicAccessBlockConfiguration=OPEN | {"IgnorePublicAcls": True})
    assert visit(site).status == 403
    # A policy speaks for a site's visitors by their address, too.
    here = {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}}
    s3.put_bucket_policy(Bucket=site, Policy=policy(site, "s3:GetObject", **here))
    assert visit(site).status == 200
    there = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    s3.put_bucket_policy(Bucket=site, Policy=policy(site, "s3:GetObject", **there))
    assert visit(site).status == 403


def test_a_signature_opens_nothing_more(visit, s3, site):
    s3.delete_bucket_policy(Bucket=site)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": site, "Key": "index.html"})
    assert visit(site, f"/index.html?{url.partition('?')[2]}").status == 403


def test_buckets_whose_requesters_pay(visit, s3, site):
    s3.put_bucket_request_payment(Bucket=site, RequestPaymentConfiguration={"Payer": "Requester"})
    found = visit(site, x_amz_request_payer="requester")
    assert (found.status, found.headers["x-amz-error-code"]) == (403, "AccessDenied")


def test_all_requests_elsewhere(visit, s3, bucket):
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "example.com"}}
    )
    found = visit(bucket, "/a%20b?q=1")
    assert (found.status, found.headers["location"], found.text) == (301, "http://example.com/a%20b?q=1", "")
    everything = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=everything)
    assert visit(bucket, "/", "HEAD").headers["location"] == "https://example.com/"


def rule(redirect, **condition):
    return {"Redirect": redirect} | ({"Condition": condition} if condition else {})


RULES = [
    rule({"ReplaceKeyWith": "both.html"}, KeyPrefixEquals="gone/", HttpErrorCodeReturnedEquals="404"),
    rule({"ReplaceKeyPrefixWith": "documents/"}, KeyPrefixEquals="docs/"),
    rule({"ReplaceKeyPrefixWith": ""}, KeyPrefixEquals="cut/off/"),
    rule({"ReplaceKeyWith": "folder deleted.html", "HttpRedirectCode": "307"}, KeyPrefixEquals="images/"),
    rule({"HostName": "other.example", "Protocol": "https"}, KeyPrefixEquals="away"),
    rule({"HostName": "api.example", "ReplaceKeyPrefixWith": "made?key="}, HttpErrorCodeReturnedEquals="404"),
    rule({"ReplaceKeyWith": "index.html"}, KeyPrefixEquals="index"),
]


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/gone/x", 301, "{own}/both.html"),
        ("/docs/", 301, "{own}/documents/"),
        ("/docs/x%20y?z=1", 301, "{own}/documents/x%20y"),
        ("/cut/off/test.html", 301, "{own}/test.html"),
        ("/images/x", 307, "{own}/folder%20deleted.html"),
        ("/away/to", 301, "https://other.example/away/to"),
        ("/small/1.png", 301, "http://api.example/made?key=small/1.png"),
        ("/both", 200, None),
        # Rules speak of what was asked for, not of the index document that stands for it.
        ("/", 200, None),
    ],
)
def test_routing_rules(visit, s3, s3_server, listed, path, status, location):
    with_site(s3, listed, INDEX, ERROR, rules=RULES)
    found = visit(listed, path)
    own = f"http://{listed}.s3-website-us-east-1.localhost:{s3_server.endpoint.rpartition(':')[2]}"
    assert found.status == status
    assert found.headers["location"] == (location and location.format(own=own))
    assert status == 200 or found.text == ""


def test_a_rule_without_a_condition_and_rules_by_403(visit, s3, site):
    with_site(s3, site, INDEX, rules=[rule({"ReplaceKeyWith": "login"}, HttpErrorCodeReturnedEquals="403")])
    assert visit(site, "/secret").headers["location"].endswith("/login")
    assert visit(site).status == 200
    with_site(s3, site, INDEX, rules=[rule({"HostName": "new.example"})])
    assert visit(site, "/docs/page").headers["location"] == "http://new.example/docs/page"


def test_redirects_of_objects(visit, s3, site):
    s3.put_object(Bucket=site, Key="old", Body=b"x" * 100_000, WebsiteRedirectLocation="/docs/page")
    found = visit(site, "/old")
    assert (found.status, found.headers["location"], found.text) == (301, "/docs/page", "")
    assert visit(site, "/old", "HEAD").headers["location"] == "/docs/page"
    # The API shows it and does not follow it.
    assert s3.get_object(Bucket=site, Key="old")["WebsiteRedirectLocation"] == "/docs/page"
    s3.put_object(Bucket=site, Key="oops/error.html", WebsiteRedirectLocation="https://example.com/")
    with_site(s3, site, INDEX, ERROR)
    assert visit(site, "/missing").headers["location"] == "https://example.com/"
    s3.delete_bucket_policy(Bucket=site)
    assert visit(site, "/old").status == 403


def test_configurations_that_cannot_be(s3, bucket):
    for bad, said in (
        (rule({"HttpRedirectCode": "300"}), "redirect code (300)"),
        (rule({"HttpRedirectCode": "200"}), "redirect code (200)"),
        (rule({"HostName": "h"}, HttpErrorCodeReturnedEquals="302"), "error code (302)"),
    ):
        configuration = INDEX | {"RoutingRules": [bad]}
        assert refused(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration) == (
            "InvalidRequest",
            400,
        )
        with pytest.raises(s3.exceptions.ClientError, match=re.escape(said)):
            s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)
    many = INDEX | {"RoutingRules": [rule({"HostName": "h"})] * 51}
    assert refused(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=many) == ("InvalidRequest", 400)


def test_a_site_has_its_host_to_itself(visit, s3, listed):
    for path in ("/_coldframe/health", "/console/", "/_console", "/SimpleNotificationService-x.pem"):
        assert visit(listed, path).headers["x-amz-error-code"] == "NoSuchKey"


def test_scripts_of_other_origins(visit, s3, site):
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example"]}]
    s3.put_bucket_cors(Bucket=site, CORSConfiguration={"CORSRules": rules})
    found = visit(site, "/docs/page", Origin="https://app.example")
    assert found.headers["access-control-allow-origin"] == "https://app.example"
    asked = {"Origin": "https://app.example", "Access_Control_Request_Method": "GET"}
    assert visit(site, "/docs/page", "OPTIONS", **asked).status == 200


def test_versions(visit, s3, site):
    s3.put_bucket_versioning(Bucket=site, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=site, Key="index.html", Body=b"newer")
    assert visit(site).text == "newer"
    s3.delete_object(Bucket=site, Key="docs/index.html")
    assert visit(site, "/docs").status == 403
