//! How fast a layer passes, in MB of uncompressed layer a second.
//!
//! `cargo bench -p plimsoll-layer [-- LAYER_BLOB…]`; without arguments on a generated layer, in all
//! compressions. Each blob is read five times with a sink that skips content and with one that hashes it, as
//! the file index does; the median counts.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use plimsoll_layer::{EntrySink, Expected, Limits, Verified, read_layer};
use plimsoll_types::{Digest, FileEntry};
use sha2::{Digest as _, Sha256};

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if named.is_empty() {
        let tar = generated();
        measure("generated, gzip", &gzip(&tar));
        measure("generated, zstd", &zstd::encode_all(&tar[..], 3).expect("encodes in memory"));
        measure("generated, plain", &tar);
    }
    for name in named {
        match std::fs::read(&name) {
            Ok(blob) => measure(&name, &blob),
            Err(error) => eprintln!("{name}: {error}"),
        }
    }
}

fn measure(name: &str, blob: &[u8]) {
    let digest = Digest::from_bytes(Sha256::digest(blob).into());
    let expected = Expected { digest, size: Some(blob.len() as u64), diff_id: None };
    for (what, hashing) in [("skip", false), ("hash", true)] {
        let mut runs: Vec<(Duration, f64, Verified)> = (0..5)
            .map(|_| {
                let (cpu, start) = (cpu_seconds(), Instant::now());
                let read = read_layer(blob, &expected, &Limits::default(), &mut Sink { hashing });
                (start.elapsed(), cpu_seconds() - cpu, read.expect("the layer is good"))
            })
            .collect();
        runs.sort_by_key(|(wall, ..)| *wall);
        let (wall, cpu, layer) = &runs[runs.len() / 2];
        let megabytes = layer.uncompressed_size as f64 / 1e6;
        println!(
            "{name} ({:.0} -> {megabytes:.0} MB, {} entries), {what}: {:.0} MB/s, wall {:.2} s, cpu {cpu:.2} s \
             ({:.0} MB/s a core)",
            layer.size as f64 / 1e6,
            layer.entries,
            megabytes / wall.as_secs_f64(),
            wall.as_secs_f64(),
            megabytes / cpu,
        );
    }
}

struct Sink {
    hashing: bool,
}

impl EntrySink for Sink {
    fn entry(&mut self, _: FileEntry, body: &mut dyn BufRead) -> io::Result<()> {
        if self.hashing {
            let (mut hasher, mut buffer) = (Sha256::new(), [0; 16 << 10]);
            loop {
                match body.read(&mut buffer)? {
                    0 => break,
                    n => hasher.update(&buffer[..n]),
                }
            }
            std::hint::black_box(hasher.finalize());
        }
        Ok(())
    }

    fn ambiguity(&mut self, _: String) {}
}

/// User and system time of this process so far; not a number where there is no /proc.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    if ticks.len() == 2 { (ticks[0] + ticks[1]) / 100.0 } else { f64::NAN }
}

/// 20,000 files of 100 bytes to 64 KiB, text-like and binary-like, and one of 200 MB.
fn generated() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // Deflate makes about a third of it, as of a distribution's files.
    let mut fill = |length: usize| {
        let mut data: Vec<u8> = random().to_le_bytes().to_vec();
        while data.len() < length {
            let pick = random();
            if pick % 10 < 3 {
                data.extend_from_slice(&(pick >> 8).to_le_bytes()[..4]);
            } else {
                let back = 1 + (pick >> 8) as usize % data.len().min(16 << 10);
                let from = data.len() - back;
                let run = (3 + (pick >> 40) as usize % 14).min(back);
                data.extend_from_within(from..from + run);
            }
        }
        data.truncate(length);
        data
    };
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: String, data: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, data).expect("appends in memory");
    };
    for n in 0..20_000_usize {
        add(format!("usr/lib/part{}/file{n}", n % 100), &fill(100 + (n * 7919) % (64 << 10)));
    }
    add("usr/bin/large".to_owned(), &fill(200 << 20));
    tar.into_inner().expect("ends in memory")
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("encodes in memory")
}
