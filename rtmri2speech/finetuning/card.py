"""MODEL_CARD.md of a fine-tuned bundle: initial bundle, recordings, held-out recordings, scores before and after."""

from ..models.bundle import Bundle
from .tuning import FIGURES, Finetuned

_NAMES = {
    "shape": "spectral shape, correlation",
    "loudness": "loudness, correlation",
    "stoi": "STOI",
    "estoi": "ESTOI",
    "mae_F1_db": "F1 band, mean absolute error, dB",
    "mae_F2_db": "F2 band, mean absolute error, dB",
}


def table_of(result: Finetuned) -> str:
    """Held-out scores before and after, as a Markdown table."""
    rows = [f"| {_NAMES[n]} | {_number(result.before[n])} | {_number(result.after[n])} |" for n in FIGURES]
    return "\n".join(["| held out | before | after |", "|---|---|---|", *rows])


def card_of(result: Finetuned, before: Bundle, verdicts: dict[str, tuple[str, str]] | None = None) -> str:
    """The model card. verdicts: band -> verdict on its maps of the first held-out recording, before and after."""
    learnt, held_out, settings = result.learnt, result.held_out, result.settings
    sections = [
        f"# {result.bundle.name}",
        f"Tuned from the bundle {before.name} with `rtmri2speech finetune`. "
        + ("The vocoder is that of that bundle; CNN, " if settings.cnn_steps else "CNN and vocoder are its; ")
        + "temporal model, read-out and voicing probe are tuned.",
        "## Data",
        f"Learned from {learnt[0]} recordings with sound, {learnt[1]:.1f} s together. Held out: {held_out[0]}, "
        f"{held_out[1]:.1f} s. {result.best_step} steps of {settings.batch} windows (seed {settings.seed}). The step "
        "with the least error on what was held out was kept: the figures below flatter it a little.",
        "## Measured",
        table_of(result),
    ]
    if verdicts:
        told = "; ".join(f"{band}: {old} before, {new} after" for band, (old, new) in verdicts.items())
        sections.append(f"Deletion test of the maps (layer-ig) of the first recording held out: {told}.")
    sections += [
        "## Limits",
        "It knows the speakers, the scanner and the microphone that it was tuned on. Others were not measured.",
    ]
    return "\n\n".join(sections) + "\n"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
