# An SQS server: ElasticMQ from Maven Central, or moto from PyPI where there is no Java to be had. Both keep queues in
# memory only: a restarted server has none.
# shellcheck shell=sh disable=SC2034,SC2154

sqs_name() {
    if [ -e "$tools/elasticmq/complete" ] || [ "$by" = compose ]; then
        sqs_about="ElasticMQ"
    else
        sqs_about="moto, because ElasticMQ needs Java and Maven"
    fi
}
sqs_name
sqs_packages="python3-venv"
sqs_programs="python3"
sqs_ports="sqs"
sqs_stop=TERM

sqs_get() {
    if [ ! -e "$tools/elasticmq/complete" ] && ! sqs_get_elasticmq; then
        from_pypi sqs 'moto[server]' moto_server || return 1
    fi
    sqs_name
}

sqs_get_elasticmq() {
    may_fetch sqs ElasticMQ 2>/dev/null || return 1
    lacking=$(absent "java mvn")
    if [ -n "$lacking" ]; then
        [ "$(id -u)" = 0 ] || return 1
        say "sqs needs$lacking: apt-get install -y --no-install-recommends default-jre-headless maven"
        install_packages default-jre-headless maven || return 1
    fi
    say "sqs needs ElasticMQ from Maven Central"
    rm -rf "$tools/elasticmq" && mkdir -p "$tools/elasticmq/lib" || return 1
    cat >"$tools/elasticmq/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>plimsoll</groupId>
  <artifactId>development-services</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.elasticmq</groupId>
      <artifactId>elasticmq-server_2.13</artifactId>
      <version>1.6.12</version>
    </dependency>
  </dependencies>
</project>
POM
    mvn --quiet --batch-mode --file "$tools/elasticmq/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$tools/elasticmq/lib" >"$tools/elasticmq/log" 2>&1 &&
        : >"$tools/elasticmq/complete"
}

sqs_start() {
    if [ ! -e "$tools/elasticmq/complete" ]; then
        launch "$tools/sqs/bin/moto_server" --host 127.0.0.1 --port "$(port sqs)"
        return
    fi
    cat >elasticmq.conf <<CONF
node-address { protocol = http, host = "127.0.0.1", port = $(port sqs), context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = $(port sqs), sqs-limits = strict }
rest-stats { enabled = false, bind-hostname = "127.0.0.1", bind-port = 0 }
generate-node-address = false
queues {}
queues-storage { enabled = false }
aws { region = us-east-1, accountId = 000000000000 }
CONF
    launch java -Xmx384m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dconfig.file="$place/elasticmq.conf" \
        -cp "$tools/elasticmq/lib/*" org.elasticmq.server.Main
}

sqs_ready() {
    curl --silent --fail --max-time 5 "http://127.0.0.1:$(port sqs)/?Action=ListQueues&Version=2012-11-05"
}

sqs_env() {
    echo "export PLIMSOLL_TEST_SQS='http://127.0.0.1:$(port sqs)'"
    echo "export AWS_ACCESS_KEY_ID='plimsoll' AWS_SECRET_ACCESS_KEY='plimsoll-secret' AWS_REGION='us-east-1'"
}
