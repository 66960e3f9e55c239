"""How fourcast's models are made: data, networks, training and export. The only home of torch."""
