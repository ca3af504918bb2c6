"""`make example-tryage`: everything in a folder of its own, which goes at the end."""

import os
import tempfile
from pathlib import Path

import django

_DECIDED = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "S3_BUCKET")


def main() -> None:
    """Set an installation up for this example alone, and print what came of it."""
    with tempfile.TemporaryDirectory(prefix="assay-tryage-") as made:
        folder = Path(made)
        for name in _DECIDED:
            os.environ.pop(name, None)
        os.environ |= {
            "ASSAY_DATA_DIR": str(folder),
            "INFERENCE_MODELS_DIR": str(folder / "models"),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "TOKENIZERS_PARALLELISM": "false",
            "TRANSFORMERS_VERBOSITY": "error",
        }
        django.setup()
        from django.core.management import call_command

        from apps.core.demo.tryage import example

        call_command("migrate", verbosity=0)
        print("Tryage in miniature: four experts, four kinds of text, one router", flush=True)
        results = example.run(folder / "models", lambda line: print(f"  {line}", flush=True))
        print(example.as_table(results))


if __name__ == "__main__":
    main()
