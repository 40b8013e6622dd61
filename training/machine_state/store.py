"""Writes one version into the model store: the model, its references, and model.yaml with their digests."""

import hashlib
from pathlib import Path

import yaml


class FactsDumper(yaml.SafeDumper):
    """Lists of plain values on one line, as people write them."""

    def represent_sequence(self, tag, sequence, flow_style=None):
        plain = all(isinstance(value, (int, str)) for value in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)


def write_version(directory: Path, files: dict[str, bytes], facts: dict) -> None:
    """`facts` names files of `files` under `variants[].file`, `goldenSet.file`, `driftReference.file`; digests and sizes are added."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    for entry in (*facts["variants"], facts["goldenSet"], facts["driftReference"]):
        content = files[entry["file"]]
        entry["digest"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        entry["sizeBytes"] = len(content)
    text = yaml.dump(facts, Dumper=FactsDumper, sort_keys=False, allow_unicode=True, width=120)
    (directory / "model.yaml").write_text(text, encoding="utf-8")
