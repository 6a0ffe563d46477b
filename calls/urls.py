"""Addresses that the carrier calls."""

from __future__ import annotations

from django.urls import path

from calls import transfer_views, views

urlpatterns = [
    path("voice/<uuid:call>/", views.voice, name="twilio-voice"),
    path("status/<uuid:call>/", views.status, name="twilio-status"),
    path("amd/<uuid:call>/", views.amd, name="twilio-amd"),
    path("recording/<uuid:call>/", views.recording, name="twilio-recording"),
    path("incoming/", views.incoming, name="twilio-incoming"),
    path("leg/<uuid:leg>/", transfer_views.leg_answered, name="twilio-leg-answer"),
    path("leg/<uuid:leg>/key/", transfer_views.leg_pressed, name="twilio-leg-key"),
    path("leg/<uuid:leg>/status/", transfer_views.leg_status, name="twilio-leg-status"),
    path("transfer/<uuid:transfer>/", transfer_views.lead_sent, name="twilio-transfer-lead"),
    path("transfer/<uuid:transfer>/done/", transfer_views.lead_done, name="twilio-transfer-done"),
]
