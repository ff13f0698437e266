"""The presets: those that come with the package, and a person's own.

May import `config`, `runs` and what lies below. No torch.
"""
