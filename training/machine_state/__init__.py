"""The machine-state model: four conditions of a machine from windows of four sensors."""
