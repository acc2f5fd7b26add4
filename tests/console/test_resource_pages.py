"""Resource pages made from console.toml: every list, a page of one, and forms that act and refuse."""

import pytest

from coldframe.console.resources.catalog import Catalog
from coldframe.core.client_errors import ClientError
from tests.console.conftest import until

TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}'

pytestmark = pytest.mark.xdist_group("browser")


def test_every_kind_of_resource_has_its_list(visitor, cloud):
    cloud.client("organizations").create_organization(FeatureSet="ALL")
    root = visitor()
    for entry in Catalog(cloud.assembly.services).entries.values():
        for resource in entry.description.resources:
            if resource.parent:
                continue
            status = root.go(f"/{entry.name}/{resource.name}")
            assert (entry.name, resource.name, status) == (entry.name, resource.name, 200)
            assert root.text("h1") == resource.title
            assert root.page.locator(".problem").count() == 0, root.text(".problem")


def test_every_operation_and_member_of_a_console_toml_is_aws(cloud):
    for entry in Catalog(cloud.assembly.services).entries.values():
        model = entry.service.model
        for resource in entry.description.resources:
            for operation in filter(None, (resource.listing, resource.get)):
                assert operation in entry.service.handlers, f"{entry.name}: {operation}"
            bound = {resource.listing: resource.list_bind, resource.get: resource.get_bind}
            actions = [each for each in (resource.create, resource.delete, *resource.actions) if each]
            for action in actions:
                assert action.operation in entry.service.handlers, f"{entry.name}: {action.operation}"
                bound[action.operation] = {
                    **action.bind,
                    **dict.fromkeys((*action.asks, *action.defaults), ""),
                }
            for operation, members in bound.items():
                if operation:
                    known = model.operation_model(operation).input_shape.members
                    assert set(members) <= set(known), f"{entry.name}: {operation}"


def test_create_change_and_delete(visitor, cloud):
    root, logs = visitor(), cloud.client("logs")
    root.go("/logs/log-groups")
    root.page.click("text=Create log group")
    root.page.fill("[name=logGroupName]", "/made/by-hand")
    root.page.fill("[name=tags]", "team=blue\nstage=test")
    root.page.click(".ends button")
    root.page.wait_for_url("**/console/logs/log-groups")
    made = logs.describe_log_groups(logGroupNamePrefix="/made/by-hand")["logGroups"][0]
    tags = logs.list_tags_for_resource(resourceArn=made["logGroupArn"])["tags"]
    assert tags == {"team": "blue", "stage": "test"}
    root.page.click("a:has-text('/made/by-hand')")
    root.page.click("text=Set retention")
    root.page.fill("[name=retentionInDays]", "7")
    root.page.click(".ends button")
    root.page.wait_for_url("**/item?id=*")
    assert (
        logs.describe_log_groups(logGroupNamePrefix="/made/by-hand")["logGroups"][0]["retentionInDays"] == 7
    )
    root.page.click("a.danger")
    root.page.check(".line input")
    root.page.click(".ends button")
    root.page.wait_for_url("**/console/logs/log-groups")
    assert logs.describe_log_groups(logGroupNamePrefix="/made/by-hand")["logGroups"] == []


def test_bad_input_comes_back_at_its_field_with_awss_words(visitor, cloud):
    root = visitor()
    root.go("/logs/log-groups/do/CreateLogGroup")
    root.page.fill("[name=logGroupName]", "no spaces!")
    root.page.fill("[name=tags]", "a=b")
    root.page.click(".ends button")
    with pytest.raises(ClientError) as refused:
        cloud.client("logs").create_log_group(logGroupName="no spaces!")
    words = refused.value.response["Error"]["Message"]
    assert root.text(".field.wrong .problem") == words
    assert root.page.input_value("[name=logGroupName]") == "no spaces!"
    assert root.page.input_value("[name=tags]") == "a=b"
    assert root.page.get_attribute("[name=logGroupName]", "aria-invalid") == "true"


def test_what_is_no_number_json_or_pair_is_said_at_its_field(visitor):
    root = visitor()
    root.go("/logs/log-groups/do/PutRetentionPolicy?id=%2Fapp%2Fservice-0")
    root.page.fill("[name=retentionInDays]", "a week")
    root.page.click(".ends button")
    assert "no number" in root.text(".field.wrong .problem")
    root.go("/logs/log-groups/do/PutMetricFilter?id=%2Fapp%2Fservice-0")
    root.page.fill("[name=filterName]", "f")
    root.page.fill("[name=metricTransformations]", "{")
    root.page.click(".ends button")
    assert "no JSON" in root.text(".field.wrong .problem")


def test_a_denied_user_sees_the_denial_and_no_data(visitor):
    reader = visitor("reader")
    assert reader.go("/logs/log-groups") == 200
    assert "/app/service-1" in reader.page.content()
    assert reader.go("/iam/users") == 403
    assert "not authorized to perform: iam:ListUsers" in reader.text(".problem")
    reader.go("/logs/log-groups/do/CreateLogGroup")
    reader.page.fill("[name=logGroupName]", "/by/reader")
    reader.page.click(".ends button")
    assert "not authorized to perform: logs:CreateLogGroup" in reader.text(".problem")
    assert reader.go("/jobs") == 403
    assert "coldframe:ListJobs" in reader.text(".problem")


def test_text_from_the_api_is_never_markup(visitor, cloud):
    nasty = "<img src=x onerror=alert(1)>"
    cloud.client("iam").create_role(
        RoleName="nasty",
        Description=nasty,
        AssumeRolePolicyDocument=TRUST,
    )
    root = visitor()
    root.go("/iam/roles")
    assert nasty in root.text("main")
    assert root.page.locator("main img").count() == 0


def test_search_finds_services_and_resources_by_keyboard(visitor):
    root = visitor()
    root.go()
    root.page.keyboard.press("/")
    root.page.keyboard.type("service-2")
    until(lambda: root.page.locator("#found li", has_text="/app/service-2").count())
    root.page.keyboard.press("Enter")
    root.page.wait_for_url("**/logs/log-groups/item?id=*")
    assert root.text("h1") == "/app/service-2"


def test_many_of_a_kind_do_not_hide_the_others(visitor, cloud):
    data = [{"MetricName": f"payments-{number}", "Value": 1.0} for number in range(20)]
    cloud.client("cloudwatch").put_metric_data(Namespace="Hidden", MetricData=data)
    cloud.client("logs").create_log_group(logGroupName="/hidden/by/payments")
    root = visitor()
    root.go()
    root.page.fill("#find", "hidden payments")
    root.page.locator("#found li", has_text="/hidden/by/payments").wait_for()
    root.page.locator("#found a", has_text="Hidden/payments-0/").click()
    assert root.text("h1") == "Hidden/payments-0/"


def test_the_region_is_chosen(visitor, cloud):
    cloud.client("logs", region="eu-west-1").create_log_group(logGroupName="/only/there")
    root = visitor()
    root.go("/logs/log-groups")
    assert "/only/there" not in root.page.content()
    root.page.select_option("[name=region]", "eu-west-1")
    root.page.locator("a", has_text="/only/there").wait_for()


def test_long_lists_go_on_from_page_to_page(visitor, cloud):
    logs = cloud.client("logs", region="ap-southeast-2")
    names = [f"/many/{number:03}" for number in range(103)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    root = visitor()
    root.go("/logs/log-groups")
    root.page.select_option("[name=region]", "ap-southeast-2")
    until(lambda: root.page.locator("tbody tr").count() == 100)
    seen = root.page.locator("tbody th").all_inner_texts()
    root.page.click("text=Next page")
    until(lambda: root.page.locator("tbody tr").count() == 3)
    seen += root.page.locator("tbody th").all_inner_texts()
    assert seen == names


def test_nothing_there(visitor):
    root = visitor()
    assert root.go("/logs/log-groups/item?id=absent") == 404
    assert root.go("/logs/nothing") == 404
    assert root.go("/nowhere") == 404
    assert root.go("/logs/log-groups/do/DropTables") == 404
