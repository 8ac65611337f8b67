//! A policy out of quotas alone: `10/s; 100/min`, for each client.

use tidegate::{Algorithm, QuotaError, parse_list};

use crate::place::PolicyError;
use crate::policy::Policy;

/// A policy whose limits are the quotas of a text, each for every account, under one algorithm: GCRA if none is given, but fixed windows for
/// periods of the calendar, which know no other.
///
/// The id of a limit is its quota.
///
/// # Errors
/// Text that is no list of quotas, with the position in it; a quota that the algorithm cannot hold.
pub fn policy_of(quotas: &str, algorithm: Option<Algorithm>) -> Result<Policy, QuotaPolicyError> {
    let mut text = String::from("format = 1\n[provider]\nname = \"quotas\"\n");
    let mut ids: Vec<String> = Vec::new();
    let mut calendar = false;
    for quota in parse_list(quotas) {
        let quota = quota.map_err(QuotaPolicyError::Quota)?;
        let written = quota.to_string();
        let own = written.contains(" calendar ");
        calendar |= own;
        let algorithm = algorithm.unwrap_or(if own { Algorithm::FixedWindow } else { Algorithm::Gcra });
        let mut id = written.clone();
        while ids.contains(&id) {
            id.push_str(" again");
        }
        let window = if own { "calendar" } else { algorithm.name() };
        // Quotas are written without quotation marks.
        text.push_str(&format!(
            "[[limit]]\nid = \"{id}\"\nscope = \"account\"\nendpoints = [\"all\"]\nquota = \"{written}\"\nwindow = \"{window}\"\n"
        ));
        if own && algorithm != Algorithm::FixedWindow {
            // The core's own words for it.
            tidegate::Limiter::new(algorithm, quota).map_err(QuotaPolicyError::Quota)?;
        }
        ids.push(id);
    }
    if calendar {
        text.push_str(
            "[window.calendar]\nalgorithm = \"fixed-window\"\nanchor = \"calendar\"\nreading = \"as the quota says\"\n",
        );
    }
    Policy::from_toml(&text, "quotas").map_err(QuotaPolicyError::Policy)
}

/// Why quotas are no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaPolicyError {
    /// A quota is none, or its algorithm cannot hold it.
    Quota(QuotaError),
    /// The algorithm cannot hold a quota.
    Policy(PolicyError),
}

impl std::fmt::Display for QuotaPolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            QuotaPolicyError::Quota(error) => error.fmt(f),
            QuotaPolicyError::Policy(error) => f.write_str(error.message()),
        }
    }
}

impl std::error::Error for QuotaPolicyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_limits_by_their_own_name() {
        let policy = policy_of("10/s; 100/min burst 20; 10/s", None).unwrap();
        let ids: Vec<&str> = policy.limits().iter().map(|limit| limit.id()).collect();
        assert_eq!(ids, ["10/s", "100/min burst 20", "10/s again"]);
        let logs = policy_of("10/s", Some(Algorithm::SlidingLog)).unwrap();
        assert_eq!(logs.limits()[0].window().unwrap().algorithm(), Algorithm::SlidingLog);
        let day = policy_of("10 per calendar day in Europe/Paris", None).unwrap();
        assert_eq!(day.limits()[0].window().unwrap().algorithm(), Algorithm::FixedWindow);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |text: &str, algorithm| policy_of(text, algorithm).unwrap_err().to_string();
        assert!(told("10/s; x", None).starts_with("at position 6: expected a whole number"));
        assert!(told("2/ns", None).contains("one permit per nanosecond"));
        assert!(told("9 per calendar day", Some(Algorithm::Gcra)).contains("fixed-window"));
        assert!(policy_of("", None).is_err());
    }
}
