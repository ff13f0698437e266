"""What a network does on all inputs or on a held-out part: loss, accuracy, accuracy by length."""
