"""A request that cannot be answered as it stands."""


class HookRefused(ValueError):
    """A request that cannot be answered as it stands: `where` the fault lies, and `why`."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why
