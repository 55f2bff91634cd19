"""Register: every phase onto the first post-contrast one (spec section 4).

settings: how. pair: what the engines see. ants, greedy: the engines. field: warping and change of volume. quality: what
is measured and flagged. picture: for the eye. exam: all of it, for one exam.
"""

from radparity.register.exam import STRIDE, TARGET, displacement, register_exam
from radparity.register.field import jacobian, warp
from radparity.register.settings import Settings

__all__ = ["STRIDE", "TARGET", "Settings", "displacement", "jacobian", "register_exam", "warp"]
