"""How a search chooses what to try next: one interface, several strategies behind it."""
