//! What is in `infra/` holds together, and fits the roles: metrics exist under the names that are asked for, alerts have
//! runbooks, manifests build and name what the command line reads.

mod exposition;
mod kubernetes;
mod network;
mod objects;
mod promql;
mod query;
mod roles;
mod watching;
mod yaml;
