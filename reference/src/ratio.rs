//! One quotient of products, exactly.

/// `ceil(product(over) / product(under))`, `None` when it does not fit in 64 bits. Each factor is below `2^64`, at most
/// four above and three below, so 512 bits hold all of it.
pub(crate) fn ceil_ratio(over: &[u128], under: &[u128]) -> Option<u64> {
    let over = product(over);
    let enough = |x: u64| {
        let mut factors = under.to_vec();
        factors.push(x as u128);
        compare(&product(&factors), &over) != core::cmp::Ordering::Less
    };
    if !enough(u64::MAX) {
        return None;
    }
    if enough(0) {
        return Some(0);
    }
    let (mut less, mut full) = (0, u64::MAX);
    while full - less > 1 {
        let middle = less + (full - less) / 2;
        if enough(middle) {
            full = middle;
        } else {
            less = middle;
        }
    }
    Some(full)
}

/// Sixteen 32-bit digits, least first.
fn product(factors: &[u128]) -> [u128; 16] {
    let mut result = [0u128; 16];
    result[0] = 1;
    for factor in factors {
        let mut carry = 0u128;
        for digit in &mut result {
            // digit < 2^32, factor < 2^64, carry < 2^97
            let sum = *digit * factor + carry;
            *digit = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
    }
    result
}

fn compare(a: &[u128; 16], b: &[u128; 16]) -> core::cmp::Ordering {
    a.iter().rev().cmp(b.iter().rev())
}
