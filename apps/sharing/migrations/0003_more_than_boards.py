import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def content_of_snapshots(apps, schema_editor):
    """A frozen link names the content of its snapshot."""
    link = apps.get_model("sharing", "ShareLink").objects.filter(snapshot__isnull=False)
    snapshots = apps.get_model("leaderboards", "Snapshot").objects.filter(pk=OuterRef("snapshot"))
    link.update(blob=Subquery(snapshots.values("blob")[:1]))


def snapshots_of_content(apps, schema_editor):
    """Only boards can be shared before this migration: links to other things end."""
    links = apps.get_model("sharing", "ShareLink").objects
    links.filter(board__isnull=True).delete()
    snapshots = apps.get_model("leaderboards", "Snapshot").objects.filter(
        board=OuterRef("board"), blob=OuterRef("blob")
    )
    links.exclude(blob="").update(snapshot=Subquery(snapshots.values("pk")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('leaderboards', '0002_initial'),
        ('selection', '0001_initial'),
        ('sharing', '0002_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='sharelink',
            name='blob',
            field=models.CharField(blank=True, max_length=64, default=''),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='sharelink',
            name='board',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='leaderboards.board'),
        ),
        migrations.AddField(
            model_name='sharelink',
            name='selection',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='share_links', to='selection.selectionsession'),
        ),
        migrations.RunPython(content_of_snapshots, snapshots_of_content),
        migrations.RemoveField(
            model_name='sharelink',
            name='snapshot',
        ),
        migrations.AddConstraint(
            model_name='sharelink',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('board__isnull', False), ('selection__isnull', True)), models.Q(('board__isnull', True), ('selection__isnull', False)), _connector='OR'), name='share_link_shows_one_thing'),
        ),
    ]
