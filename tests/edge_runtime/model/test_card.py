import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import GoldenSample, ModelCard, ModelError, Resize
from edge_runtime.model import QUANTILES, Distribution, Reference, Rejection

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
SCORE = st.floats(0, 1)


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:
    value = st.floats(-1e6, 1e6)
    quantiles = draw(st.lists(value, min_size=len(QUANTILES), max_size=len(QUANTILES)))
    return Distribution(draw(st.integers(1, 10**6)), draw(value), draw(value), tuple(sorted(quantiles)))


@st.composite
def rejections(draw: st.DrawFn, labels: tuple[str, ...]) -> Rejection | None:
    if len(labels) < 2 or draw(st.booleans()):
        return None
    return Rejection(
        label=labels[-1],
        keep=draw(st.floats(0.5, 0.999)),
        images=draw(st.integers(1, 10**6)),
        kept_low=draw(SCORE),
        kept_high=draw(SCORE),
        temperature=draw(st.floats(0.1, 10)),
    )


@st.composite
def cards(draw: st.DrawFn) -> ModelCard:
    labels = tuple(draw(st.lists(TEXT, min_size=1, max_size=5, unique=True)))
    scores = st.tuples(*[SCORE] * len(labels))
    return ModelCard(
        labels=labels,
        image_size=draw(st.tuples(st.integers(1, 4096), st.integers(1, 4096))),
        resize=draw(st.sampled_from(Resize)),
        architecture=draw(TEXT),
        alpha=draw(st.floats(0.1, 2)),
        seed=draw(st.integers(0, 2**31)),
        data_fingerprint=draw(TEXT),
        metrics=draw(st.dictionaries(TEXT, st.dictionaries(TEXT, SCORE, max_size=3), max_size=3)),
        versions=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        created=draw(TEXT),
        rejection=draw(rejections(labels)),
        reference=draw(
            st.none()
            | st.builds(
                Reference,
                statistics=st.dictionaries(TEXT, distributions(), max_size=2),
                shares=st.dictionaries(TEXT, SCORE, max_size=3),
            )
        ),
        golden=tuple(
            draw(st.lists(st.builds(GoldenSample, png=st.binary(max_size=30), scores=scores), max_size=2))
        ),
    )


@given(cards())
def test_a_card_comes_back_as_written(card: ModelCard) -> None:
    assert ModelCard.from_json(card.to_json()) == card


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
        max_leaves=8,
    )
)
def test_any_other_json_is_refused(content: object) -> None:
    with pytest.raises(ModelError, match=r"card\.json"):
        ModelCard.from_json(json.dumps(content))


CARD = ModelCard(labels=("cat", "dog"), image_size=(96, 96), golden=(GoldenSample(b"png", (0.5, 0.5)),))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("labels", [], "no labels"),
        ("labels", ["cat", "cat"], "duplicate label 'cat'"),
        ("labels", ["cat", 3], r"labels\.1: .*string"),
        ("labels", ["cat"], "2 scores for 1 labels"),
        ("image_size", [0, 96], "image size"),
        ("image_size", [96], r"image_size\.1"),
        ("resize", "stretch", "stretch"),
        ("format", 99, "card format 99, this version reads 1"),
        ("golden", [{"png": "?", "scores": [0.5, 0.5]}], r"golden\.0\.png"),
    ],
)
def test_a_damaged_card_is_refused_with_the_reason(field: str, value: object, message: str) -> None:
    content = json.loads(CARD.to_json()) | {field: value}
    with pytest.raises(ModelError, match=message):
        ModelCard.from_json(json.dumps(content))


def test_fields_of_later_versions_are_ignored() -> None:
    content = json.loads(CARD.to_json()) | {"color": "blue"}
    assert ModelCard.from_json(json.dumps(content)) == CARD


@pytest.mark.parametrize(
    "change",
    [{"seed": 1e999}, {"labels": ["a", "\ud800"]}, {"image_size": [1e999, 1]}, {"labels": ["a\udcff", "b"]}],
    ids=["infinite seed", "half a pair", "infinite size", "no UTF-8"],
)
def test_numbers_and_text_that_are_none_are_refused(change: dict[str, object]) -> None:
    content = {"format": 1, "labels": ["a", "b"], "image_size": [8, 8]} | change
    with pytest.raises(ModelError, match=r"^card\.json: "):
        ModelCard.from_json(json.dumps(content))


@pytest.mark.parametrize(
    "text",
    [
        '{"labels": ["a"], "labels": ["b"], "image_size": [8, 8]}',
        '{"labels": ["a", "b"], "image_size": [8, 8], "alpha": NaN}',
        "[" * 100_000,
        '{"labels":' + "[" * 100_000,
        '{"labels": ["a", "b"], "image_size": [8, 8], "seed": ' + "9" * 5000 + "}",
        '{"labels": ["a", "b"], "image_size": [8, "8"]}',
        '{"labels": ["a", "b"], "image_size": [8, 8], "metrics": {"test": 1}}',
    ],
    ids=["duplicate key", "NaN", "deep", "deep inside", "huge number", "text for a number", "wrong metrics"],
)
def test_what_is_wrong_is_said_in_one_line(text: str) -> None:
    with pytest.raises(ModelError, match=r"^card\.json: ") as caught:
        ModelCard.from_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_million_labels_are_read() -> None:
    labels = tuple(map(str, range(1_000_000)))
    card = ModelCard(labels=labels, image_size=(8, 8))
    assert ModelCard.from_json(card.to_json()).labels == labels


REJECTION = {"label": "dog", "keep": 0.95, "images": 9, "kept_low": 0.8, "kept_high": 1, "temperature": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "cat"}, "the rejection's label is 'cat', the last label is 'dog'"),
        ({"keep": 1.0}, "the rejection keeps 1, fitted on 9 images"),
        ({"images": 0}, "fitted on 0 images"),
        ({"images": "many"}, r"rejection\.images"),
    ],
)
def test_a_rejection_that_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    content = json.loads(CARD.to_json()) | {"rejection": REJECTION | change}
    with pytest.raises(ModelError, match=message):
        ModelCard.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("images", "quantiles"), [(0, [0.0] * 21), (5, [0.0] * 20), (5, [float(-n) for n in range(21)])]
)
def test_reference_statistics_that_cannot_be_are_refused(images: int, quantiles: list[float]) -> None:
    brightness = {"images": images, "mean": 0, "std": 1, "quantiles": quantiles}
    reference = {"statistics": {"brightness": brightness}, "shares": {}}
    content = json.loads(CARD.to_json()) | {"reference": reference}
    with pytest.raises(ModelError, match="reference 'brightness' needs 21 ascending quantiles"):
        ModelCard.from_json(json.dumps(content))


def test_the_label_of_a_rejection_is_no_class() -> None:
    card = ModelCard.from_json(json.dumps(json.loads(CARD.to_json()) | {"rejection": REJECTION}))
    assert (card.classes, card.unknown) == (("cat",), "dog")
    assert (CARD.classes, CARD.unknown) == (("cat", "dog"), "unknown")
