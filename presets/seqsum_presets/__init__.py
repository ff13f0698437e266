"""The presets that come with seqsum: one TOML file each, read by `seqsum.presets.library`."""
