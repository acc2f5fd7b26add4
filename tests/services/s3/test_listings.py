"""Listings of a bucket against the plain definition: sorted keys, groups of a delimiter, pages of any size."""

import random

import pytest

from tests.services.s3.test_objects import refused


def fill(s3, bucket, keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")


def expected(keys, prefix="", delimiter="", after=""):
    """Keys and groups, in order, as Amazon's documentation describes them."""
    told = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix):
            continue
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        if end >= 0:
            group = key[: end + len(delimiter)]
            if group not in told and group > after:
                told.append(group)
        elif key > after:
            told.append(key)
    return told


def told(page):
    return sorted(
        [each["Key"] for each in page.get("Contents", [])]
        + [each["Prefix"] for each in page.get("CommonPrefixes", [])],
        key=str.encode,
    )


KEYS = [
    "a",
    "a/",
    "a/1",
    "a/2",
    "a/b/3",
    "a0",
    "b/1",
    "b/2",
    "c//d",
    "c/e",
    "d\U0010ffff",
    "z",
    "ä/1",
    "日/本",
]


@pytest.fixture(scope="module")
def filled(s3_server):
    s3 = s3_server.client("s3")
    s3.create_bucket(Bucket="listed")
    fill(s3, "listed", KEYS)
    return "listed"


@pytest.mark.parametrize("prefix", ["", "a", "a/", "c/", "none", "日"])
@pytest.mark.parametrize("delimiter", ["", "/", "//", "b"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages(s3, filled, prefix, delimiter, size):
    wanted = expected(KEYS, prefix, delimiter)
    arguments = {"Bucket": filled, "Prefix": prefix, "MaxKeys": size} | (
        {"Delimiter": delimiter} if delimiter else {}
    )
    got, more = [], {}
    while True:
        page = s3.list_objects_v2(**arguments, **more)
        assert page["KeyCount"] == len(told(page)) <= size
        got += told(page)
        if not page["IsTruncated"]:
            break
        more = {"ContinuationToken": page["NextContinuationToken"]}
    assert got == wanted
    got, more = [], {}
    while True:
        page = s3.list_objects(**arguments, **more)
        got += told(page)
        if not page["IsTruncated"]:
            break
        more = {"Marker": page.get("NextMarker") or told(page)[-1]}
    assert got == wanted


@pytest.mark.parametrize("after", ["a", "a/1", "a/zzz", "b", "c/", "ä"])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_start_after(s3, filled, after, delimiter):
    more = {"Delimiter": delimiter} if delimiter else {}
    page = s3.list_objects_v2(Bucket=filled, StartAfter=after, **more)
    if not delimiter:
        assert told(page) == expected(KEYS, after=after)
    else:
        # A group is told if any of its keys is behind the marker.
        behind = [key for key in KEYS if key > after]
        assert told(page) == [one for one in expected(behind, delimiter="/") if one != after]
    assert page["StartAfter"] == after


def test_what_a_listing_says(s3, bucket):
    fill(s3, bucket, ["k"])
    [content] = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"]
    assert (content["Size"], content["StorageClass"]) == (0, "STANDARD")
    assert len(content["Owner"]["ID"]) == 64
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    assert refused(s3.list_objects_v2, Bucket=bucket, ContinuationToken="made up") == ("InvalidArgument", 400)
    assert refused(s3.list_objects_v2, Bucket="not-a-bucket-here") == ("NoSuchBucket", 404)


def test_many_keys_in_pages_of_random_size(s3, bucket):
    rng = random.Random(4)
    keys = {"".join(rng.choice("ab/é") for _ in range(rng.randint(1, 6))) for _ in range(60)}
    fill(s3, bucket, keys)
    for _ in range(25):
        prefix = "".join(rng.choice("ab/é") for _ in range(rng.randint(0, 2)))
        delimiter = rng.choice(["", "/", "a", "b/"])
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket,
            Prefix=prefix,
            Delimiter=delimiter,
            PaginationConfig={"PageSize": rng.randint(1, 9)},
        )
        got = [one for page in pages for one in told(page)]
        assert got == expected(keys, prefix, delimiter)


def test_versions(s3, new_bucket):
    bucket = new_bucket(versioned=True)
    ids = {}
    for key in ("a", "b/1", "b/2"):
        ids[key] = [
            s3.put_object(Bucket=bucket, Key=key, Body=str(n).encode())["VersionId"] for n in range(3)
        ]
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
    whole = s3.list_object_versions(Bucket=bucket)
    assert [(each["Key"], each["VersionId"]) for each in whole["Versions"]] == [
        (key, version) for key in ids for version in reversed(ids[key])
    ]
    assert [(each["VersionId"], each["IsLatest"]) for each in whole["DeleteMarkers"]] == [(marker, True)]
    assert [each["IsLatest"] for each in whole["Versions"]] == [False] * 3 + [True, False, False] * 2
    got, more = [], {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=2, **more)
        rows = page.get("Versions", []) + page.get("DeleteMarkers", [])
        got += [each["VersionId"] for each in rows]
        if not page["IsTruncated"]:
            break
        more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert sorted(got) == sorted([marker, *(version for versions in ids.values() for version in versions)])
    grouped = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in grouped["CommonPrefixes"]] == ["b/"]
