import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('selection', '0004_replay'),
        ('sharing', '0003_more_than_boards'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='sharelink',
            name='share_link_shows_one_thing',
        ),
        migrations.AddField(
            model_name='sharelink',
            name='replay',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='selection.replay'),
        ),
        migrations.AddConstraint(
            model_name='sharelink',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('board__isnull', False), ('replay__isnull', True), ('selection__isnull', True)), models.Q(('board__isnull', True), ('replay__isnull', True), ('selection__isnull', False)), models.Q(('board__isnull', True), ('replay__isnull', False), ('selection__isnull', True)), _connector='OR'), name='share_link_shows_one_thing'),
        ),
    ]
