//! One line of NDJSON: an object whose values go straight to where they belong, without a tree in between.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::arrival::Arrival;
use super::column::{Column, carry, told};
use super::instant::Instants;

/// Without the line, which is always the first of one.
pub(super) fn json_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    format!("column {}: {text}", error.column())
}

/// Fills an arrival from an object, without a tree in between.
pub(super) struct Object<'a> {
    pub arrival: &'a mut Arrival,
    pub instants: &'a mut Instants,
    /// Whether a time was said.
    pub timed: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"time\": \"2026-01-31T12:00:00Z\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(column)) = map.next_key()? {
            match column {
                NamedColumn::Units => map.next_value_seed(Units { arrival: self.arrival })?,
                NamedColumn::One(Column::Unused) => {
                    map.next_value::<IgnoredAny>()?;
                }
                NamedColumn::One(column) => {
                    *self.timed |= column == Column::Time;
                    map.next_value_seed(Cell { column: &column, arrival: self.arrival, instants: self.instants })?;
                }
            }
        }
        Ok(())
    }
}

/// A key, told what it is without being kept.
struct Name(NamedColumn);

enum NamedColumn {
    One(Column),
    Units,
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        struct Named;
        impl Visitor<'_> for Named {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Name, E> {
                Ok(Name(if name == "units" { NamedColumn::Units } else { NamedColumn::One(Column::named(name)) }))
            }
        }
        deserializer.deserialize_str(Named)
    }
}

/// One value, a text or a number.
struct Cell<'a> {
    column: &'a Column,
    arrival: &'a mut Arrival,
    instants: &'a mut Instants,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text or a number for the {}", told(self.column))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let told = |wrong| E::custom(format!("{}: {wrong}", told(self.column)));
        self.column.set(text, self.arrival, self.instants).map_err(told)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        // Written with all its digits and without an exponent.
        self.visit_str(&number.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        // null says nothing, as an empty cell does; but a time must be said.
        self.visit_str("")
    }
}

/// An object of units and how many of each.
struct Units<'a> {
    arrival: &'a mut Arrival,
}

impl<'de> DeserializeSeed<'de> for Units<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Units<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of units, such as {\"emails\": 40}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((unit, amount)) = map.next_entry::<String, u64>()? {
            carry(self.arrival, unit, amount).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
