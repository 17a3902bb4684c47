"""McNemar's test: whether two models differ by more than chance on the same images."""

SIGNIFICANCE_LEVEL = 0.05
"""A difference with a p-value below this counts as more than chance."""


def mcnemar(lost: int, won: int) -> float:
    """The exact two-sided test of McNemar (1947) for two models on the same images.

    If both models were equally good, half of the images that only one of them gets right would be each's.

    Args:
        lost: images that only the first model gets right.
        won: images that only the second model gets right.

    Returns:
        The p-value in [0, 1]: the probability that equally good models differ at least as much.
    """
    count, fewer = lost + won, min(lost, won)
    term = tail = 1
    for number in range(fewer):
        term = term * (count - number) // (number + 1)
        tail += term
    # Integers until here: exact for any count.
    return min(1.0, float(2 * tail / 2**count))
