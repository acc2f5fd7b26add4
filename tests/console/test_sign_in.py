"""Signing in and out: keys, passwords, wrong ones, sessions that end, and forms from elsewhere."""

import http.client
import re
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.console.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.xdist_group("browser")


def send(cloud, method, path, *, form=None, cookie="", **headers):
    """One request as a program sends it; answers status, headers and text."""
    connection = http.client.HTTPConnection(urlsplit(cloud.endpoint).netloc, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie:
        headers["cookie"] = cookie
    body = None
    if form is not None:
        body = urlencode(form)
        headers["content-type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


SAME = {"sec_fetch_site": "same-origin"}


def signed_in(cloud, **form):
    """A session's cookie and token."""
    form = form or {"key": cloud.access_key_id, "secret": cloud.secret_access_key}
    status, headers, _ = send(cloud, "POST", "/console/sign-in", form=form, **SAME)
    assert status == 303
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    cookie = cookie.partition(";")[0]
    _, _, page = send(cloud, "GET", "/console/jobs", cookie=cookie)
    return cookie, re.search(r'name="token" value="([^"]+)"', page)[1]


def test_every_page_asks_to_sign_in_first(visitor, cloud):
    guest = visitor(None)
    guest.go("/logs/log-groups")
    assert (
        guest.page.url == f"{cloud.endpoint}/console/sign-in?to={quote('/console/logs/log-groups', safe='')}"
    )
    assert "/app/service" not in guest.page.content()


def test_a_form_of_a_session_that_is_over_is_said_to_be_unsent(cloud):
    path = "/console/iam/users/do/CreateUser"
    status, headers, _ = send(cloud, "POST", path, form={"UserName": "unsent"}, **SAME)
    assert status == 303
    _, _, page = send(cloud, "GET", headers["location"])
    assert "what you sent was not done" in page
    assert f'name="to" value="{path}"' in page


def test_a_key_pair_signs_in_and_leads_back(visitor, cloud):
    guest = visitor(None)
    guest.go("/logs/log-groups")
    guest.page.fill("[name=key]", cloud.access_key_id)
    guest.page.fill("[name=secret]", cloud.secret_access_key)
    guest.page.click("#by-key button")
    guest.page.wait_for_url("**/console/logs/log-groups")
    assert guest.text("h1") == "Log groups"


def test_a_wrong_secret_is_refused_and_not_shown_again(visitor, cloud):
    guest = visitor(None)
    guest.go("/sign-in")
    guest.page.fill("[name=key]", cloud.access_key_id)
    guest.page.fill("[name=secret]", "no such secret")
    guest.page.click("#by-key button")
    assert "wrong" in guest.text(".problem")
    assert "no such secret" not in guest.page.content()


def test_a_user_signs_in_with_a_password(visitor, cloud):
    reader = visitor("reader")
    assert reader.text(".who summary").startswith("reader")
    stranger = visitor(None)
    sign_in(stranger, cloud, "reader", "Wrong-horse-7")
    assert "incorrect" in stranger.text(".problem")


def test_signing_out(visitor):
    root = visitor()
    root.page.click(".who summary")
    root.page.click(".who button")
    root.page.wait_for_url("**/console/sign-in")
    root.go("/jobs")
    assert "/sign-in" in root.page.url


def test_a_session_ends_an_hour_after_its_last_request(cloud):
    cookie, _ = signed_in(cloud)
    cloud.clock.advance(59 * 60)
    status, headers, _ = send(cloud, "GET", "/console/jobs", cookie=cookie)
    assert status == 200
    newer = headers["set-cookie"].partition(";")[0]
    cloud.clock.advance(2 * 60)
    assert send(cloud, "GET", "/console/jobs", cookie=cookie)[0] == 303
    assert send(cloud, "GET", "/console/jobs", cookie=newer)[0] == 200


def test_a_session_ends_with_the_key_or_password_it_came_from(cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="leaver")
    iam.create_login_profile(UserName="leaver", Password=PASSWORD)
    key = iam.create_access_key(UserName="leaver")["AccessKey"]
    by_key, _ = signed_in(cloud, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    by_password, _ = signed_in(cloud, account=cloud.account, user="leaver", password=PASSWORD)
    iam.update_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert send(cloud, "GET", "/console/jobs", cookie=by_key)[0] == 303
    cloud.clock.advance(2)
    iam.update_login_profile(UserName="leaver", Password="Another-horse-8")
    assert send(cloud, "GET", "/console/jobs", cookie=by_password)[0] == 303


@pytest.mark.parametrize(
    "change", [lambda text: text[:-2] + "AA", lambda text: text[:60], lambda _: "coldframe-console=%00"]
)
def test_a_cookie_that_was_not_made_here(cloud, change):
    cookie, _ = signed_in(cloud)
    assert send(cloud, "GET", "/console/jobs", cookie=change(cookie))[0] == 303


def test_forms_need_their_token_and_their_own_site(cloud):
    cookie, token = signed_in(cloud)
    path, form = "/console/logs/log-groups/do/CreateLogGroup", {"logGroupName": "/forged"}
    assert send(cloud, "POST", path, form=form, cookie=cookie, **SAME)[0] == 403
    assert send(cloud, "POST", path, form={**form, "token": "x" * 32}, cookie=cookie, **SAME)[0] == 403
    whole = {**form, "token": token}
    assert send(cloud, "POST", path, form=whole, cookie=cookie, sec_fetch_site="cross-site")[0] == 403
    assert send(cloud, "POST", path, form=whole, cookie=cookie, origin="http://elsewhere.example")[0] == 403
    assert send(cloud, "POST", path, form=whole, cookie=cookie)[0] == 403
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/forged")["logGroups"]
    assert groups == []
    assert send(cloud, "POST", path, form=whole, cookie=cookie, **SAME)[0] == 303
    assert cloud.client("logs").describe_log_groups(logGroupNamePrefix="/forged")["logGroups"]


@pytest.mark.parametrize(
    "to",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/console/../x//y",
        "/other",
        "/console\\@elsewhere",
    ],
)
def test_a_sign_in_leads_nowhere_else(cloud, to):
    form = {"key": cloud.access_key_id, "secret": cloud.secret_access_key, "to": to}
    _, headers, _ = send(cloud, "POST", "/console/sign-in", form=form, **SAME)
    assert headers["location"] == "/console"


def test_too_many_wrong_passwords_close_the_door_for_a_while(cloud):
    wrong = {"account": cloud.account, "user": "guessed", "password": "Guess-work-1"}
    cloud.client("iam").create_user(UserName="guessed")
    cloud.client("iam").create_login_profile(UserName="guessed", Password=PASSWORD)
    for _ in range(20):
        assert send(cloud, "POST", "/console/sign-in", form=wrong, **SAME)[0] == 403
    right = {**wrong, "password": PASSWORD}
    status, _, text = send(cloud, "POST", "/console/sign-in", form=right, **SAME)
    assert (status, "too many" in text) == (403, True)
    cloud.clock.advance(301)
    assert send(cloud, "POST", "/console/sign-in", form=right, **SAME)[0] == 303


def test_what_every_answer_says_to_the_browser(cloud):
    for path in ("/console", "/console/sign-in", "/console/static/x/console.css", "/console/nowhere"):
        _, headers, _ = send(cloud, "GET", path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_a_bucket_of_that_name_is_still_a_bucket(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="console")
    s3.put_object(Bucket="console", Key="jobs", Body=b"mine")
    assert s3.get_object(Bucket="console", Key="jobs")["Body"].read() == b"mine"
    # Longer than the other tests turn the server's clock forward.
    named = {"Bucket": "console", "Key": "jobs"}
    url = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=86400)
    parts = urlsplit(url)
    status, _, text = send(cloud, "GET", f"{parts.path}?{parts.query}")
    assert (status, text) == (200, "mine")
