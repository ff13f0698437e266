"""The questions, one a file: its fields, whom it fits, how it is answered. May import `question`; torch only when it
answers."""
