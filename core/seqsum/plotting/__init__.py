"""What curves have in common wherever they are drawn: how they are smoothed, and over which range they stand."""
