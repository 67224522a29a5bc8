#!/bin/sh
# Runs beside a role, in a container of its own: brings the files that the role reads, and keeps them what they are in the
# bucket. It runs once in the foreground of the task's start; the role waits for /inputs/.ready.
#
# INPUTS_URL        where the files are in S3
# INPUTS_SECONDS    how often they are looked at
# INPUTS_SECRETS    names of files whose contents are in the variables INPUT_<name>
# INPUTS, SCRATCH   directories; for tests
set -eu
inputs=${INPUTS:-/inputs} scratch=${SCRATCH:-/scratch}

# Volumes belong to root. This one is for the role, which is somebody else.
chmod 1777 "$scratch"

# Only containers of this task see the volume; the role has it read-only.
umask 022
mkdir -p "$inputs/secrets"
for name in ${INPUTS_SECRETS:-}; do
    printenv "INPUT_$name" >"$inputs/secrets/$name"
done

# A file is written beside its place and then renamed, so that nobody reads half of one.
bring() {
    aws s3 sync --only-show-errors --exact-timestamps "$INPUTS_URL" "$inputs"
}
bring
: >"$inputs/.ready"

# As process 1 this shell ends only by what it asks for.
trap 'exit 0' TERM INT
while :; do
    sleep "$INPUTS_SECONDS" &
    wait "$!"
    bring || echo "inputs: $INPUTS_URL cannot be read; the files stay what they are" >&2
done
