//! The API as its callers see it: a server on a real port, a state in SQLite, clients over TCP and TLS.

mod access;
mod crawls;
mod harness;
mod http;
mod lifecycle;
mod scans;
mod tls;
mod verdicts;
mod watching;
mod webhooks;
