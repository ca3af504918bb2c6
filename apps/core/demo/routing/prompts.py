"""Short questions whose right answers are computed here: what the demo's routing example is made of."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

MONTHS = list(calendar.month_name)[1:]
WEEKDAYS = list(calendar.day_name)
SYLLABLES = [
    "ba",
    "co",
    "di",
    "fel",
    "gran",
    "ka",
    "lu",
    "mar",
    "ni",
    "or",
    "pel",
    "qua",
    "ro",
    "sil",
    "ta",
    "um",
    "ver",
    "zi",
]
UNITS = (
    ("kilometres", "metres", 1000),
    ("metres", "centimetres", 100),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("kilograms", "grams", 1000),
    ("feet", "inches", 12),
    ("dozens", "pieces", 12),
    ("gallons", "pints", 8),
)
LANGUAGES = {
    "English": "the house stands near a river and we walk there with our friends every morning",
    "German": "das haus steht nahe an einem fluss und wir gehen jeden morgen mit freunden dorthin",
    "French": "la maison se trouve près de la rivière et nous y allons chaque matin avec des amis",
    "Spanish": "la casa está cerca de un río y cada mañana caminamos hasta allí con los amigos",
    "Italian": "la casa si trova vicino al fiume e ogni mattina camminiamo fino a lì con gli amici",
}
GOOD = [
    "excellent",
    "charming",
    "superb",
    "quick",
    "helpful",
    "delightful",
    "solid",
    "clever",
    "warm",
    "tasty",
]
BAD = [
    "dreadful",
    "slow",
    "broken",
    "rude",
    "bland",
    "dull",
    "noisy",
    "dirty",
    "useless",
    "overpriced",
]
THINGS = [
    "service",
    "kitchen",
    "room",
    "staff",
    "camera",
    "battery",
    "screen",
    "story",
    "music",
    "menu",
]


@dataclass(frozen=True)
class Question:
    """A prompt, its one right answer, and the kind of task it belongs to."""

    text: str
    answer: str
    task: str


def arithmetic(random: Random) -> tuple[str, object]:
    top = random.choice((10, 30, 100, 1000))
    a, b = sorted((random.randrange(1, top), random.randrange(1, top)), reverse=True)
    return random.choice(
        (
            (f"What is {a} plus {b}?", a + b),
            (f"{a} + {b} = ?", a + b),
            (f"What is {a} minus {b}?", a - b),
            (f"Subtract {b} from {a}.", a - b),
            (f"What is {a} times {b}?", a * b),
            (f"What is the remainder of {a} divided by {b}?", a % b),
            (f"Which is larger, {a} or {b}?", a),
        )
    )


def units(random: Random) -> tuple[str, object]:
    source, target, factor = random.choice(UNITS)
    count = random.randrange(2, random.choice((10, 100)))
    return random.choice(
        (
            (f"How many {target} are {count} {source}?", count * factor),
            (f"Convert {count} {source} to {target}.", count * factor),
            (f"Convert {count * factor} {target} to {source}.", count),
        )
    )


def dates(random: Random) -> tuple[str, object]:
    year, month = random.randrange(1900, 2100), random.randrange(12)
    steps, day = random.randrange(1, 30), random.randrange(7)
    return random.choice(
        (
            (
                f"How many days has {MONTHS[month]} {year}?",
                calendar.monthrange(year, month + 1)[1],
            ),
            (f"Is {year} a leap year?", "yes" if calendar.isleap(year) else "no"),
            (f"Which day comes {steps} days after {WEEKDAYS[day]}?", WEEKDAYS[(day + steps) % 7]),
            (
                f"Which month comes {steps} months after {MONTHS[month]}?",
                MONTHS[(month + steps) % 12],
            ),
        )
    )


def strings(random: Random) -> tuple[str, object]:
    word = "".join(random.choices(SYLLABLES, k=random.randrange(2, 5)))
    letter = random.choice(word)
    return random.choice(
        (
            (f"How many letters has the word {word}?", len(word)),
            (f"What is the last letter of {word}?", word[-1]),
            (f"How often is the letter {letter} in {word}?", word.count(letter)),
            (f"Spell {word} backwards.", word[::-1]),
        )
    )


def python(random: Random) -> tuple[str, object]:
    numbers = [random.randrange(1, 20) for _ in range(random.randrange(2, 5))]
    a, b = random.randrange(10, 100), random.randrange(2, 10)
    expression = random.choice(
        (
            f"len({numbers})",
            f"max({numbers})",
            f"sum({numbers})",
            f"{a} // {b}",
            f"{a} % {b}",
            f"{a} > {b * 10}",
        )
    )
    # Made four lines above, of numbers alone.
    return f"What does {expression} give in Python?", eval(expression, {})  # noqa: S307


def sentiment(random: Random) -> tuple[str, object]:
    good = random.random() < 0.5
    mine, other = (GOOD, BAD) if good else (BAD, GOOD)
    praise = [(random.choice(THINGS), random.choice(mine)) for _ in range(2)]
    praise.insert(random.randrange(3), (random.choice(THINGS), random.choice(other)))
    said = ", ".join(f"{word} {thing}" for thing, word in praise)
    return f"Is this review positive or negative? {said}.", "positive" if good else "negative"


def language(random: Random) -> tuple[str, object]:
    name = random.choice(list(LANGUAGES))
    words = LANGUAGES[name].split()
    picked = " ".join(random.sample(words, random.randrange(1, 5)))
    return f"Which language is this: {picked}", name


TASKS: dict[str, Callable[[Random], tuple[str, object]]] = {
    task.__name__: task for task in (arithmetic, units, dates, strings, python, sentiment, language)
}


def questions(count: int, *, seed: int) -> list[Question]:
    """`count` different questions in random order, of each task as many as of any other, or one more."""
    random = Random(seed)
    found: dict[str, Question] = {}
    for place in range(count):
        task = list(TASKS)[place % len(TASKS)]
        while len(found) <= place:
            text, answer = TASKS[task](random)
            found.setdefault(text, Question(text, str(answer), task))
    made = list(found.values())
    random.shuffle(made)
    return made
