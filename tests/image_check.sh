#!/usr/bin/env bash
# Builds the image and tries it as operators run it: read-only, without rights, as PID 1. `make image-check` calls it.
# ENGINE is docker or podman, with options if need be; BUILD and RUN are more options of its `build` and `run`.
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra engine <<<"${ENGINE:-docker}"
read -ra build <<<"${BUILD:-}"
read -ra run <<<"${RUN:-}"
name="syncd-check-$$"
scratch=$(mktemp -d)

say() { printf '== %s\n' "$*"; }
container() { "${engine[@]}" exec "$name" "$@"; }
clean() {
    { "${engine[@]}" rm -f "$name"; "${engine[@]}" volume rm "$name"; "${engine[@]}" rmi "$name"; } >/dev/null 2>&1 || true
    rm -r "$scratch"
}
trap clean EXIT

say "build"
"${engine[@]}" build "${build[@]}" -t "$name" . >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
say "size: $("${engine[@]}" image inspect --format '{{.Size}}' "$name") bytes"

chmod 755 "$scratch"
sed 's|path: calendar|path: /var/lib/syncd/calendar|' config/minimal.yaml >"$scratch/syncd.yaml"
chmod 644 "$scratch/syncd.yaml"
"${engine[@]}" volume create "$name" >/dev/null
began=$(date +%s)
"${engine[@]}" run "${run[@]}" -d --name "$name" --read-only --cap-drop ALL --security-opt no-new-privileges \
    -v "$scratch/syncd.yaml:/etc/syncd/syncd.yaml:ro" -v "$name:/var/lib/syncd" "$name" >/dev/null
until container syncd health >/dev/null 2>&1; do
    [ $(($(date +%s) - began)) -lt 60 ] || { "${engine[@]}" logs "$name"; echo "it is not ready after a minute" >&2; exit 1; }
    sleep 0.2
done
say "ready after $(($(date +%s) - began)) s"

container syncd plan --exit-code >/dev/null
container python -c '
import os
assert os.getuid() == 10001 and os.path.realpath("/proc/1/exe").find("python") > 0
modes = {path: oct(os.stat(path).st_mode & 0o777) for path in ("/var/lib/syncd", "/var/lib/syncd/syncd.db", "/var/lib/syncd/syncd.key")}
assert list(modes.values()) == ["0o700", "0o600", "0o600"], modes
for place in ("/opt/syncd/x", "/etc/x"):
    try:
        open(place, "w")
    except OSError:
        continue
    raise SystemExit(f"{place} can be written")
'
say "without rights, on a read-only root, its state its own"

began=$(date +%s)
"${engine[@]}" stop -t 45 "$name" >/dev/null
code=$("${engine[@]}" inspect --format '{{.State.ExitCode}}' "$name")
say "ended with $code after $(($(date +%s) - began)) s"
[ "$code" = 0 ] && [ $(($(date +%s) - began)) -lt 20 ]
