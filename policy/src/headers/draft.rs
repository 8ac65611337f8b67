//! The structured fields of the drafts: `RateLimit` as a dictionary (07) or a list (08 to 11), and `RateLimit-Policy`.
//!
//! A field that is no structured field says nothing (drafts 08 to 11: "malformed fields must be ignored"); a member that is no policy says
//! nothing either, and the others count.

use sfv::{BareItem, Dictionary, List, ListEntry, Parameters, Parser};

use super::SECOND;
use super::moment::{Moment, TimeForm};
use super::parse::{Family, Gathered, Sheet};

/// `RateLimit`.
pub(super) fn limits(sheet: &mut Sheet, value: &[u8]) -> Option<()> {
    let Ok(list) = Parser::new(value).parse::<List>() else {
        return dictionary(sheet, value);
    };
    for (name, parameters) in named(&list) {
        let (remaining, wait) = (number(parameters, "r"), number(parameters, "t"));
        if remaining.is_none() && wait.is_none() {
            sheet.ignored = sheet.ignored.saturating_add(1);
            continue;
        }
        let Some(limit) = sheet.limit(Family::Draft08, name) else {
            sheet.ignored = sheet.ignored.saturating_add(1);
            continue;
        };
        if let Some(remaining) = remaining {
            Gathered::at_most(&mut limit.remaining, remaining);
        }
        if let Some(wait) = wait {
            limit.reset.tell((Moment::In(nanos(wait)), TimeForm::Delta));
        }
    }
    Some(())
}

/// Draft 07's `RateLimit`.
fn dictionary(sheet: &mut Sheet, value: &[u8]) -> Option<()> {
    let members: Dictionary = Parser::new(value).parse().ok()?;
    let number = |key: &str| match members.get(key)? {
        ListEntry::Item(item) => integer(&item.bare_item),
        ListEntry::InnerList(_) => None,
    };
    let (quota, remaining, wait) = (number("limit"), number("remaining"), number("reset"));
    quota.or(remaining).or(wait)?;
    let limit = sheet.limit(Family::Draft07, "")?;
    if let Some(quota) = quota {
        Gathered::at_most(&mut limit.limit, quota);
    }
    if let Some(remaining) = remaining {
        Gathered::at_most(&mut limit.remaining, remaining);
    }
    if let Some(wait) = wait {
        limit.reset.tell((Moment::In(nanos(wait)), TimeForm::Delta));
    }
    Some(())
}

/// `RateLimit-Policy`: of 06 and 07 `100;w=60`, of 08 to 11 `"name";q=100;w=60`.
pub(super) fn policies(sheet: &mut Sheet, value: &[u8]) -> Option<()> {
    let list: List = Parser::new(value).parse().ok()?;
    for (name, parameters) in named(&list) {
        let quota = number(parameters, "q");
        let Some((quota, limit)) = quota.and_then(|quota| Some((quota, sheet.limit(Family::Draft08, name)?))) else {
            sheet.ignored = sheet.ignored.saturating_add(1);
            continue;
        };
        Gathered::at_most(&mut limit.limit, quota);
        if let Some(window) = number(parameters, "w") {
            Gathered::at_most(&mut limit.window, window_nanos(window));
        }
    }
    for entry in &list {
        if let ListEntry::Item(item) = entry
            && let Some(quota) = integer(&item.bare_item)
            && let Some(window) = number(&item.params, "w")
        {
            sheet.quota(quota, window_nanos(window));
        }
    }
    Some(())
}

/// The items that are named: strings, and tokens as some servers (and some examples of the drafts) write them.
fn named(list: &List) -> impl Iterator<Item = (&str, &Parameters)> {
    list.iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(name) => Some((name.as_str(), &item.params)),
            BareItem::Token(name) => Some((name.as_str(), &item.params)),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    })
}

fn number(parameters: &Parameters, key: &str) -> Option<u64> {
    integer(parameters.get(key)?)
}

/// An integer that is not negative.
fn integer(item: &BareItem) -> Option<u64> {
    match item {
        BareItem::Integer(number) => u64::try_from(i64::from(*number)).ok(),
        _ => None,
    }
}

fn nanos(seconds: u64) -> u128 {
    u128::from(seconds) * u128::from(SECOND)
}

fn window_nanos(seconds: u64) -> u64 {
    seconds.saturating_mul(SECOND)
}
