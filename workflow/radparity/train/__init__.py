"""Training of one network: what is drawn (`sampling`), cut (`patches`, `feed`), minimized (`loss`), kept (`state`,
`weights`), measured (`speed`), and the `loop`."""
