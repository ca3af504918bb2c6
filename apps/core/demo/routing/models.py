"""Six small models that answer the questions, trained on other questions: cheap, dear, narrow, broad."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from apps.core.demo.routing.prompts import Question

NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[^\W\d_]+|//|[+*%<>=-]")


class Answerer(Protocol):
    """A model: it learns from questions with their answers, then answers others."""

    about: str

    def fit(self, questions: Sequence[Question]) -> None:
        """Learn."""

    def answer(self, texts: Sequence[str]) -> list[str]:
        """An answer for each text."""


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


class Bayes:
    """Naive Bayes over words, among the most frequent answers."""

    about = "Naive Bayes over words; it knows the 60 most frequent answers"

    def fit(self, questions: Sequence[Question]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.naive_bayes import MultinomialNB

        frequent = {a for a, _ in Counter(q.answer for q in questions).most_common(60)}
        kept = [q for q in questions if q.answer in frequent]
        self._counts: Any = CountVectorizer(analyzer=_words)
        self._model: Any = MultinomialNB(alpha=0.1)
        self._model.fit(self._counts.fit_transform(q.text for q in kept), [q.answer for q in kept])

    def answer(self, texts: Sequence[str]) -> list[str]:
        return [str(found) for found in self._model.predict(self._counts.transform(texts))]


class Calculator:
    """A least-squares fit to the numbers in the text, one for each wording."""

    about = "A least-squares fit to the numbers for each wording it has seen; answers whole numbers"

    def fit(self, questions: Sequence[Question]) -> None:
        seen: dict[str, list[Question]] = defaultdict(list)
        for question in questions:
            if question.answer.isdigit():
                seen[_wording(question.text)].append(question)
        self._fits: dict[str, NDArray[np.float64]] = {}
        for wording, kept in seen.items():
            terms = np.array([_terms(q.text) for q in kept])
            targets = np.array([float(q.answer) for q in kept])
            weights = 1 / (1 + targets)  # small answers count as much as large ones
            found = np.linalg.lstsq(terms * weights[:, None], targets * weights, rcond=1e-9)[0]
            self._fits[wording] = np.asarray(found, float)

    def answer(self, texts: Sequence[str]) -> list[str]:
        fits = (self._fits.get(_wording(text)) for text in texts)
        pairs = zip(fits, texts, strict=True)
        return [
            "0" if fit is None else str(max(0, round(float(_terms(text) @ fit))))
            for fit, text in pairs
        ]


def _wording(text: str) -> str:
    return f"{' '.join(_words(text)[:7])} {len(NUMBER.findall(text))}"


def _terms(text: str) -> NDArray[np.float64]:
    numbers = [float(n) for n in NUMBER.findall(text)]
    a, b = (*numbers, 0.0, 0.0)[:2]
    return np.array([1.0, a, b, a * b, sum(numbers)])


class Neighbour:
    """The answer of the most similar question it has seen, by groups of letters and digits."""

    def __init__(self, remembered: int, longest: int) -> None:
        self._remembered, self._longest = remembered, longest
        self.about = f"Answers as the most similar of {remembered:,} remembered questions"

    def fit(self, questions: Sequence[Question]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        kept = questions[: self._remembered]
        self._answers = [q.answer for q in kept]
        self._letters: Any = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, self._longest))
        self._seen: Any = self._letters.fit_transform(q.text for q in kept).T.tocsr()

    def answer(self, texts: Sequence[str]) -> list[str]:
        near = self._letters.transform(texts) @ self._seen
        return [self._answers[row.argmax()] for row in near]


class Forest:
    """Extremely randomised trees on words, letters, lengths and numbers."""

    about = (
        "80 randomised trees on words, lengths and numbers; it knows the 150 most frequent answers"
    )

    def fit(self, questions: Sequence[Question]) -> None:
        from sklearn.ensemble import ExtraTreesClassifier
        from sklearn.feature_extraction.text import CountVectorizer

        frequent = {a for a, _ in Counter(q.answer for q in questions).most_common(150)}
        kept = [q for q in questions if q.answer in frequent]
        texts = [q.text for q in kept]
        self._counts: Any = CountVectorizer(analyzer=_words, min_df=8).fit(texts)
        self._model: Any = ExtraTreesClassifier(80, max_features=0.2, random_state=0)
        self._model.fit(self._features(texts), [q.answer for q in kept])

    def answer(self, texts: Sequence[str]) -> list[str]:
        return [str(found) for found in self._model.predict(self._features(texts))]

    def _features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.hstack(
            [
                self._counts.transform(texts).toarray().astype(np.float32),
                np.array([_numbers(text) for text in texts], np.float32),
            ]
        )


def _numbers(text: str) -> list[float]:
    """The first numbers of a text with what is easily made of them, and its last word's letters."""
    found = [float(n) for n in NUMBER.findall(text)]
    a, b = (*found, -1.0, -1.0)[:2]
    word = max(_words(text), key=len, default="")
    last = (_words(text) or [""])[-1]
    return [
        *(a, b, a + b, a - b, a % max(b, 1), a // max(b, 1), a % 4, a % 100),
        *(len(found), sum(found), max(found, default=0.0), len(word), len(last)),
        *(float(ord(last[-1])) if last else 0.0, float(b > a)),
    ]


class Committee:
    """Asks all the others; each has as many votes as it was right on questions that begin alike."""

    about = (
        "Asks all the other models and lets them vote by how often each was right on such questions"
    )

    def __init__(self, members: Sequence[Answerer]) -> None:
        self._members = members

    def fit(self, questions: Sequence[Question]) -> None:
        """`questions`: such as no member has seen; the members are trained already."""
        right: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        answers = zip(*(m.answer([q.text for q in questions]) for m in self._members), strict=True)
        for question, said in zip(questions, answers, strict=True):
            hits = np.array([one == question.answer for one in said], float)
            right[self._kind(question.text)].append(hits)
            right[""].append(hits)
        self._votes = {
            kind: (np.sum(hits, axis=0) + 0.5) / (len(hits) + 1) for kind, hits in right.items()
        }

    def answer(self, texts: Sequence[str]) -> list[str]:
        return self.vote(texts, [member.answer(texts) for member in self._members])

    def vote(self, texts: Sequence[str], said: Sequence[Sequence[str]]) -> list[str]:
        """The answers that win among what each member said, [n_members][n_texts]."""
        chosen = []
        for text, answers in zip(texts, zip(*said, strict=True), strict=True):
            votes: Counter[str] = Counter()
            weights = self._votes.get(self._kind(text), self._votes[""])
            for answer, weight in zip(answers, weights, strict=True):
                votes[answer] += weight**2
            chosen.append(votes.most_common(1)[0][0])
        return chosen

    @staticmethod
    def _kind(text: str) -> str:
        return " ".join(_words(text)[:3])


def models() -> dict[str, Answerer]:
    """The models by name, the committee last: it needs the others trained."""
    single: dict[str, Answerer] = {
        "words-bayes": Bayes(),
        "calculator": Calculator(),
        "neighbour-300": Neighbour(300, 2),
        "neighbour-2500": Neighbour(2500, 4),
        "forest": Forest(),
    }
    return {**single, "committee": Committee(list(single.values()))}
