"""`manage.py doctor`: the usual mistakes of an installation, each with one sentence of what to do.

Rooms add examinations of their own in their `doctor.py`. An examination looks, changes nothing that
stays, and returns what it found; one that fails itself has found something.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.core import health

LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.05
MOST_SKEW_SECONDS = 2.0
SHORTEST_KEY = 50


@dataclass(frozen=True)
class Complaint:
    """Something wrong: what, what to do about it, and whether it must be mended (or only should)."""

    what: str
    remedy: str
    grave: bool = True


Examination = Callable[[], Iterable[Complaint]]
_examinations: list[tuple[str, Examination]] = []


def register(name: str) -> Callable[[Examination], Examination]:
    """Decorator: the doctor makes this examination, and says that it is well where nothing is found."""

    def keep(examination: Examination) -> Examination:
        _examinations.append((name, examination))
        return examination

    return keep


def examine() -> Iterable[tuple[str, list[Complaint]]]:
    """The name of each examination and what it found."""
    for name, examination in _examinations:
        try:
            found = list(examination())
        except Exception as error:
            found = [
                Complaint(
                    f"this could not be looked at ({type(error).__name__}: {error})",
                    "Mend what is complained of above first, then ask again.",
                )
            ]
        yield name, found


@register("database")
def database() -> Iterable[Complaint]:
    try:
        connection.ensure_connection()
    except Exception as error:
        yield Complaint(
            f"the database does not answer ({type(error).__name__})",
            "Start it, and check the host, name and password in DATABASE_URL.",
        )
        return
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        yield Complaint(
            f"{len(missing)} migrations are missing, the first is {missing[0][0]}",
            "Run `manage.py migrate` before the web servers and workers of this release start.",
        )


@register("clock")
def clock() -> Iterable[Complaint]:
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        there = cursor.fetchone()[0]
    skew = abs((datetime.now(UTC) - there).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        yield Complaint(
            f"this machine's clock and the database's differ by {skew:.0f} s",
            "Let both keep time by NTP: leases of jobs and ends of links are compared with both.",
        )


@register("address")
def address() -> Iterable[Complaint]:
    site = urlsplit(settings.SITE_URL)
    host = site.hostname or ""
    if site.scheme not in ("http", "https") or not host:
        yield Complaint(
            f"SITE_URL is no address: {settings.SITE_URL!r}",
            "Set it to what people type, such as https://assay.example.org.",
        )
        return
    if site.path.strip("/") or site.query:
        yield Complaint(
            f"SITE_URL has a path: {settings.SITE_URL}",
            "Leave scheme, host and port alone: Assay stands at the top of its host.",
        )
    if not _allowed(host):
        yield Complaint(
            f"SITE_URL's host {host} is not among ALLOWED_HOSTS",
            "Add it there, or every link that is mailed answers 400.",
        )
    if not settings.EMBEDDED and _is_loopback(host):
        yield Complaint(
            f"SITE_URL is {settings.SITE_URL}, which leads others to their own machines",
            "Set it to the public address: invitations and share links are made from it.",
        )


@register("debug")
def debug() -> Iterable[Complaint]:
    if settings.DEBUG:
        yield Complaint(
            "DEBUG is on, and an error shows settings and data to whoever meets it",
            "Take DEBUG out of the environment.",
        )


@register("secret key")
def secret_key() -> Iterable[Complaint]:
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield Complaint(
            f"SECRET_KEY has fewer than {SHORTEST_KEY} characters",
            "Set 50 random ones; everybody has to sign in anew then.",
        )
    kept = Path(settings.DATA_DIR) / "secret_key"
    if kept.exists() and kept.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Complaint(f"others on this machine may read {kept}", f"Run `chmod 600 {kept}`.")


@register("encryption")
def encryption() -> Iterable[Complaint]:
    site = urlsplit(settings.SITE_URL)
    if site.scheme == "http" and not _is_loopback(site.hostname or ""):
        yield Complaint(
            "passphrases and data cross the network in the open: SITE_URL begins with http://",
            "Put a proxy that ends TLS before Assay and set SITE_URL to https://….",
        )
    if site.scheme == "https" and not settings.SECURE_PROXY_SSL_HEADER:
        yield Complaint(
            "SITE_URL is https, and X-Forwarded-Proto is not believed",
            "Set BEHIND_PROXY=true where a proxy ends TLS, or every page redirects to itself.",
            grave=False,
        )
    base = settings.DATABASES["default"]
    far = base.get("HOST", "") and not _is_loopback(base["HOST"]) and "." in base["HOST"]
    if far and (base.get("OPTIONS") or {}).get("sslmode") not in (
        "require",
        "verify-ca",
        "verify-full",
    ):
        yield Complaint(
            f"the connection to the database at {base['HOST']} may be in the open",
            "Add ?sslmode=verify-full to DATABASE_URL (or require, inside a trusted network).",
            grave=False,
        )


@register("data folder")
def data_folder() -> Iterable[Complaint]:
    folder = Path(settings.DATA_DIR)
    if not (settings.EMBEDDED or _keeps_files_here()):
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Complaint(
            f"the data folder {folder} cannot be written ({error.strerror})",
            "Set ASSAY_DATA_DIR to a folder that the user running Assay may write.",
        )
        return
    usage = shutil.disk_usage(folder)
    if usage.free < max(LEAST_FREE_BYTES, LEAST_FREE_SHARE * usage.total):
        yield Complaint(
            f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.0f} are free where the data lie",
            "Make room (`manage.py gc` takes away files that nothing uses), or move the folder.",
            grave=usage.free < LEAST_FREE_BYTES,
        )


@register("file storage")
def storage() -> Iterable[Complaint]:
    found = health.storage()
    if not found.ok:
        yield Complaint(
            f"files cannot be kept: {found.detail}", "Check the bucket, its keys and its address."
        )


@register("broker")
def broker() -> Iterable[Complaint]:
    try:
        health.broker()
    except OSError as error:
        yield Complaint(
            f"the broker does not answer ({error})",
            "Start it and check BROKER_URL; jobs wait meanwhile, none is lost.",
        )
        return
    if settings.EMBEDDED:
        return
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        yield Complaint(
            "BROKER_URL is not set, so that only workers of this machine are woken",
            "Set it to amqp://… (RabbitMQ) or redis://….",
            grave=False,
        )
    elif settings.CELERY_BROKER_URL.startswith(("redis:", "rediss:")):
        yield from _redis()


def _redis() -> Iterable[Complaint]:
    import redis

    with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=5) as server:
        try:
            policy = server.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
        except redis.ResponseError:  # a hosted one does not tell
            return
    if policy not in ("noeviction", "volatile-lru", "volatile-lfu", "volatile-ttl"):
        yield Complaint(
            f"the broker's Redis throws keys away when it is full (maxmemory-policy {policy})",
            "Give the broker a Redis of its own with `maxmemory-policy noeviction`.",
        )


@register("cache")
def cache() -> Iterable[Complaint]:
    backend = settings.CACHES["default"]["BACKEND"]
    if not settings.EMBEDDED and backend.endswith(("LocMemCache", "DummyCache")):
        yield Complaint(
            "each process counts failed sign-ins for itself: CACHE_URL is not set",
            "Set CACHE_URL to a cache that all web servers share, such as redis://host:6379/0.",
        )


@register("mail")
def mail() -> Iterable[Complaint]:
    if not settings.EMBEDDED and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield Complaint(
            "invitations and lost passphrases are printed on the terminal, not mailed",
            "Set EMAIL_URL, such as smtp+tls://user:password@host:587.",
            grave=False,
        )


@register("style and scripts")
def static_files() -> Iterable[Complaint]:
    if not settings.EMBEDDED and not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        yield Complaint(
            f"nothing was collected in {settings.STATIC_ROOT}, so that every page fails",
            "Run `manage.py collectstatic --noinput` once a release.",
        )


@register("metrics")
def metrics() -> Iterable[Complaint]:
    if settings.EMBEDDED:
        return
    if not settings.METRICS_TOKEN:
        yield Complaint(
            "/metrics answers nobody", "Set METRICS_TOKEN and give it to Prometheus.", grave=False
        )
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if folder and not os.access(folder, os.W_OK):
        yield Complaint(
            f"the folder of PROMETHEUS_MULTIPROC_DIR cannot be written: {folder}",
            "Make it, empty and for the user running Assay, or every process fails at its start.",
        )


def _allowed(host: str) -> bool:
    names = settings.ALLOWED_HOSTS
    return any(
        name == "*" or name.strip("[]") == host or (name[:1] == "." and f".{host}".endswith(name))
        for name in names
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _keeps_files_here() -> bool:
    return "S3" not in settings.BLOB_STORAGE["BACKEND"]
