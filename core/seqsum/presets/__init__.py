"""The presets: those that come with the package, and a person's own."""
