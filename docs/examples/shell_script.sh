#!/usr/bin/env bash
# Tune any command from the shell:
#
#     hyperbo serve &
#     docs/examples/shell_script.sh 20
#
# Without a server, say LOCAL=--local. Run it several times at once: all work on the same study.
set -euo pipefail

service=(${LOCAL:-})
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

cat > "$folder/space.json" <<'SPACE'
{
  "parameters": [
    {"type": "float", "name": "learning_rate", "low": 1e-4, "high": 1, "scale": "log"},
    {"type": "integer", "name": "layers", "low": 1, "high": 8}
  ],
  "metric": {"name": "error", "goal": "minimize"}
}
SPACE

# Stands for your training command: it prints the error, and breaks where it would diverge.
train() {
    awk -v rate="$1" -v layers="$2" 'BEGIN {
        if (rate > 0.5) exit 1
        print 0.1 + 0.02 * (log(rate) / log(10) + 2) ^ 2 + 0.01 * (layers - 3) ^ 2
    }'
}

hyperbo study create shell-script --space "$folder/space.json" --max-trials "${1:-20}" "${service[@]}"

while true; do
    # Exit code 3 says that the study is done; any other but 0 is an error.
    variables="$(hyperbo trial ask shell-script --format env --wait --lease 1h "${service[@]}")" || {
        code=$?
        [ "$code" -eq 3 ] && break
        exit "$code"
    }
    # Sets learning_rate, layers, HYPERBO_TRIAL and HYPERBO_FENCING_TOKEN.
    eval "$variables"
    if error="$(train "$learning_rate" "$layers")"; then
        hyperbo trial complete "$HYPERBO_TRIAL" "$error" "${service[@]}"
    else
        hyperbo trial infeasible "$HYPERBO_TRIAL" --reason "diverged" "${service[@]}"
    fi
done

hyperbo study best shell-script "${service[@]}"
