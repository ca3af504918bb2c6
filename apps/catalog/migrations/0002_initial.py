import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='candidatemodel',
            constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('name'), name='model_name_unique_in_team'),
        ),
        migrations.AddConstraint(
            model_name='candidatemodel',
            constraint=models.CheckConstraint(condition=models.Q(('parameters__isnull', True), ('parameters__gte', 0), _connector='OR'), name='model_parameters_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='dataset',
            constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('name'), name='dataset_name_unique_in_team'),
        ),
        migrations.AddConstraint(
            model_name='datasetversion',
            constraint=models.UniqueConstraint(fields=('dataset', 'number'), name='version_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='modeloutput',
            constraint=models.UniqueConstraint(fields=('version', 'model'), name='output_once_a_version'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.UniqueConstraint(fields=('model', 'valid_from'), name='price_one_a_day'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('per_call__gte', 0), ('per_call__isnull', False)), models.Q(('input_per_million__gte', 0), ('input_per_million__isnull', False), ('output_per_million__gte', 0), ('output_per_million__isnull', False)), _connector='OR'), name='price_whole_and_not_negative'),
        ),
    ]
