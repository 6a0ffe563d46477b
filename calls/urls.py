"""Addresses that the carrier calls."""

from __future__ import annotations

from django.urls import path

from calls import views

urlpatterns = [
    path("voice/<uuid:call>/", views.voice, name="twilio-voice"),
    path("status/<uuid:call>/", views.status, name="twilio-status"),
    path("amd/<uuid:call>/", views.amd, name="twilio-amd"),
    path("recording/<uuid:call>/", views.recording, name="twilio-recording"),
    path("incoming/", views.incoming, name="twilio-incoming"),
]
