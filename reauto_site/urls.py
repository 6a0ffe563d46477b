"""Every HTTP address of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from calls.admin import costs, promise, variance, what_if
from reauto_site import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/costs/", admin.site.admin_view(costs.costs_page), name="costs"),
    path("admin/costs/promise/", admin.site.admin_view(promise.promise_page), name="costs-promise"),
    path("admin/costs/what-if/", admin.site.admin_view(what_if.what_if_page), name="costs-what-if"),
    path(
        "admin/costs/variance/",
        admin.site.admin_view(variance.variance_page),
        name="costs-variance",
    ),
    path("admin/costs/export/", admin.site.admin_view(costs.costs_export), name="costs-export"),
    path("admin/", admin.site.urls),
    path("twilio/", include("calls.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
]
