"""`edge-classify`: classify what a camera, an image, a folder, a video or a stream shows."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edge_runtime.cli.runner import new_app, run_app, say
from edge_runtime.core import ExitCode, UsageError, with_options

if TYPE_CHECKING:
    from edge_runtime.pipeline import ClassifyConfig

EXAMPLES = (
    "edge-classify --camera 0",
    "edge-classify -m birds.tflite --input photos/ --to jsonl:results.jsonl",
    "edge-classify --input rtsp://camera.local/stream --smooth 2 --preview 8080",
    "edge-classify --input archive/ --to parquet:answers --resume",
)


def build_app() -> typer.Typer:
    """The command with its options; imported here, where an import error becomes one line."""
    from edge_runtime.pipeline import ClassifyConfig

    app = new_app()
    app.command()(with_options(edge_classify, ClassifyConfig, name="edge-classify", examples=EXAMPLES))
    return app


def edge_classify(config: "ClassifyConfig") -> int:
    """Classify what a camera, an image, a folder, a video or a stream shows."""
    if config.print_service:
        return _print_service(config)
    if config.self_test:
        return _self_test(config)
    if config.archive is not None:
        return _classify_archive(config, config.archive)
    from edge_runtime.pipeline import Session

    Session(config, say).run()
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-classify")


def _print_service(config: "ClassifyConfig") -> int:
    from edge_runtime.sources import without_password
    from edge_runtime.system import hidden_words, unit_file

    arguments = [word for word in sys.argv[1:] if word != "--print-service"]
    source = config.input or ""
    if without_password(source) != source and source in " ".join(arguments):
        raise UsageError(
            'every user can read a unit, and a password in it: put `input = "…"` into a TOML file that only '
            "its owner may read (chmod 600), and give --config FILE"
        )
    if (config.camera or "://" in source) and not config.wait:
        arguments.append("--wait")
    typer.echo(unit_file(arguments, title=config.camera or without_password(source)), nl=False)
    for word in hidden_words(arguments):
        say(f"warning: the service has a private /tmp and will not see {word}: use another folder")
    say(
        "put it into /etc/systemd/system/edge-classify.service, then: "
        "sudo systemctl daemon-reload && sudo systemctl enable --now edge-classify"
    )
    return ExitCode.DONE


def _classify_archive(config: "ClassifyConfig", folder: Path) -> int:
    from edge_runtime.archive import ArchiveOptions, classify_archive
    from edge_runtime.core import Reporter
    from edge_runtime.pipeline import load_configured_model, trusted_models

    trusted = trusted_models(config)
    options = ArchiveOptions(
        source=Path(str(config.input)),
        folder=folder,
        resume=config.resume,
        top_k=config.top_k,
        threshold=config.threshold,
        workers=config.workers or len(os.sched_getaffinity(0)),
        ray=config.ray,
    )
    with Reporter() as reporter:
        model = load_configured_model(config, trusted, fallback_threads=1)
        if trusted is not None:
            trusted.accept(trusted.check(model.file))
        done = classify_archive(model, options, reporter)
    typer.echo(
        f"classified: {done.classified} files, {done.unreadable} of them cannot be read; "
        f"{folder} has {done.files} files in {done.shards} shards"
    )
    return ExitCode.DONE


def _self_test(config: "ClassifyConfig") -> int:
    from edge_runtime.inference import run_self_test
    from edge_runtime.pipeline import load_configured_model, trusted_models

    model = load_configured_model(config, trusted_models(config))
    outcome = run_self_test(model.file, model.classifier)
    verdict = "passed" if outcome.passed else "FAILED"
    typer.echo(f"self-test {verdict}: {outcome}")
    return ExitCode.DONE if outcome.passed else ExitCode.GATE
