//! Processor time of processes and of all that descend from them, out of `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Ticks of a second: Linux has shown 100 of them to programs on every machine for decades.
const TICKS: u64 = 100;

struct Process {
    parent: u32,
    ticks: u64,
}

/// The processor time of these processes, their living descendants, and those descendants they have waited for.
pub(crate) fn time(roots: &[u32]) -> anyhow::Result<Duration> {
    let processes = processes()?;
    let ticks: u64 = processes
        .iter()
        .filter(|(id, _)| belongs(&processes, roots, **id))
        .map(|(_, process)| process.ticks)
        .sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// The most memory (resident, in KiB) that each living child of `root` has taken so far, by process, and that `root` has.
pub(crate) fn peaks(root: u32) -> anyhow::Result<HashMap<u32, u64>> {
    let processes = processes()?;
    let family = processes.keys().copied().filter(|id| belongs(&processes, &[root], *id));
    Ok(family.map(|id| (id, peak(id))).collect())
}

/// `VmHWM` of proc(5).
fn peak(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or_default()
}

fn processes() -> anyhow::Result<HashMap<u32, Process>> {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc").context("this needs Linux: there is no /proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile is its parent's by now, or will be.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if let Some(process) = read(&stat) {
            processes.insert(id, process);
        }
    }
    Ok(processes)
}

fn belongs(processes: &HashMap<u32, Process>, roots: &[u32], mut id: u32) -> bool {
    loop {
        if roots.contains(&id) {
            return true;
        }
        match processes.get(&id) {
            Some(process) if process.parent != 0 => id = process.parent,
            _ => return false,
        }
    }
}

/// Parent, and own and waited-for children's time in and out of the kernel: fields 4 and 14 to 17 of proc(5).
fn read(stat: &str) -> Option<Process> {
    // The name, field 2, is in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().unwrap_or_default()).sum();
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}
