"""Settings of all tests: hypothesis without deadlines, because a shared machine may be slow, and the same examples every time."""

from hypothesis import settings

settings.register_profile("xiangyou", deadline=None, derandomize=True)
settings.load_profile("xiangyou")
