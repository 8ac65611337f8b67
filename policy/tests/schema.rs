//! The published schema says what the loader accepts: all six files, the same keys at every place, and no more.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tidegate_policy::Policy;

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

fn schema() -> Value {
    serde_json::from_str(&std::fs::read_to_string(policies().join("schema.json")).unwrap()).unwrap()
}

fn file(name: &str) -> Value {
    let text = std::fs::read_to_string(policies().join(format!("{name}.toml"))).unwrap();
    serde_json::to_value(toml::from_str::<toml::Value>(&text).unwrap()).unwrap()
}

fn loads(value: &Value) -> Result<Policy, tidegate_policy::PolicyError> {
    Policy::from_json(&serde_json::to_string_pretty(value).unwrap(), "a.json")
}

const FILES: [&str; 6] = ["mailtrap", "mailpipe", "migosmtp", "telnxo", "mailiam", "unosend"];

/// A policy of one's own with every key that needs no document.
fn own() -> Value {
    json!({
        "format": 1, "provider": { "name": "own", "api": "https://api.example" }, "max_keys": 10,
        "category": { "search": { "endpoints": ["GET /search/**"] } },
        "cost": [{ "category": "search", "unit": "requests", "cost": 3 }, { "endpoints": ["POST /x"], "cost": 2 }],
        "window": { "day": { "algorithm": "fixed-window", "anchor": "calendar" } },
        "limit": [
            { "id": "a", "plan": "free", "scope": "endpoint", "per": "ip", "category": "search", "quota": "5/s", "window": "gcra",
              "pool": "per-endpoint", "shadow": true, "optional": true, "max_keys": 5, "code": "SLOW", "note": "" },
            { "id": "b", "scope": "account", "endpoints": ["all"], "unit": "requests", "quota": "7 per calendar day", "window": "day" },
            { "id": "c", "scope": "account", "endpoints": ["others"], "concurrency": 9 },
            { "id": "d", "scope": "request", "endpoints": ["GET/POST /x/{id}"], "unit": "emails", "count": 9 },
            { "id": "e", "scope": "account", "endpoints": ["all"], "customer": "big", "instead": ["b"], "quota": "unstated", "example": "9/s" }
        ]
    })
}

#[test]
fn all_files_are_valid() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for value in FILES.map(file).iter().chain([&own()]) {
        if let Err(error) = schema.validate(value) {
            panic!("{}: {error}", error.instance_path);
        }
        assert!(loads(value).is_ok());
    }
}

/// Every object of a value, by its path.
fn objects(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            out.push(path.to_owned());
            members.iter().for_each(|(key, value)| objects(value, &format!("{path}/{key}"), out));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| objects(value, &format!("{path}/{n}"), out))
        }
        _ => {}
    }
}

/// The names under which anything may stand: windows, categories, scopes.
fn is_a_map(path: &str) -> bool {
    ["/window", "/category", "/refusal/scope_codes"].contains(&path)
}

#[test]
fn an_unknown_key_anywhere_is_refused_by_both() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let mut tried = 0;
    for value in FILES.map(file).iter().chain([&own()]) {
        let mut paths = Vec::new();
        objects(value, "", &mut paths);
        for path in paths.iter().filter(|path| !is_a_map(path)) {
            let mut spoiled = value.clone();
            spoiled.pointer_mut(path).and_then(Value::as_object_mut).unwrap().insert("weather".into(), "fine".into());
            assert!(!schema.is_valid(&spoiled), "{path}");
            assert!(loads(&spoiled).unwrap_err().message().contains("unknown key `weather`"), "{path}");
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn a_key_that_is_missing_for_one_is_missing_for_the_other() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let mut tried = 0;
    for value in FILES.map(file).iter().chain([&own()]) {
        let mut paths = Vec::new();
        objects(value, "", &mut paths);
        for path in paths.iter().filter(|path| !is_a_map(path)) {
            let keys: Vec<String> = value.pointer(path).and_then(Value::as_object).unwrap().keys().cloned().collect();
            for key in keys {
                let mut spoiled = value.clone();
                spoiled.pointer_mut(path).and_then(Value::as_object_mut).unwrap().remove(&key);
                let structural = match loads(&spoiled) {
                    Ok(_) => false,
                    Err(error) => {
                        let message = error.message();
                        message.contains("is missing here")
                            || message.contains("a limit has")
                            || message.contains("a cost has")
                    }
                };
                assert_eq!(!schema.is_valid(&spoiled), structural, "{path} without {key}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

/// The keys that the loader says it knows, at an object of the schema.
fn known_keys(spoiled: &Value) -> Vec<String> {
    let error = loads(spoiled).unwrap_err();
    let hint = error.hint().unwrap_or_else(|| panic!("{error}"));
    hint.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn both_know_the_same_keys() {
    let schema = schema();
    let properties = |pointer: &str| -> Vec<String> {
        let object = schema.pointer(pointer).and_then(Value::as_object).unwrap_or_else(|| panic!("{pointer}"));
        object.keys().cloned().collect()
    };
    let base = || json!({ "format": 1, "provider": { "name": "x", "document": "y" } });
    let with = |key: &str, value: Value| {
        let mut base = base();
        base[key] = value;
        base
    };
    let strange = json!({ "qqqqqqqqqqqqqqqqqqqqqqqqq": 1 });
    let mut root = base();
    root.as_object_mut().map(|root: &mut Map<String, Value>| root.insert("qqqqqqqqqqqqqqqqqqqqqq".into(), 1.into()));
    for (spoiled, pointer) in [
        (root, "/properties"),
        (json!({ "format": 1, "provider": strange }), "/properties/provider/properties"),
        (with("category", json!({ "a": strange })), "/properties/category/additionalProperties/properties"),
        (with("cost", json!([strange])), "/properties/cost/items/properties"),
        (with("window", json!({ "a": strange })), "/properties/window/additionalProperties/properties"),
        (with("limit", json!([strange])), "/$defs/limit/properties"),
        (with("table", json!([strange])), "/$defs/table/properties"),
        (with("table", json!([{ "columns": [strange] }])), "/$defs/column/properties"),
        (with("table", json!([{ "row": [strange] }])), "/$defs/row/properties"),
        (with("headers", strange.clone()), "/properties/headers/properties"),
        (with("refusal", strange.clone()), "/properties/refusal/properties"),
        (with("retry", strange.clone()), "/properties/retry/properties"),
        (with("client", strange.clone()), "/properties/client/properties"),
        (with("client", json!({ "pacing": strange })), "/properties/client/properties/pacing/properties"),
        (
            with("client", json!({ "pacing": { "steps": [strange] } })),
            "/properties/client/properties/pacing/properties/steps/items/properties",
        ),
    ] {
        let (mut loader, mut published) = (known_keys(&spoiled), properties(pointer));
        loader.sort();
        published.sort();
        assert_eq!(loader, published, "{pointer}");
    }
}
