"""What learns. Every model has one contract: tokens or features + lengths in, logits out, plus a way to read states.

`settings` knows no torch and may be imported by anyone; the networks themselves are imported when one is built.
May import `tasks` and what lies below.
"""
