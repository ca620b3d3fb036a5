"""How the bench writes numbers."""


def three_digits(value: float) -> str:
    """At least three significant digits: 0.101, 33.8, 1045."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def percent(share: float) -> str:
    """76%, 7.2%, <0.1%."""
    if share < 0.001:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"
