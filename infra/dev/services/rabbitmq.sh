# RabbitMQ, with an epmd, a node name and a cookie of its own.
# shellcheck shell=sh disable=SC2034,SC2154

rabbitmq_about="RabbitMQ"
rabbitmq_packages="rabbitmq-server"
rabbitmq_programs="/usr/lib/rabbitmq/bin/rabbitmq-server"
rabbitmq_ports="amqp epmd distribution"
rabbitmq_stop=TERM

rabbitmq_start() {
    cat >rabbitmq.conf <<CONF
listeners.tcp.1 = 127.0.0.1:$(port amqp)
# The default is 60 MB; a disk that is nearly full should fail a test with a better reason than a blocked publisher.
disk_free_limit.absolute = 10MB
CONF
    echo '[].' >plugins
    : >rabbitmq-env.conf
    epmd=$(command -v epmd)
    # The server's script is the parent of everything, epmd included, so that ending it ends everything. Schedulers
    # that spin while idle would take the cores that tests run on.
    launch env HOME="$place" \
        RABBITMQ_NODENAME="plimsoll-$(port amqp)@localhost" RABBITMQ_DIST_PORT="$(port distribution)" \
        RABBITMQ_CONFIG_FILE="$place/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$place/rabbitmq-env.conf" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$place/plugins" RABBITMQ_MNESIA_BASE="$place/data" \
        RABBITMQ_LOG_BASE="$place/logs" RABBITMQ_PID_FILE="$place/erlang.pid" \
        RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD=none \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
        ERL_EPMD_PORT="$(port epmd)" ERL_EPMD_ADDRESS=127.0.0.1 \
        sh -c "\"$epmd\" & exec /usr/lib/rabbitmq/bin/rabbitmq-server"
}

# The broker listens when it is done with everything else, and names itself in its first frame.
rabbitmq_ready() {
    printf 'AMQP\000\000\011\001' | curl --silent --max-time 2 "telnet://127.0.0.1:$(port amqp)" |
        grep -aq RabbitMQ
}

rabbitmq_env() { echo "export PLIMSOLL_TEST_AMQP='amqp://guest:guest@127.0.0.1:$(port amqp)/%2f'"; }
