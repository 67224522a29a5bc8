//! `plimsoll healthcheck`: asks a role on this machine whether it lives. The image of the roles has no shell, and nothing
//! else to ask with.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use plimsoll_types::report::VerdictStatus;

use crate::output;

/// The longest answer that is read: more than any of ours.
const MAX_ANSWER: usize = 16 << 10;
/// The most of an answer that is shown.
const SHOWN: usize = 200;

/// Asks a role on this machine whether it lives. Exit code 0 if it does, 3 if it does not or does not answer.
#[derive(Debug, Args)]
pub(crate) struct HealthcheckArgs {
    /// Where the role serves health and metrics; for a wildcard address this machine is asked
    #[arg(long, value_name = "ADDRESS", env = "PLIMSOLL_HTTP", default_value_t = ([127, 0, 0, 1], plimsoll_api::HTTP_PORT).into())]
    http: SocketAddr,

    /// Ask whether it is ready, that is, whether it can reach what it needs
    #[arg(long)]
    ready: bool,

    /// The longest to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

pub(crate) fn run(arguments: &HealthcheckArgs) -> ExitCode {
    let address = here(arguments.http);
    let path = if arguments.ready { "/readyz" } else { "/healthz" };
    match ask(address, path, Duration::from_secs(arguments.timeout)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            output::complain(&format!("http://{address}{path}: {why}"));
            ExitCode::from(VerdictStatus::NotJudged.exit_code())
        }
    }
}

/// Where to ask somebody who listens everywhere.
fn here(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

/// One request, answered with 200, in all within `patience`. HTTP/1.0, so that the end of the answer is the end of the
/// connection.
fn ask(address: SocketAddr, path: &str, patience: Duration) -> Result<(), String> {
    let deadline = Instant::now() + patience;
    let mut connection = TcpStream::connect_timeout(&address, patience).map_err(|error| error.to_string())?;
    connection.set_write_timeout(Some(patience)).map_err(|error| error.to_string())?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    connection.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while answer.len() < MAX_ANSWER {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("no answer within {patience:?}"));
        }
        connection.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match connection.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if is_over(&error) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    judge(&answer)
}

/// Whether it is only time that ran out; the loop says so.
fn is_over(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// `Ok` for 200. Anybody may listen on that port, so nothing else is believed of the answer.
fn judge(answer: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some(version), Some("200")) if version.starts_with("HTTP/1.") => Ok(()),
        (Some(version), Some(code)) if version.starts_with("HTTP/1.") => {
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let lines: Vec<&str> = body.lines().collect();
            let shown: String = lines.join(", ").chars().take(SHOWN).collect();
            let code: String = code.chars().take(3).collect();
            Err(format!("{code} {shown}"))
        }
        _ => Err("the answer is not HTTP".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Somebody who answers one request with `answer`, and then holds the connection for as long as it is asked to.
    fn answering(answer: &'static [u8], hold: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = connection.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /healthz HTTP/1.0\r\n"));
            // Whoever asks may have gone.
            let _gone = connection.write_all(answer);
            let _gone = connection.set_read_timeout(Some(hold.max(Duration::from_millis(1))));
            let _gone = connection.read(&mut request);
        });
        address
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn whoever_answers_200_lives_and_others_are_quoted() {
        let ok = answering(b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nok\n", Duration::ZERO);
        assert_eq!(ask(ok, "/healthz", SOON), Ok(()));
        let not = answering(
            b"HTTP/1.1 503 Service Unavailable\r\n\r\nstate: ok\nqueue: unreachable\n",
            Duration::ZERO,
        );
        assert_eq!(ask(not, "/healthz", SOON), Err("503 state: ok, queue: unreachable".into()));
    }

    #[test]
    fn nobody_there_is_not_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(ask(address, "/healthz", SOON).is_err());
    }

    #[test]
    fn an_answer_that_does_not_end_is_waited_for_no_longer_than_allowed() {
        let slow = answering(b"HTTP/1.1 200 OK\r\n", SOON);
        let begun = Instant::now();
        let waited = ask(slow, "/healthz", Duration::from_millis(200));
        assert_eq!(waited, Err("no answer within 200ms".into()));
        assert!(begun.elapsed() < SOON);
    }

    #[test]
    fn an_answer_is_bounded_and_shown_in_short() {
        static ENDLESS: [u8; 1 << 20] = [b'x'; 1 << 20];
        let endless = answering(&ENDLESS, Duration::ZERO);
        assert_eq!(ask(endless, "/healthz", SOON), Err("the answer is not HTTP".into()));
        let long = [b"HTTP/1.1 500 No\r\n\r\n".as_slice(), &ENDLESS[..4000]].concat();
        assert!(judge(&long).unwrap_err().len() < 300);
    }

    #[test]
    fn strangers_are_not_believed() {
        for answer in
            [&b""[..], b"\xff\xfe", b"200", b"SSH-2.0-OpenSSH", b"HTTP/2 200", b"HTTP/1.1", b"x HTTP/1.1 200"]
        {
            assert!(judge(answer).is_err(), "{}", String::from_utf8_lossy(answer));
        }
        assert!(judge(b"HTTP/1.1 2000 OK\r\n\r\n").is_err());
    }

    #[test]
    fn somebody_who_listens_everywhere_is_asked_here() {
        let at = |text: &str| here(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:7466"), "127.0.0.1:7466");
        assert_eq!(at("[::]:7466"), "[::1]:7466");
        assert_eq!(at("192.0.2.1:1"), "192.0.2.1:1");
    }
}
