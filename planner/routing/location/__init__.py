"""Engine of joint siting and routing: search over depot sets, ruin and recreate, choice among all routes met, and a bound."""
