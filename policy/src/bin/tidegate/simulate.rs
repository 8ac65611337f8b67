//! `tidegate simulate`: arguments, the load that they say, and what is told of the outcome.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tidegate::{Algorithm, Quota};
use tidegate_policy::simulate::{
    Arrival, Bursts, Format, Load, Outcome, Shape, Simulation, SimulationError, Source, Trace, policy_of,
};
use tidegate_policy::{Policy, Scope};

use crate::said::read_span;
use crate::watched::{Counted, Watched};
use crate::{Failure, show};

#[derive(Args)]
#[command(after_help = "Examples:
  tidegate simulate \"100/min burst 20\" --rate 3/s --for 10min --chart gate.svg
  tidegate simulate \"10/s\" --burst 50@10s --for 1min --wait 2s
  tidegate simulate policies/unosend.toml --plan free --endpoint \"POST /emails\" --rate 1/s --for 1h
  tidegate simulate policies/mailtrap.toml --trace access.csv --deny-at-most 0.1%")]
pub struct Arguments {
    /// A policy file, or quotas such as "10/s; 100/min"
    what: String,
    /// For quotas: gcra (default), token-bucket, fixed-window, sliding-window or sliding-log
    #[arg(long)]
    algorithm: Option<Algorithm>,
    /// A recorded load: CSV with a head, or NDJSON; `-` is standard input. Columns: time, endpoint (or method, path), plan, customer,
    /// zone, api-key, ip, account, organization, sender-domain, cost, units.NAME
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "burst", "length", "shape", "start", "clients", "seed"])]
    trace: Option<PathBuf>,
    /// How the trace is written: csv or ndjson; by its name if not said
    #[arg(long, value_name = "FORMAT", value_parser = read_format, requires = "trace")]
    format: Option<Format>,
    /// A made-up load: so many requests in so long, such as 50/s
    #[arg(long)]
    rate: Option<Quota>,
    /// How long it lasts, such as 10min
    #[arg(long = "for", value_name = "TIME", default_value = "1min", value_parser = read_span)]
    length: Duration,
    /// How the rate is spread: steady, poisson (by chance) or ramp (from nothing up to the rate)
    #[arg(long, default_value = "steady", value_parser = read_shape)]
    shape: Shape,
    /// So many requests at once, every so often, such as 100@10s
    #[arg(long, value_name = "SIZE@TIME", value_parser = read_bursts)]
    burst: Option<Bursts>,
    /// When a made-up load begins
    #[arg(long, value_name = "INSTANT", default_value = "2026-01-01T00:00:00Z", value_parser = read_start)]
    start: u64,
    /// So many clients, who ask in turn
    #[arg(long, default_value_t = 1)]
    clients: u64,
    /// Another chance for --shape poisson
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The plan of every request that names none
    #[arg(long)]
    plan: Option<String>,
    /// The customer of every request that names none
    #[arg(long)]
    customer: Option<String>,
    /// Method and path of every request that names none, such as "POST /send"
    #[arg(long)]
    endpoint: Option<String>,
    /// Who is asking, in one scope, where a request does not say: api-key=KEY
    #[arg(long, value_name = "SCOPE=KEY", value_parser = read_scope)]
    scope: Vec<(Scope, String)>,
    /// How many of a unit a made-up request carries: emails=40
    #[arg(long, value_name = "UNIT=NUMBER", value_parser = read_units)]
    units: Vec<(String, u64)>,
    /// What a made-up request takes of every limit
    #[arg(long, default_value_t = 1)]
    cost: u64,
    /// How long clients wait for their turn before they give up; they do not if this is not given
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = read_span)]
    wait: Duration,
    /// How long an admitted request takes, for limits of requests at the same time
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = read_span)]
    service: Duration,
    /// Enforce the example numbers of limits that state none
    #[arg(long)]
    examples: bool,
    /// The keys that each limit remembers
    #[arg(long, value_name = "NUMBER")]
    max_keys: Option<u32>,
    /// Draw what happened when, as SVG
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// Exit with status 3 if more than this share is denied, such as 0.1%
    #[arg(long, value_name = "PERCENT", value_parser = read_percent)]
    deny_at_most: Option<f64>,
}

fn read_format(text: &str) -> Result<Format, String> {
    match text {
        "csv" => Ok(Format::Csv),
        "ndjson" | "jsonl" => Ok(Format::Ndjson),
        _ => Err("csv or ndjson".to_owned()),
    }
}

fn read_shape(text: &str) -> Result<Shape, String> {
    match text {
        "steady" => Ok(Shape::Steady),
        "poisson" => Ok(Shape::Poisson),
        "ramp" => Ok(Shape::Ramp),
        _ => Err("steady, poisson or ramp".to_owned()),
    }
}

fn read_bursts(text: &str) -> Result<Bursts, String> {
    let expected = || "so many at once, every so often, such as 100@10s".to_owned();
    let (size, every) = text.split_once('@').ok_or_else(expected)?;
    let size = size.trim().parse().map_err(|_| expected())?;
    let every = u64::try_from(read_span(every)?.as_nanos()).map_err(|_| expected())?;
    if size == 0 || every == 0 { Err(expected()) } else { Ok(Bursts { size, every }) }
}

fn read_start(text: &str) -> Result<u64, String> {
    let instant: jiff::Timestamp = text.parse().map_err(|_| "an instant such as 2026-01-31T12:00:00Z".to_owned())?;
    u64::try_from(instant.as_nanosecond()).map_err(|_| "an instant from 1970 on".to_owned())
}

fn read_scope(text: &str) -> Result<(Scope, String), String> {
    let (scope, key) = text.split_once('=').ok_or("a scope and a key, such as api-key=k1")?;
    if key.is_empty() {
        return Err("the key is empty".to_owned());
    }
    scope.parse().map(|scope| (scope, key.to_owned())).map_err(|error: tidegate_policy::UnknownScope| error.to_string())
}

fn read_units(text: &str) -> Result<(String, u64), String> {
    let expected = "a unit and a number, such as emails=40";
    let (unit, number) = text.split_once('=').ok_or(expected)?;
    Ok((unit.to_owned(), number.parse().map_err(|_| expected)?))
}

fn read_percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| "a share such as 0.1%".to_owned())?;
    if (0.0..=100.0).contains(&number) { Ok(number) } else { Err("a share from 0% to 100%".to_owned()) }
}

pub fn run(arguments: &Arguments, out: &mut Vec<u8>) -> Result<(), Failure> {
    let policy = policy(arguments)?;
    let simulation = Simulation::new(&policy).max_wait(arguments.wait).service_time(arguments.service);
    let (outcome, load) = match &arguments.trace {
        Some(path) if path == Path::new("-") => {
            (traced(arguments, path, std::io::stdin(), None, &simulation)?, "standard input".to_owned())
        }
        Some(path) => {
            let unreadable = |error| Failure::Input(format!("{}: cannot be opened: {error}", path.display()));
            let file = File::open(path).map_err(unreadable)?;
            let length = file.metadata().ok().map(|data| data.len()).filter(|length| *length > 0);
            (traced(arguments, path, file, length, &simulation)?, path.display().to_string())
        }
        None => {
            let mut load = made_up(arguments)?;
            (simulation.run(&mut load).map_err(wrong)?, show::load(arguments))
        }
    };
    if let Some(path) = &arguments.chart {
        let svg = outcome.to_svg(&format!("{}: {load}", arguments.what)).map_err(Failure::input)?;
        std::fs::write(path, svg)
            .map_err(|error| Failure::Input(format!("{}: cannot be written: {error}", path.display())))?;
    }
    if arguments.json {
        show::json(&outcome, out)
    } else {
        show::figures(&arguments.what, &load, &outcome, out)
    }
    judged(arguments, &outcome)
}

impl Arguments {
    pub fn told(&self) -> (Option<Quota>, Shape, Option<Bursts>, Duration, u64) {
        (self.rate, self.shape, self.burst, self.length, self.clients)
    }
}

/// Quotas are counted for each account; a policy says itself whom it counts.
fn policy(arguments: &Arguments) -> Result<Policy, Failure> {
    if !crate::is_file(&arguments.what) {
        return policy_of(&arguments.what, arguments.algorithm)
            .map_err(|error| Failure::Input(format!("`{}` is neither a file nor a quota: {error}", arguments.what)));
    }
    if arguments.algorithm.is_some() {
        return Err(Failure::Usage("--algorithm goes with quotas: a policy file says its own".to_owned()));
    }
    let mut builder = Policy::builder().enforce_examples(arguments.examples);
    if let Some(keys) = arguments.max_keys {
        builder = builder.max_keys(keys);
    }
    builder.from_file(&arguments.what).map_err(Failure::input)
}

/// What every request is like, as far as the command line says.
fn like(arguments: &Arguments) -> Arrival {
    let mut like = Arrival { cost: arguments.cost, units: arguments.units.clone(), ..Arrival::default() };
    like.plan = arguments.plan.clone().unwrap_or_default();
    like.customer = arguments.customer.clone().unwrap_or_default();
    if let Some(endpoint) = &arguments.endpoint {
        like = like.endpoint(endpoint);
    }
    for (scope, key) in &arguments.scope {
        like = like.key(*scope, key);
    }
    like
}

fn made_up(arguments: &Arguments) -> Result<Load, Failure> {
    let load = match (arguments.rate, arguments.burst) {
        (Some(rate), None) => Load::steady(rate, arguments.length),
        (Some(rate), Some(bursts)) => Load::steady(rate, arguments.length).bursts(bursts),
        (None, Some(bursts)) => Load::bursts_only(bursts, arguments.length),
        (None, None) => {
            return Err(Failure::Usage("a load is needed: --rate 50/s, --burst 100@10s or --trace FILE".to_owned()));
        }
    };
    let load = load.shape(arguments.shape).start(arguments.start).clients(arguments.clients).seed(arguments.seed);
    Ok(load.like(like(arguments)))
}

fn traced(
    arguments: &Arguments,
    path: &Path,
    reader: impl std::io::Read,
    length: Option<u64>,
    simulation: &Simulation<'_>,
) -> Result<Outcome, Failure> {
    let name = path.display().to_string();
    let json = ["ndjson", "jsonl", "json"].into_iter().any(|end| path.extension().is_some_and(|own| own == end));
    let format = arguments.format.unwrap_or(if json { Format::Ndjson } else { Format::Csv });
    let (reader, bytes) = Counted::new(reader);
    let trace = Trace::new(reader, &name, format).map_err(Failure::input)?;
    if !trace.unused().is_empty() {
        eprintln!("{name}: passed over: {}", trace.unused().join(", "));
    }
    let filled = Filled { source: trace, like: like(arguments) };
    simulation.run(&mut Watched::new(filled, bytes, length)).map_err(wrong)
}

fn wrong(error: SimulationError) -> Failure {
    match &error {
        // What the command line left out.
        SimulationError::Request { place: None, error } => {
            Failure::Usage(format!("{error}\n(--plan, --endpoint, --scope and --units say what every request asks)"))
        }
        _ => Failure::input(error),
    }
}

fn judged(arguments: &Arguments, outcome: &Outcome) -> Result<(), Failure> {
    let Some(most) = arguments.deny_at_most else { return Ok(()) };
    let share = outcome.denied() as f64 * 100.0 / outcome.asked().max(1) as f64;
    if share <= most {
        return Ok(());
    }
    Err(Failure::Denied(format!(
        "{} were denied; at most {most} % may be",
        crate::said::percent(outcome.denied(), outcome.asked())
    )))
}

/// A trace whose requests say nothing that the command line has said for all.
struct Filled<S> {
    source: S,
    like: Arrival,
}

impl<S: Source> Source for Filled<S> {
    fn next(&mut self, arrival: &mut Arrival) -> Result<bool, tidegate_policy::simulate::TraceError> {
        if !self.source.next(arrival)? {
            return Ok(false);
        }
        let like = &self.like;
        fill(&mut arrival.plan, &like.plan);
        fill(&mut arrival.customer, &like.customer);
        if arrival.path.is_empty() {
            fill(&mut arrival.method, &like.method);
            arrival.path.clone_from(&like.path);
        }
        for (own, like) in arrival.keys.iter_mut().zip(&like.keys) {
            fill(own, like);
        }
        Ok(true)
    }

    fn place(&self) -> Option<String> {
        self.source.place()
    }
}

fn fill(own: &mut String, like: &str) {
    if own.is_empty() && !like.is_empty() {
        like.clone_into(own);
    }
}
