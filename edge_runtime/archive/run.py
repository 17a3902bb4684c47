"""One run of `edge-classify --to parquet:DIR`: list → chunks → shards, each file once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.archive.chunks import Answering, ChunkClassifier
from edge_runtime.archive.plan import FORMAT, Chunk, Manifest, Plan, PlanFiles, begin, extend, find_files
from edge_runtime.archive.shards import Shard, finished_shards, make_shard, require_arrow, write_shard
from edge_runtime.core import OutputError, Reporter, lock_folder, make_folder
from edge_runtime.inference import LoadedModel


@dataclass(frozen=True, kw_only=True)
class ArchiveOptions:
    """What is classified, and how.

    Attributes:
        source: a folder of images, or a text file with their names.
        folder: for the shards.
        resume: continue what was begun there.
        top_k: predictions of each image.
        threshold: smallest score of an answer.
        workers: threads on this machine.
        ray: address of a Ray cluster; None for this machine.
    """

    source: Path
    folder: Path
    resume: bool
    top_k: int
    threshold: float
    workers: int
    ray: str | None


@dataclass(frozen=True)
class ArchiveSummary:
    """What a run did.

    Attributes:
        files: in the whole archive.
        shards: in the whole archive.
        classified: by this run.
        unreadable: of those.
    """

    files: int
    shards: int
    classified: int
    unreadable: int


def classify_archive(model: LoadedModel, options: ArchiveOptions, reporter: Reporter) -> ArchiveSummary:
    """Classify every file that has no row yet.

    Args:
        model: the loaded model.
        options: what is classified, and how.
        reporter: shows the progress.

    Raises:
        SourceError: no files.
        OutputError: the folder cannot be written, or has the answers of something else.
        MissingLibraryError: pyarrow or Ray is not installed.
        WorkerError: the cluster is lost.
    """
    require_arrow()
    with lock_folder(make_folder(options.folder)):
        plan = _open(model, options, reporter)
        chunks = list(plan.chunks())
        done = finished_shards(options.folder)
        waiting = [chunk for chunk in chunks if chunk.number not in done]
        if done:
            reporter.say(f"{len(chunks) - len(waiting)} of {len(chunks)} shards are there already")
        classified = unreadable = 0
        with reporter.bar("classifying") as tick:
            total = sum(len(chunk.files) for chunk in waiting)
            for shard in _shards(model, plan.manifest, options, waiting, reporter) if waiting else ():
                write_shard(options.folder, shard)
                classified += shard.files
                unreadable += shard.unreadable
                tick(classified, total)
        return ArchiveSummary(len(plan.files), len(chunks), classified, unreadable)


def _open(model: LoadedModel, options: ArchiveOptions, reporter: Reporter) -> Plan:
    """The plan that was begun in the folder, with files that are new, or a new one.

    Raises:
        SourceError: no files.
        OutputError: the folder has an archive that is not to be continued, or that has other answers.
    """
    store = PlanFiles(options.folder)
    if store.exist and not options.resume:
        raise OutputError(
            f"{options.folder} contains an archive already: --resume continues it; give another folder for a "
            "new one"
        )
    root, files = find_files(options.source)
    manifest = Manifest(
        format=FORMAT,
        root=str(root),
        model_sha256=model.file.sha256,
        engine=model.classifier.engine.name,
        top_k=options.top_k,
        threshold=options.threshold,
        parts=(),
        files_sha256="",
    )
    if not store.exist:
        plan = begin(manifest, files)
        store.write(plan)
        return plan
    earlier = store.read()
    _check_same(earlier.manifest, manifest, options.folder)
    plan = extend(earlier, files)
    if plan is not earlier:
        reporter.say(f"{len(plan.files) - len(earlier.files)} files are new since then")
        store.write(plan)
    return plan


def _check_same(earlier: Manifest, now: Manifest, folder: Path) -> None:
    names = {
        "root": "folder of the images",
        "model_sha256": "model",
        "engine": "engine",
        "top_k": "--top-k",
        "threshold": "--threshold",
    }
    for name, text in names.items():
        if getattr(earlier, name) != getattr(now, name):
            raise OutputError(
                f"{folder} was begun with another {text} ({getattr(earlier, name)!s:.80}, now "
                f"{getattr(now, name)!s:.80}): its answers would be mixed; give another folder"
            )


def _shards(
    model: LoadedModel,
    manifest: Manifest,
    options: ArchiveOptions,
    chunks: Sequence[Chunk],
    reporter: Reporter,
) -> Iterator[Shard]:
    """The shard of each chunk, made on this machine or on a cluster."""
    answering = Answering(Path(manifest.root), options.top_k, options.threshold)
    metadata = {"model_sha256": manifest.model_sha256, "engine": manifest.engine}
    if options.ray is not None:
        from edge_runtime.archive.cluster import classify_on_cluster

        worker = (model.file, manifest.engine, answering, metadata)
        yield from classify_on_cluster(options.ray, worker, chunks, reporter.say)
        return
    classifier = ChunkClassifier(model, answering, options.workers)
    for chunk in chunks:
        yield make_shard(chunk.number, classifier.classify(chunk), metadata)
