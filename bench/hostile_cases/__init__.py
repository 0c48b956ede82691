"""What a hostile person would try, by kind: a file a kind, each with `cases(lab)` and `controls(lab)`.

A control is the honest twin of some cases: it must be let through, or their refusal would prove nothing.
"""
