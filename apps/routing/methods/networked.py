"""Routers whose state is a torch network, beside what every router keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from .fitted import Fitted

_NETWORK = "network.safetensors"


class Networked(Fitted):
    """A method builds its network in `_built` from what `Fitted` has read back."""

    _network: Any

    def save(self, folder: Path) -> None:
        """See `Router.save`."""
        from safetensors.torch import save_file

        super().save(folder)
        state = {name: value.contiguous() for name, value in self._network.state_dict().items()}
        save_file(state, folder / _NETWORK)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Router.load`."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        router = super().load(folder)
        try:
            router._network = router._built()
            router._network.load_state_dict(load_file(folder / _NETWORK))
        except (OSError, TypeError, ValueError, RuntimeError, SafetensorError) as problem:
            wrong = f"{folder.name} does not hold a saved router `{cls.NAME}`."
            raise ValueError(wrong) from problem
        router._network.eval()
        return router

    def _built(self) -> Any:
        """The network with whatever weights."""
        raise NotImplementedError
