"""The check against Twilio's own document finds what is not as documented."""

from __future__ import annotations

import json

import pytest

from calls.tests.twilio_document import NotAsDocumented, check_answer, check_request, operation

CALLS = "https://api.twilio.com/2010-04-01/Accounts/AC0/Calls.json"
GOOD = {"To": "+15125550100", "From": "client:rep_1", "Url": "https://crm.example/voice/"}


def test_a_good_request_passes() -> None:
    form = {**GOOD, "TimeLimit": 600, "Record": True, "StatusCallbackEvent": ["initiated"]}
    check_request("POST", CALLS, form=form, query={})


@pytest.mark.parametrize(
    "fault",
    [
        {"Timelimit": 600},  # no such field
        {"TimeLimit": "ten"},
        {"Method": "FETCH"},
        {"To": "the lead"},
        {"ApplicationSid": "AP1"},
    ],
)
def test_a_faulty_request_is_found(fault: dict[str, object]) -> None:
    with pytest.raises(NotAsDocumented):
        check_request("POST", CALLS, form={**GOOD, **fault}, query={})


def test_a_request_without_what_is_required_is_found() -> None:
    with pytest.raises(NotAsDocumented, match="From"):
        check_request("POST", CALLS, form={"To": "+15125550100"}, query={})


def test_an_unknown_filter_of_a_list_is_found() -> None:
    check_request("GET", CALLS, form={}, query={"To": "+15125550100", "PageSize": 20})
    with pytest.raises(NotAsDocumented):
        check_request("GET", CALLS, form={}, query={"Since": "yesterday"})


@pytest.mark.parametrize("fault", [{"sid": "CA1"}, {"status": "asleep"}, {"date_created": 5}])
def test_a_faulty_answer_is_found(fault: dict[str, object]) -> None:
    call = {"sid": "CA" + "0" * 32, "status": "queued", "to": "+15125550100"}
    check_answer("POST", CALLS, status=201, body=json.dumps(call))
    with pytest.raises(NotAsDocumented):
        check_answer("POST", CALLS, status=201, body=json.dumps({**call, **fault}))


def test_an_address_that_twilio_does_not_have_is_found() -> None:
    with pytest.raises(NotAsDocumented):
        operation("POST", CALLS.replace("Calls", "Telegrams"))
