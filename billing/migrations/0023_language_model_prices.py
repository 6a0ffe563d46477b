"""A database that is there learns the prices of language models, in their three parts."""

from dataclasses import asdict

from django.db import migrations

from billing.policy.price_list import shipped_prices


def add_prices(apps, schema_editor):
    price_model = apps.get_model("billing", "Price")
    # One price for all of a model's work: nothing was ever charged by it.
    price_model.objects.filter(component="llm", charges__isnull=True).delete()
    for price in shipped_prices():
        if not price.component.startswith("llm_"):
            continue
        values = asdict(price)
        identity = {
            name: values.pop(name)
            for name in ("provider", "component", "region", "model", "valid_from")
        }
        price_model.objects.get_or_create(**identity, defaults=values)


class Migration(migrations.Migration):
    dependencies = [("billing", "0022_language_model_components")]
    operations = [migrations.RunPython(add_prices, migrations.RunPython.noop)]
