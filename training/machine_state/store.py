"""Writes one version into the model store: the model, its references, and model.yaml with their digests."""

import hashlib
from pathlib import Path

import yaml


def write_version(directory: Path, files: dict[str, bytes], facts: dict) -> None:
    """`facts` names files of `files` under `variants[].file`, `goldenSet.file`, `driftReference.file`; digests and sizes are added."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    for entry in (*facts["variants"], facts["goldenSet"], facts["driftReference"]):
        content = files[entry["file"]]
        entry["digest"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        entry["sizeBytes"] = len(content)
    text = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=120)
    (directory / "model.yaml").write_text(text, encoding="utf-8")
