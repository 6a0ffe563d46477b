"""A lead who asks for a person: looked for, waited for, put through, or called again."""

from __future__ import annotations

from agents.interface import Action, ActionDone, Silence, TransferReady, Unheard
from agents.tests.talking import opened

ASKS = "can i talk to a real person please"


async def test_a_lead_who_asks_for_a_person_is_told_and_one_is_rung() -> None:
    talk = await opened(transfers=True)
    await talk.says(ASKS)
    assert talk.topics == ["transfer.ring"]
    assert talk.done(Action.TRANSFER) == {"reason": "wants to speak with a person"}
    assert talk.done(Action.HANG_UP) is None


async def test_where_nobody_is_put_through_a_callback_is_arranged() -> None:
    talk = await opened(transfers=False)
    await talk.says(ASKS)
    assert talk.done(Action.TRANSFER) is None
    assert talk.asks == "callback.ask"


async def test_silence_while_waiting_ends_nothing() -> None:
    talk = await opened(transfers=True)
    await talk.says(ASKS)
    for count in range(1, 7):
        await talk.says(Silence(count))
        assert talk.topics == ["transfer.wait"]
        assert talk.done(Action.HANG_UP) is None
    await talk.says(Unheard())
    assert talk.topics == []
    await talk.says("okay")
    assert talk.topics == []


async def test_whoever_takes_the_call_is_named_before_the_lead_is_put_through() -> None:
    talk = await opened(transfers=True)
    await talk.says(ASKS)
    await talk.says(TransferReady("Dana"))
    assert "putting you through to Dana" in talk.words
    assert talk.done(Action.CONNECT) == {}
    assert (await talk.close()).outcome == "transferred"


async def test_when_nobody_takes_it_a_callback_is_arranged() -> None:
    talk = await opened(transfers=True)
    await talk.says(ASKS)
    await talk.says(ActionDone(Action.TRANSFER, ok=False))
    assert talk.topics == ["transfer.nobody", "callback.ask"]
    await talk.says("tomorrow at three")
    await talk.says("yes that is correct")
    assert talk.done(Action.CALLBACK) is not None
    assert (await talk.close()).outcome == "callback"


async def test_asking_again_after_nobody_took_it_rings_nobody_again() -> None:
    talk = await opened(transfers=True)
    await talk.says(ASKS)
    await talk.says(ActionDone(Action.TRANSFER, ok=False))
    await talk.says("i want to talk to a real person")
    assert talk.done(Action.TRANSFER) is None


async def test_opting_out_while_waiting_is_obeyed_at_once() -> None:
    talk = await opened(transfers=True)
    await talk.says(ASKS)
    await talk.says("no take me off your list")
    assert talk.done(Action.OPT_OUT) is not None
    await talk.says(TransferReady("Dana"))
    assert talk.done(Action.CONNECT) is None


async def test_a_supervisor_takes_over_at_any_time_and_the_lead_is_told_first() -> None:
    talk = await opened()
    await talk.says("yes this is a good time")
    await talk.says(TransferReady(""))
    assert "my colleague" in talk.words
    assert talk.done(Action.CONNECT) == {}
