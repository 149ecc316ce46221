"""Jobs that a page follows, and the events that report on them."""
