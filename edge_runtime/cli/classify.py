"""`edge-classify`: what does the camera, the picture or the video show?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edge_runtime.cli.runner import new_app, run_app, say
from edge_runtime.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from edge_runtime.pipeline.config import ClassifyConfig


def build_app() -> typer.Typer:
    """The command with its options; what they need is imported here, where a failure is one line."""
    from edge_runtime.core.options import with_options
    from edge_runtime.pipeline.config import ClassifyConfig

    app = new_app()
    app.command()(with_options(edge_classify, ClassifyConfig))
    return app


def edge_classify(config: Path | None, **given: Any) -> int:
    """Say what a camera, a picture, a folder, a video or a stream shows."""
    from edge_runtime.core.options import read_options
    from edge_runtime.pipeline.config import ClassifyConfig

    options = read_options(config) if config else {}
    options |= {name: value for name, value in given.items() if value is not None}
    settings = ClassifyConfig.from_options(options)
    if settings.print_service:
        return _print_service(settings)
    if settings.self_test:
        return _self_test(settings)
    from edge_runtime.pipeline.session import Session

    Session(settings, say).run()
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-classify")


def _print_service(config: "ClassifyConfig") -> int:
    from edge_runtime.sources.devices.drivers import without_password
    from edge_runtime.system.systemd import hidden_words, unit_file

    arguments = [word for word in sys.argv[1:] if word != "--print-service"]
    if (
        config.input
        and without_password(config.input) != config.input
        and config.input in " ".join(arguments)
    ):
        raise UsageError(
            'everyone on this machine can read a unit, and a password in it: put `input = "…"` into a TOML '
            "file that only its owner may read (chmod 600), and give --config FILE"
        )
    if (config.camera or "://" in (config.input or "")) and not config.wait:
        arguments.append("--wait")
    typer.echo(unit_file(arguments, title=config.camera or without_password(config.input or "")), nl=False)
    for word in hidden_words(arguments):
        say(f"warning: the service has a /tmp of its own and will not see {word}: use another folder")
    say(
        "put it into /etc/systemd/system/edge-classify.service, then: "
        "sudo systemctl daemon-reload && sudo systemctl enable --now edge-classify"
    )
    return ExitCode.DONE


def _self_test(config: "ClassifyConfig") -> int:
    from edge_runtime.inference.self_test import run_self_test
    from edge_runtime.pipeline.session import open_classifier

    outcome = run_self_test(open_classifier(config))
    verdict = "passed" if outcome.passed else "FAILED"
    typer.echo(f"self-test {verdict}: {outcome}")
    return ExitCode.DONE if outcome.passed else ExitCode.GATE
