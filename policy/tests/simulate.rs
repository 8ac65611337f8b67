//! The simulator: loads whose outcome is known, traces right and wrong, and charts.
#![cfg(feature = "simulate")]

use std::time::Duration;

use quickcheck::QuickCheck;
use tidegate::{Algorithm, Limiter, Quota};
use tidegate_policy::simulate::{Arrival, Bursts, Format, Load, Outcome, Shape, Simulation, Source, Trace, policy_of};
use tidegate_policy::{Policy, Scope};

const SECOND: Duration = Duration::from_secs(1);

fn quota(text: &str) -> Quota {
    text.parse().unwrap()
}

fn steady(rate: &str, seconds: u32) -> Load {
    Load::steady(quota(rate), SECOND * seconds)
}

fn counts(outcome: &Outcome) -> [u64; 4] {
    assert_eq!(outcome.asked(), outcome.at_once() + outcome.delayed() + outcome.denied());
    let bins = outcome.series().bins();
    assert_eq!(bins.iter().map(|bin| bin.asked).sum::<u64>(), outcome.asked());
    assert_eq!(bins.iter().map(|bin| bin.at_once).sum::<u64>(), outcome.at_once());
    assert_eq!(bins.iter().map(|bin| bin.delayed).sum::<u64>(), outcome.delayed());
    assert_eq!(bins.iter().map(|bin| bin.denied).sum::<u64>(), outcome.denied());
    [outcome.asked(), outcome.at_once(), outcome.delayed(), outcome.denied()]
}

fn of_quotas(quotas: &str, algorithm: Option<Algorithm>, mut load: Load, wait: Duration) -> Outcome {
    let policy = policy_of(quotas, algorithm).unwrap();
    Simulation::new(&policy).max_wait(wait).run(&mut load).unwrap()
}

#[test]
fn loads_whose_outcome_is_known() {
    let none = Duration::ZERO;
    // Ten in each of ten seconds.
    let fixed = of_quotas("10/s", Some(Algorithm::FixedWindow), steady("20/s", 10), none);
    assert_eq!(counts(&fixed), [200, 100, 0, 100]);
    assert!(fixed.series().bins().iter().all(|bin| bin.at_once <= 10 || fixed.series().width() > 1_000_000_000));
    // Twenty at once, then one every 600 ms: those at 0.6 s, 1.2 s ... 59.4 s are earned, the last but one used at 59.67 s.
    let bucket = of_quotas("100/min burst 20", None, steady("3/s", 60), none);
    assert_eq!(counts(&bucket), [180, 20 + 99, 0, 61]);
    assert_eq!(bucket.limits()[0].id(), "100/min burst 20");
    assert_eq!(bucket.limits()[0].denied(), 61);
    // The narrower of two.
    let both = of_quotas("10/s; 30/min", Some(Algorithm::FixedWindow), steady("20/s", 60), none);
    assert_eq!(counts(&both), [1_200, 30, 0, 1_170]);
    assert_eq!(both.limits()[0].id(), "30/min");
    assert_eq!(both.first_denied().unwrap() - both.first().unwrap(), 500_000_000);
    // Nothing is denied within the rate, whatever its shape.
    let ramp = of_quotas("100/s burst 2", None, steady("100/s", 20).shape(Shape::Ramp), none);
    assert_eq!(counts(&ramp), [1_000, 1_000, 0, 0]);
    assert_eq!((ramp.first_denied(), ramp.limits().len()), (None, 0));
    assert_eq!(counts(&of_quotas("10/s", None, steady("1/s", 0), none)), [0; 4]);
}

#[test]
fn windows_of_the_calendar_are_enforced() {
    // From 00:00Z, which is 05:30 in Kolkata: half an hour, twice an hour, half an hour, of one request a minute.
    let outcome = of_quotas("20 per calendar hour in Asia/Kolkata", None, steady("1/min", 3 * 3_600), Duration::ZERO);
    assert_eq!(counts(&outcome), [180, 80, 0, 100]);
    // 2026-03-29 in Paris has 23 hours, from 23:00Z the day before.
    let load = steady("1/h", 48 * 3_600).start(1_774_738_800_000_000_000);
    let outcome = of_quotas("20 per calendar day in Europe/Paris", None, load, Duration::ZERO);
    assert_eq!(counts(&outcome), [48, 20 + 20 + 1, 0, 7]);
}

#[test]
fn who_waits_is_admitted_when_the_limiter_says() {
    // One every 100 ms; twenty a second for a second, who wait up to 200 ms.
    let outcome = of_quotas("10/s burst 1", None, steady("20/s", 1), Duration::from_millis(200));
    assert_eq!(counts(&outcome), [20, 1, 11, 8]);
    assert_eq!(outcome.waits().longest(), Duration::from_millis(200));
    // With patience all come through, one every 100 ms: the last waits 1900 - 950 ms.
    let outcome = of_quotas("10/s burst 1", None, steady("20/s", 1), Duration::from_secs(60));
    assert_eq!(counts(&outcome), [20, 1, 19, 0]);
    assert_eq!(outcome.waits().longest(), Duration::from_millis(950));
    assert_eq!(outcome.waits().mean(), Duration::from_millis(500));
    assert_eq!(outcome.last() - outcome.first().unwrap(), 1_900_000_000);
    // Fifty at once every ten seconds, two seconds of patience.
    let bursts = Load::bursts_only(Bursts { size: 50, every: 10_000_000_000 }, SECOND * 60);
    assert_eq!(counts(&of_quotas("10/s", None, bursts, SECOND * 2)), [300, 60, 120, 120]);
}

#[test]
fn clients_wait_in_lines_of_their_own() {
    // Three clients with one request a second each, at a limit of two a second for each: nobody waits.
    let outcome = of_quotas("2/s burst 1", None, steady("3/s", 10).clients(3), SECOND);
    assert_eq!(counts(&outcome), [30, 30, 0, 0]);
    let outcome = of_quotas("2/s burst 1", None, steady("3/s", 10), SECOND * 60);
    assert_eq!(counts(&outcome), [30, 1, 29, 0]);
}

#[test]
fn no_more_wait_than_may() {
    let policy = policy_of("1/s burst 1", None).unwrap();
    let mut load = Load::bursts_only(Bursts { size: 100, every: 1_000_000_000_000 }, SECOND);
    let outcome = Simulation::new(&policy).max_wait(SECOND * 3_600).max_waiting(5).run(&mut load).unwrap();
    assert_eq!((counts(&outcome), outcome.turned_away()), ([100, 1, 5, 94], 94));
}

fn at_the_same_time() -> Policy {
    let text = "format = 1\n[provider]\nname = \"A\"\n[[limit]]\nid = \"two\"\nscope = \"account\"\nendpoints = [\"all\"]\nconcurrency = 2\n";
    Policy::from_toml(text, "a.toml").unwrap()
}

#[test]
fn requests_at_the_same_time_last_as_long_as_they_do() {
    let run = |service, wait| {
        let policy = at_the_same_time();
        let simulation = Simulation::new(&policy).service_time(SECOND * service).max_wait(SECOND * wait);
        counts(&simulation.run(&mut steady("1/s", 20)).unwrap())
    };
    // At 0 s, 1 s, and when those are done 10 s and 11 s.
    assert_eq!(run(10, 0), [20, 4, 0, 16]);
    assert_eq!(run(2, 0), [20, 20, 0, 0]);
    assert_eq!(run(0, 0), [20, 20, 0, 0]);
    // Two places of 4 s each serve one request every 2 s: the line grows by half of what comes, and is served to the end.
    assert_eq!(run(4, 600), [20, 2, 18, 0]);
}

/// The policy in virtual time decides as the limiter itself does.
#[test]
fn a_simulation_of_one_quota_is_its_limiter() {
    let text = "7/s burst 11";
    let limiter = Limiter::builder(Algorithm::Gcra, quota(text)).build_at(0).unwrap();
    let load = steady("9/s", 1_000).shape(Shape::Poisson).seed(5);
    let (mut arrival, mut again, mut admitted) = (Arrival::default(), load.clone(), 0);
    while again.next(&mut arrival).unwrap() {
        admitted += u64::from(limiter.try_acquire_at(arrival.at, 1));
    }
    let outcome = of_quotas(text, None, load, Duration::ZERO);
    assert_eq!(outcome.at_once(), admitted);
    assert!(outcome.denied() > 1_000);
}

const CSV: &str = "\u{feff}time, endpoint ,api-key,account,cost,units.emails,status
2026-01-01T00:00:00Z,POST /emails,k1,a,,,200
2026-01-01T00:00:01+00:00,GET /x,\"k,2\",a,3,40,200
1767225602.5,/y,k1,b, 2 ,,
";

fn arrivals(mut trace: impl Source) -> Vec<Arrival> {
    let mut all = Vec::new();
    let mut arrival = Arrival::default();
    while trace.next(&mut arrival).unwrap() {
        all.push(arrival.clone());
    }
    all
}

fn csv(text: &str) -> Result<Trace<&[u8]>, tidegate_policy::simulate::TraceError> {
    Trace::new(text.as_bytes(), "t.csv", Format::Csv)
}

fn ndjson(text: &str) -> Trace<&[u8]> {
    Trace::new(text.as_bytes(), "t.ndjson", Format::Ndjson).unwrap()
}

#[test]
fn a_trace_reads_the_same_from_csv_and_ndjson() {
    let from_csv = arrivals(csv(CSV).unwrap());
    let second = 1_000_000_000;
    let start = 1_767_225_600 * second;
    assert_eq!(
        from_csv,
        [
            Arrival { at: start, ..Arrival::default() }
                .key(Scope::ApiKey, "k1")
                .key(Scope::Account, "a")
                .endpoint("POST /emails"),
            Arrival { at: start + second, cost: 3, units: vec![("emails".into(), 40)], ..Arrival::default() }
                .key(Scope::ApiKey, "k,2")
                .key(Scope::Account, "a")
                .endpoint("GET /x"),
            Arrival { at: start + 5 * second / 2, cost: 2, ..Arrival::default() }
                .key(Scope::ApiKey, "k1")
                .key(Scope::Account, "b")
                .endpoint("GET /y"),
        ]
    );
    assert_eq!(csv(CSV).unwrap().unused(), ["status"]);
    let json = r#"{"time":"2026-01-01T00:00:00Z","endpoint":"POST /emails","api_key":"k1","account":"a","nested":{"a":[1,null]}}

{"ts":1767225601,"method":"GET","path":"/x","api-key":"k,2","account":"a","cost":3,"units":{"emails":40}}
{"timestamp":1767225602.5,"endpoint":"\/y","api-key":"k1","account":"b","cost":"2","plan":null}"#;
    assert_eq!(arrivals(ndjson(json)), from_csv);
}

#[test]
fn what_is_wrong_with_a_trace_is_told_with_its_line() {
    let head = |text: &str| csv(text).map(drop).unwrap_err().to_string();
    assert!(head("").contains("none of them is `time`"), "{}", head(""));
    assert!(
        head("when,ip\n1,2\n")
            .starts_with("t.csv:1: the first line names the columns, and none of them is `time`: `when,ip`")
    );
    assert!(head("time,ts\n1,2\n").starts_with("t.csv:1: two columns are the time"));
    let first = |mut trace: Trace<&[u8]>| {
        let mut arrival = Arrival::default();
        loop {
            match trace.next(&mut arrival) {
                Ok(true) => {}
                Ok(false) => panic!("nothing wrong"),
                Err(error) => return error.to_string(),
            }
        }
    };
    for (text, told) in [
        ("time\n1\nnoon\n", "t.csv:3: time: expected an instant"),
        ("time,cost\n1,1\n2,many\n", "t.csv:3: cost: expected a whole number, found `many`"),
        ("time,cost\n1\n", "t.csv:2: 1 cells, and the first line names 2 columns"),
        ("time,cost\n1,-1\n", "t.csv:2: cost: expected a whole number, found `-1`"),
        ("time,plan\n\"1\n2\",x\n", "t.csv:2: time: expected an instant"),
        ("time\n1969-01-01T00:00:00Z\n", "t.csv:2: time: an instant before 1970"),
    ] {
        assert!(first(csv(text).unwrap()).starts_with(told), "{text:?}: {}", first(csv(text).unwrap()));
    }
    let bytes = Trace::new(&b"time,ip\n1,\xff\n"[..], "t.csv", Format::Csv).unwrap();
    assert!(first(bytes).starts_with("t.csv:2:"));
    for (text, told) in [
        ("{\"time\":1}\n{\"time\":1", "t.ndjson:2: column 9: EOF"),
        ("{}", "t.ndjson:1: the object has no `time`"),
        ("[1]", "t.ndjson:1: column 0: invalid type"),
        (
            "\n\n{\"time\":[1]}",
            "t.ndjson:3: column 9: invalid type: sequence, expected a text or a number for the time",
        ),
        ("{\"time\":1} 2", "t.ndjson:1: column 12: trailing characters"),
        ("{\"time\":-1}", "t.ndjson:1: column"),
        ("{\"time\":1,\"units\":{\"emails\":-1}}", "t.ndjson:1: column"),
        ("{\"time\":null}", "t.ndjson:1: column"),
    ] {
        assert!(first(ndjson(text)).starts_with(told), "{text:?}: {}", first(ndjson(text)));
    }
}

#[test]
fn a_head_of_many_columns_and_a_request_of_many_units_are_no_burden() {
    let same = format!("time{}\n", ",ip".repeat(300_000));
    assert!(csv(&same).map(drop).unwrap_err().message().contains("two columns are the"));
    let names: String = (0..80_000).map(|n| format!(",units.u{n}")).collect();
    let many = format!("time{names}\n1{}\n", ",1".repeat(80_000));
    let mut arrival = Arrival::default();
    let error = csv(&many).unwrap().next(&mut arrival).unwrap_err();
    assert!(error.message().contains("more than 64 units"), "{error}");
    let units: Vec<String> = (0..50_000).map(|n| format!("\"u{n}\":1")).collect();
    let error = ndjson(&format!("{{\"time\":1,\"units\":{{{}}}}}", units.join(","))).next(&mut arrival).unwrap_err();
    assert!(error.message().contains("more than 64 units"), "{error}");
}

#[test]
fn a_line_without_end_is_refused_before_it_is_kept() {
    let long = format!("time\n{}", "1".repeat(3 << 20));
    let mut arrival = Arrival::default();
    let error = csv(&long).unwrap().next(&mut arrival).unwrap_err();
    assert!(error.message().contains("a line of more than 1 MiB"), "{error}");
    let error = ndjson(&long[5..]).next(&mut arrival).unwrap_err();
    assert!(error.message().contains("a line of more than 1 MiB"), "{error}");
    let short = format!("time\n{}", "1767225600\n".repeat(300_000));
    assert_eq!(arrivals(csv(&short).unwrap()).len(), 300_000);
}

#[test]
fn any_bytes_are_a_trace_or_an_error() {
    fn sound(bytes: Vec<u8>, format: Format) -> bool {
        let Ok(mut trace) = Trace::new(bytes.as_slice(), "t", format) else { return true };
        let mut arrival = Arrival::default();
        for _ in 0..bytes.len() + 2 {
            match trace.next(&mut arrival) {
                Ok(true) => {}
                Ok(false) => return true,
                Err(error) => return !error.message().is_empty(),
            }
        }
        false
    }
    fn holds(noise: Vec<u8>, cut: usize, at: usize) -> bool {
        let with_head = [b"time,cost,endpoint,units.x\n".as_slice(), &noise].concat();
        let mut spoiled = CSV.as_bytes().to_vec();
        spoiled.truncate(cut % spoiled.len());
        let place = at % (spoiled.len() + 1);
        spoiled.splice(place..place, noise.iter().copied());
        let object = [b"{\"time\":".as_slice(), &noise, b"}"].concat();
        sound(with_head, Format::Csv)
            && sound(spoiled.clone(), Format::Csv)
            && sound(spoiled, Format::Ndjson)
            && sound(object, Format::Ndjson)
    }
    QuickCheck::new().quickcheck(holds as fn(Vec<u8>, usize, usize) -> bool);
}

#[test]
fn a_trace_meets_a_policy() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailtrap.toml");
    let rows: String =
        (0..22).map(|n| format!("{}.5,GET /api/accounts/1/stats/x,k{n},1\n", 1_767_225_600 + n % 20)).collect();
    let text = format!("time,endpoint,api-key,account\n{rows}");
    let policy = Policy::from_file(path).unwrap();
    let outcome = Simulation::new(&policy).run(&mut csv(&text).unwrap()).unwrap();
    // Ten in any minute, whoever asks for the account; the last two stood behind later ones.
    assert_eq!((counts(&outcome), outcome.out_of_order()), ([22, 10, 0, 12], 2));
    assert_eq!((outcome.limits()[0].id(), outcome.limits()[0].denied()), ("api/stats", 12));
    let nobody = "time,endpoint\n1,GET /x\n2,GET /x\n";
    let error = Simulation::new(&policy).run(&mut csv(nobody).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "t.csv:2: the request names no `api-key`, which the limit `general/all` counts");
}

#[test]
fn a_chart_is_whole_and_its_title_is_text() {
    let outcome = of_quotas("10/s burst 1", None, steady("20/s", 60), Duration::from_millis(200));
    let svg = outcome.to_svg("a < b & \"c\" 10/s").unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    for told in ["admitted at once", "admitted after a wait", "denied", "asked", "a &lt; b &amp;", "#BE323C", "#F5BE50"]
    {
        assert!(svg.contains(told), "{told}");
    }
    // Nothing happened: an empty chart, and no panic.
    let empty = of_quotas("10/s", None, steady("1/s", 0), Duration::ZERO);
    assert!(empty.to_svg("").unwrap().contains("</svg>"));
    // From a millisecond to centuries.
    for seconds in [1, 1_000, 100_000_000] {
        let load = Load::bursts_only(Bursts { size: 3, every: u64::from(seconds) * 10_000_000 }, SECOND * seconds);
        assert!(of_quotas("1/s", None, load, Duration::ZERO).to_svg("x").unwrap().len() < 400_000);
    }
}
