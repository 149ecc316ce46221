"""How results look to a person, and which JSON document they are; nothing else is decided here."""
