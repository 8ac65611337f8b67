//! What the figures were measured on, in one line each: a figure without its machine says nothing.

use std::fs;
use std::process::Command;

/// The processor, its cores as this process sees them, the operating system, the compiler, and how busy the machine was.
pub fn description() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get());
    let mut lines = vec![
        format!(
            "Processor: {}, {cores} cores{}",
            processor(),
            if virtual_machine() { ", a virtual machine" } else { "" }
        ),
        format!("System: {} {}", std::env::consts::OS, kernel()),
        format!("Compiler: {}, `opt-level = 3`, `lto = \"fat\"`, no `target-cpu`", compiler()),
    ];
    let load = read("/proc/loadavg");
    if let Some(minute) = load.split(' ').next() {
        lines.push(format!("Load when the run began: {minute}"));
    }
    lines
}

/// Bytes of the second-level cache of the first core, where Linux tells it.
pub fn second_level_cache() -> Option<u64> {
    let size = read("/sys/devices/system/cpu/cpu0/cache/index2/size");
    size.strip_suffix('K')?.parse::<u64>().ok()?.checked_mul(1_024)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split(':').nth(1)?.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        (Some(name), ..) => name,
        _ => std::env::consts::ARCH.to_owned(),
    }
}

fn virtual_machine() -> bool {
    read("/proc/cpuinfo").lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"))
}

fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("--version").output().ok();
    let version = output.and_then(|output| String::from_utf8(output.stdout).ok());
    version.map_or_else(|| "unknown".to_owned(), |version| version.trim().to_owned())
}

/// The version alone, without what a distributor adds.
fn kernel() -> String {
    read("/proc/sys/kernel/osrelease").split('-').next().unwrap_or_default().to_owned()
}
