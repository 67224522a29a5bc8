//! The fleet: five processes, started again whenever they end.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plimsoll_tests::registry::Registry;
use tempfile::TempDir;

use crate::images::{self, Images};
use crate::parameters::Parameters;
use crate::points;
use crate::process::{Ledger, Process, Role, lock};
use crate::receiver::Receiver;
use crate::services::Services;
use crate::{PATIENCE, wait_for};

const CREW: [Role; 5] = [Role::Coordinator, Role::Worker, Role::Worker, Role::Worker, Role::Aggregator];

/// How a registry that is worth interrupting answers: in so many pieces, so slowly.
const PIECES: usize = 8;
const PAUSE: Duration = Duration::from_millis(40);

pub(crate) struct Fleet {
    pub(crate) services: Services,
    pub(crate) registry: Registry,
    pub(crate) images: Images,
    pub(crate) receiver: Receiver,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    crew: Arc<Mutex<Crew>>,
    workshop: Workshop,
    server: String,
    ended: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
}

/// What does not change while the fleet runs.
#[derive(Clone)]
struct Workshop {
    binary: PathBuf,
    directory: Arc<TempDir>,
    logs: PathBuf,
    environment: Vec<(&'static str, String)>,
    coordinator: String,
    times: usize,
}

/// Who is at work.
struct Crew {
    places: Vec<Place>,
    random: fastrand::Rng,
    /// The latest pass at which a failpoint may be hit.
    latest: u64,
}

struct Place {
    role: Role,
    process: Option<Process>,
    /// One that cannot start is not started again at once.
    not_before: Instant,
}

impl Fleet {
    pub(crate) fn start(parameters: &Parameters, services: Services) -> Self {
        let registry = Registry::start().expect("a registry on loopback");
        registry.slow_down(PIECES, PAUSE);
        let images = images::serve(&registry, parameters.scans, &parameters.corpus, parameters.seed);
        let receiver = Receiver::start(&services.runtime);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        let workshop = Workshop::new(parameters, &services, port.to_string());
        let random = fastrand::Rng::with_seed(parameters.seed);
        let place = |role| Place { role, process: None, not_before: Instant::now() };
        let crew = Crew { places: CREW.map(place).into(), random, latest: 3 };
        let mut fleet = Self {
            services,
            registry,
            images,
            receiver,
            ledger: Arc::default(),
            crew: Arc::new(Mutex::new(crew)),
            server: format!("http://{port}"),
            workshop,
            ended: Arc::default(),
            keeper: None,
        };
        let (crew, workshop) = (Arc::clone(&fleet.crew), fleet.workshop.clone());
        let (ledger, ended) = (Arc::clone(&fleet.ledger), Arc::clone(&fleet.ended));
        fleet.keeper = Some(std::thread::spawn(move || {
            while !ended.load(Ordering::Acquire) {
                lock(&crew).restart_the_dead(&workshop, &ledger);
                std::thread::sleep(Duration::from_millis(20));
            }
        }));
        fleet
    }

    /// Submits the image with this number, until that is answered.
    pub(crate) fn submit(&self, scan: usize) {
        let (key, callback) = (format!("scan-{scan}"), self.receiver.url(scan));
        let image = self.images.references[scan].as_str();
        wait_for("a scan to be taken", PATIENCE, || {
            let mut command = self.workshop.command(&["submit", image, "--server", &self.server]);
            command.args(["--idempotency-key", &key, "--callback", &callback, "--platform", "linux/amd64"]);
            let output = command.output().expect("plimsoll runs");
            output.status.success().then_some(())
        });
    }

    /// From now on failpoints are hit at the first pass.
    pub(crate) fn hit_at_once(&self) {
        lock(&self.crew).latest = 1;
    }

    /// Kills a process of this role that holds work, if there is one.
    pub(crate) fn kill_one(&self, role: Role) -> bool {
        let holders = if role == Role::Worker { Vec::new() } else { self.services.holders() };
        let mut crew = lock(&self.crew);
        let holding = crew.places.iter_mut().filter(|place| place.role == role).filter_map(|place| {
            let process = place.process.as_mut()?;
            let named = format!("/{}/", process.id());
            let holds = process.holds_jobs() || holders.iter().any(|holder| holder.contains(&named));
            (holds && process.ended().is_none()).then_some(process)
        });
        let mut holding: Vec<_> = holding.collect();
        if holding.is_empty() {
            return false;
        }
        holding.swap_remove(0).kill();
        // The next one is killed another time.
        let from = crew.places.iter().position(|place| place.role == role).unwrap_or_default();
        let to = crew.places.iter().rposition(|place| place.role == role).unwrap_or_default();
        crew.places[from..=to].rotate_left(1);
        true
    }

    /// Restarts a service under everybody.
    pub(crate) fn restart(&self, service: &str) -> bool {
        if service == "rabbitmq" {
            let crew = lock(&self.crew);
            crew.places.iter().filter_map(|place| place.process.as_ref()).for_each(Process::lose_leases);
        }
        self.services.restart(service)
    }

    /// How often each failpoint was hit.
    pub(crate) fn failpoints(&self) -> PathBuf {
        self.workshop.failpoints()
    }

    /// The verdict document of this image for this instant, by `plimsoll scan`.
    pub(crate) fn document_by_hand(&self, image: &str, clock: &str) -> Vec<u8> {
        let (file, store) = (self.workshop.path("by-hand"), self.workshop.path("own"));
        let mut command = self.workshop.command(&["scan", image, "--quiet", "--clock", clock]);
        command.args(["--platform", "linux/amd64", "--format"]);
        command.arg(format!("json={}", self.workshop.path("report.json").display()));
        command.arg("--db").arg(self.workshop.path("known.db")).arg("--store").arg(store);
        let output = command.arg("--document").arg(&file).output().expect("plimsoll runs");
        fs::read(file).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Ends everybody.
    pub(crate) fn end(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(keeper) = self.keeper.take() {
            keeper.join().expect("whoever restarts processes did not panic");
        }
        for place in &mut lock(&self.crew).places {
            if let Some(mut process) = place.process.take() {
                process.kill();
                process.bury();
            }
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
            return;
        }
        self.ended.store(true, Ordering::Release);
        for process in lock(&self.crew).places.iter_mut().filter_map(|place| place.process.as_mut()) {
            process.kill();
        }
    }
}

impl Crew {
    fn restart_the_dead(&mut self, workshop: &Workshop, ledger: &Arc<Mutex<Ledger>>) {
        for place in &mut self.places {
            if let Some(status) = place.process.as_mut().and_then(Process::ended) {
                if let Some(process) = place.process.take() {
                    process.bury();
                }
                if status.code().is_some() {
                    place.not_before = Instant::now() + Duration::from_millis(500);
                }
            }
            if place.process.is_none() && Instant::now() >= place.not_before {
                let points = points::armed(place.role, workshop.times, self.latest, &mut self.random);
                let log = workshop.logs.join(format!("{}.log", place.role.name()));
                let mut command = workshop.role(place.role, &points);
                place.process = Some(Process::launch(&mut command, &log, ledger));
            }
        }
    }
}

impl Workshop {
    fn new(parameters: &Parameters, services: &Services, coordinator: String) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        let binary = match &parameters.failpoints {
            Some(binary) => binary.clone(),
            None => plimsoll_tests::binary::plimsoll().expect("the binary to test"),
        };
        let logs = std::env::var_os("CHAOS_LOGS").map_or_else(|| directory.path().into(), PathBuf::from);
        fs::create_dir_all(&logs).expect("a directory for logs");
        let environment = vec![
            ("PLIMSOLL_STATE", services.state_url.clone()),
            ("PLIMSOLL_STORE", services.store_url.clone()),
            ("PLIMSOLL_QUEUE", services.queue_url.clone()),
            ("PLIMSOLL_LEASE", "5".to_owned()),
            ("PLIMSOLL_REPUBLISH_AFTER", "5".to_owned()),
            ("PLIMSOLL_LOG", "info,plimsoll_fleet=debug".to_owned()),
            ("PLIMSOLL_LOG_FORMAT", "json".to_owned()),
        ];
        let workshop = Self { binary, directory, logs, environment, coordinator, times: parameters.times };
        let feed = plimsoll_tests::feed::write(workshop.directory.path()).expect("a feed");
        let secret = workshop.path("secret");
        fs::write(secret, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n").expect("a file");
        let mut command = workshop.command(&["db", "build", "--out"]);
        let built = command.arg(workshop.path("known.db")).arg(&feed).output().expect("plimsoll runs");
        assert!(built.status.success(), "{built:?}");
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn failpoints(&self) -> PathBuf {
        self.path("failpoints")
    }

    /// `plimsoll` without the user's environment, but with the keys of the services.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", self.directory.path()).stdin(Stdio::null()).args(arguments);
        for name in ["PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    fn role(&self, role: Role, points: &str) -> Command {
        let mut command = self.command(&[role.name()]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("PLIMSOLL_FAILPOINTS", points).env("PLIMSOLL_FAILPOINTS_LOG", self.failpoints());
        command.stdout(Stdio::null());
        let loopback = "127.0.0.0/8";
        match role {
            Role::Coordinator => {
                command.args(["--open-access", "--listen", &self.coordinator, "--http", "127.0.0.1:0"]);
                command.args(["--allow-network", loopback])
            }
            Role::Worker => command.args(["--slots", "2", "--allow-network", loopback]),
            Role::Aggregator => {
                let secret = |path: &Path| path.display().to_string();
                command.args(["--callback-secret", &secret(&self.path("secret"))]);
                command.args(["--allow-callback-network", loopback]).arg("--db").arg(self.path("known.db"))
            }
        };
        command
    }
}
