"""Managed and inline policies: documents, sizes, versions, attachments and their listings."""

import urllib.parse

import botocore.session
import pytest

from tests.services.iam.asking import allow, deny, padded, policy, refused, trust

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture
def owner(iam, fresh, request):
    """Makes a user, group or role; returns the parameter that names it."""

    def make(kind):
        name, member = fresh(kind), f"{kind.title()}Name"
        more = {"AssumeRolePolicyDocument": trust(Service="ec2.amazonaws.com")} if kind == "role" else {}
        getattr(iam, f"create_{kind}")(**{member: name}, **more)
        return {member: name}

    return make


KINDS = ("user", "group", "role")


@pytest.mark.parametrize("kind", KINDS)
def test_inline_policies_are_kept_as_they_were_given(iam, owner, kind):
    who = owner(kind)
    text = policy(allow("logs:*", "arn:aws:logs:*:*:log-group:a b+c%/*"))
    put, get = getattr(iam, f"put_{kind}_policy"), getattr(iam, f"get_{kind}_policy")
    put(**who, PolicyName="one", PolicyDocument=text)
    put(**who, PolicyName="two", PolicyDocument=policy(allow("iam:*")))
    put(**who, PolicyName="two", PolicyDocument=policy(allow("sts:*")))
    found = get(**who, PolicyName="one")
    assert found["PolicyDocument"]["Statement"][0]["Resource"] == "arn:aws:logs:*:*:log-group:a b+c%/*"
    assert get(**who, PolicyName="two")["PolicyDocument"]["Statement"][0]["Action"] == "sts:*"
    listing = getattr(iam, f"list_{kind}_policies")
    assert listing(**who)["PolicyNames"] == ["one", "two"]
    assert listing(**who, MaxItems=1)["IsTruncated"]
    remove = getattr(iam, f"delete_{kind}_policy")
    remove(**who, PolicyName="one")
    expected = ("NoSuchEntity", f"The {kind} policy with name one cannot be found.")
    assert refused(get, **who, PolicyName="one") == expected
    assert refused(remove, **who, PolicyName="one") == expected


def test_documents_go_out_percent_encoded(cloud, iam, owner):
    who, text = owner("user"), policy(allow("logs:*", "arn:aws:logs:*:*:log-group:a b~c/ü*"))
    iam.put_user_policy(**who, PolicyName="p", PolicyDocument=text)
    session = botocore.session.get_session()
    raw = session.create_client(
        "iam",
        region_name="us-east-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id=cloud.access_key_id,
        aws_secret_access_key=cloud.secret_access_key,
    )
    seen = []
    raw.meta.events.register_first(
        "after-call.iam.GetUserPolicy", lambda parsed, **_: seen.append(parsed["PolicyDocument"])
    )
    raw.get_user_policy(**who, PolicyName="p")
    assert seen == [urllib.parse.quote(text, safe="")]


@pytest.mark.parametrize(("kind", "limit"), [("user", 2048), ("group", 5120), ("role", 10240)])
def test_inline_policies_share_a_room_in_which_white_space_is_free(iam, owner, kind, limit):
    who, put = owner(kind), getattr(iam, f"put_{kind}_policy")
    put(**who, PolicyName="half", PolicyDocument=padded(limit // 2))
    put(**who, PolicyName="rest", PolicyDocument=padded(limit - limit // 2).replace(" ", " \n "))
    code, message = refused(put, **who, PolicyName="more", PolicyDocument=policy(allow("logs:*")))
    name = next(iter(who.values()))
    assert (code, message) == (
        "LimitExceeded",
        f"Maximum policy size of {limit} bytes exceeded for {kind} {name}",
    )
    assert refused(put, **who, PolicyName="rest", PolicyDocument=padded(limit - limit // 2 + 1))[0] == code


def test_a_managed_policy_has_its_own_room(iam, fresh):
    name = fresh("policy")
    code, message = refused(iam.create_policy, PolicyName=name, PolicyDocument=padded(6145))
    assert (code, message) == ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
    iam.create_policy(PolicyName=name, PolicyDocument=padded(6144))


def test_a_trust_policy_has_its_own_room(iam, fresh):
    names = [f"service-{number:04}.amazonaws.com" for number in range(100)]
    asked = {"RoleName": fresh("role"), "AssumeRolePolicyDocument": trust(Service=names)}
    assert refused(iam.create_role, **asked) == (
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "Syntax errors in policy."),
        ("{}", "Syntax errors in policy."),
        ('{"Statement":{"Effect":"Allow"}}', "Policy document must be version 2012-10-17 or greater."),
        # What AWS finds when it reads the document again comes after, wherever it stands.
        (policy(allow("logs"), {"Effect": "deny"}), "The policy failed legacy parsing"),
        (
            policy(allow("s3:*", "arn:aws:s3:eu-west-1::b")),
            "Resource arn:aws:s3:eu-west-1::b can not contain region",
        ),
        (
            policy(allow("iam:*", "arn:aws:iam::1:bucket")),
            'IAM resource path must either be "*" or start with user/',
        ),
        (policy(allow("s3:*", "arn:aws")), "Resource vendor must be fully qualified"),
        (policy(allow("s3:*", "arn:aws::::b")), "The policy failed legacy parsing"),
        (policy(), "Syntax errors in policy."),
        (policy({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (policy({"Effect": "Allow", "Action": "logs:*"}), "Policy statement must contain resources."),
        (policy(allow("logs")), "Actions/Conditions must be prefaced by a vendor"),
        (policy(allow("logs:*", "bucket")), 'Resource bucket must be in ARN format or "*".'),
        (policy(allow("logs:*"), allow("x:*", Principal="*")), "should not specify a principal"),
        (policy(allow("logs:*"), allow("iam:*", Condition={"Like": {}})), "Syntax errors in policy."),
    ],
)
@pytest.mark.parametrize("where", ["inline", "managed", "version"])
def test_a_malformed_document_is_refused_everywhere(iam, owner, fresh, document, words, where):
    if where == "inline":
        call, more = iam.put_user_policy, {**owner("user"), "PolicyName": "p"}
    elif where == "managed":
        call, more = iam.create_policy, {"PolicyName": fresh("policy")}
    else:
        made = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=policy(allow("logs:*")))
        call, more = iam.create_policy_version, {"PolicyArn": made["Policy"]["Arn"]}
    code, message = refused(call, PolicyDocument=document, **more)
    assert code == "MalformedPolicyDocument"
    assert words in message
    assert "statement 1" not in message, "AWS's words stand alone"


def test_versions_count_on_and_five_are_kept(iam, fresh):
    document = policy(allow("logs:*"))
    made = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=document, Description="d")["Policy"]
    arn = made["Arn"]
    assert (made["DefaultVersionId"], made["AttachmentCount"]) == ("v1", 0)
    assert made["PolicyId"].startswith("ANPA")
    for number in range(2, 6):
        version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=number == 3)
        assert version["PolicyVersion"]["VersionId"] == f"v{number}"
    code, message = refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document)
    assert code == "LimitExceeded"
    assert "can have up to 5 versions" in message
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in listed] == ["v5", "v4", "v3", "v2", "v1"]
    assert [version["IsDefaultVersion"] for version in listed] == [False, False, True, False, False]
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v3") == (
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
    )
    assert "more than one version" in refused(iam.delete_policy, PolicyArn=arn)[1]
    for version in ("v1", "v2", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    assert refused(iam.get_policy_version, PolicyArn=arn, VersionId="v1")[0] == "NoSuchEntity"
    again = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)["PolicyVersion"]
    assert again["VersionId"] == "v6"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v6")
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.")


def test_a_policy_name_is_taken_on_every_path(iam, fresh):
    name, document = fresh("policy"), policy(allow("logs:*"))
    iam.create_policy(PolicyName=name, Path="/a/", PolicyDocument=document)
    assert refused(iam.create_policy, PolicyName=name.upper(), PolicyDocument=document) == (
        "EntityAlreadyExists",
        f"A policy called {name.upper()} already exists. Duplicate names are not allowed.",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_attached_policies_are_counted_and_found(iam, owner, fresh, kind):
    who = owner(kind)
    name = fresh("policy")
    arn = iam.create_policy(PolicyName=name, Path="/p/", PolicyDocument=policy(allow("logs:*")))["Policy"][
        "Arn"
    ]
    attach, detach = getattr(iam, f"attach_{kind}_policy"), getattr(iam, f"detach_{kind}_policy")
    listing = getattr(iam, f"list_attached_{kind}_policies")
    for _ in range(2):
        attach(**who, PolicyArn=arn)
    attach(**who, PolicyArn=READ_ONLY)
    assert listing(**who, PathPrefix="/p/")["AttachedPolicies"] == [{"PolicyName": name, "PolicyArn": arn}]
    assert len(listing(**who)["AttachedPolicies"]) == 2
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    found = iam.list_entities_for_policy(PolicyArn=arn)
    sizes = {one: len(found[f"Policy{one.title()}s"]) for one in KINDS}
    assert sizes == {one: int(one == kind) for one in KINDS}
    assert found[f"Policy{kind.title()}s"][0][f"{kind.title()}Name"] == next(iter(who.values()))
    assert refused(iam.delete_policy, PolicyArn=arn) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    detach(**who, PolicyArn=arn)
    assert refused(detach, **who, PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.")
    iam.delete_policy(PolicyArn=arn)


@pytest.mark.parametrize("kind", KINDS)
def test_ten_policies_are_attached_at_most(iam, owner, fresh, kind):
    who, attach = owner(kind), getattr(iam, f"attach_{kind}_policy")
    arns = [
        iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=policy(allow("logs:*")))["Policy"]["Arn"]
        for _ in range(11)
    ]
    for arn in arns[:10]:
        attach(**who, PolicyArn=arn)
    assert refused(attach, **who, PolicyArn=arns[10]) == (
        "LimitExceeded",
        f"Cannot exceed quota for PoliciesPer{kind.title()}: 10",
    )


@pytest.mark.parametrize(
    ("arn", "code", "words"),
    [
        ("arn:aws:iam::aws:policy/NoSuchPolicy", "NoSuchEntity", "does not exist or is not attachable."),
        ("arn:aws:iam::999999999999:policy/Other", "NoSuchEntity", "does not exist or is not attachable."),
        ("arn:aws:iam::aws:role/AdministratorAccess", "InvalidInput", "is not valid."),
        ("not-an-arn-but-long-enough", "ValidationError", "Invalid ARN:  Could not be parsed!"),
    ],
)
def test_only_policies_of_the_account_and_of_aws_are_attached(iam, owner, arn, code, words):
    found, message = refused(iam.attach_user_policy, **owner("user"), PolicyArn=arn)
    assert (found, message.endswith(words)) == (code, True)


def test_boundaries_are_counted_apart(iam, owner, fresh):
    arn = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=policy(allow("logs:*")))["Policy"][
        "Arn"
    ]
    user, role = owner("user"), owner("role")
    iam.put_user_permissions_boundary(**user, PermissionsBoundary=arn)
    iam.put_role_permissions_boundary(**role, PermissionsBoundary=arn)
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["AttachmentCount"], found["PermissionsBoundaryUsageCount"]) == (0, 2)
    used = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert len(used["PolicyUsers"]) == len(used["PolicyRoles"]) == 1
    attached = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")
    assert attached["PolicyUsers"] == attached["PolicyRoles"] == []
    bounding = iam.list_policies(PolicyUsageFilter="PermissionsBoundary", Scope="Local")["Policies"]
    assert arn in {one["Arn"] for one in bounding}
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    shown = iam.get_role(**role)["Role"]["PermissionsBoundary"]
    assert shown == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    iam.delete_user_permissions_boundary(**user)
    iam.delete_role_permissions_boundary(**role)
    assert refused(iam.delete_user_permissions_boundary, **user)[0] == "NoSuchEntity"
    iam.delete_policy(PolicyArn=arn)


def test_lists_are_narrowed_by_scope_path_and_use(iam, owner, fresh):
    name = fresh("policy")
    arn = iam.create_policy(PolicyName=name, Path="/mine/", PolicyDocument=policy(allow("logs:*")))["Policy"][
        "Arn"
    ]

    def arns(**asked):
        return {
            one["Arn"]
            for page in iam.get_paginator("list_policies").paginate(**asked)
            for one in page["Policies"]
        }

    assert arn in arns(Scope="Local")
    assert ADMINISTRATOR in arns(Scope="AWS")
    assert arn not in arns(Scope="AWS")
    assert {arn, ADMINISTRATOR} <= arns(PaginationConfig={"PageSize": 3})
    assert arns(PathPrefix="/mine/") == {arn}
    assert arn not in arns(OnlyAttached=True)
    iam.attach_user_policy(**owner("user"), PolicyArn=arn)
    assert arn in arns(OnlyAttached=True, Scope="Local")
    assert arn in arns(PolicyUsageFilter="PermissionsPolicy")
    assert arn not in arns(PolicyUsageFilter="PermissionsBoundary")


def test_aws_s_policies_can_be_read_and_not_changed(iam):
    found = iam.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]
    assert found["PolicyName"] == "AdministratorAccess"
    version = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId=found["DefaultVersionId"])
    assert version["PolicyVersion"]["Document"]["Statement"][0]["Action"] == "*"
    document = policy(allow("logs:*"))
    assert refused(iam.delete_policy, PolicyArn=ADMINISTRATOR)[0] == "AccessDenied"
    asked = {"PolicyArn": ADMINISTRATOR, "PolicyDocument": document}
    assert refused(iam.create_policy_version, **asked)[0] == "AccessDenied"


def test_the_policies_that_grant_a_service_are_found(cloud, iam, owner):
    user, group = owner("user"), owner("group")
    iam.add_user_to_group(**user, **group)
    iam.attach_user_policy(**user, PolicyArn=READ_ONLY)
    iam.put_user_policy(
        **user, PolicyName="own", PolicyDocument=policy(allow("sqs:*"), deny("kms:*"), allow("glue:Get*"))
    )
    iam.attach_group_policy(**group, PolicyArn=ADMINISTRATOR)
    answer = iam.list_policies_granting_service_access(
        Arn=f"arn:aws:iam::{cloud.account}:user/{user['UserName']}",
        ServiceNamespaces=["sqs", "kms", "glue"],
    )
    found = {
        entry["ServiceNamespace"]: [one["PolicyName"] for one in entry["Policies"]]
        for entry in answer["PoliciesGrantingServiceAccess"]
    }
    assert found == {
        "sqs": ["ReadOnlyAccess", "own", "AdministratorAccess"],
        "kms": ["ReadOnlyAccess", "AdministratorAccess"],
        "glue": ["own", "AdministratorAccess"],
    }
    inline, managed = answer["PoliciesGrantingServiceAccess"][2]["Policies"]
    assert inline == {
        "PolicyName": "own",
        "PolicyType": "INLINE",
        "EntityType": "USER",
        "EntityName": user["UserName"],
    }
    assert managed == {
        "PolicyName": "AdministratorAccess",
        "PolicyType": "MANAGED",
        "PolicyArn": ADMINISTRATOR,
    }


def test_each_answer_has_its_own_part_of_a_policy(iam, fresh):
    tags = [{"Key": "a", "Value": "b"}]
    named = {"PolicyDocument": policy(allow("logs:*")), "Description": "what it is for", "Path": "/parts/"}
    made = iam.create_policy(PolicyName=fresh("p"), Tags=tags, **named)["Policy"]
    assert made["Tags"] == tags
    assert "Description" not in made
    plain = iam.create_policy(PolicyName=fresh("p"), PolicyDocument=named["PolicyDocument"])["Policy"]
    assert "Tags" not in plain
    whole = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert (whole["Tags"], whole["Description"]) == (tags, "what it is for")
    assert iam.get_policy(PolicyArn=plain["Arn"])["Policy"]["Tags"] == []
    (listed,) = iam.list_policies(PathPrefix="/parts/")["Policies"]
    assert not {"Tags", "Description"} & listed.keys()
