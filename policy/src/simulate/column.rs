//! `Column`: what a column of a trace, or a key of one of its objects, means, and how its cells are read.

use super::arrival::Arrival;
use super::instant::Instants;
use crate::limit::Scope;

/// The most units that one request names.
const MOST_UNITS: usize = 64;

/// What a column or a key is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Time,
    Cost,
    Plan,
    Customer,
    Endpoint,
    Method,
    Path,
    Zone,
    Key(Scope),
    Units(String),
    Unused,
}

impl Column {
    pub(super) fn named(name: &str) -> Column {
        match name {
            "time" | "timestamp" | "ts" | "at" => Column::Time,
            "cost" => Column::Cost,
            "plan" => Column::Plan,
            "customer" => Column::Customer,
            "endpoint" => Column::Endpoint,
            "method" => Column::Method,
            "path" => Column::Path,
            "zone" => Column::Zone,
            _ => {
                let scope = Scope::ALL.into_iter().find(|scope| scope.name() == name.replace('_', "-"));
                match (scope, name.strip_prefix("units.")) {
                    (Some(scope), _) => Column::Key(scope),
                    (None, Some(unit)) if !unit.is_empty() => Column::Units(unit.to_owned()),
                    _ => Column::Unused,
                }
            }
        }
    }

    /// Puts one cell where it belongs.
    pub(super) fn set(&self, cell: &str, arrival: &mut Arrival, instants: &mut Instants) -> Result<(), String> {
        let count = |cell: &str| match cell.trim() {
            "" => Ok(1),
            text => text.parse().map_err(|_| format!("expected a whole number, found `{}`", short(text))),
        };
        match self {
            Column::Time => {
                arrival.at = instants.read(cell).map_err(|error| format!("{error}, found `{}`", short(cell)))?;
            }
            Column::Cost => arrival.cost = count(cell)?,
            Column::Plan => cell.clone_into(&mut arrival.plan),
            Column::Customer => cell.clone_into(&mut arrival.customer),
            Column::Endpoint => arrival.set_endpoint(cell),
            Column::Method => cell.clone_into(&mut arrival.method),
            Column::Path => cell.clone_into(&mut arrival.path),
            Column::Zone => cell.clone_into(&mut arrival.zone),
            Column::Key(scope) => cell.clone_into(&mut arrival.keys[*scope as usize]),
            Column::Units(unit) => {
                // An empty cell says nothing about the unit.
                if !cell.trim().is_empty() {
                    carry(arrival, unit.clone(), count(cell)?)?;
                }
            }
            Column::Unused => {}
        }
        Ok(())
    }
}

/// One unit more.
pub(super) fn carry(arrival: &mut Arrival, unit: String, amount: u64) -> Result<(), String> {
    if arrival.units.len() >= MOST_UNITS {
        return Err(format!("more than {MOST_UNITS} units"));
    }
    arrival.units.push((unit, amount));
    Ok(())
}

/// So much of a cell as an error shows.
pub(super) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// A column, as errors name it.
pub(super) fn told(column: &Column) -> String {
    match column {
        Column::Time => "time".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
