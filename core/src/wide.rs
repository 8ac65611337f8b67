//! One exact operation wider than 128 bits, for cold paths.

/// `ceil(a * m1 * m2 / (d1 * d2))`, exactly; `None` if it does not fit in 64 bits or a divisor is 0. `d1 * d2 < 2^127`.
pub(crate) fn mul_div_ceil(a: u64, [m1, m2]: [u64; 2], [d1, d2]: [u64; 2]) -> Option<u64> {
    let divisor = u128::from(d1) * u128::from(d2);
    if divisor == 0 {
        return None;
    }
    // The product as 64 high and 128 low bits.
    let ab = u128::from(a) * u128::from(m1);
    let low = u128::from(ab as u64) * u128::from(m2);
    let high = (ab >> 64) * u128::from(m2) + (low >> 64);
    let digits = [(high >> 64) as u64, high as u64, low as u64];
    let mut quotient: u128 = 0;
    let mut rest: u128 = 0;
    for digit in digits {
        for bit in (0..64).rev() {
            rest = rest << 1 | u128::from(digit >> bit & 1);
            if quotient >> 127 != 0 {
                return None;
            }
            quotient <<= 1;
            if rest >= divisor {
                rest -= divisor;
                quotient |= 1;
            }
        }
    }
    u64::try_from(quotient.checked_add(u128::from(rest != 0))?).ok()
}

/// A divisor that is never 0, said so that the compiler knows it too: then there is no panic for it to keep.
#[inline(always)]
pub(crate) const fn divisor(d: u64) -> u64 {
    if d == 0 { 1 } else { d }
}

#[cfg(test)]
mod tests {
    use super::mul_div_ceil;

    #[test]
    fn exact() {
        assert_eq!(mul_div_ceil(7, [3, 1], [2, 1]), Some(11));
        assert_eq!(mul_div_ceil(0, [3, 1], [2, 1]), Some(0));
        assert_eq!(mul_div_ceil(1, [1, 1], [0, 1]), None);
        assert_eq!(mul_div_ceil(u64::MAX, [1 << 62, 1 << 60], [1 << 62, 1 << 60]), Some(u64::MAX));
        assert_eq!(mul_div_ceil(u64::MAX, [1 << 62, 1 << 62], [1, 1]), None);
        assert_eq!(mul_div_ceil(u64::MAX, [2, 1], [2, 1]), Some(u64::MAX));
        assert_eq!(mul_div_ceil(u64::MAX, [u64::MAX, 3], [u64::MAX, 4]), Some(u64::MAX / 4 * 3 + 3));
    }
}
