"""A policy's answer and the batches under way: nothing is stored in clear after PutDataProtectionPolicy has answered."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from coldframe.engines.logstore.store import LogStore
from tests.services.logs.conftest import policy


@pytest.mark.parametrize("way", ["group", "account"])
def test_a_policy_answers_after_the_batches_that_did_not_know_of_it(logs, monkeypatch, way):
    logs.put("warm")
    store = logs.server.installation.parts.get(LogStore)
    begun, go_on, order = threading.Event(), threading.Event(), []
    append = store.append

    def slow(group, stream, events, *cover):
        begun.set()
        assert go_on.wait(20)
        stored = append(group, stream, events, *cover)
        order.append("stored")
        return stored

    def protect():
        client = logs.server.client("logs")
        if way == "group":
            client.put_data_protection_policy(logGroupIdentifier="app", policyDocument=policy("EmailAddress"))
        else:
            client.put_account_policy(
                policyName="p", policyType="DATA_PROTECTION_POLICY", policyDocument=policy("EmailAddress")
            )
        order.append("answered")

    monkeypatch.setattr(store, "append", slow)
    with ThreadPoolExecutor(2) as threads:
        put = threads.submit(logs.put, "under way ann@example.com")
        assert begun.wait(20)
        answered = threads.submit(protect)
        with pytest.raises(TimeoutError):
            answered.result(0.5)
        go_on.set()
        put.result(20)
        answered.result(20)
    assert order == ["stored", "answered"]
    logs.put("after ann@example.com")
    events = logs.client.get_log_events(logGroupName="app", logStreamName="one", startFromHead=True)["events"]
    assert events[-1]["message"] == "after ***************"
