//! Two tenants of one installation: what B is told about what A has is what it is told about what nobody has. Each
//! scenario runs on a fleet of one process, and on one of many over real services.

use std::collections::BTreeMap;

use plimsoll_api::client::messages::verdict_service_client::VerdictServiceClient;
use plimsoll_api::client::messages::{WatchVerdictsRequest, WatchVerdictsResponse};
use plimsoll_tests::image::Image;
use plimsoll_tests::registry::{Auth, Fault, Misdeed, Registry};
use tempfile::TempDir;

use crate::fleet::{Answer, image, installs};
use crate::home::Home;
use crate::places::Broker;
use crate::process::Process;
use crate::roles::Roles;

const USER: &str = "a";
const PASSWORD: &str = "a-secret";

/// Two tenants, a registry that only A may read, and one of B's own.
struct Ground {
    fleet: Kind,
    a: String,
    b: String,
    private: Registry,
    own: Registry,
    _files: TempDir,
}

enum Kind {
    One { home: Home, server: String, _process: Process },
    Many { roles: Box<Roles>, _worker: Process },
}

impl Ground {
    fn of_one_process() -> Option<Self> {
        let home = Home::new();
        Self::start(|arguments| {
            let process = home.serve(arguments);
            Some(Kind::One { server: process.server(), home, _process: process })
        })
    }

    fn of_many_processes() -> Option<Self> {
        Self::start(|arguments| {
            let roles = Box::new(Roles::start_with(Broker::RabbitMq, arguments)?);
            let worker = roles.worker(&[arguments, &["--slots", "2"]].concat());
            Some(Kind::Many { roles, _worker: worker })
        })
    }

    fn start(start: impl FnOnce(&[&str]) -> Option<Kind>) -> Option<Self> {
        let files = tempfile::tempdir().expect("a temporary directory");
        let [private, own] = [(), ()].map(|()| Registry::start().expect("a registry on loopback"));
        private.require(Auth::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() });
        let config = files.path().join("config.json");
        let auth = serde_json::json!({"auths": {private.host(): {"username": USER, "password": PASSWORD}}});
        std::fs::write(&config, auth.to_string()).expect("a file");
        let fleet = start(&["--credential", &format!("team-a/pull={}", config.display())])?;
        let [a, b] = ["team-a", "team-b"].map(|tenant| fleet.token(tenant));
        Some(Self { fleet, a, b, private, own, _files: files })
    }

    fn a(&self, arguments: &[&str]) -> Answer {
        self.fleet.home().ask(self.fleet.server(), Some(&self.a), arguments)
    }

    fn b(&self, arguments: &[&str]) -> Answer {
        self.fleet.home().ask(self.fleet.server(), Some(&self.b), arguments)
    }

    /// An image only A may read, and A's scan of it, which has ended.
    fn of_a(&self) -> (Image, String, String) {
        let image = image("amd64", &[installs("jetty", "1.2"), installs("quay", "1.0")]);
        let reference = self.private.push("harbour/app", "1", &image);
        let scan = self.a(&["submit", &reference, "--credential", "pull"]).word();
        let answer = self.a(&["watch", &scan]);
        assert_eq!((answer.code, answer.documents().len()), (1, 1), "{answer:?}");
        (image, reference, scan)
    }

    /// How often A's registry was shown A's password.
    fn shown(&self) -> usize {
        self.private.requests().iter().filter(|request| request.authorization.is_some()).count()
    }
}

impl Kind {
    fn home(&self) -> &Home {
        match self {
            Self::One { home, .. } => home,
            Self::Many { roles, .. } => &roles.home,
        }
    }

    fn server(&self) -> &str {
        match self {
            Self::One { server, .. } => server,
            Self::Many { roles, .. } => &roles.server,
        }
    }

    fn token(&self, tenant: &str) -> String {
        match self {
            Self::One { home, .. } => {
                home.token(&format!("sqlite:{}", home.path("data/state.db").display()), tenant)
            }
            Self::Many { roles, .. } => roles.token(tenant),
        }
    }
}

/// What a tenant is told, without what differs by what was asked: names, numbers, digests and scan ids.
fn told(answer: &Answer, names: &[&str]) -> (i32, String, String) {
    let plain = |text: &str| {
        let text = names.iter().fold(text.to_owned(), |text, name| text.replace(name, "NAME"));
        let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word }).collect()
    };
    (answer.code, plain(&answer.stdout), plain(&answer.stderr))
}

/// What a registry was asked for, in any order, without names and digests.
fn asked(registry: &Registry, names: &[&str]) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for request in registry.requests() {
        let path = names.iter().fold(request.path, |path, name| path.replace(name, "NAME"));
        let path = path.split_once("sha256:").map_or(path.as_str(), |(start, _)| start).to_owned();
        *asked
            .entry(format!("{} {path} {:?} {}", request.method, request.range, request.status))
            .or_default() += 1;
    }
    asked
}

fn a_private_image_is_to_others_as_one_that_is_not_there(ground: &Ground) {
    let (image, reference, scan) = ground.of_a();
    let nothing = ground.private.reference("harbour/abc", "1");
    let shown = ground.shown();
    for credential in [&[][..], &["--credential", "pull"], &["--credential", "team-a/pull"]] {
        let try_it = |image: &str| {
            let answer = ground.b(&[&["submit", image, "--wait", "--quiet"], credential].concat());
            assert_eq!(answer.code, 3, "{answer:?}");
            told(&answer, &[image])
        };
        assert_eq!(try_it(&reference), try_it(&nothing));
    }
    assert_eq!(ground.shown(), shown, "nobody used A's credential for B");

    let digest = format!("sha256:{}", "ab".repeat(32));
    let other = "01980000-0000-7000-8000-000000000000".to_owned();
    assert_eq!(other.len(), scan.len(), "an id looks like {scan}");
    let pairs = [
        (["verdict", &reference], ["verdict", &nothing]),
        (["verdict", &image.manifest.digest], ["verdict", &digest]),
        (["status", &scan], ["status", &other]),
        (["watch", &scan], ["watch", &other]),
        (["cancel", &scan], ["cancel", &other]),
    ];
    for (theirs, nobodys) in pairs {
        let answers = [ground.b(&theirs), ground.b(&nobodys)];
        assert_eq!(answers[0].code, 3, "{answers:?}");
        assert_eq!(told(&answers[0], &theirs[1..]), told(&answers[1], &nobodys[1..]));
    }
    let listed = ground.b(&["status"]).stdout;
    assert_eq!(listed.lines().count(), 6, "its own six scans: {listed}");
    assert!(!listed.contains(&scan), "{listed}");
    assert_eq!(ground.a(&["verdict", &reference]).code, 1, "A has what it had");
}

fn a_registry_that_lies_about_layers_of_others_learns_nothing(ground: &Ground) {
    let (theirs, ..) = ground.of_a();
    let nobodys = image("amd64", &[installs("jetti", "1.2"), installs("quai", "1.0")]);
    for (n, misdeed) in [Misdeed::WrongBytes, Misdeed::Longer(512), Misdeed::Status(404)].iter().enumerate() {
        // B knows the digests and the configs, and has none of the layers.
        let try_it = |name: &str, image: &Image| {
            ground.own.clear_requests();
            ground.own.clear_faults();
            for layer in &image.layers {
                ground.own.fault(Fault::always(&layer.blob.digest, misdeed.clone()));
            }
            let name = format!("{name}{n}");
            let reference = ground.own.push(&name, "1", image);
            let answer = ground.b(&["submit", &reference, "--wait", "--quiet"]);
            assert_eq!((answer.code, answer.documents().len()), (3, 0), "{answer:?}");
            let verdict = ground.b(&["verdict", &reference]);
            let by_digest = ground.b(&["verdict", &image.manifest.digest]);
            let answers = [answer, verdict, by_digest].map(|answer| told(&answer, &[&reference]));
            (answers, asked(&ground.own, &[&name]))
        };
        assert_eq!(try_it("liar", &theirs), try_it("true", &nobodys), "{misdeed:?}");
    }
}

fn addresses_inside_are_answered_alike_and_not_connected_to(ground: &Ground) {
    let image = image("amd64", &[installs("jetty", "1.2")]);
    let reference = ground.own.push("harbour/app", "1", &image);
    let try_it = |inside: &str| {
        let named = ground.b(&["submit", &format!("{inside}/latest:meta"), "--wait", "--quiet"]);
        let mut answers = vec![named];
        for path in ["/manifests/", "/blobs/"] {
            ground.own.clear_faults();
            ground.own.fault(Fault::always(path, Misdeed::RedirectTo(inside.to_owned())));
            answers.push(ground.b(&["submit", &reference, "--wait", "--quiet"]));
        }
        for answer in &answers {
            assert_eq!((answer.code, &*answer.stdout), (3, ""), "{answer:?}");
            assert!(answer.stderr.contains("may not be connected to"), "{answer:?}");
        }
        answers.iter().map(|answer| told(answer, &[inside])).collect::<Vec<_>>()
    };
    try_it("169.254.169.254");
    // What kind of address it is can be told from the address, and nothing else is told.
    assert_eq!(try_it("10.0.0.1:8080"), try_it("192.168.0.1:22"));
}

fn a_stream_of_verdicts_has_ones_own_only_and_counts_no_others(ground: &Ground) {
    let (image, ..) = ground.of_a();
    // B has the same image, in a registry of its own: it is judged by what B was shown.
    let reference = ground.own.push("copy", "1", &image);
    let answer = ground.b(&["submit", &reference, "--wait"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(ground.own.layer_pulls(&image), [1, 1], "B has shown that it has these layers");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let first = runtime.block_on(first_verdict(ground.fleet.server().to_owned(), &ground.b));
    assert_eq!(first.cursor, 1);
    assert_eq!(first.verdict.expect("a verdict").reference, reference);
}

/// The first verdict there ever was, as the owner of the token sees it.
async fn first_verdict(server: String, token: &str) -> WatchVerdictsResponse {
    let channel = tonic::transport::Endpoint::new(server).expect("a URL").connect_lazy();
    let mut client = VerdictServiceClient::new(channel);
    let mut request = tonic::Request::new(WatchVerdictsRequest { cursor: Some(0) });
    let bearer = format!("Bearer {token}").parse().expect("a header");
    request.metadata_mut().insert("authorization", bearer);
    let mut stream = client.watch_verdicts(request).await.expect("B may watch").into_inner();
    let message = tokio::time::timeout(crate::process::PATIENCE, stream.message()).await;
    message.expect("it comes").expect("the stream goes on").expect("a message")
}

macro_rules! on_both {
    ($($test:ident,)*) => {
        mod of_one_process {
            $(#[test]
            fn $test() {
                super::$test(&super::Ground::of_one_process().expect("it needs nothing"));
            })*
        }

        mod of_many_processes {
            $(#[test]
            fn $test() {
                if let Some(ground) = super::Ground::of_many_processes() {
                    super::$test(&ground);
                }
            })*
        }
    };
}

on_both! {
    a_private_image_is_to_others_as_one_that_is_not_there,
    a_registry_that_lies_about_layers_of_others_learns_nothing,
    addresses_inside_are_answered_alike_and_not_connected_to,
    a_stream_of_verdicts_has_ones_own_only_and_counts_no_others,
}
