# Works with GNU make 3.81 and later, on Debian and macOS. `make help` lists what there is.
.POSIX:
.PHONY: help demo test poison lint lint-infra bench bench-known load push chaos crawl fuzz image compose

# make demo IMAGE=…      another image than the one we make (any reference `plimsoll scan` takes)
IMAGE =
# make test INSTALL=0    install no system packages; the tests that want them are skipped, and named
INSTALL = 1
# make bench REGISTRY=host:port SYFT=/path/to/syft RUNS=n IMAGES="nginx:1 …"    use what is already there
REGISTRY =
SYFT =
RUNS = 5
IMAGES =
# make load SCENARIO=known|priority|cold COUNT=n RATE=n CLIENTS=n BACKLOG=n SERVICES=/dir    see tests/README.md
SCENARIO = known
COUNT = 2000
RATE = 50
CLIENTS = 32
BACKLOG = 10000
SERVICES =
# make push PUSHES=n EVENTS=n    images pushed of either kind; events of ECR
PUSHES = 50
EVENTS = 1000
# make chaos SCANS=n SEED=n KILLS=n QUEUE=amqp|sqs REGISTRY=host:port IMAGES="nginx:1 …"    more of it, or on real images too
SCANS = 60
SEED = 1
KILLS = 30
QUEUE = amqp
# make crawl REPOSITORIES=n TAGS=n EVENTS=n ENDLESS=n    another registry, more events, more tags
REPOSITORIES = 300
TAGS = 2000
EVENTS = 500
ENDLESS = 1000000
# make fuzz SECONDS=n TARGET=…    n seconds for each target, or for one
SECONDS = 300
TARGET =
# make image BINARY=/path/to/plimsoll    around this one, rather than a release build
BINARY =

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## make an image, serve it and judge it; IMAGE=… judges another one
	@sh tests/scripts/demo.sh '$(IMAGE)'

test: ## all tests; as root on Debian it installs what they need (INSTALL=0 does not)
	@INSTALL='$(INSTALL)' sh tests/scripts/test.sh

poison: ## show that layers which kill, hang or exhaust their reader harm nobody else (a build of its own)
	@sh tests/scripts/poison.sh

lint: ## formatting, clippy, and the licences, sources and owners of dependencies
	@sh tests/scripts/lint.sh

lint-infra: ## what infra/ says, read by those it is for: promtool, kubectl, otelcol-contrib, as far as they are there
	@sh tests/scripts/lint-infra.sh

bench: ## compare with syft on images of nginx, Python, Node and Java, and on a 2 GB layer (Debian, root)
	@REGISTRY='$(REGISTRY)' SYFT='$(SYFT)' RUNS='$(RUNS)' IMAGES='$(IMAGES)' bash tests/bench/bench.sh

bench-known: ## time the verdict on an image whose layers are all known (needs PLIMSOLL_TEST_DATA)
	@REGISTRY='$(REGISTRY)' bash tests/bench/known.sh

load: ## measure a fleet of processes over real services, on images whose layers are known (Debian)
	@SCENARIO='$(SCENARIO)' COUNT='$(COUNT)' RATE='$(RATE)' CLIENTS='$(CLIENTS)' BACKLOG='$(BACKLOG)' \
	    SERVICES='$(SERVICES)' REGISTRY='$(REGISTRY)' IMAGES='$(IMAGES)' sh tests/load/load.sh

push: ## time the way from a push to its verdict, and judge by events of ECR (Debian, root)
	@PUSHES='$(PUSHES)' EVENTS='$(EVENTS)' INSTALL='$(INSTALL)' sh tests/scripts/push.sh

chaos: ## kill a fleet and its services in every way we know, and count what was lost (Debian, root, some ten minutes)
	@SCANS='$(SCANS)' SEED='$(SEED)' KILLS='$(KILLS)' QUEUE='$(QUEUE)' REGISTRY='$(REGISTRY)' IMAGES='$(IMAGES)' \
		INSTALL='$(INSTALL)' sh tests/scripts/chaos.sh

crawl: ## have whole registries judged, kill the fleet meanwhile, and compare with the plan (some minutes)
	@REPOSITORIES='$(REPOSITORIES)' TAGS='$(TAGS)' EVENTS='$(EVENTS)' ENDLESS='$(ENDLESS)' sh tests/scripts/crawl.sh

fuzz: ## run every fuzz target for SECONDS (needs cargo-fuzz)
	@SECONDS_EACH='$(SECONDS)' sh tests/scripts/fuzz.sh $(TARGET)

image: ## build the container image where nothing can be pulled, and prove that it scans (Debian, root)
	@[ -n '$(BINARY)' ] || cargo build --locked --release --package plimsoll --bin plimsoll
	@sh docker/image.sh '$(BINARY)'

compose: ## start a whole fleet in containers and judge an image (needs a Docker engine with compose)
	@sh docker/secrets.sh
	@docker compose -f docker/compose.yml up --build --detach
	@code=0; docker compose -f docker/compose.yml run --rm judge || code=$$?; [ "$$code" -le 2 ]
