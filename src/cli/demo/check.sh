#!/bin/sh
# The gate: every script must be readable by the shell, every test must pass.
failed=0
for script in bin/*.sh tests/*.sh; do
    [ -f "$script" ] || continue
    sh -n "$script" || failed=1
done
for test in tests/*.sh; do
    [ -f "$test" ] || continue
    if sh "$test"; then echo "passed: $test"; else echo "FAILED: $test"; failed=1; fi
done
exit $failed
