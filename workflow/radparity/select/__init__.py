"""Select: arms against one another on the development cases, out of fold; the test cases are never touched.

`scores` makes an arm's Dice, `trial` joins its repeats, `tables` ranks and tests, `verdict` says it in words, `picture`
draws it.
"""
