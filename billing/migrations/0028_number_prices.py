"""A database that has its prices already learns what it costs to rent a number."""

from dataclasses import asdict

from django.db import migrations

from billing.policy.price_list import shipped_prices


def add_prices(apps, schema_editor):
    price_model = apps.get_model("billing", "Price")
    for price in shipped_prices():
        if price.component != "number":
            continue
        values = asdict(price)
        identity = {
            name: values.pop(name)
            for name in ("provider", "component", "region", "model", "valid_from")
        }
        price_model.objects.get_or_create(**identity, defaults=values)


class Migration(migrations.Migration):
    dependencies = [("billing", "0027_number_rents_and_rounding")]
    operations = [migrations.RunPython(add_prices, migrations.RunPython.noop, elidable=False)]
