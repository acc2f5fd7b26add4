"""Whatever the text of a data protection policy is, it is refused by a fault or can be put in force."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldframe.core.faults import ServiceFault
from coldframe.engines.detector import Detector
from coldframe.services.logs.data_protection_documents import check
from coldframe.services.logs.protection import protection_of

ARN = "arn:aws:dataprotection::aws:data-identifier/"
DETECTOR = Detector("re2")

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
identifiers = st.lists(
    st.one_of(st.sampled_from([f"{ARN}EmailAddress", f"{ARN}Ssn-US", "mine", "yours", ARN]), scalars),
    max_size=3,
)
operations = st.one_of(
    scalars,
    st.just({"Audit": {"FindingsDestination": {}}}),
    st.just({"Deidentify": {"MaskConfig": {}}}),
    st.builds(
        lambda name: {"Audit": {"FindingsDestination": {"CloudWatchLogs": {"LogGroup": name}}}},
        st.one_of(scalars, st.just("findings")),
    ),
)
statements = st.one_of(
    scalars,
    st.builds(lambda found, does: {"DataIdentifier": found, "Operation": does}, identifiers, operations),
)
regexes = st.one_of(scalars, st.text(alphabet="ab[]{}|\\\\*+.^$?-0123456789,", min_size=1, max_size=12))
customs = st.lists(
    st.builds(
        lambda name, regex: {"Name": name, "Regex": regex}, st.sampled_from(["mine", "yours", 5]), regexes
    ),
    max_size=2,
)
alike = st.builds(
    lambda found: [
        {"DataIdentifier": found, "Operation": {"Audit": {"FindingsDestination": {}}}},
        {"DataIdentifier": found, "Operation": {"Deidentify": {"MaskConfig": {}}}},
    ],
    st.lists(st.sampled_from([f"{ARN}EmailAddress", "mine", "yours"]), min_size=1, max_size=3),
)
documents = st.one_of(
    scalars,
    st.fixed_dictionaries(
        {"Statement": st.one_of(scalars, st.lists(statements, max_size=3), alike)},
        optional={
            "Name": scalars,
            "Version": st.one_of(scalars, st.just("2021-06-01")),
            "Configuration": st.one_of(
                scalars, st.builds(lambda found: {"CustomDataIdentifier": found}, customs)
            ),
        },
    ),
)


@given(documents)
@settings(max_examples=400, deadline=None)
def test_refused_or_in_force(document):
    text = json.dumps(document)
    try:
        check(text, DETECTOR)
    except ServiceFault as fault:
        assert fault.code == "InvalidParameterException"
        fault.message.encode()
        return
    found = protection_of(DETECTOR, (text,))
    assert found is not None
    assert found.masked == found.audited


@pytest.mark.parametrize(
    "text", ["", " ", "null", "{" * 5000, "[" * 100_000, "\ufeff{}", '{"a": NaN}', "\ud800"]
)
def test_texts_that_are_no_documents(text):
    with pytest.raises(ServiceFault):
        check(text, DETECTOR)
