"""placeholder."""

__distribution__ = "xiangyou"
