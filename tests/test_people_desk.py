"""Users and roles at the desk: who is added can log in, and a role says in words what it may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from reauto_site.roles import roles_sync
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> Client:
    roles_sync()
    user = UserFactory()
    user.groups.add(Group.objects.get(name="Owner"))
    client.force_login(user)
    return client


def test_who_is_added_can_log_in_with_the_role_that_was_ticked(owner: Client) -> None:
    rep = Group.objects.get(name="Rep")
    page = owner.get(reverse("admin:auth_user_add")).content.decode()
    assert "Rep: Their own leads, with calls, recordings, tasks and appointments." in page
    secret = "correct horse battery"
    form = {"username": "ana", "first_name": "Ana", "last_name": "Rivera", "email": "",
            "password1": secret, "password2": secret, "groups": [rep.pk]}  # fmt: skip
    assert owner.post(reverse("admin:auth_user_add"), form).status_code == 302
    ana = User.objects.get(username="ana")
    assert list(ana.groups.all()) == [rep]
    somewhere = Client()
    assert somewhere.login(username="ana", password=secret)
    assert somewhere.get(reverse("admin:index")).status_code == 200
    assert str(ana) == "Ana Rivera"


def test_an_owner_does_not_make_administrators(owner: Client) -> None:
    somebody = UserFactory(username="somebody")
    page = reverse("admin:auth_user_change", args=(somebody.pk,))
    owner.post(page, {"username": "somebody", "is_active": "on", "is_superuser": "on"})
    somebody.refresh_from_db()
    assert not somebody.is_superuser


def test_a_role_of_ones_own_is_ticked_together_in_a_table(owner: Client) -> None:
    page = owner.get(reverse("admin:auth_group_add")).content.decode()
    assert "Add role | REAutomation2" in page
    assert 'aria-label="Can view lead"' in page
    see = Permission.objects.get(codename="view_lead")
    owner.post(reverse("admin:auth_group_add"), {"name": "Interns", "permissions": [see.pk]})
    interns = Group.objects.get(name="Interns")
    assert list(interns.permissions.all()) == [see]
    again = owner.get(reverse("admin:auth_group_change", args=(interns.pk,))).content.decode()
    assert f'value="{see.pk}" aria-label="Can view lead" checked' in again


def test_nothing_outside_the_product_can_be_given(owner: Client) -> None:
    alien = Permission.objects.get(codename="delete_session")
    owner.post(reverse("admin:auth_group_add"), {"name": "Sly", "permissions": [alien.pk]})
    assert not Group.objects.filter(name="Sly").exists()


def test_the_roles_that_ship_say_what_they_may(owner: Client) -> None:
    compliance = Group.objects.get(name="Compliance")
    page = owner.get(reverse("admin:auth_group_change", args=(compliance.pk,))).content.decode()
    assert "Do-not-call numbers" in page
    assert "Can erase a lead for good" in page
    assert 'type="checkbox"' not in page
    listed = owner.get(reverse("admin:auth_group_changelist")).content.decode()
    assert "reads everything else" in listed
    assert "Groups" not in listed
