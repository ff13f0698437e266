"""One run as it learns: charts, log, configuration, events, questions below."""
