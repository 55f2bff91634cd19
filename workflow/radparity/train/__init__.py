"""Training of one network: what is drawn (`sampling`), minimized (`loss`), kept (`state`, `weights`), the `loop`."""
