"""Reads rows of tables through other packages: Parquet, folders and hub data sets of `datasets`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.core.installing import install_command

__all__ = ["from_folder", "from_hub", "from_parquet", "split_of"]

# A file that `datasets.save_to_disk` writes beside the tables.
_SAVED = ("dataset_dict.json", "state.json")
_PIECE = 256
"""Rows of Parquet that are objects of Python at a time."""


def from_parquet(path: Path) -> Iterable[object]:
    """The rows of a Parquet file, read piece by piece.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    parquet = _optional("pyarrow.parquet")

    def rows() -> Iterator[object]:
        # The default prefetches whole row groups, which may be the whole file.
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            for piece in file.iter_batches(batch_size=_PIECE):
                yield from piece.to_pylist()

    return rows()


def from_folder(path: Path, split: str | None, splits: Sequence[str]) -> Iterable[object]:
    """The rows of a folder that `datasets.save_to_disk` wrote, or that holds data files.

    Args:
        path: The folder.
        split: The split; else as for `split_of`.
        splits: The usual ones, for `split_of`.

    Raises:
        InvalidInputError: it holds no data set, or not that split.
        MissingExtraError: datasets is not installed.
    """
    datasets = _optional("datasets")
    if any((path / name).is_file() for name in _SAVED):
        loaded = _loaded(str(path), lambda: datasets.load_from_disk(str(path)))
    else:
        loaded = _loaded(str(path), lambda: datasets.load_dataset(str(path), split=split))
    return split_of(loaded, split, splits, str(path))


def from_hub(name: str, split: str | None, splits: Sequence[str]) -> Iterable[object]:
    """The rows of `OWNER/NAME[:CONFIG]` of the Hugging Face hub, or of a folder of that name.

    Args:
        name: The data set and, behind a colon, its configuration.
        split: The split; else as for `split_of`.
        splits: The usual ones, for `split_of`.

    Raises:
        InvalidInputError: there is no such data set, configuration or split, or no way to the hub.
        MissingExtraError: datasets is not installed.
    """
    repository, _, config = name.partition(":")
    if repository.count("/") > 1 and not Path(repository).expanduser().is_dir():
        owner, short, rest = repository.split("/", 2)
        raise InvalidInputError(
            f"hf:{name} is neither a name on the hub nor a folder; write hf:OWNER/NAME, and a"
            f" configuration after a colon, such as hf:{owner}/{short}:{rest}"
        )
    load = _optional("datasets").load_dataset
    loaded = _loaded(f"hf:{name}", lambda: load(repository, config or None, split=split))
    return split_of(loaded, split, splits, f"hf:{name}")


def split_of(loaded: Any, split: str | None, splits: Sequence[str], name: str) -> Iterable[object]:
    """A data set; of several by their splits the one that is named, the only, or a usual one.

    Args:
        loaded: A data set, or a mapping from splits to data sets.
        split: The split that is named.
        splits: The usual ones, of which the first that is there is taken.
        name: What it is called in errors.

    Raises:
        InvalidInputError: it has no such split, or several and none is named.
    """
    if not isinstance(loaded, Mapping):
        return cast("Iterable[object]", loaded)
    there = cast("Mapping[str, Iterable[object]]", loaded)
    usual = [each for each in splits if each in there]
    chosen = split or (next(iter(there)) if len(there) == 1 else next(iter(usual), None))
    if chosen is None or chosen not in there:
        what = "several splits" if chosen is None else f"no split {chosen!r}"
        raise InvalidInputError(
            f"{name} has {what}; write {name}@SPLIT, where SPLIT is one of {', '.join(there)}"
        )
    return there[chosen]


def _loaded(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    # `datasets` raises a dozen kinds of errors for broken files and failed downloads.
    except Exception as error:
        cause = error.__cause__ if type(error).__name__ == "DatasetGenerationError" else None
        told = " ".join(str(cause or error).split())[:200]
        raise InvalidInputError(
            f"the data set {name!r} cannot be loaded ({type(error).__name__}: {told}){_fix(error)}"
        ) from error


def _fix(error: Exception) -> str:
    told = str(error)
    if isinstance(error, ConnectionError):
        return "; see to the network, or give a file or a folder that is on this machine"
    if "Config name is missing" in told or "BuilderConfig" in told:
        return "; a configuration stands behind a colon, a split behind an @: hf:NAME:CONFIG@SPLIT"
    if type(error).__name__ in ("EmptyDatasetError", "DataFilesNotFoundError"):
        return "; give a file, or a folder with .jsonl, .json, .csv or .parquet files in it"
    return ""


def _optional(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"this data set needs {module}: {install_command('data')}"
        ) from error
