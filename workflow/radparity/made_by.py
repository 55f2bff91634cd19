"""Made by: that no outline which a rule made passes for a reader's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radparity.config import ConfigError
from radparity.raters import by_software

if TYPE_CHECKING:
    from radparity.study import Study


def refuse_disguised(study: Study, source: str) -> None:
    """Raises ConfigError, with the line to write instead, where a rule makes the outlines of one of `readers: test` on
    the cases that are judged, and the configuration says that people made them."""
    from radparity.study import JUDGED

    readers, judged = study.config.readers, set(study.cases(*JUDGED))
    if by_software(readers.model_dump()):
        return
    for row in study.readings:
        if row.rule and row.rater in readers.test and row.breast in judged:
            mend = "made_by: software"
            if not readers.few:
                mend = f"test: [{row.rater}], {mend} (docs/few_raters.md): a program is no reader"
            raise ConfigError(
                f"{source}: readers: made_by: people: in {study.config.sheets.readings} a rule makes the outline of"
                f" {row.breast} by {row.rater}. Write instead: {mend}"
            )
