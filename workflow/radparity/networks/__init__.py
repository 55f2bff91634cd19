"""Networks of the study as plain torch modules. `presets.build` makes one by name."""
