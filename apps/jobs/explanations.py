"""How the numbers of background work come about."""

from apps.core.explanations import Explanation as E
from apps.core.explanations import register

register(
    "job",
    "Background work",
    "A job's page tells what the database knows of it; nothing is guessed where nothing is known.",
    [
        E("Done, of total", "What the job itself has said so far, in its own units."),
        E(
            "Estimate",
            "The time left at the pace of the present attempt. The range assumes that the rest goes up to "
            "twice as fast or as slow; too early to tell, there is no estimate.",
        ),
        E("Place in the queue", "Jobs of the same queue that run or were queued before this one."),
        E(
            "Last sign of life",
            "A worker renews its lease every few seconds; this is the last time.",
        ),
    ],
    order=70,
)
