"""Each campaign's number becomes a pool of one, its retry time a rule for every outcome."""

import phonenumber_field.modelfields
from django.db import migrations

# As `calls.policy.cadence` kept it then.
_KINDS = ("no_answer", "busy", "voicemail", "failed", "callback", "hung_up")


def fill(apps, _schema):
    Campaign = apps.get_model("calls", "Campaign")
    CallerNumber = apps.get_model("calls", "CallerNumber")
    for campaign in Campaign.objects.all():
        number, made = CallerNumber.objects.get_or_create(number=campaign.caller_number)
        if made:
            CallerNumber.objects.filter(pk=number.pk).update(created_at=campaign.created_at)
        campaign.numbers.add(number)
        rule = {
            "gap_minutes": min(max(campaign.retry_minutes, 1), 129_600),
            "most": min(campaign.max_attempts, 20),
            "other_part": False,
        }
        campaign.cadence = dict.fromkeys(_KINDS, rule)
        campaign.save(update_fields=["cadence"])


def take_back(apps, _schema):
    """Leave each campaign the first number of its pool, and the wait after an unanswered call."""
    for campaign in apps.get_model("calls", "Campaign").objects.all():
        number = campaign.numbers.order_by("created_at").first()
        if number is not None:
            campaign.caller_number = number.number
        campaign.retry_minutes = campaign.cadence["no_answer"]["gap_minutes"]
        campaign.save(update_fields=["caller_number", "retry_minutes"])


class Migration(migrations.Migration):
    dependencies = [("calls", "0019_campaign_numbers_and_cadence")]

    operations = [
        # Taken back, the column is empty until it is filled.
        migrations.AlterField(
            "campaign",
            "caller_number",
            phonenumber_field.modelfields.PhoneNumberField(
                help_text="The number that leads see.", max_length=128, null=True, region=None
            ),
        ),
        migrations.RunPython(fill, take_back),
    ]
