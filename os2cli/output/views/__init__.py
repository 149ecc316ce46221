"""How results look to people, and which JSON documents they are."""
