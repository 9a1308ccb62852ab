"""What is sent to the reducer, as people and scripts read it: recordings decoded, recordings sent again."""
