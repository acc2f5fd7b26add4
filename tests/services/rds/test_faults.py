"""Faults are those of botocore's model: every name that the code raises is a shape of it, and lists raise their own."""

import ast
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

import coldframe.services.rds
from tests.services.rds.test_refusals import ABSENT

MODEL = botocore.session.get_session().get_service_model("rds")
# Whom other services ask for something answers in their words.
OFFERED = {"rotating.py": botocore.session.get_session().get_service_model("secretsmanager")}
# What AWS's query services answer beyond their models.
COMMON = {"InvalidParameterValue", "InvalidParameterCombination", "MissingParameter"}


def raised():
    """Every name that is given to ServiceFault, or to a record as its missing or duplicate fault."""
    for path in Path(coldframe.services.rds.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "ServiceFault" and isinstance(node.args[0], ast.Constant):
                yield path.name, node.args[0].value
            for each in node.keywords if node.func.id == "record" else ():
                if each.arg in {"missing", "duplicate"}:
                    yield path.name, ast.literal_eval(each.value)[0]


def test_every_fault_is_one_of_the_model():
    found = set(raised())
    assert len(found) > 40
    unknown = {
        (path, name) for path, name in found if name not in COMMON | set(OFFERED.get(path, MODEL).shape_names)
    }
    assert unknown == set()


@pytest.mark.parametrize("operation", ABSENT)
def test_what_a_list_does_not_find_is_a_fault_of_its_own(operation):
    names = {xform_name(name): name for name in MODEL.operation_names}
    errors = MODEL.operation_model(names[operation]).error_shapes
    codes = {shape.metadata.get("error", {}).get("code", shape.name) for shape in errors}
    assert ABSENT[operation][1] in codes
