"""What a verdict says, as HTML: alike on the pages of boards and of comparisons."""

from typing import Protocol

from django.utils.safestring import SafeString

from apps.core.templatetags.assay import prose
from apps.leaderboards.words import Verdict


class _Decided(Protocol):
    @property
    def verdict(self) -> Verdict: ...


class Said:
    """For a page that has a `verdict`."""

    @property
    def sentence(self: _Decided) -> SafeString:
        """The verdict as HTML."""
        return prose(self.verdict.sentence)

    @property
    def support(self: _Decided) -> list[SafeString]:
        """What supports the verdict, as HTML."""
        return [prose(line) for line in self.verdict.support]

    @property
    def cautions(self: _Decided) -> list[SafeString]:
        """What limits it, as HTML."""
        return [prose(line) for line in self.verdict.cautions]
