"""The presets: those that come with the package, and a person's own.

May import `config`, `runs` and what lies below. No torch.
"""

from seqsum.presets.library import (
    DEFAULT_PRESET,
    Preset,
    all_presets,
    load_preset,
    preset_names,
    preset_problems,
    read_preset,
)

__all__ = ["DEFAULT_PRESET", "Preset", "all_presets", "load_preset", "preset_names", "preset_problems", "read_preset"]
