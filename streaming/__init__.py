"""What the words mean: values, machines and the wire. No I/O, no clock, no model."""
