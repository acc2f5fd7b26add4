"""Every operation of CloudWatch Logs is built or says in a sentence why it is not."""

import pytest
from botocore.exceptions import ClientError

from coldframe.core.service import Service

SERVICE = Service("coldframe.services.logs")


def test_every_operation_is_built_or_has_a_remark():
    operations = set(SERVICE.model.operation_names)
    built, remarks = set(SERVICE.handlers), set(SERVICE.manifest.remarks)
    assert built | remarks == operations
    assert built & remarks == set()
    for text in SERVICE.manifest.remarks.values():
        assert text.endswith(".")
        assert len(text) > 20


def test_permissions_name_operations_and_their_members():
    for operation, template in SERVICE.manifest.permissions.resources.items():
        members = SERVICE.model.operation_model(operation).input_shape.members
        for name in str(template).split("{")[1:]:
            assert name.partition("}")[0] in members, operation


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("describe_deliveries", {}),
    ],
)
def test_what_is_not_built_answers_501(server, method, parameters):
    with pytest.raises(ClientError) as caught:
        getattr(server.client("logs"), method)(**parameters)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "is not built in coldframe" in response["Error"]["Message"]
