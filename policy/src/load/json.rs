//! A policy file in JSON: the same model as in TOML, and errors that know their line.
//!
//! `serde_json` judges the text (RFC 8259, at most 128 levels deep); `jsonc-parser` then says where each value stands, which the
//! model asks for through the protocol of `serde_spanned`.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_spanned::de::{SpannedDeserializer, is_spanned};

use crate::file::File;
use crate::place::{Document, PolicyError};

pub(super) fn read(doc: &Document<'_>, text: &str) -> Result<File, PolicyError> {
    if let Err(error) = serde_json::from_str::<de::IgnoredAny>(text) {
        // Counted from 1, in bytes; 0 for an empty text.
        let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (line_start + error.column().saturating_sub(1)).min(text.len());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or("").to_owned();
        return Err(doc.error(at..at + 1, message));
    }
    let options = jsonc_parser::ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
    };
    let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &options);
    let parsed = parsed.map_err(|error| doc.error(error.range().start..error.range().end, error.kind().to_string()))?;
    let value = parsed.value.ok_or_else(|| doc.error(0..0, "expected an object"))?;
    let read = <File as de::Deserialize>::deserialize(Node(&value));
    read.map_err(|error| doc.serde_error(error.span.unwrap_or(0..0), &error.message))
}

/// What serde said, and the innermost value that it was said about.
#[derive(Debug)]
struct Misread {
    message: String,
    span: Option<Range<usize>>,
}

impl Misread {
    fn within(mut self, span: Range<usize>) -> Misread {
        self.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misread {}

impl de::Error for Misread {
    fn custom<T: fmt::Display>(message: T) -> Misread {
        Misread { message: message.to_string(), span: None }
    }
}

struct Node<'a>(&'a Value<'a>);

impl Node<'_> {
    fn span(&self) -> Range<usize> {
        let range = self.0.range();
        range.start..range.end
    }
}

impl<'de, 'a> Deserializer<'de> for Node<'a> {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let span = self.span();
        let read = match self.0 {
            Value::StringLit(text) => visitor.visit_str(&text.value),
            Value::BooleanLit(truth) => visitor.visit_bool(truth.value),
            Value::NullKeyword(_) => visitor.visit_unit(),
            Value::NumberLit(number) => match number.value.parse::<u64>() {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => Err(de::Error::custom(format!("`{}` is no whole number from 0 to 2^64 - 1", number.value))),
            },
            Value::Array(array) => visitor.visit_seq(Items(array.elements.iter())),
            Value::Object(object) => visitor.visit_map(Members::of(object)?),
        };
        read.map_err(|error| error.within(span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Value::NullKeyword(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        if !is_spanned(name) {
            return self.deserialize_any(visitor);
        }
        let span = self.span();
        visitor.visit_map(SpannedDeserializer::new(self, span))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        let span = self.span();
        let read = match self.0 {
            Value::StringLit(text) => visitor.visit_enum(text.value.as_ref().into_deserializer()),
            _ => Err(de::Error::custom("expected a text")),
        };
        read.map_err(|error: Misread| error.within(span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Misread> for Node<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'a>(std::slice::Iter<'a, Value<'a>>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misread> {
        self.0.next().map(|value| seed.deserialize(Node(value))).transpose()
    }
}

struct Members<'a> {
    rest: std::slice::Iter<'a, jsonc_parser::ast::ObjectProp<'a>>,
    value: Option<&'a Value<'a>>,
}

impl<'a> Members<'a> {
    fn of(object: &'a Object<'a>) -> Result<Members<'a>, Misread> {
        let mut names = HashSet::new();
        for member in &object.properties {
            if !names.insert(member.name.as_str()) {
                let range = member.name.range();
                let error: Misread = de::Error::custom(format!("the key `{}` stands twice", member.name.as_str()));
                return Err(error.within(range.start..range.end));
            }
        }
        Ok(Members { rest: object.properties.iter(), value: None })
    }
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misread> {
        let Some(member) = self.rest.next() else { return Ok(None) };
        self.value = Some(&member.value);
        let range = member.name.range();
        let key: de::value::StrDeserializer<'_, Misread> = member.name.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.within(range.start..range.end))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misread> {
        // Asked for after a key only.
        match self.value.take() {
            Some(value) => seed.deserialize(Node(value)),
            None => Err(de::Error::custom("a value without a key")),
        }
    }
}
