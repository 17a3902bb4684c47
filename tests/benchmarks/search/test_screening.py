"""Screening: what it computes is there for the training of the same candidate."""

import dataclasses
from pathlib import Path

import pytest

from benchmarks.search import screening
from benchmarks.search.candidates import Candidate
from benchmarks.search.screening import Screening
from edge_runtime.datasets import TRAIN, VALIDATION
from trainer import CrossValidate, Prepared, TrainConfig, TrainingReporter
from trainer.data import Data, ImageLoader, make_batches, prepare_data
from trainer.network import FeatureCache, build_network

CANDIDATE = Candidate(0.35, 32)


@pytest.fixture
def config(hard_colors: tuple[object, ...], color_folder: Path) -> TrainConfig:
    return TrainConfig(
        data=str(color_folder),
        weights=str(hard_colors[2]),
        alpha=0.35,
        image_size=32,
        cross_validate=CrossValidate.OFF,
    )


def prepare(config: TrainConfig, folder: Path) -> Prepared:
    with TrainingReporter() as reporter:
        data = prepare_data(config, reporter)
    return Prepared(data, ImageLoader(data.dataset, (32, 32), config.resize), FeatureCache(folder))


def known_splits(config: TrainConfig, prepared: Prepared) -> list[str]:
    """The splits whose features a training of the candidate finds."""
    data, network = prepared.data, build_network(config, len(prepared.data.labels))
    return [
        split
        for split in (TRAIN, VALIDATION)
        if prepared.features.knows(
            split, network, make_batches(prepared.loader, data.split(split), data.labels, config.batch_size)
        )
    ]


def screen(config: TrainConfig, prepared: Prepared, done: list[float]) -> int:
    """Screen the candidate; on how many images."""
    found = Screening.prepare(prepared.data, seed=1).screen(CANDIDATE, config, prepared, done.append)
    assert found.accuracy > 0.8
    return found.images


def images_of(data: Data) -> int:
    return len(data.split(TRAIN)) + len(data.split(VALIDATION))


def test_a_training_finds_the_features_of_its_screening(config: TrainConfig, tmp_path: Path) -> None:
    prepared, done = prepare(config, tmp_path), list[float]()
    assert known_splits(config, prepared) == []
    assert screen(config, prepared, done) == images_of(prepared.data)
    assert sum(done) == pytest.approx(1)
    assert known_splits(config, prepared) == [TRAIN, VALIDATION]


def test_of_many_images_some_are_screened(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening, "MAX_IMAGES", 24)
    prepared = prepare(config, tmp_path)
    assert screen(config, prepared, []) == 24 < images_of(prepared.data)
    assert TRAIN not in known_splits(config, prepared)


def test_images_of_few_are_in_one_split(config: TrainConfig, tmp_path: Path) -> None:
    prepared = prepare(dataclasses.replace(config, cross_validate=CrossValidate.ON), tmp_path)
    assert not prepared.data.split(VALIDATION)
    assert screen(config, prepared, []) == images_of(prepared.data) == 36
