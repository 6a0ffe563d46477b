"""Every write to campaigns and calls.

The life of a call, and the module that does each step (states: `calls.policy.lifecycle`):

1. `campaigns` starts a campaign and enrols leads; `dialer` claims one, asks the gate, reserves the
   money and dials; `leases` and `pace` keep it to one dialer and to the carrier's pace.
2. `webhooks` takes what the carrier says, `inbound` takes calls to us; `ending.call_advance`
   applies it.
3. `streams` lets the media stream in and hands voice a `LiveCall`. While the call runs, voice
   writes through `record`, `actions` and `metering`; `notices` tell it what others want of the
   call; `ending.call_hang_up` ends it.
4. `ending.call_finish` gives the final state and promises the after-call work in the `outbox`.
5. `aftercall` settles everything and frees the lead; `carrier_recordings` fetches the sound that
   the carrier made. `watchdog` finds the calls for which any of this did not happen.

Voice's order at the end of a call: `notes_record`, `recording_store`, `call_meter`, and
`stream_closed` last, because after-call work waits for it.
"""
