"""From a hospital's raw folder to draft sheets: nothing is guessed silently, what is in doubt becomes a question."""
