"""Network against readers: scores, tests, effect sizes, verdict.

`scores` makes the Dice table; `wilcoxon`, `margin`, `bracket` and `effect` each hold one kind of statistic on plain
arrays; `patients` resamples patients; `study` puts them together into tables whose columns `columns` explains. Modules
that make a table of their own (`anova`, `mixed`, `sensitivity`, ...) explain it in their `COLUMNS`. docs/statistics.md
says of each procedure what it asks, assumes, can and cannot claim.
"""
